// Shared by the tests of the training loop: small models, small data sets, and callbacks that record their calls.

import {
  Callback,
  type CustomCallbackArgs,
  type Logs,
  layers,
  type Sequential,
  sequential,
  type TensorLike,
  tensor,
  train,
} from 'lstm-wasm';
import { Random } from '../reference/random.ts';

/** Options of fit without output and without yielding to the event loop. */
export const quiet = { verbose: 0, yieldEvery: 'never' } as const;

/** A compiled model of any batch size: samples [T, 2] in, one number out. */
export function small({
  rate = 0.01,
  units = 4,
  seed,
}: {
  rate?: number;
  units?: number;
  seed?: number;
} = {}): Sequential {
  const model = sequential({
    seed,
    layers: [layers.lstm({ units, inputShape: [null, 2] }), layers.dense({ units: 1 })],
  });
  model.compile({ optimizer: train.adam(rate), loss: 'meanSquaredError' });
  return model;
}

/** A compiled stateful model with batches of two samples and two time steps. */
export function stateful(): Sequential {
  const model = sequential({
    layers: [layers.lstm({ units: 3, stateful: true, batchInputShape: [2, 2, 2] }), layers.dense({ units: 1 })],
  });
  model.compile({ optimizer: train.adam(0.01), loss: 'meanSquaredError' });
  return model;
}

export interface Data {
  x: Float32Array;
  y: Float32Array;
  /** The samples from index `from` to before `to`, as tensors. */
  part(from: number, to: number): { xs: TensorLike; ys: TensorLike };
}

/** Random samples [steps, 2] with one target each, the same for the same seed. */
export function data(samples: number, steps = 3, seed = 1): Data & { xs: TensorLike; ys: TensorLike } {
  const random = new Random(seed);
  const x = Float32Array.from({ length: samples * steps * 2 }, () => random.normal());
  const y = Float32Array.from({ length: samples }, () => random.normal());
  const part = (from: number, to: number) => ({
    xs: tensor(x.slice(from * steps * 2, to * steps * 2), [to - from, steps, 2]),
    ys: tensor(y.slice(from, to), [to - from, 1]),
  });
  return { x, y, part, ...part(0, samples) };
}

/** All weights of a model in one array. */
export const weightsOf = (model: Sequential): number[] => model.getWeights().flatMap(w => [...w.dataSync()]);

/** Ends training after the current batch, as a callback does. */
export function stop(model: Sequential): void {
  model.stopTraining = true;
}

export type Note = [event: string, ...unknown[]];

/** Callbacks that record every call with a copy of its arguments. */
export function notes(list: Note[], name = ''): Required<Omit<CustomCallbackArgs, 'nowFunc' | 'nextFrameFunc'>> {
  const copy = (logs?: Logs) => ({ ...logs });
  const record =
    (event: string) =>
    (...args: unknown[]) => {
      list.push([name + event, ...args.map(value => (typeof value === 'object' ? copy(value as Logs) : value))]);
    };
  return {
    onTrainBegin: record('trainBegin'),
    onTrainEnd: record('trainEnd'),
    onEpochBegin: record('epochBegin'),
    onEpochEnd: record('epochEnd'),
    onBatchBegin: record('batchBegin'),
    onBatchEnd: record('batchEnd'),
    onYield: record('yield'),
  };
}

/** Overwrites the logs of each epoch with given values. */
export class FixedLogs extends Callback {
  constructor(readonly values: Record<string, readonly number[]>) {
    super();
  }

  override async onEpochEnd(epoch: number, logs: Logs = {}): Promise<void> {
    for (const [key, list] of Object.entries(this.values)) logs[key] = list[epoch]!;
  }
}
