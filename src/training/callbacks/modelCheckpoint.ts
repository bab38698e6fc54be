/** Keeps the weights of the best epoch, or hands each epoch worth keeping to a function. */

import { fail, show } from '../../errors.ts';
import { checkBoolean, checkOptions } from '../../options.ts';
import type { Sequential } from '../../sequential.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { Callback, type Logs } from '../callback.ts';
import { checkVerbose, type Verbosity } from '../options.ts';
import { Monitor, type MonitorOptions, monitorOptions } from './monitor.ts';

/** Options of `callbacks.modelCheckpoint`. */
export interface ModelCheckpointArgs extends MonitorOptions {
  /** Called, and awaited, after each epoch worth keeping; without it the best weights are kept in memory. */
  save?: (epoch: number, logs: Logs, model: Sequential) => unknown;
  /** Whether only an epoch better than all before is worth keeping; default true. */
  saveBestOnly?: boolean;
  /** 1 writes a line for each epoch that is kept; default 0. */
  verbose?: Verbosity;
}

export class ModelCheckpoint extends Callback {
  /** The best number so far, and the epoch it belongs to. */
  best: number;
  bestEpoch: number | null = null;
  /** The weights of that epoch, as `getWeights` gives them; null before, and where there is a `save`. */
  bestWeights: Tensor[] | null = null;
  readonly #monitor: Monitor;
  readonly #save: ModelCheckpointArgs['save'] | null;
  readonly #bestOnly: boolean;
  readonly #verbose: number;

  constructor(args?: ModelCheckpointArgs) {
    super();
    const call = 'callbacks.modelCheckpoint';
    const known = checkOptions<ModelCheckpointArgs>(call, args, [...monitorOptions, 'save', 'saveBestOnly', 'verbose']);
    this.#monitor = new Monitor('ModelCheckpoint', known);
    this.#save = known.save ?? null;
    if (this.#save !== null && typeof this.#save !== 'function') {
      fail(call, `save must be a function of an epoch, its logs and the model, got ${show(known.save)}`);
    }
    this.#bestOnly = checkBoolean(call, 'saveBestOnly', known.saveBestOnly ?? true);
    if (!this.#bestOnly && !this.#save) fail(call, 'saveBestOnly must be true without a save, got false');
    this.#verbose = checkVerbose(call, known.verbose ?? 0);
    this.best = this.#monitor.worst;
  }

  override async onTrainBegin(): Promise<void> {
    this.#monitor.reset();
    this.best = this.#monitor.worst;
    this.bestEpoch = null;
    this.bestWeights = null;
  }

  override async onEpochEnd(epoch: number, logs: Logs = {}): Promise<void> {
    if (this.#bestOnly) {
      const value = this.#monitor.read(logs);
      if (value === null || !this.#monitor.isBetter(value, this.best)) return;
      this.best = value;
      this.bestEpoch = epoch;
      if (!this.#save) this.bestWeights = this.model.getWeights();
    }
    await this.#save?.(epoch, logs, this.model);
    if (this.#verbose) console.log(`Epoch ${epoch}: saved.`);
  }
}
