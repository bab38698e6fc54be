import { type Tensor, tensor } from 'lstm-wasm';

type Batches = Generator<{ xs: Tensor; ys: Tensor }, never, void>;

/** Time steps in a period of the wave, and the standard deviation of the noise upon it. */
const period = 25;
const noise = 0.2;

/** A noisy wave goes in, each row from a place of its own on; the next value is asked for, noise and all. */
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

/** Near enough to a normal distribution: a number between 0 and 1 has a variance of 1/12, the sum of three 1/4. */
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
