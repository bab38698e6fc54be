/** One training from beginning to end: what `fit` and `fitDataset` have in common, callbacks first of all. */

import type { Batch } from '../inputs/batches.ts';
import type { Selection } from '../inputs/samples.ts';
import type { SampleWeightOptions } from '../inputs/sampleWeights.ts';
import type { Sequential } from '../model/sequential.ts';
import type { Diagnosis } from '../model/trainStep.ts';
import type { Objective } from '../objective/objective.ts';
import { fail } from '../util/errors.ts';
import { type BaseCallback, CustomCallback, type Logs, type Params } from './callback.ts';
import { ProgressBar } from './callbacks/progressBar.ts';
import { History, type Means, resultAt } from './history.ts';
import { nextTurn, Pace, type YieldEvery } from './pace.ts';
import type { DataOrder, LoopPhase, TrainingProgress } from './progress.ts';
import { checkKind } from './resume.ts';
import type { TrainedModel } from './trainedModel.ts';

export interface TrainingLoopOptions {
  readonly callbacks: readonly BaseCallback[];
  readonly yieldEvery: YieldEvery;
  readonly params: Omit<Params, 'metrics'>;
  readonly method: TrainingProgress['method'];
  /** What says which batch comes when, and the seed of that where it is random. */
  readonly data: DataOrder;
  readonly seed: number | null;
  /** The training to go on with; null for a fresh one. */
  readonly resumed: TrainingProgress | null;
}

export class TrainingLoop {
  readonly labels: readonly string[];
  readonly #call: string;
  readonly #trained: TrainedModel;
  readonly #model: Sequential;
  readonly #objective: Objective;
  readonly #params: Params;
  readonly #callbacks: readonly BaseCallback[];
  readonly #history = new History();
  readonly #means: Means;
  readonly #pace: Pace;
  readonly #wait: () => Promise<void>;
  readonly #options: TrainingLoopOptions;
  /** How many of the callbacks are our own and stand before those of the caller. */
  readonly #bars: number;
  #epoch = 0;
  #batch = 0;
  /** The batch that comes next. */
  #next = 0;
  #stage: LoopPhase = 'epochBegin';
  #told = 0;
  #logs: Logs = {};
  #batchLogs: Logs = {};
  #apart = false;
  #cut = false;
  #over = false;
  readonly #place = () => ` of batch ${this.#batch} of epoch ${this.#epoch}`;

