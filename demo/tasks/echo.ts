import { type Tensor, tensor } from 'lstm-wasm';

type Batches = Generator<{ xs: Tensor; ys: Tensor }, never, void>;

/** Time steps from a number to its echo. */
const delay = 5;

/** The input is random numbers from -1 to 1. The target is the number of a few time steps before, in each row. */
export function* batches({ batch, timeSteps, seed }: { batch: number; timeSteps: number; seed: number }): Batches {
  const random = mulberry32(seed);
  /** The last numbers of each row, which are the next targets. */
  const waiting = Array.from({ length: batch }, () => new Array<number>(delay).fill(0));
  while (true) {
    const [xs, ys] = [new Float32Array(batch * timeSteps), new Float32Array(batch * timeSteps)];
    for (let i = 0; i < xs.length; i++) {
      const row = waiting[Math.floor(i / timeSteps)]!;
      xs[i] = 2 * random() - 1;
      row.push(xs[i]!);
      ys[i] = row.shift()!;
    }
    yield { xs: tensor(xs, [batch, timeSteps, 1]), ys: tensor(ys, [batch, timeSteps, 1]) };
  }
}

function mulberry32(seed: number) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}
