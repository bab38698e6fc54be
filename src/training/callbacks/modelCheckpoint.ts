/** Keeps the weights of the best epoch, hands epochs worth keeping to a function, or writes snapshots into a file. */

import type { Sequential } from '../../model/sequential.ts';
import { checkFile, type FileArgument, readWhole } from '../../saving/nodeFiles.ts';
import { checkReplaceable, replaceFile } from '../../saving/replaceFile.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { fail, reasonOf, show } from '../../util/errors.ts';
import { checkBoolean, checkCount, checkOptions } from '../../util/options.ts';
import { Callback, type CallbackState, type Logs } from '../callback.ts';
import { checkVerbose, type Verbosity } from '../options.ts';
import { Monitor, type MonitorOptions, monitorOptions } from './monitor.ts';

/** So many epochs, or so many batches. @inline */
export type Every = number | { epochs: number } | { batches: number };

/** Options of `callbacks.modelCheckpoint`. */
export interface ModelCheckpointArgs extends MonitorOptions {
  /**
   * In Node: a file that `model.snapshot()` is written into. It is replaced as a whole, so that it can be read at any
   * moment, whatever happens to the process; its mode and links to it are kept.
   */
  file?: string | URL;
  /** Go on with the training that `file` is a snapshot of, where it is there already; default false. */
  resume?: boolean;
  /** Called, and awaited, instead; without either, the best weights are kept in memory. */
  save?: (epoch: number, logs: Logs, model: Sequential) => unknown;
  /**
   * How often, with `file`, or with `save` and `saveBestOnly: false`: after every so many epochs, default 1, or
   * `{ batches: 100 }`. The end of the training is kept in any case.
   */
  every?: Every;
  /** Whether only an epoch better than all before is worth keeping; default true, but false with `file`. */
  saveBestOnly?: boolean;
  /** 1 writes a line each time something is kept; default 0. */
  verbose?: Verbosity;
}

const given: FileArgument = { call: 'callbacks.modelCheckpoint', name: 'file' };

const writing = <T>(work: Promise<T>): Promise<T> =>
  work.catch(error => fail(given.call, `${given.name} must be a file that can be written, got ${reasonOf(error)}`));

type Save = (epoch: number, logs: Logs, model: Sequential) => unknown;

export class ModelCheckpoint extends Callback {
  /** The best number so far, and the epoch it belongs to. */
  best: number;
  bestEpoch: number | null = null;
  /** The weights of that epoch, as `getWeights` gives them; null before, and where there is a `file` or a `save`. */
  bestWeights: Tensor[] | null = null;
  readonly #monitor: Monitor;
  readonly #save: Save | null;
  readonly #file: string | null;
  readonly #resume: boolean;
  readonly #every: { readonly unit: 'epochs' | 'batches'; readonly count: number };
  readonly #bestOnly: boolean;
  readonly #verbose: number;
  /** Epochs or batches since something was kept, and whether anything has been trained since. */
  #waited = 0;
  #isBehind = false;
  #epoch = 0;
  #logs: Logs = {};

  constructor(args?: ModelCheckpointArgs) {
    super();
    const { call } = given;
    const names = [...monitorOptions, 'file', 'resume', 'save', 'every', 'saveBestOnly', 'verbose'];
    const known = checkOptions<ModelCheckpointArgs>(call, args, names);
    this.#monitor = new Monitor('ModelCheckpoint', known);
    if (known.save !== undefined && known.save !== null && typeof known.save !== 'function') {
      fail(call, `save must be a function of an epoch, its logs and the model, got ${show(known.save)}`);
    }
    const save = known.save ?? null;
    const instead = 'give save a function that keeps model.snapshot() elsewhere';
    const file = known.file === undefined ? null : checkFile(call, 'file', known.file, instead);
    if (file !== null && save) fail(call, 'takes either file or save, got both');
    this.#file = file;
    this.#save = file === null ? save : (_epoch, _logs, model) => writing(replaceFile(file, model.snapshot()));
    this.#resume = checkBoolean(call, 'resume', known.resume ?? false);
    if (this.#resume && file === null) fail(call, 'resume must be false without a file, got true');
    this.#bestOnly = checkBoolean(call, 'saveBestOnly', known.saveBestOnly ?? file === null);
    if (!this.#bestOnly && !this.#save) fail(call, 'saveBestOnly must be true without a file or a save, got false');
    this.#every = readEvery(call, known.every ?? 1);
    if (this.#bestOnly && known.every !== undefined) {
      fail(call, `every must be absent where only the best epochs are kept, got ${show(known.every)}`);
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
    this.#isBehind = false;
  }

  override get keepsFile(): boolean {
    return this.#file !== null;
  }

  override async findSnapshot(): Promise<{ name: string; bytes: Uint8Array } | null> {
    const file = this.#file!;
    await writing(checkReplaceable(file));
    const bytes = this.#resume ? await readWhole(given, file) : null;
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
    if (this.#bestOnly) return;
    this.#isBehind = true;
    this.#logs = logs;
    if (this.#isDue('batches')) await this.#keep(logs, `, batch ${batch}`);
  }

  override async onEpochEnd(epoch: number, logs: Logs = {}): Promise<void> {
    this.#epoch = epoch;
    this.#logs = logs;
    if (!this.#bestOnly) {
      const isLast = epoch + 1 >= this.params.epochs || this.model.stopTraining;
      if (this.#isDue('epochs') || isLast) await this.#keep(logs);
      return;
    }
    const value = this.#monitor.read(logs);
    if (value === null || !this.#monitor.isBetter(value, this.best)) return;
    this.best = value;
    this.bestEpoch = epoch;
    if (!this.#save) this.bestWeights = this.model.getWeights();
    await this.#keep(logs);
  }

  /** Where training ended without this callback knowing that it would. */
  override async onTrainEnd(): Promise<void> {
    if (this.#isBehind) await this.#keep(this.#logs);
  }

  /** Counts one more epoch or batch, and tells whether it is time. */
  #isDue(unit: 'epochs' | 'batches'): boolean {
    const { unit: counted, count } = this.#every;
    return unit === counted && ++this.#waited >= count;
  }

  async #keep(logs: Logs, where = ''): Promise<void> {
    this.#waited = 0;
    this.#isBehind = false;
    await this.#save?.(this.#epoch, logs, this.model);
    if (this.#verbose) console.log(`Epoch ${this.#epoch}${where}: saved.`);
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
