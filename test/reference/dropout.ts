// The random numbers of dropout and noise layers: SplitMix64 from the seed of the layer and the number of the batch.

const MASK = (1n << 64n) - 1n;
const GOLDEN = 0x9e3779b97f4a7c15n;

/** The bits of a seed that the kernels see. */
export const seedBits = (seed: number) => Number(BigInt.asIntN(32, BigInt(seed) ^ (BigInt(seed) >> 32n)));

/** A stream of 64 random bits each. */
function bitsOf(seed: number, batch: number): () => bigint {
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
  return next;
}

/** n factors: 0 with the probability `rate`, else 1 / (1 - rate). */
export function dropoutMask(n: number, seed: number, batch: number, rate: number): Float32Array {
  const next = bitsOf(seed, batch);
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

/** n normal numbers, two from each point of the unit disk (Marsaglia). */
export function normalNumbers(n: number, seed: number, batch: number, mean: number, deviation: number): Float32Array {
  const next = bitsOf(seed, batch);
  const coordinate = () => 2 * (Number(next() >> 11n) / 2 ** 53) - 1;
  const numbers: number[] = [];
  while (numbers.length < n) {
    const [u, v] = [coordinate(), coordinate()];
    const s = u * u + v * v;
    if (s >= 1 || s === 0) continue;
    const scale = Math.sqrt((-2 * Math.log(s)) / s);
    numbers.push(mean + Math.fround(deviation) * u * scale, mean + Math.fround(deviation) * v * scale);
  }
  return Float32Array.from(numbers.slice(0, n));
}
