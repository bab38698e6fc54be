/**
 * Measures the peak speed of the machine: multiplications and additions in registers, four lanes at a time, in a WebAssembly
 * loop that is encoded here byte by byte. The strict build multiplies, rounds, adds and rounds; the relaxed build fuses.
 *
 * There are two forms with twelve independent sums each, and the faster one counts. `ring` adds to each sum its neighbour
 * times a factor, as in a matrix product, so that the compiler cannot reuse a product. `chain` multiplies each sum by a
 * factor and adds a constant, which needs one register less.
 */

const F32X4 = 0x7b;
const I32 = 0x7f;

/** @type {(value: number) => number[]} an unsigned LEB128 */
const uint = value => (value < 128 ? [value] : [(value & 127) | 128, ...uint(value >>> 7)]);
/** @type {(op: number) => number[]} */
const simd = op => [0xfd, ...uint(op)];
/** @type {(bytes: number[]) => number[]} */
const sized = bytes => [...uint(bytes.length), ...bytes];
/** @type {(id: number, bytes: number[]) => number[]} */
const section = (id, bytes) => [id, ...sized(bytes)];
/** @type {(value: number) => number[]} */
const splat = value => [0x43, ...new Uint8Array(new Float32Array([value]).buffer), ...simd(0x13)];
/** @type {(local: number) => number[]} */
const get = local => [0x20, local];
/** @type {(local: number) => number[]} */
const set = local => [0x21, local];

const MUL = simd(0xe6);
const ADD = simd(0xe4);
const MADD = simd(0x105);
const COUNTER = 0;
const ITERATIONS = 100_000;

/** @type {(count: number) => number[]} */
const range = count => Array.from({ length: count }, (_, n) => n);

const SUMS = 12;
const FACTOR = SUMS + 1;
const SUMMAND = SUMS + 2;

/** The sums are locals 1 to 12. @param {boolean} fused */
function ring(fused) {
  return range(SUMS).flatMap(n => {
    const [sum, neighbour] = [get(1 + n), get(1 + ((n + 1) % SUMS))];
    return fused
      ? [...neighbour, ...get(FACTOR), ...sum, ...MADD, ...set(1 + n)]
      : [...sum, ...neighbour, ...get(FACTOR), ...MUL, ...ADD, ...set(1 + n)];
  });
}

/** @param {boolean} fused */
function chain(fused) {
  return range(SUMS).flatMap(n => {
    const product = [...get(1 + n), ...get(FACTOR)];
    return [...product, ...(fused ? [] : MUL), ...get(SUMMAND), ...(fused ? MADD : ADD), ...set(1 + n)];
  });
}

/**
 * Returns a module whose `run(iterations)` repeats the body.
 * @param {number[]} body
 */
function assemble(body) {
  // The sums stay near 1: a ring grows by at most a factor of e, and a chain converges to 1.
  const start = range(SUMS).flatMap(n => [...splat(1 + n / 16), ...set(1 + n)]);
  const constants = [...splat(1 / ITERATIONS), ...set(FACTOR), ...splat(1 - 1 / ITERATIONS), ...set(SUMMAND)];
  const total = [...get(1), ...range(SUMS - 1).flatMap(n => [...get(2 + n), ...ADD])];
  const repeat = [...get(COUNTER), 0x41, 1, 0x6b, 0x22, COUNTER, 0x0d, 0];
  const code = [
    ...uint(1),
    ...[...uint(SUMMAND), F32X4],
    ...start,
    ...constants,
    ...[0x03, 0x40, ...body, ...repeat, 0x0b],
    ...[...total, ...simd(0x1f), 0],
    0x0b,
  ];
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 1, I32, 1, 0x7d]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...sized([...Buffer.from('run')]), 0, 0]),
    ...section(10, [1, ...sized(code)]),
  ]);
}

/** @typedef {{ name: string, build: 'strict' | 'relaxed', flops: number, run: () => unknown }} Peak flops: operations per run */

/**
 * The loops that this engine supports; those of the relaxed build need relaxed SIMD.
 * @returns {Peak[]}
 */
export function peaks() {
  /** @type {['strict' | 'relaxed', string, number[]][]} */
  const loops = [
    ['strict', 'ring', ring(false)],
    ['strict', 'chain', chain(false)],
    ['relaxed', 'ring', ring(true)],
    ['relaxed', 'chain', chain(true)],
  ];
  return loops.flatMap(([build, form, body]) => {
    const bytes = assemble(body);
    if (!WebAssembly.validate(bytes)) {
      if (build === 'strict') throw new Error(`the ${form} loop is not valid WebAssembly`);
      return [];
    }
    const { run } = /** @type {{ run(iterations: number): number }} */ (
      /** @type {unknown} */ (new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports)
    );
    return [{ name: `${build} ${form}`, build, flops: ITERATIONS * SUMS * 8, run: () => run(ITERATIONS) }];
  });
}
