import { type Tensor, tensor } from 'lstm-wasm';

type Batches = Generator<{ xs: Tensor; ys: Tensor }, never, void>;

/** Time steps in a period of the wave, and the standard deviation of its noise. */
const period = 25;
const noise = 0.2;

/** The input is a noisy wave, which starts at another phase in each row. The target is its next value, noise included. */
export function* batches({ batch, timeSteps, seed }: { batch: number; timeSteps: number; seed: number }): Batches {
  const random = mulberry32(seed);
  const angles = Float32Array.from({ length: period }, (_, i) => (2 * Math.PI * i) / period);
  const wave = tensor(angles).sin().dataSync();
  const places = Array.from({ length: batch }, () => Math.floor(random() * period));
  /** The next value of row b. */
  const next = (b: number) => {
    places[b] = (places[b]! + 1) % period;
    return 0.9 * wave[places[b]!]! + noise * normal(random);
  };
  const latest = places.map((_, b) => next(b));
  while (true) {
    const [xs, ys] = [new Float32Array(batch * timeSteps), new Float32Array(batch * timeSteps)];
    for (let i = 0; i < xs.length; i++) {
      const b = Math.floor(i / timeSteps);
      xs[i] = latest[b]!;
      ys[i] = latest[b] = next(b);
    }
    yield { xs: tensor(xs, [batch, timeSteps, 1]), ys: tensor(ys, [batch, timeSteps, 1]) };
  }
}

/** Nearly normal: a uniform number between 0 and 1 has a variance of 1/12, and the sum of three has 1/4. */
const normal = (random: () => number) => 2 * (random() + random() + random() - 1.5);

function mulberry32(seed: number) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}
