/** The network and its data: the program the page shows, one step at a time. Nothing here knows the page. */

import { layers, type Sequential, sequential, type Tensor, train } from 'lstm-wasm';
import { sineCosine } from 'lstm-wasm/data';

export const batchSize = 50;
export const timeSteps = 20;

export class Trainer {
  readonly #model: Sequential = sequential();
  readonly #batches = sineCosine({ batchSize, timeSteps });
  #batch = this.#batches.next().value;
  /** The states in which the model met the current batch. */
  #before: Tensor[][];
  #steps = 0;

  constructor() {
    const batchInputShape = [batchSize, timeSteps, 1];
    this.#model.add(layers.lstm({ units: 20, returnSequences: true, stateful: true, batchInputShape }));
    this.#model.add(layers.timeDistributed({ layer: layers.dense({ units: 1 }) }));
    this.#model.compile({ optimizer: train.adam(0.006), loss: 'meanSquaredError' });
    this.#before = this.#model.getStates();
  }

  /** Steps trained so far. */
  get steps(): number {
    return this.#steps;
  }

  /** Where in the endless row of points the current batch begins. */
  get start(): number {
    return Math.max(0, this.#steps - 1) * timeSteps;
  }

  get weights(): number {
    return this.#model.countParams();
  }

  /** One step of training on the next batch; returns the cost before it. */
  step(): number {
    if (this.#steps > 0) this.#batch = this.#batches.next().value;
    this.#before = this.#model.getStates();
    const cost = this.#model.trainOnBatch(this.#batch.xs, this.#batch.ys) as number;
    this.#steps++;
    return cost;
  }

  /**
   * What the weights make of the current batch, and what it should have been. Predicting starts from the states that
   * training started from and leaves no trace, so that it does not matter how often anybody looks.
   */
  look(): { target: Float32Array; prediction: Float32Array } {
    const after = this.#model.getStates();
    this.#model.setStates(this.#before);
    const prediction = this.#model.predict(this.#batch.xs, { batchSize }).dataSync();
    this.#model.setStates(after);
    return { target: this.#batch.ys.dataSync(), prediction };
  }

  dispose(): void {
    this.#model.dispose();
  }
}
