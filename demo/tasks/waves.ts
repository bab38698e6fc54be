import { type Tensor, tensor } from 'lstm-wasm';

type Batches = Generator<{ xs: Tensor; ys: Tensor }, never, void>;

/** Time steps in a period of either wave. */
const slow = 200;
const fast = 31;

/** A slow and a fast sine, mixed, go in; the slow one alone is to come out. */
export function* batches({ batch, timeSteps }: { batch: number; timeSteps: number }): Batches {
  const count = batch * timeSteps;
  for (let start = 0; ; start += timeSteps) {
    const [low, high] = [sine(start, count, slow), sine(start, count, fast)];
    const mixed = low.map((value, i) => 0.6 * value + 0.4 * high[i]!);
    yield {
      xs: tensor(mixed, [batch, timeSteps, 1]),
      ys: tensor(low, [batch, timeSteps, 1]),
    };
  }
}

function sine(start: number, count: number, period: number): Float32Array {
  const angles = Float32Array.from({ length: count }, (_, i) => (2 * Math.PI * ((start + i) % period)) / period);
  return tensor(angles).sin().dataSync() as Float32Array;
}
