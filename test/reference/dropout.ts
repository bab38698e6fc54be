// Which numbers a dropout layer keeps: SplitMix64 from the seed of the layer and the number of the batch.

const MASK = (1n << 64n) - 1n;
const GOLDEN = 0x9e3779b97f4a7c15n;

/** The bits of a seed that the kernels see. */
export const seedBits = (seed: number) => Number(BigInt.asIntN(32, BigInt(seed) ^ (BigInt(seed) >> 32n)));

/** n factors: 0 with the probability `rate`, else 1 / (1 - rate). */
export function dropoutMask(n: number, seed: number, batch: number, rate: number): Float32Array {
  let state = BigInt(batch);
  const next = () => {
    state = (state + GOLDEN) & MASK;
    let z = state;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
    return z ^ (z >> 31n);
  };
  state = (next() + BigInt.asUintN(32, BigInt(seed))) & MASK;
  state = next();

  const share = Math.fround(rate);
  const least = BigInt(Math.floor(share * 2 ** 32));
  const kept = Math.fround(1 / (1 - share));
  const mask = new Float32Array(n);
  for (let i = 0; i < n; i += 2) {
    const bits = next();
    mask[i] = (bits & 0xffff_ffffn) < least ? 0 : kept;
    if (i + 1 < n) mask[i + 1] = bits >> 32n < least ? 0 : kept;
  }
  return mask;
}
