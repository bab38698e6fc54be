/** Callbacks: their base classes, and the forms in which `fit` accepts them. */

import type { ModelData } from '../inputs/parts.ts';
import type { SampleWeightOptions } from '../inputs/sampleWeights.ts';
import type { Layer } from '../layers/layer.ts';
import type { Optimizer } from '../optimizers/index.ts';
import type { IOHandler, SaveResult } from '../saving/tfjs/artifacts.ts';
import type { SaveOptions } from '../saving/tfjs/save.ts';
import type { TensorLike } from '../tensor/read.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Config } from '../util/config.ts';
import { fail, show, suggest } from '../util/errors.ts';
import type { Shape } from '../util/shapes.ts';
import type { Evaluation, ModelEvaluateArgs } from './evaluation.ts';
import { checkYieldEvery, Pace, type YieldEvery } from './pace.ts';

/** Losses and metrics by name. The logs of a batch also hold its number and size. */
export type Logs = Record<string, number>;

/** The parameters of a training run. */
export interface Params {
  epochs: number;
  initialEpoch: number;
  /** Samples in an epoch; null if only the data set knows. */
  samples: number | null;
  /** Batches in an epoch; null if only the data set knows. */
  steps: number | null;
  batchSize: number | null;
  verbose: number;
  doValidation: boolean;
  /** The keys in the logs of an epoch, 'loss' first. */
  metrics: string[];
}

/** The losses and metrics of the epochs of a training run. */
export interface EpochRecord {
  /** The trained epochs. */
  epoch: number[];
  /** A value for each epoch, by name: `loss`, metrics, and with validation their `val_` values. */
  history: Record<string, number[]>;
}

/** The members of a model that a callback may use during training. `Sequential` has them all. */
export interface CallbackModel {
  readonly name: string;
  readonly layers: Layer[];
  readonly inputs: { shape: Shape }[];
  readonly outputs: { shape: Shape }[];
  readonly outputShape: Shape;
  readonly metricsNames: string[];
  readonly optimizer: Optimizer | null;
  /** The record of this training run. */
  history: EpochRecord | null;
  /** Set to true to stop training after the current batch. */
  stopTraining: boolean;
  getLayer(name?: string | null, index?: number): Layer;
  countParams(): number;
  getConfig(): Config;
  toJSON(unused?: unknown, returnString?: boolean): string | Config;
  predict<R extends Tensor | Tensor[] = Tensor>(x: ModelData, options?: { batchSize?: number; verbose?: boolean }): R;
  predictOnBatch<R extends Tensor | Tensor[] = Tensor>(x: ModelData): R;
  evaluate<R extends Tensor | Tensor[] = Evaluation>(x: ModelData, y: ModelData, options?: ModelEvaluateArgs): R;
  trainOnBatch(x: ModelData, y: ModelData, options?: SampleWeightOptions): number | number[];
  testOnBatch(x: ModelData, y: ModelData, options?: SampleWeightOptions): number | number[];
  getWeights(trainableOnly?: boolean): Tensor[];
  setWeights(weights: readonly TensorLike[]): void;
  finalizeVariableValues(): void;
  getStates(): Tensor[][];
  setStates(states: readonly (readonly TensorLike[])[]): void;
  resetStates(): void;
  snapshot(): Uint8Array<ArrayBuffer>;
  save(target: string | IOHandler, options?: SaveOptions): Promise<SaveResult>;
}

/** What a callback remembers from one event to the next. */
export interface CallbackState {
  readonly numbers: Readonly<Record<string, number | null>>;
  /** All weights of the model, in the form of `getWeights`. */
  readonly weights?: readonly Tensor[] | null;
}

/**
 * Called during training; a promise that a method returns is awaited. Extend `Callback` for access to the model.
 */
export class BaseCallback {
  /** Set before training begins. */
  params!: Params;
  /** Always null; for compatibility with TF.js. */
  readonly validationData = null;

  setParams(params: Params): void {
    this.params = params;
  }

  setModel(_model: CallbackModel): void {}

  onTrainBegin(_logs: Logs): unknown {
    return undefined;
  }
  onTrainEnd(_logs: Logs): unknown {
    return undefined;
  }
  onEpochBegin(_epoch: number, _logs: Logs): unknown {
    return undefined;
  }
  onEpochEnd(_epoch: number, _logs: Logs): unknown {
    return undefined;
  }
  onBatchBegin(_batch: number, _logs: Logs): unknown {
    return undefined;
  }
  onBatchEnd(_batch: number, _logs: Logs): unknown {
    return undefined;
  }
  /** Called each time training is about to yield to the event loop; see `yieldEvery`. */
  onYield(_epoch: number, _batch: number, _logs: Logs): unknown {
    return undefined;
  }

  /** The state to store in a snapshot of the training run; null, the default, for none. */
  getState(): CallbackState | null {
    return null;
  }

  /** Restores the result of `getState`. Called after `onTrainBegin` when training is resumed. */
  setState(_state: CallbackState): void {}

  /** @internal Whether the callback has a file, which is checked before training begins. */
  get keepsFile(): boolean {
    return false;
  }

  /** @internal The snapshot in the file, or null for a new training run. Fails if the file cannot be written. */
  async findSnapshot(): Promise<{ name: string; bytes: Uint8Array } | null> {
    return null;
  }

  /**
   * @internal Called after each batch and each epoch, once all callbacks have been notified of its end: a snapshot
   * taken here is exact.
   *
   * @param isLast whether training ends here
   */
  saveProgress?(isLast: boolean): Promise<void>;
}

