import { type Tensor, tensor } from 'lstm-wasm';

type Batches = Generator<{ xs: Tensor; ys: Tensor }, never, void>;

/** How often a number is marked. */
const share = 0.05;

/**
 * Random numbers from -1 to 1, and a second input that marks one in twenty. The target is the number marked last. Each
 * row continues the same row of the batch before.
 */
export function* batches({ batch, timeSteps, seed }: { batch: number; timeSteps: number; seed: number }): Batches {
  const random = mulberry32(seed);
  const held = new Float32Array(batch);
  while (true) {
    const [xs, ys] = [new Float32Array(2 * batch * timeSteps), new Float32Array(batch * timeSteps)];
    for (let i = 0; i < ys.length; i++) {
      const row = Math.floor(i / timeSteps);
      xs[2 * i] = 2 * random() - 1;
      if (random() < share) {
        xs[2 * i + 1] = 1;
        held[row] = xs[2 * i]!;
      }
      ys[i] = held[row]!;
    }
    yield { xs: tensor(xs, [batch, timeSteps, 2]), ys: tensor(ys, [batch, timeSteps, 1]) };
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
