// Comparisons of numbers for all tests. A failure reports how many elements differ too much, and the worst one.

export interface Tolerance {
  abs: number;
  rel: number;
}

/**
 * Passes when |got - expected| <= abs + rel |expected| for every element. NaN equals NaN, an infinity only itself.
 * The worst element has the largest error as a multiple of its allowed error.
 */
export function expectClose(
  got: ArrayLike<number>,
  expected: ArrayLike<number>,
  { abs, rel, what = 'values' }: Tolerance & { what?: string },
): void {
  expectLength(got, expected, what, expectClose);
  let violations = 0;
  let worst = { index: 0, error: 0, allowed: 0, excess: 0 };
  for (let index = 0; index < expected.length; index++) {
    const g = got[index]!;
    const e = expected[index]!;
    if (g === e ? g !== 0 || Object.is(g, e) : Number.isNaN(g) && Number.isNaN(e)) continue;
    const error = Math.abs(g - e);
    const allowed = abs + rel * Math.abs(e);
    if (error <= allowed && Number.isFinite(e)) continue;
    violations++;
    const excess = Number.isFinite(error) ? error / allowed : Number.POSITIVE_INFINITY;
    if (violations === 1 || excess > worst.excess) worst = { index, error, allowed, excess };
  }
  if (violations === 0) return;
  const { index, error, allowed, excess } = worst;
  fail(
    `${what}: ${violations} of ${expected.length} beyond abs ${abs} + rel ${rel}; worst at index ${index}: ` +
      `got ${got[index]}, expected ${expected[index]}, error ${error.toPrecision(3)}, ` +
      `${excess.toPrecision(3)} times the ${allowed.toPrecision(3)} allowed`,
    expectClose,
  );
}

/** Passes when every element has the same bits as a float32; +0 and -0 differ. */
export function expectBits(got: ArrayLike<number>, expected: ArrayLike<number>, what = 'values'): void {
  expectLength(got, expected, what, expectBits);
  const gotBits = new Uint32Array(new Float32Array(got).buffer);
  const expectedBits = new Uint32Array(new Float32Array(expected).buffer);
  const different: number[] = [];
  for (let index = 0; index < expectedBits.length; index++) {
    if (gotBits[index] !== expectedBits[index]) different.push(index);
  }
  if (different.length === 0) return;
  const index = different[0]!;
  const show = (value: number, bits: number) => `${Object.is(value, -0) ? '-0' : value} (0x${bits.toString(16)})`;
  fail(
    `${what}: ${different.length} of ${expected.length} differ in bits; first at index ${index}: ` +
      `got ${show(got[index]!, gotBits[index]!)}, expected ${show(expected[index]!, expectedBits[index]!)}`,
    expectBits,
  );
}

type Comparator = typeof expectClose | typeof expectBits;

function expectLength(got: ArrayLike<number>, expected: ArrayLike<number>, what: string, caller: Comparator): void {
  if (got.length !== expected.length) fail(`${what}: got ${got.length} elements, expected ${expected.length}`, caller);
}

/** Throws with a stack that starts at the caller of the comparator, so that a report shows the line of the test. */
function fail(message: string, comparator: Comparator): never {
  const error = new Error(message);
  Error.captureStackTrace?.(error, comparator);
  throw error;
}
