/** A training run: its epochs, batches and callback events, for `fit` and `fitDataset` alike. */

import type { Batch } from '../inputs/batches.ts';
import type { BatchWeights } from '../inputs/sampleWeights.ts';
import type { Objective } from '../objective/objective.ts';
import { fail } from '../util/errors.ts';
import type { Diagnosis } from '../util/warning.ts';
import { type BaseCallback, CustomCallback, type Logs, type Params } from './callback.ts';
import { ProgressBar } from './callbacks/progressBar.ts';
import { History } from './history.ts';
import { type Means, resultAt } from './means.ts';
import { nextTurn, Pace, type YieldEvery } from './pace.ts';
import type { DataOrder, TrainingProgress } from './progress.ts';
import { checkSameSetup } from './resume.ts';
import type { TrainedModel } from './trainedModel.ts';

export interface TrainingLoopOptions {
  readonly callbacks: readonly BaseCallback[];
  readonly yieldEvery: YieldEvery;
  readonly params: Omit<Params, 'metrics'>;
  readonly method: TrainingProgress['method'];
  /** What determines the samples of each batch, and the seed of their order; null without shuffling. */
  readonly data: DataOrder;
  readonly seed: number | null;
  /** The training run to resume; null for a new one. */
  readonly resumed: TrainingProgress | null;
}

/** Trains the batches of an epoch from `firstBatch` on, then adds the results of the validation to the logs. */
export type TrainEpoch = (logs: Logs, epoch: number, firstBatch: number) => Promise<void>;

/**
 * Runs the epochs, which `fit` and `fitDataset` train batch by batch:
 *
 *     onTrainBegin
 *       onEpochBegin
 *         onBatchBegin, train, onBatchEnd    batchBegin, train, batchEnd
 *         validation                         validate
 *       onEpochEnd
 *     onTrainEnd
 *
 * Snapshots hold the progress between two batches or two epochs only. During onBatchBegin, that is before the batch;
 * during all other events, the event counts as finished.
 */
export class TrainingLoop {
  readonly #call: string;
  readonly #trained: TrainedModel;
  readonly #objective: Objective;
  readonly #labels: readonly string[];
  readonly #params: Params;
  readonly #options: TrainingLoopOptions;
  /** Those of the caller, after a progress bar if one is shown. */
  readonly #callbacks: readonly BaseCallback[];
  readonly #history = new History();
  readonly #means: Means;
  readonly #pace: Pace;
  readonly #yield: () => Promise<void>;
  /** The current epoch, or the next one between epochs. */
  #epoch: number;
  /** The next batch of the epoch; null between epochs. */
  #batch: number | null = null;
  /** The logs of the epoch so far. */
  #logs: Logs = {};
  /** The logs of an epoch whose end the callbacks are being notified of: not in the history yet. */
  #unrecorded: Logs | null = null;
  #isValidating = false;
  #isOutOfData = false;
  readonly #batchContext = () => ` of batch ${this.#batch! - 1} of epoch ${this.#epoch}`;

