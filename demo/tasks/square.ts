import { type Tensor, tensor } from 'lstm-wasm';

type Batches = Generator<{ xs: Tensor; ys: Tensor }, never, void>;

/** Time steps in a period. */
const period = 64;

/** The input is a square wave, and the target is the sine of the same period. */
export function* batches({ batch, timeSteps }: { batch: number; timeSteps: number }): Batches {
  const angles = Float32Array.from({ length: period }, (_, i) => (2 * Math.PI * i) / period);
  const sine = tensor(angles).sin().dataSync();
  for (let start = 0; ; start += timeSteps) {
    const [xs, ys] = [new Float32Array(batch * timeSteps), new Float32Array(batch * timeSteps)];
    for (let i = 0; i < xs.length; i++) {
      const place = (start + i) % period;
      xs[i] = place < period / 2 ? 1 : -1;
      ys[i] = sine[place]!;
    }
    yield { xs: tensor(xs, [batch, timeSteps, 1]), ys: tensor(ys, [batch, timeSteps, 1]) };
  }
}