  /** Fails where the training is not like the one it is to go on with. */
  constructor(call: string, trained: TrainedModel, options: TrainingLoopOptions) {
    const { callbacks, yieldEvery, params, method, data, resumed } = options;
    this.#call = call;
    this.#trained = trained;
    this.#model = trained.model;
    this.#objective = trained.objective(call);
    this.labels = trained.labels();
    if (resumed) checkKind(call, { method, data, labels: this.labels, callbacks }, resumed);
    this.#options = options;
    this.#means = trained.means();
    const metrics = params.doValidation
      ? [...this.labels, ...this.labels.map(label => `val_${label}`)]
      : [...this.labels];
    this.#params = { ...params, metrics };
    const shown = params.verbose > 0 && !callbacks.some(callback => callback instanceof ProgressBar);
    const bar = shown ? [new ProgressBar({}, params.verbose === 2)] : [];
    this.#bars = bar.length;
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

  /** Whether the epoch was broken off before the batch it is resumed at. */
  get cut(): boolean {
    return this.#cut;
  }

  /**
   * Goes through all epochs, or through those that are left of a training that is resumed.
   *
   * @param train trains one epoch from a batch on, and puts its validation into the logs
   * @param replay brings the data to where it was when the training was interrupted
   */
  async run(
    train: (logs: Logs, epoch: number, from: number) => Promise<void>,
    replay?: (progress: TrainingProgress) => Promise<void>,
  ): Promise<History> {
    const { epochs, initialEpoch } = this.#params;
    const { resumed } = this.#options;
    this.#trained.begun(this.#call);
    this.#trained.progress = call => this.#progress(call);
    this.#epoch = initialEpoch;
    try {
      for (const callback of this.#callbacks) {
        callback.setParams(this.#params);
        callback.setModel(this.#model);
      }
      this.#model.history = this.#history;
      for (const callback of this.#callbacks) await callback.onTrainBegin({});
      if (resumed) {
        await replay?.(resumed);
        await this.#resume(resumed);
      }
      while (this.#stage !== 'trainEnd' && this.#epoch < epochs && !(this.#over && this.#isBetweenEpochs)) {
        await this.#runEpoch(train);
        this.#trained.signal?.throwIfAborted();
        if (this.ending) break;
      }
      if (this.#stage !== 'trainEnd') {
        this.#checkModel();
        this.#model.finalizeVariableValues();
        this.#enter('trainEnd');
      }
      while (this.#told < this.#callbacks.length) await this.#callbacks[this.#told++]!.onTrainEnd({});
      return this.#history;
    } catch (error) {
      // A training that was cancelled has not ended, and callbacks hear of no end; but a file keeps the place it came to.
      const keeping = this.#trained.signal?.aborted && !this.#apart ? this.#callbacks : [];
      for (const callback of keeping) if (callback.keepsFile) await callback.onTrainEnd({});
      throw error;
    }
  }

  get #isBetweenEpochs(): boolean {
    return this.#stage === 'epochBegin' && this.#told === 0;
  }

  /** One epoch, from the stage on where it stands. */
  async #runEpoch(train: (logs: Logs, epoch: number, from: number) => Promise<void>): Promise<void> {
    const callbacks = this.#callbacks;
    const epoch = this.#epoch;
    const logs = this.#logs;
    if (this.#stage === 'epochBegin') {
      while (this.#told < callbacks.length) await callbacks[this.#told++]!.onEpochBegin(epoch, {});
      this.#enter('batches');
    }
    if (this.#stage === 'batchEnd') {
      await this.#tellBatchEnd(this.#next - 1, this.#batchLogs);
      this.#cut = this.ending;
    }
    if (this.#stage !== 'epochEnd') {
      await train(logs, epoch, this.#next);
      this.#means.into(logs);
      this.#enter('epochEnd');
    }
    while (this.#told < callbacks.length) {
      const callback = callbacks[this.#told++]!;
      await callback.onEpochEnd(epoch, logs);
      if (paceOf(callback, this.#pace).afterEpoch) await callback.onYield(epoch, this.#batch, logs);
    }
    this.#epoch++;
    this.#next = 0;
    this.#logs = {};
    this.#means.reset();
    this.#enter('epochBegin');
    if (callbacks.some(callback => paceOf(callback, this.#pace).afterEpoch)) await this.#wait();
  }

  #enter(stage: LoopPhase): void {
    this.#stage = stage;
    this.#told = 0;
  }

  // ------------------------------------------------------------------------------------------------ interruptions

  #progress(call: string): TrainingProgress {
    if (this.#apart) {
      fail(call, 'the model must not be in the middle of a validation, which cannot be resumed; wait for onBatchEnd');
    }
    const { callbacks, method, data, seed } = this.#options;
    return {
      method,
      data,
      seed,
      epoch: this.#epoch,
      batch: this.#next,
      stage: this.#stage,
      told: Math.max(0, this.#told - this.#bars),
      ended: this.ending,
      labels: this.labels,
      sums: this.#means.sums,
      seen: this.#means.seen,
      logs: this.#logs,
      batchLogs: this.#stage === 'batchEnd' ? this.#batchLogs : {},
      history: this.#history,
      callbacks: callbacks.length,
      states: callbacks.map(callback => callback.getState()).filter(state => state !== null),
    };
  }

  async #resume(progress: TrainingProgress): Promise<void> {
    const { epoch, batch, stage, told, ended, sums, seen, logs, batchLogs, history, states } = progress;
    this.#epoch = epoch;
    this.#next = batch;
    this.#batch = Math.max(0, batch - 1);
    this.#stage = stage;
    this.#told = told === 0 ? 0 : told + this.#bars;
    this.#logs = { ...logs };
    this.#batchLogs = { ...batchLogs };
    this.#over = ended;
    if (ended) this.#model.stopTraining = true;
    this.#means.resume(sums, seen);
    this.#history.resume(history.epoch, history.history);
    const keeping = this.#options.callbacks.filter(callback => callback.getState() !== null);
    for (const [n, callback] of keeping.entries()) callback.setState(states[n]!);
    if (stage !== 'epochBegin' || told > 0) {
      const bars = this.#callbacks.filter(callback => callback instanceof ProgressBar);
      for (const bar of bars) await bar.onEpochBegin(epoch);
    }
  }

  // ------------------------------------------------------------------------------------------------------ batches

  async batchBegin(batch: number, logs: Logs): Promise<void> {
    this.#batch = batch;
    this.#next = batch;
    this.#enter('batchBegin');
    for (const callback of this.#callbacks) await callback.onBatchBegin(batch, logs);
  }

  /** Trains one batch, and puts loss and metrics into its logs. */
  train(
    logs: Logs,
    x: Batch,
    y: Batch,
    weights: SampleWeightOptions | Selection | undefined,
    diagnose: Diagnosis,
  ): void {
    this.#checkModel();
    const values = this.#trained.train(this.#call, x, y, weights);
    for (const [n, label] of this.labels.entries()) logs[label] = resultAt(values, n);
    this.#means.add(values, logs.size!);
    this.#next++;
    this.#trained.doubt(this.#call, values, this.#place, diagnose);
  }

  async batchEnd(batch: number, logs: Logs): Promise<void> {
    this.#enter('batchEnd');
    this.#batchLogs = logs;
    await this.#tellBatchEnd(batch, logs);
    this.#trained.signal?.throwIfAborted();
  }

  async #tellBatchEnd(batch: number, logs: Logs): Promise<void> {
    const due = this.#pace.afterBatch();
    let wait = due;
    while (this.#told < this.#callbacks.length) {
      const callback = this.#callbacks[this.#told++]!;
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
    const means = await this.apart(async () => {
      let step = steps.next();
      while (!step.done) {
        await this.breathe();
        this.#checkModel();
        step = steps.next();
      }
      return step.value;
    });
    means.into(logs, 'val_');
  }

  /** Does what is no part of the training itself, and cannot be resumed in the middle: not where it fails, either. */
  async apart<T>(work: () => Promise<T>): Promise<T> {
    this.#apart = true;
    const result = await this.#trained.attempt(work);
    this.#apart = false;
    return result;
  }

  /** Lets go of the thread when it is time; fails where the training has been cancelled meanwhile. */
  async breathe(): Promise<void> {
    if (this.#pace.afterBatch()) await this.#wait();
    this.#trained.signal?.throwIfAborted();
  }

  /** Callbacks have had their turn since: fails where one has taken the model away. */
  #checkModel(): void {
    this.#trained.alive(this.#call, 'the model must not be disposed of while it is trained');
    if (this.#trained.objective(this.#call) !== this.#objective) {
      fail(this.#call, 'the model must not be compiled anew while it is trained');
    }
  }
}

/** The pace by which a callback is called: its own, or else that of the training. */
function paceOf<T extends Pace | null>(callback: BaseCallback, common: T): Pace | T {
  return callback instanceof CustomCallback && callback.pace ? callback.pace : common;
}