/** A callback that knows the model; derive your own from it. */
export abstract class Callback extends BaseCallback {
  /** Set before training begins. */
  model!: CallbackModel;

  override setModel(model: CallbackModel): void {
    this.model = model;
  }
}

/** A callback as an object of functions. A promise that one returns is awaited; other results are ignored. */
export interface CustomCallbackArgs {
  /** Before the first epoch. */
  onTrainBegin?: (logs: Logs) => unknown;
  /** After the last epoch. */
  onTrainEnd?: (logs: Logs) => unknown;
  /** Epochs count from 0. */
  onEpochBegin?: (epoch: number, logs: Logs) => unknown;
  /** The logs hold the means of the epoch and of its validation; values added to them become part of the history. */
  onEpochEnd?: (epoch: number, logs: Logs) => unknown;
  /** Batches count from 0 in each epoch. */
  onBatchBegin?: (batch: number, logs: Logs) => unknown;
  /** The logs hold batch, size, the loss and the metrics of the batch. */
  onBatchEnd?: (batch: number, logs: Logs) => unknown;
  /** Each time training is about to yield to the event loop; see `yieldEvery`. */
  onYield?: (epoch: number, batch: number, logs: Logs) => unknown;
  /** The clock of yieldEvery, in milliseconds; for tests. */
  nowFunc?: () => number;
  /** Awaited to yield to the event loop; for tests. */
  nextFrameFunc?: () => Promise<void>;
}

/** The callbacks that `fit` accepts. */
export type Callbacks = BaseCallback | CustomCallbackArgs | readonly (BaseCallback | CustomCallbackArgs)[];

const FUNCTIONS = [
  'onTrainBegin',
  'onTrainEnd',
  'onEpochBegin',
  'onEpochEnd',
  'onBatchBegin',
  'onBatchEnd',
  'onYield',
  'nowFunc',
  'nextFrameFunc',
] as const;

/** A callback made from functions. */
export class CustomCallback extends BaseCallback {
  /** @internal */
  readonly args: CustomCallbackArgs;
  /** @internal The callback's own pace; null for that of the training run. */
  readonly pace: Pace | null;

  /**
   * @param args functions by the names of the events
   * @param yieldEvery how often to yield to the event loop and call `onYield`; default as in `fit`
   */
  constructor(args: CustomCallbackArgs, yieldEvery?: YieldEvery) {
    super();
    const call = 'CustomCallback';
    this.args = checkFunctions(call, 'args', args);
    const every = yieldEvery === undefined ? null : checkYieldEvery(call, yieldEvery);
    if (every === 'never') checkNoYield(call, this.args);
    this.pace = every === null ? null : new Pace(every, this.args.nowFunc);
  }

  override async onTrainBegin(logs: Logs): Promise<void> {
    await this.args.onTrainBegin?.(logs);
  }

  override async onTrainEnd(logs: Logs): Promise<void> {
    await this.args.onTrainEnd?.(logs);
  }

  override async onEpochBegin(epoch: number, logs: Logs): Promise<void> {
    await this.args.onEpochBegin?.(epoch, logs);
  }

  override async onEpochEnd(epoch: number, logs: Logs): Promise<void> {
    await this.args.onEpochEnd?.(epoch, logs);
  }

  override async onBatchBegin(batch: number, logs: Logs): Promise<void> {
    await this.args.onBatchBegin?.(batch, logs);
  }

  override async onBatchEnd(batch: number, logs: Logs): Promise<void> {
    await this.args.onBatchEnd?.(batch, logs);
  }

  override async onYield(epoch: number, batch: number, logs: Logs): Promise<void> {
    await this.args.onYield?.(epoch, batch, logs);
  }
}

/** Reads the option `callbacks` into a list. */
export function readCallbacks(call: string, value: unknown, yieldEvery: YieldEvery): BaseCallback[] {
  if (value === undefined || value === null) return [];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return Array.from(list, (item, n) => {
    if (item instanceof BaseCallback) return item;
    const args = checkFunctions(call, Array.isArray(value) ? `callbacks[${n}]` : 'callbacks', item);
    if (yieldEvery === 'never') checkNoYield(call, args);
    return new CustomCallback(args);
  });
}

function checkNoYield(call: string, args: CustomCallbackArgs): void {
  if (args.onYield) fail(call, "yieldEvery must not be 'never' with onYield, which would never be called");
}

/** Checks an object of functions. Ignores other values in it, but rejects functions with unknown names. */
function checkFunctions(call: string, name: string, value: unknown): CustomCallbackArgs {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    fail(
      call,
      `${name} must be an object with functions such as onEpochEnd, or one of callbacks.*, got ${show(value)}`,
    );
  }
  const args = value as Record<string, unknown>;
  for (const known of FUNCTIONS) {
    if (args[known] !== undefined && args[known] !== null && typeof args[known] !== 'function') {
      fail(call, `${known} of ${name} must be a function, got ${show(args[known])}`);
    }
  }
  const plain = Object.getPrototypeOf(value) === null || Object.getPrototypeOf(value) === Object.prototype;
  if (plain) {
    for (const [key, entry] of Object.entries(args)) {
      if (typeof entry !== 'function' || (FUNCTIONS as readonly string[]).includes(key)) continue;
      fail(call, `unknown function '${key}' in ${name}${suggest(key, FUNCTIONS)}`);
    }
  } else if (!FUNCTIONS.some(known => args[known])) {
    fail(call, `${name} must have a function such as onEpochEnd, got ${show(value)}`);
  }
  return args as CustomCallbackArgs;
}
