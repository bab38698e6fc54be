import { sineCosine } from 'lstm-wasm/data';

/** The task of the seed program: the input is a sine, the target its cosine. */
export function batches({ batch, timeSteps }: { batch: number; timeSteps: number }) {
  return sineCosine({ batchSize: batch, timeSteps });
}
