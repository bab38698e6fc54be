import { type Tensor, tensor } from 'lstm-wasm';

type Batches = Generator<{ xs: Tensor; ys: Tensor }, never, void>;

/** Time steps in a period of each wave. */
const slow = 200;
const fast = 31;

/** The input is the sum of a slow and a fast sine, and the target is the slow one. */
export function* batches({ batch, timeSteps }: { batch: number; timeSteps: number }): Batches {
  const [low, high] = [wave(slow), wave(fast)];
  for (let start = 0; ; start += timeSteps) {
    const [xs, ys] = [new Float32Array(batch * timeSteps), new Float32Array(batch * timeSteps)];
    for (let i = 0; i < xs.length; i++) {
      ys[i] = low[(start + i) % slow]!;
      xs[i] = 0.6 * ys[i]! + 0.4 * high[(start + i) % fast]!;
    }
    yield { xs: tensor(xs, [batch, timeSteps, 1]), ys: tensor(ys, [batch, timeSteps, 1]) };
  }
}

/** A period of a sine. */
function wave(period: number) {
  const angles = Float32Array.from({ length: period }, (_, i) => (2 * Math.PI * i) / period);
  return tensor(angles).sin().dataSync();
}
