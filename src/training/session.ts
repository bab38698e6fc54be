/** One training from beginning to end: what `fit` and `fitDataset` have in common, callbacks first of all. */

import type { Batch } from '../batches.ts';
import { fail } from '../errors.ts';
import type { Objective } from '../objective.ts';
import type { Sequential } from '../sequential.ts';
import type { WeightOptions } from '../weights.ts';
import { type BaseCallback, CustomCallback, type Logs, type Params } from './callback.ts';
import { ProgressBar } from './callbacks/progressBar.ts';
import { at, History, Means } from './history.ts';
import { nextTurn, Pace, type YieldEvery } from './pace.ts';
import type { Trainee } from './trainee.ts';

export interface SessionOptions {
  readonly callbacks: readonly BaseCallback[];
  readonly yieldEvery: YieldEvery;
  readonly params: Omit<Params, 'metrics'>;
}

/** What the loss says that is not a number: which of the data is not one either, where that can be told. */
type Diagnosis = () => string | null;

export class Session {
  readonly labels: readonly string[];
  readonly #call: string;
  readonly #trainee: Trainee;
  readonly #model: Sequential;
  readonly #objective: Objective;
  readonly #params: Params;
  readonly #callbacks: readonly BaseCallback[];
  readonly #history = new History();
  readonly #means: Means;
  readonly #pace: Pace;
  readonly #wait: () => Promise<void>;
  #epoch = 0;
  #batch = 0;
  #warned = false;
  #over = false;

  constructor(call: string, trainee: Trainee, { callbacks, yieldEvery, params }: SessionOptions) {
    this.#call = call;
    this.#trainee = trainee;
    this.#model = trainee.model;
    this.#objective = trainee.objective(call);
    this.labels = trainee.labels();
    this.#means = new Means(this.labels);
    const metrics = params.doValidation
      ? [...this.labels, ...this.labels.map(label => `val_${label}`)]
      : [...this.labels];
    this.#params = { ...params, metrics };
    const shown = params.verbose > 0 && !callbacks.some(callback => callback instanceof ProgressBar);
    const bar = shown ? [new ProgressBar({}, params.verbose === 2)] : [];
    // In this order: what the others write into the logs of an epoch is history, too.
    this.#callbacks = [...bar, ...callbacks, this.#history];
    const custom = callbacks.filter(callback => callback instanceof CustomCallback).map(({ args }) => args);
    this.#pace = new Pace(yieldEvery, custom.find(args => args.nowFunc)?.nowFunc);
    this.#wait = custom.find(args => args.nextFrameFunc)?.nextFrameFunc ?? nextTurn;
  }

  /** Whether a callback has asked for the end, or the data ran out. */
  get ending(): boolean {
    return this.#model.stopTraining || this.#over;
  }

  /** No epoch follows this one. */
  end(): void {
    this.#over = true;
  }

  /**
   * Goes through all epochs.
   *
   * @param train trains one epoch, and puts its validation into the logs
   */
  async run(train: (logs: Logs) => Promise<void>): Promise<History> {
    const { epochs, initialEpoch } = this.#params;
    this.#trainee.training = true;
    try {
      for (const callback of this.#callbacks) {
        callback.setParams(this.#params);
        callback.setModel(this.#model);
      }
      this.#model.history = this.#history;
      this.#model.stopTraining = false;
      for (const callback of this.#callbacks) await callback.onTrainBegin({});
      for (this.#epoch = initialEpoch; this.#epoch < epochs; this.#epoch++) {
        this.#means.reset();
        for (const callback of this.#callbacks) await callback.onEpochBegin(this.#epoch, {});
        const logs: Logs = {};
        await train(logs);
        this.#means.into(logs);
        for (const callback of this.#callbacks) {
          await callback.onEpochEnd(this.#epoch, logs);
          if (paceOf(callback, this.#pace).afterEpoch) await callback.onYield(this.#epoch, this.#batch, logs);
        }
        if (this.#callbacks.some(callback => paceOf(callback, this.#pace).afterEpoch)) await this.#wait();
        if (this.ending) break;
      }
      this.#checkModel();
      this.#model.finalizeVariableValues();
      for (const callback of this.#callbacks) await callback.onTrainEnd({});
      return this.#history;
    } finally {
      this.#trainee.training = false;
    }
  }

  async batchBegin(batch: number, logs: Logs): Promise<void> {
    this.#batch = batch;
    for (const callback of this.#callbacks) await callback.onBatchBegin(batch, logs);
  }

  /** Trains one batch, and puts loss and metrics into its logs. */
  train(logs: Logs, x: Batch, y: Batch, weights: WeightOptions | undefined, diagnose: Diagnosis): void {
    this.#checkModel();
    const values = this.#trainee.train(this.#call, x, y, weights);
    for (const [n, label] of this.labels.entries()) logs[label] = at(values, n);
    this.#means.add(values, logs.size!);
    if (!this.#warned && !Number.isFinite(at(values, 0))) this.#warn(at(values, 0), diagnose());
  }

  async batchEnd(batch: number, logs: Logs): Promise<void> {
    const due = this.#pace.afterBatch();
    let wait = due;
    for (const callback of this.#callbacks) {
      await callback.onBatchEnd(batch, logs);
      const mine = paceOf(callback, null);
      const heard = mine ? mine.afterBatch() : due;
      if (heard) await callback.onYield(this.#epoch, batch, logs);
      wait ||= heard;
    }
    if (wait) await this.#wait();
  }

  /** Takes all steps of a validation, and lets go of the thread in between when it is time. */
  async validate(steps: Iterator<void, Means>, logs: Logs): Promise<void> {
    this.#checkModel();
    let step = steps.next();
    while (!step.done) {
      await this.breathe();
      this.#checkModel();
      step = steps.next();
    }
    step.value.into(logs, 'val_');
  }

  /** Lets go of the thread when it is time. */
  async breathe(): Promise<void> {
    if (this.#pace.afterBatch()) await this.#wait();
  }

  /** Callbacks have had their turn since: fails where one has taken the model away. */
  #checkModel(): void {
    this.#trainee.alive(this.#call, 'the model must not be disposed of while it is trained');
    if (this.#trainee.objective(this.#call) !== this.#objective) {
      fail(this.#call, 'the model must not be compiled anew while it is trained');
    }
  }

  #warn(loss: number, found: string | null): void {
    this.#warned = true;
    const advice =
      found ??
      'check that the data holds finite numbers; if it does, try a smaller learning rate, or an optimizer with clipNorm';
    console.warn(
      `${this.#call}: the loss of batch ${this.#batch} of epoch ${this.#epoch} is ${loss}; such a batch changes nothing, ` +
        `and training goes on without it; ${advice}`,
    );
  }
}

/** The pace by which a callback is called: its own, or else that of the training. */
function paceOf<T extends Pace | null>(callback: BaseCallback, common: T): Pace | T {
  return callback instanceof CustomCallback && callback.pace ? callback.pace : common;
}