  /** Fails if the options differ from those of the training run to resume. */
  constructor(call: string, trained: TrainedModel, options: TrainingLoopOptions) {
    const { callbacks, yieldEvery, params, method, data, resumed } = options;
    this.#call = call;
    this.#trained = trained;
    this.#objective = trained.objective(call);
    this.#labels = this.#objective.labels;
    if (resumed) checkSameSetup(call, { method, data, labels: this.#labels, callbacks }, resumed);
    this.#options = options;
    this.#means = trained.means(call);
    const validated = params.doValidation ? this.#labels.map(label => `val_${label}`) : [];
    this.#params = { ...params, metrics: [...this.#labels, ...validated] };
    const addsBar = params.verbose > 0 && !callbacks.some(callback => callback instanceof ProgressBar);
    this.#callbacks = addsBar ? [new ProgressBar({}, params.verbose === 2), ...callbacks] : callbacks;
    const custom = callbacks.filter(callback => callback instanceof CustomCallback).map(({ args }) => args);
    this.#pace = new Pace(yieldEvery, custom.find(args => args.nowFunc)?.nowFunc);
    this.#yield = custom.find(args => args.nextFrameFunc)?.nextFrameFunc ?? nextTurn;
    this.#epoch = params.initialEpoch;
  }

  /** @param replay brings the data to the position of a training run that is resumed */
  async run(trainEpoch: TrainEpoch, replay?: (progress: TrainingProgress) => Promise<void>): Promise<History> {
    const { resumed } = this.#options;
    const trained = this.#trained;
    trained.resetWarning(this.#call);
    trained.progress = call => this.#progress(call);
    try {
      await this.#begin();
      if (resumed) {
        await replay?.(resumed);
        await this.#resume(resumed);
      }
      let isOver = resumed?.ended === true && resumed.batch === null;
      while (!isOver && this.#epoch < this.#params.epochs) {
        await this.#runEpoch(trainEpoch);
        trained.signal?.throwIfAborted();
        isOver = this.#isEnding;
      }
      await this.#end();
      return this.#history;
    } catch (error) {
      // After an abort, callbacks are not notified of an end, but files keep the progress
      if (trained.signal?.aborted && !this.#isValidating) {
        for (const callback of this.#callbacks) if (callback.keepsFile) await callback.saveProgress?.(true);
      }
      throw error;
    }
  }

  async #begin(): Promise<void> {
    const { model } = this.#trained;
    for (const callback of [...this.#callbacks, this.#history]) {
      callback.setParams(this.#params);
      callback.setModel(model);
    }
    model.history = this.#history;
    for (const callback of this.#callbacks) await callback.onTrainBegin({});
  }

  async #end(): Promise<void> {
    this.#checkModel();
    this.#trained.model.finalizeVariableValues();
    this.#trained.progress = null; // there is nothing left to resume
    for (const callback of this.#callbacks) await callback.onTrainEnd({});
  }

  async #runEpoch(trainEpoch: TrainEpoch): Promise<void> {
    const epoch = this.#epoch;
    const logs = this.#logs;
    if (this.#batch === null) {
      this.#batch = 0;
      for (const callback of this.#callbacks) await callback.onEpochBegin(epoch, {});
    }
    await trainEpoch(logs, epoch, this.#batch);
    const lastBatch = Math.max(0, this.#batch - 1);
    this.#means.addTo(logs);
    this.#means.reset();
    this.#logs = {};
    this.#epoch++;
    this.#batch = null;
    this.#unrecorded = logs;
    let yields = this.#pace.afterEpoch;
    for (const callback of this.#callbacks) {
      await callback.onEpochEnd(epoch, logs);
      if (!this.#paceOf(callback).afterEpoch) continue;
      await callback.onYield(epoch, lastBatch, logs);
      yields = true;
    }
    // Last, because callbacks may have added to the logs
    this.#history.record(epoch, logs);
    this.#unrecorded = null;
    await this.#saveProgress(this.#isEnding || this.#epoch >= this.#params.epochs);
    if (yields) await this.#yield();
  }

  // ----------------------------------------------------------------------------------------------------- an epoch

  /** Whether the epoch ends before a batch, because training was asked to stop. Its first batch is always trained. */
  stopsBefore(batch: number): boolean {
    return batch > 0 && this.#isEnding;
  }

  /** Ends training after this epoch, because the data set has no more batches. */
  endOfData(): void {
    this.#isOutOfData = true;
  }

  get #isEnding(): boolean {
    return this.#trained.model.stopTraining || this.#isOutOfData;
  }

  async batchBegin(batch: number, logs: Logs): Promise<void> {
    for (const callback of this.#callbacks) await callback.onBatchBegin(batch, logs);
  }

  /** Trains one batch, and adds the loss and the metrics to its logs. */
  train(logs: Logs, xs: readonly Batch[], ys: readonly Batch[], weights: BatchWeights, diagnose: Diagnosis): void {
    this.#checkModel();
    const values = this.#trained.train(this.#call, xs, ys, weights);
    for (const [n, label] of this.#labels.entries()) logs[label] = resultAt(values, n);
    this.#means.add(values, logs.size!);
    this.#batch!++;
    this.#trained.warnIfNotFinite(this.#call, values, this.#batchContext, diagnose);
  }

  async batchEnd(batch: number, logs: Logs): Promise<void> {
    const isDue = this.#pace.afterBatch();
    let yields = isDue;
    for (const callback of this.#callbacks) {
      await callback.onBatchEnd(batch, logs);
      const pace = this.#paceOf(callback);
      if (!(pace === this.#pace ? isDue : pace.afterBatch())) continue;
      await callback.onYield(this.#epoch, batch, logs);
      yields = true;
    }
    await this.#saveProgress(false);
    if (yields) await this.#yield();
    this.#trained.signal?.throwIfAborted();
  }

  /** Runs a validation, which cannot be resumed in the middle, and adds its means to the logs. */
  async validate(logs: Logs, test: () => Promise<Means>): Promise<void> {
    this.#checkModel();
    this.#isValidating = true; // still true after a failure, when there is no progress to save
    const means = await this.#trained.restoreStatesOnError(test);
    this.#isValidating = false;
    means.addTo(logs, 'val_');
  }

  /** Yields to the event loop if it is time to; fails if training was aborted meanwhile. */
  async pause(): Promise<void> {
    if (this.#pace.afterBatch()) await this.#yield();
    this.#trained.signal?.throwIfAborted();
    this.#checkModel();
  }

  /** The pace at which `onYield` of a callback is called: its own, or that of the training run. */
  #paceOf(callback: BaseCallback): Pace {
    return (callback instanceof CustomCallback && callback.pace) || this.#pace;
  }

  /** Fails if a callback has disposed of the model or compiled it again. */
  #checkModel(): void {
    this.#trained.checkNotDisposed(this.#call, 'the model must not be disposed of while it is trained');
    if (this.#trained.objective(this.#call) !== this.#objective) {
      fail(this.#call, 'the model must not be compiled anew while it is trained');
    }
  }

  // ------------------------------------------------------------------------------------------------------ progress

  async #saveProgress(isLast: boolean): Promise<void> {
    for (const callback of this.#callbacks) if (callback.saveProgress) await callback.saveProgress(isLast);
  }

  #progress(call: string): TrainingProgress {
    if (this.#isValidating) {
      fail(call, 'must not be called during a validation, which cannot be resumed in the middle; wait for onBatchEnd');
    }
    const { callbacks, method, data, seed } = this.#options;
    const { epoch, history } = this.#history;
    const record = new History();
    record.resume(epoch, history);
    if (this.#unrecorded) record.record(this.#epoch - 1, this.#unrecorded);
    return {
      method,
      data,
      seed,
      epoch: this.#epoch,
      batch: this.#batch,
      ended: this.#isEnding,
      labels: this.#labels,
      sums: this.#means.sums,
      seen: this.#means.seen,
      logs: this.#logs,
      history: record,
      callbacks: callbacks.length,
      states: callbacks.map(callback => callback.getState()).filter(state => state !== null),
    };
  }

  async #resume({ epoch, batch, ended, sums, seen, logs, history, states }: TrainingProgress): Promise<void> {
    this.#epoch = epoch;
    this.#batch = batch;
    this.#logs = { ...logs };
    if (ended) this.#trained.model.stopTraining = true;
    this.#means.resume(sums, seen);
    this.#history.resume(history.epoch, history.history);
    const withState = this.#options.callbacks.filter(callback => callback.getState() !== null);
    for (const [n, callback] of withState.entries()) callback.setState(states[n]!);
    if (batch !== null) {
      for (const bar of this.#callbacks) if (bar instanceof ProgressBar) await bar.onEpochBegin(epoch);
    }
  }
}
