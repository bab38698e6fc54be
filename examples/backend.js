/**
 * Code shared by the examples: the library they run with, their flags, progress, and the final check.
 *
 * The examples run with lstm-wasm; with `--tfjs` the same source runs with TensorFlow.js on its plain JavaScript backend, with
 * `--tfjs wasm` on its WebAssembly backend.
 */

/**
 * @typedef {typeof import('lstm-wasm')} Library
 * @typedef {{ xs: import('lstm-wasm').Tensor, ys: import('lstm-wasm').Tensor }} Batch
 *
 * @typedef {object} Backend
 * @property {Library} tf the library
 * @property {string} name
 * @property {boolean} quick a small run with a fixed seed, for tests
 * @property {(name: string, defaultValue: string) => string} flag the value of `--name value`
 */

/**
 * @param {number} seed of initial weights and shuffling, unless `--seed` sets another
 * @returns {Promise<Backend>}
 */
export async function backend(seed) {
  const args = process.argv.slice(2);
  /** @type {Backend['flag']} */
  const flag = (name, defaultValue) => args[args.indexOf(`--${name}`) + 1 || args.length] ?? defaultValue;
  const quick = args.includes('--quick');
  const chosenSeed = Number(flag('seed', `${seed}`));
  const kernels = flag('tfjs', 'cpu') === 'wasm' ? 'wasm' : 'cpu';
  const tf = args.includes('--tfjs') ? await tfjs(chosenSeed, kernels) : await ours(chosenSeed);
  const name = args.includes('--tfjs') ? 'TensorFlow.js' : 'lstm-wasm';
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
 * @param {'cpu' | 'wasm'} kernels
 * @returns {Promise<Library>}
 */
async function tfjs(seed, kernels) {
  const { loadTfjs } = await import('../scripts/tfjs.js');
  Math.random = random(seed); // TF.js takes its seeds from it
  return loadTfjs(kernels);
}

/**
 * A dataset for fitDataset that starts again in each iteration: an iterable for lstm-wasm, with the `iterator` method that
 * TF.js calls on a `tf.data.Dataset`.
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
 * Starts a clock that counts the processor time of this process, which other programs on the machine change little.
 * @returns {() => number} the seconds since the start
 */
export function processorTime() {
  const start = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1e6;
  };
}

/**
 * Prints the final result of an example, and sets exit code 1 if it does not meet its requirement.
 * @param {string} what @param {number} value @param {'at least' | 'at most'} rule @param {number} limit
 */
export function judge(what, value, rule, limit) {
  const passed = rule === 'at least' ? value >= limit : value <= limit;
  console.log(`\n${what}: ${value.toFixed(3)} (required: ${rule} ${limit})`);
  if (passed) return;
  console.error('The result does not meet the requirement.');
  process.exitCode = 1;
}

/**
 * Shows a line of progress: updated in place in a terminal; elsewhere only the last line is printed.
 * @param {string} text @param {boolean} last
 */
export function progress(text, last) {
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[2K${text}${last ? '\n' : ''}`);
  else if (last) console.log(text);
}
