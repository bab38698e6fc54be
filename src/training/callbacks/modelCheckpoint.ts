/** Keeps the weights of the best epoch, calls a function that saves the model, or writes snapshots to a file. */

import { checkFile, type FileArgument, readWhole } from '../../saving/stores/nodeFiles.ts';
import { checkReplaceable, replaceFile } from '../../saving/stores/replaceFile.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { fail, reasonOf, show } from '../../util/errors.ts';
import { checkBoolean, checkCount, checkOptions } from '../../util/options.ts';
import { Callback, type CallbackModel, type CallbackState, type Logs } from '../callback.ts';
import { checkVerbose, type Verbosity } from '../verbosity.ts';
import { Monitor, type MonitorOptions, monitorOptions } from './monitor.ts';

/** A number of epochs or batches. @inline */
export type Every = number | { epochs: number } | { batches: number };

/** Options of `callbacks.modelCheckpoint`. */
export interface ModelCheckpointArgs extends MonitorOptions {
  /**
   * In Node: the file for snapshots of the training run. It always holds a complete snapshot, even if the process is
   * killed; its mode and links to it are kept.
   */
  file?: string | URL;
  /** Whether to resume training from the snapshot in `file`, if it exists; default false. */
  resume?: boolean;
  /**
   * Called instead of writing a file, and awaited, once all callbacks have been notified of the end of the batch or epoch.
   * Without `file` and `save`, the best weights are kept in memory.
   */
  save?(epoch: number, logs: Logs, model: CallbackModel): unknown;
  /**
   * How often to save, with `file`, or with `save` and `saveBestOnly: false`: a number of epochs, default 1, or
   * `{ batches: 100 }`. The end of training is always saved.
   */
  every?: Every;
  /** Whether to save only epochs that are better than all before; default true, but false with `file`. */
  saveBestOnly?: boolean;
  /** 1 prints a line for each save; default 0. */
  verbose?: Verbosity;
}

const fileArgument: FileArgument = { call: 'callbacks.modelCheckpoint', name: 'file' };

const writing = <T>(work: Promise<T>): Promise<T> =>
  work.catch(error =>
    fail(fileArgument.call, `${fileArgument.name} must be a file that can be written, got ${reasonOf(error)}`),
  );

type Save = NonNullable<ModelCheckpointArgs['save']>;

export class ModelCheckpoint extends Callback {
  /** The best value so far, and its epoch. */
  best: number;
  bestEpoch: number | null = null;
  /** The weights of the best epoch, in the form of `getWeights`; null before it, and with `file` or `save`. */
  bestWeights: Tensor[] | null = null;
  readonly #monitor: Monitor;
  readonly #save: Save | null;
  readonly #file: string | null;
  readonly #resume: boolean;
  readonly #every: { readonly unit: 'epochs' | 'batches'; readonly count: number };
  readonly #bestOnly: boolean;
  readonly #verbose: number;
  /** Epochs or batches since the last save. */
  #waited = 0;
  /** Whether to save once all callbacks have been notified, and whether anything was trained since the last save. */
  #isDue = false;
  #hasUnsaved = false;
  #epoch = 0;
  /** The last batch of the epoch; null at its end. */
  #batch: number | null = null;
  #logs: Logs = {};

