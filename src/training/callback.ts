/** Callbacks: what they are, and the forms in which they are given to `fit`. */

import type { Sequential } from '../model/sequential.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { fail, show, suggest } from '../util/errors.ts';
import { checkYieldEvery, Pace, type YieldEvery } from './pace.ts';

/** Losses and metrics by name; batches also say their number and size. */
export type Logs = Record<string, number>;

/** What a callback is told about the training it belongs to. */
export interface Params {
  epochs: number;
  initialEpoch: number;
  /** How many samples an epoch has; null where only the data set knows. */
  samples: number | null;
  /** How many batches an epoch has; null where only the data set knows. */
  steps: number | null;
  batchSize: number | null;
  verbose: number;
  doValidation: boolean;
  /** The keys that the logs of an epoch will have, 'loss' first. */
  metrics: string[];
}

/** What a callback has to remember from one event to the next. */
export interface CallbackState {
  readonly numbers: Readonly<Record<string, number | null>>;
  /** All weights of the model, as `getWeights` gives them. */
  readonly weights?: readonly Tensor[] | null;
}

/**
 * Called during training; a promise that a method returns is awaited. Extend `Callback` for access to the model.
 */
export class BaseCallback {
  /** Set before training begins. */
  params!: Params;
  /** Null; here for programs written for TF.js. */
  readonly validationData = null;

  setParams(params: Params): void {
    this.params = params;
  }

  setModel(_model: Sequential): void {}

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
  /** Called each time training is about to let go of the thread; see `yieldEvery`. */
  onYield(_epoch: number, _batch: number, _logs: Logs): unknown {
    return undefined;
  }

  /** What goes into a snapshot of the training, for `setState` where it is resumed; null, the default, for nothing. */
  getState(): CallbackState | null {
    return null;
  }

  /** Takes what `getState` gave, after `onTrainBegin` of a training that is resumed. */
  setState(_state: CallbackState): void {}

  /** @internal Whether there is a file to look at before training begins. */
  get keepsFile(): boolean {
    return false;
  }

  /**
   * @internal The snapshot in it to resume the training from, and where that is from; null for none. Fails where the file
   * could not be written.
   */
  async findSnapshot(): Promise<{ name: string; bytes: Uint8Array } | null> {
    return null;
  }
}

/** A callback that knows the model in training; derive your own from it. */
export abstract class Callback extends BaseCallback {
  /** Set before training begins. */
  model!: Sequential;

  override setModel(model: Sequential): void {
    this.model = model;
  }
}

/** A callback as an object of functions. A promise that one returns is awaited; anything else it returns is ignored. */
export interface CustomCallbackArgs {
  /** Before the first epoch. */
  onTrainBegin?: (logs: Logs) => unknown;
  /** After the last epoch. */
  onTrainEnd?: (logs: Logs) => unknown;
  /** Epochs count from 0. */
  onEpochBegin?: (epoch: number, logs: Logs) => unknown;
  /** The logs hold the means of the epoch, and of its validation; what is added to them is history, too. */
  onEpochEnd?: (epoch: number, logs: Logs) => unknown;
  /** Batches count from 0 in each epoch. */
  onBatchBegin?: (batch: number, logs: Logs) => unknown;
  /** The logs hold batch, size, the loss and the metrics of the batch. */
  onBatchEnd?: (batch: number, logs: Logs) => unknown;
  /** Each time training is about to let go of the thread; see `yieldEvery`. */
  onYield?: (epoch: number, batch: number, logs: Logs) => unknown;
  /** The clock of yieldEvery, in milliseconds; for tests. */
  nowFunc?: () => number;
  /** What is awaited to let go of the thread; for tests. */
  nextFrameFunc?: () => Promise<void>;
}

/** What `fit` takes as callbacks. */
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

/** Functions made into a callback. */
export class CustomCallback extends BaseCallback {
  /** @internal */
  readonly args: CustomCallbackArgs;
  /** @internal A pace of its own, beside that of the training. */
  readonly pace: Pace | null;

  /**
   * @param args functions by the names of the events
   * @param yieldEvery how often to let go of the thread and call `onYield`; absent, as `fit` says
   */
  constructor(args: CustomCallbackArgs, yieldEvery?: YieldEvery) {
    super();
    const call = 'CustomCallback';
    this.args = checkFunctions(call, 'args', args);
    const every = yieldEvery === undefined ? null : checkYieldEvery(call, yieldEvery);
    if (every === 'never') checkHeard(call, this.args);
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

/** The callbacks in any form callers give them, as a list. */
export function readCallbacks(call: string, value: unknown, yieldEvery: YieldEvery): BaseCallback[] {
  if (value === undefined || value === null) return [];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return Array.from(list, (item, n) => {
    if (item instanceof BaseCallback) return item;
    const args = checkFunctions(call, Array.isArray(value) ? `callbacks[${n}]` : 'callbacks', item);
    if (yieldEvery === 'never') checkHeard(call, args);
    return new CustomCallback(args);
  });
}

function checkHeard(call: string, args: CustomCallbackArgs): void {
  if (args.onYield)
    fail(call, "yieldEvery must not be 'never' where onYield is given, because it would never be called");
}

/**
 * An object of functions. Other values in it are its own business, but a function under an unknown name would never be
 * called.
 */
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
