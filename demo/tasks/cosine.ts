import { sineCosine } from 'lstm-wasm/data';

/** The input is a sine, and the target is its cosine. */
export function batches({ batch, timeSteps }: { batch: number; timeSteps: number }) {
  return sineCosine({ batchSize: batch, timeSteps });
}
