// What the tests of the training loop share: small models, small problems, and callbacks that take notes.

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

/** Silent, and never in anybody's way. */
export const quiet = { verbose: 0, yieldEvery: 'never' } as const;

/** A model of any batch size for samples [T, 2] and one number for each. */
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

/** Two rows of two steps whose state goes on from batch to batch. */
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
  /** Samples from one place to another, as nested arrays and typed arrays may be given. */
  part(from: number, to: number): { xs: TensorLike; ys: TensorLike };
}

/** Samples [steps, 2] and a target each, at random but always the same. */
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

/** All that training changes, in one list of numbers. */
export const weightsOf = (model: Sequential): number[] => model.getWeights().flatMap(w => [...w.dataSync()]);

/** What a callback does to end the training of a model. */
export function stop(model: Sequential): void {
  model.stopTraining = true;
}

export type Note = [event: string, ...unknown[]];

/** Writes down every call with what was passed, as it was at that moment. */
export function notes(list: Note[], name = ''): Required<Omit<CustomCallbackArgs, 'nowFunc' | 'nextFrameFunc'>> {
  const copy = (logs?: Logs) => ({ ...logs });
  const note =
    (event: string) =>
    (...given: unknown[]) => {
      list.push([name + event, ...given.map(value => (typeof value === 'object' ? copy(value as Logs) : value))]);
    };
  return {
    onTrainBegin: note('trainBegin'),
    onTrainEnd: note('trainEnd'),
    onEpochBegin: note('epochBegin'),
    onEpochEnd: note('epochEnd'),
    onBatchBegin: note('batchBegin'),
    onBatchEnd: note('batchEnd'),
    onYield: note('yield'),
  };
}

/** Ends the epochs with the numbers it is given, whatever was learned. */
export class Pretend extends Callback {
  constructor(readonly values: Record<string, readonly number[]>) {
    super();
  }

  override async onEpochEnd(epoch: number, logs: Logs = {}): Promise<void> {
    for (const [key, list] of Object.entries(this.values)) logs[key] = list[epoch]!;
  }
}
