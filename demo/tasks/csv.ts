import { type Tensor, tensor } from 'lstm-wasm';
import { minMax } from 'lstm-wasm/data';

/**
 * What comes next in a series, at every point of it. The rows of a batch begin at places spread over the series, and
 * each goes on where it has stopped; at the end of the series it goes back to the beginning.
 */
export function* batches({
  batch,
  timeSteps,
  series,
}: {
  batch: number;
  timeSteps: number;
  series: ArrayLike<number>;
}): Generator<{ xs: Tensor; ys: Tensor }, never, void> {
  const scaled = minMax(Float32Array.from(series), { range: [-1, 1] })
    .transform(Float32Array.from(series))
    .dataSync();
  // No row runs over the end, unless the series is shorter than a row
  const places = Math.max(1, scaled.length - timeSteps);
  for (let step = 0; ; step++) {
    const xs = new Float32Array(batch * timeSteps);
    const ys = new Float32Array(batch * timeSteps);
    for (let b = 0; b < batch; b++) {
      const start = (Math.floor((b * places) / batch) + step * timeSteps) % places;
      for (let t = 0; t < timeSteps; t++) {
        xs[b * timeSteps + t] = scaled[(start + t) % scaled.length]!;
        ys[b * timeSteps + t] = scaled[(start + t + 1) % scaled.length]!;
      }
    }
    yield { xs: tensor(xs, [batch, timeSteps, 1]), ys: tensor(ys, [batch, timeSteps, 1]) };
  }
}