  constructor(args?: ModelCheckpointArgs) {
    super();
    const { call } = fileArgument;
    const names = [...monitorOptions, 'file', 'resume', 'save', 'every', 'saveBestOnly', 'verbose'];
    const known = checkOptions<ModelCheckpointArgs>(call, args, names);
    this.#monitor = new Monitor('ModelCheckpoint', known);
    if (known.save !== undefined && known.save !== null && typeof known.save !== 'function') {
      fail(call, `save must be a function (epoch, logs, model), got ${show(known.save)}`);
    }
    const save = known.save ?? null;
    const alternative = 'pass save, a function that stores model.snapshot() elsewhere';
    const file = known.file === undefined ? null : checkFile(call, 'file', known.file, alternative);
    if (file !== null && save) fail(call, 'file and save must not both be given');
    this.#file = file;
    this.#save = file === null ? save : (_epoch, _logs, model) => writing(replaceFile(file, model.snapshot()));
    this.#resume = checkBoolean(call, 'resume', known.resume ?? false);
    if (this.#resume && file === null) fail(call, 'resume must be false without file, got true');
    this.#bestOnly = checkBoolean(call, 'saveBestOnly', known.saveBestOnly ?? file === null);
    if (!this.#bestOnly && !this.#save) fail(call, 'saveBestOnly must be true without file or save, got false');
    this.#every = readEvery(call, known.every ?? 1);
    if (this.#bestOnly && known.every !== undefined) {
      fail(call, `every must be absent with saveBestOnly, got ${show(known.every)}`);
    }
    this.#verbose = checkVerbose(call, known.verbose ?? 0);
    this.best = this.#monitor.worst;
  }

  override async onTrainBegin(): Promise<void> {
    this.#monitor.reset();
    this.best = this.#monitor.worst;
    this.bestEpoch = null;
    this.bestWeights = null;
    this.#waited = 0;
    this.#isDue = false;
    this.#hasUnsaved = false;
  }

  override get keepsFile(): boolean {
    return this.#file !== null;
  }

  override async findSnapshot(): Promise<{ name: string; bytes: Uint8Array } | null> {
    const file = this.#file!;
    await writing(checkReplaceable(file));
    const bytes = this.#resume ? await readWhole(fileArgument, file) : null;
    return bytes && { name: `the file ${show(file)}`, bytes };
  }

  override getState(): CallbackState {
    const { best, bestEpoch, bestWeights } = this;
    return { numbers: { best, bestEpoch, waited: this.#waited, epoch: this.#epoch }, weights: bestWeights };
  }

  override setState({ numbers, weights }: CallbackState): void {
    this.best = numbers.best ?? this.#monitor.worst;
    this.bestEpoch = numbers.bestEpoch ?? null;
    this.bestWeights = weights ? [...weights] : null;
    this.#waited = numbers.waited ?? 0;
    this.#epoch = numbers.epoch ?? 0;
  }

  override async onEpochBegin(epoch: number): Promise<void> {
    this.#epoch = epoch;
  }

  override async onBatchEnd(batch: number, logs: Logs = {}): Promise<void> {
    if (!this.#bestOnly) this.#count('batches', batch, logs);
  }

  override async onEpochEnd(epoch: number, logs: Logs = {}): Promise<void> {
    this.#epoch = epoch;
    if (!this.#bestOnly) return this.#count('epochs', null, logs);
    const value = this.#monitor.read(logs);
    if (value === null || !this.#monitor.isBetter(value, this.best)) return;
    this.best = value;
    this.bestEpoch = epoch;
    if (!this.#save) this.bestWeights = this.model.getWeights();
    this.#logs = logs;
    this.#isDue = true;
  }

  #count(unit: 'epochs' | 'batches', batch: number | null, logs: Logs): void {
    this.#batch = batch;
    this.#logs = logs;
    this.#hasUnsaved = true;
    if (unit !== this.#every.unit) return;
    this.#waited = (this.#waited + 1) % this.#every.count;
    if (this.#waited === 0) this.#isDue = true;
  }

  /** @internal */
  override async saveProgress(isLast: boolean): Promise<void> {
    if (!this.#isDue && !(isLast && this.#hasUnsaved)) return;
    this.#waited = 0;
    this.#isDue = false;
    this.#hasUnsaved = false;
    await this.#save?.(this.#epoch, this.#logs, this.model);
    const batch = this.#batch === null ? '' : `, batch ${this.#batch}`;
    if (this.#verbose) console.log(`Epoch ${this.#epoch}${batch}: saved.`);
  }
}

function readEvery(call: string, value: unknown): { unit: 'epochs' | 'batches'; count: number } {
  if (typeof value === 'number') return { unit: 'epochs', count: checkCount(call, 'every', value) };
  if (value === null || typeof value !== 'object') {
    fail(call, `every must be a number of epochs, { epochs } or { batches }, got ${show(value)}`);
  }
  const known = checkOptions<{ epochs: number; batches: number }>(call, value, ['epochs', 'batches']);
  const units = (['epochs', 'batches'] as const).filter(unit => known[unit] !== undefined);
  if (units.length !== 1) fail(call, `every must have either epochs or batches, got ${show(value)}`);
  const unit = units[0]!;
  return { unit, count: checkCount(call, `every.${unit}`, known[unit]) };
}
