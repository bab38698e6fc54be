/**
 * What the examples share: the library they run on, their flags, and how they end.
 *
 * They are programs for TensorFlow.js. They run on lstm-wasm; with `--tfjs` the very same source runs on TF.js.
 */

/**
 * @typedef {typeof import('lstm-wasm')} Library
 * @typedef {{ xs: import('lstm-wasm').Tensor, ys: import('lstm-wasm').Tensor }} Batch
 *
 * @typedef {object} Backend
 * @property {Library} tf the library, under the name its users give it
 * @property {string} name
 * @property {boolean} quick a small run with a fixed seed, for tests
 * @property {(name: string, usual: string) => string} flag the value of `--name value`
 */

/**
 * @param {number} seed fixes initial weights and shuffles, unless `--seed` gives another
 * @returns {Promise<Backend>}
 */
export async function backend(seed) {
  const words = process.argv.slice(2);
  /** @type {Backend['flag']} */
  const flag = (name, usual) => words[words.indexOf(`--${name}`) + 1 || words.length] ?? usual;
  const quick = words.includes('--quick');
  const own = Number(flag('seed', `${seed}`));
  const tf = words.includes('--tfjs') ? await tfjs(own) : await ours(own);
  const name = words.includes('--tfjs') ? 'TensorFlow.js' : 'lstm-wasm';
  return { tf, name, quick, flag };
}

/** @param {number} seed */
async function ours(seed) {
  const { ready } = await import('../scripts/ready.js');
  await ready();
  const lw = await import('lstm-wasm');
  lw.setRandomSeed(seed);
  return lw;
}

/**
 * @param {number} seed
 * @returns {Promise<Library>}
 */
async function tfjs(seed) {
  const { loadTfjs } = await import('../scripts/tfjs.js');
  Math.random = random(seed); // where TF.js takes its seeds from
  return loadTfjs();
}

/**
 * Batches for fitDataset, again from the start each time they are asked for: an iterable, as lstm-wasm takes it, which
 * is also what `fitDataset` of TF.js looks for in a `tf.data.Dataset`.
 * @param {() => Iterator<Batch>} batches
 */
export function dataset(batches) {
  return {
    [Symbol.iterator]: batches,
    async iterator() {
      const iterator = batches();
      return { next: async () => iterator.next() };
    },
  };
}

/**
 * Uniform numbers in [0, 1), the same for the same seed (mulberry32).
 * @param {number} seed
 */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * The last line of an example: what was measured, and whether that is learning.
 * @param {string} what @param {number} value @param {'at least' | 'at most'} rule @param {number} limit
 */
export function judge(what, value, rule, limit) {
  const learned = rule === 'at least' ? value >= limit : value <= limit;
  console.log(`\n${what}: ${value.toFixed(3)} (${rule} ${limit} is asked for)`);
  if (learned) return;
  console.error('It has not learned enough.');
  process.exitCode = 1;
}

/**
 * A line of progress: it moves in a terminal, and is printed now and then elsewhere.
 * @param {string} text @param {boolean} last
 */
export function progress(text, last) {
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[2K${text}${last ? '\n' : ''}`);
  else if (last) console.log(text);
}
