import { type Tensor, tensor } from 'lstm-wasm';

/** The input is a curve that repeats without end. The target is its next value. */
export function* batches({
  batch,
  timeSteps,
  series,
}: {
  batch: number;
  timeSteps: number;
  series: ArrayLike<number>;
}): Generator<{ xs: Tensor; ys: Tensor }, never, void> {
  const at = (n: number) => series[n % series.length]!;
  for (let start = 0; ; start += timeSteps) {
    const count = batch * timeSteps;
    const xs = Float32Array.from({ length: count }, (_, i) => at(start + i));
    const ys = Float32Array.from({ length: count }, (_, i) => at(start + i + 1));
    yield { xs: tensor(xs, [batch, timeSteps, 1]), ys: tensor(ys, [batch, timeSteps, 1]) };
  }
}
