import { type Tensor, tensor } from 'lstm-wasm';

type Batches = Generator<{ xs: Tensor; ys: Tensor }, never, void>;

/** The damping of a time step, and the range of the periods. */
const left = 0.965;
const periods = [10, 30] as const;

/** Each row is a damped oscillation with its own phase and period. The target is its next value. */
export function* batches({ batch, timeSteps, seed }: { batch: number; timeSteps: number; seed: number }): Batches {
  const random = mulberry32(seed);
  const [shortest, longest] = periods;
  while (true) {
    const phases = Float32Array.from({ length: batch }, () => 2 * Math.PI * random());
    const turns = Float32Array.from({ length: batch }, () => {
      return (2 * Math.PI) / (shortest + (longest - shortest) * random());
    });
    const [x0, y0] = [tensor(phases).cos().dataSync(), tensor(phases).sin().dataSync()];
    const [x1, y1] = [tensor(turns).cos().dataSync(), tensor(turns).sin().dataSync()];
    const [xs, ys] = [new Float32Array(batch * timeSteps), new Float32Array(batch * timeSteps)];
    for (let b = 0; b < batch; b++) {
      let [x, y] = [x0[b]!, y0[b]!];
      const [c, s] = [left * x1[b]!, left * y1[b]!];
      for (let i = b * timeSteps; i < (b + 1) * timeSteps; i++) {
        xs[i] = x;
        [x, y] = [x * c - y * s, x * s + y * c]; // a rotation with damping
        ys[i] = x;
      }
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
