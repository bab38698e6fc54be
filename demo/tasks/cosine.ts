import { sineCosine } from 'lstm-wasm/data';

/** The seed program's own: a sine goes in, its cosine is to come out. */
export function batches({ batch, timeSteps }: { batch: number; timeSteps: number }) {
  return sineCosine({ batchSize: batch, timeSteps });
}
