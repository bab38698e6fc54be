import { type Tensor, tensor } from 'lstm-wasm';

type Batches = Generator<{ xs: Tensor; ys: Tensor }, never, void>;

/** Time steps in a period. */
const period = 64;

/** A square wave goes in, which only says up or down; the sine of the same beat is to come out. */
export function* batches({ batch, timeSteps }: { batch: number; timeSteps: number }): Batches {
  for (let start = 0; ; start += timeSteps) {
    const places = Float32Array.from({ length: batch * timeSteps }, (_, i) => ((start + i) % period) / period);
    const sine = tensor(places.map(place => 2 * Math.PI * place)).sin();
    yield {
      xs: tensor(
        places.map(place => (place < 0.5 ? 1 : -1)),
        [batch, timeSteps, 1],
      ),
      ys: tensor(sine.dataSync(), [batch, timeSteps, 1]),
    };
  }
}
