/** A network in the worker: one that trains, and a view of it that predicts without touching the states of training. */

import type { Tensor } from 'lstm-wasm';
import type { Host, RemoteSequential } from 'lstm-wasm/worker';
import { makeModel } from './model.ts';
import type { Settings } from './settings.ts';
import type { Batch, Task } from './tasks/index.ts';

/** What a network predicts for a few batches, one after the other. */
export interface View {
  readonly prediction: Float32Array;
  /** The output h of the last recurrent layer, [T, U] row by row; null if it was not requested. */
  readonly units: Float32Array | null;
}

export class Network {
  readonly model: RemoteSequential;
  /** Has the same weights, and states of its own. */
  readonly #viewer: RemoteSequential;
  readonly #layer: string;
  readonly #stateful: boolean;

  private constructor(model: RemoteSequential, viewer: RemoteSequential, layer: string, stateful: boolean) {
    this.model = model;
    this.#viewer = viewer;
    this.#layer = layer;
    this.#stateful = stateful;
  }

  static async make(host: Host, settings: Settings, task: Task, viewerBatch: number): Promise<Network> {
    const model = await makeModel(host, settings, task);
    const viewer = await model.withBatchSize(viewerBatch);
    const { layers } = (await model.getConfig()) as unknown as { layers: { config: { name: string } }[] };
    return new Network(model, viewer, layers[settings.layers - 1]!.config.name, settings.stateful);
  }

  async train({ xs, ys }: Batch, transfer: boolean): Promise<number> {
    return (await this.model.trainOnBatch(xs, ys, { transfer })) as number;
  }

  /** Predicts the batch that is trained next, from the states of training. */
  async lookAhead(xs: Tensor, withUnits: boolean): Promise<View> {
    if (this.#stateful) {
      // Training continues while the states are fetched.
      const states = await this.model.getStates();
      ignore(this.#viewer.setStates(states));
    }
    return this.#predict([xs], withUnits);
  }

  /** Predicts fixed batches, from states of zero; `warm` are predicted first and not returned. */
  async lookAt(warm: readonly Tensor[], shown: readonly Tensor[], withUnits: boolean): Promise<View> {
    if (this.#stateful) ignore(this.#viewer.resetStates());
    for (const xs of warm) ignore(this.#viewer.predictOnBatch(xs));
    return this.#predict(shown, withUnits);
  }

  async #predict(batches: readonly Tensor[], withUnits: boolean): Promise<View> {
    // Calls run in this order: `inspect` starts from the states before the batch and leaves them as they were.
    const calls = batches.map(xs => ({
      units: withUnits ? this.#viewer.inspect(this.#layer, xs) : null,
      answer: this.#viewer.predictOnBatch<Tensor>(xs),
    }));
    for (const { units, answer } of calls) {
      if (units) ignore(units);
      ignore(answer);
    }
    const prediction = join(await Promise.all(calls.map(async ({ answer }) => floats(await answer))));
    if (!withUnits) return { prediction, units: null };
    return { prediction, units: join(await Promise.all(calls.map(async ({ units }) => floats((await units)!.h)))) };
  }

  dispose(): void {
    ignore(this.#viewer.dispose());
    ignore(this.model.dispose());
  }
}

/** A failure is reported by the call after it, which is awaited. */
function ignore(call: Promise<unknown>): void {
  call.catch(() => {});
}

export const floats = (tensor: { dataSync(): ArrayLike<number> }) => tensor.dataSync() as Float32Array;

export function join(parts: readonly Float32Array[]): Float32Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
