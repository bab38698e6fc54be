/** Stops training when a monitored value stops improving. */

import type { Tensor } from '../../tensor/tensor.ts';
import { checkBoolean, checkCount, checkNumber, checkOptions } from '../../util/options.ts';
import { Callback, type CallbackState, type Logs } from '../callback.ts';
import { checkVerbose, type Verbosity } from '../verbosity.ts';
import { Monitor, type MonitorOptions, monitorOptions } from './monitor.ts';

/** Options of `callbacks.earlyStopping`. */
export interface EarlyStoppingCallbackArgs extends MonitorOptions {
  /** Epochs without improvement before training stops; default 0. */
  patience?: number;
  /** 1 prints a line when training was stopped; default 0. */
  verbose?: Verbosity;
  /** The value that must be exceeded for an improvement to count. */
  baseline?: number;
  /** Whether to restore the weights of the best epoch at the end of training; default false. */
  restoreBestWeights?: boolean;
}

export class EarlyStopping extends Callback {
  /** The epoch after which training was stopped; null if it was not. */
  stoppedEpoch: number | null = null;
  /** The best epoch, and its monitored value. */
  bestEpoch: number | null = null;
  best: number;
  readonly #monitor: Monitor;
  readonly #patience: number;
  readonly #verbose: number;
  readonly #baseline: number | null;
  readonly #restore: boolean;
  #weights: Tensor[] | null = null;
  #wait = 0;

  constructor(args?: EarlyStoppingCallbackArgs) {
    super();
    const call = 'callbacks.earlyStopping';
    const known = checkOptions<EarlyStoppingCallbackArgs>(call, args ?? undefined, [
      ...monitorOptions,
      'patience',
      'verbose',
      'baseline',
      'restoreBestWeights',
    ]);
    this.#monitor = new Monitor('EarlyStopping', known);
    this.#patience = checkCount(call, 'patience', known.patience ?? 0, 0);
    this.#verbose = checkVerbose(call, known.verbose ?? 0);
    this.#baseline = known.baseline === undefined ? null : checkNumber(call, 'baseline', known.baseline);
    this.#restore = checkBoolean(call, 'restoreBestWeights', known.restoreBestWeights ?? false);
    this.best = this.#monitor.worst;
  }

  override async onTrainBegin(): Promise<void> {
    this.#monitor.reset();
    this.stoppedEpoch = null;
    this.bestEpoch = null;
    this.best = this.#monitor.worst;
    this.#weights = null;
    this.#wait = 0;
  }

  override getState(): CallbackState {
    const { best, bestEpoch, stoppedEpoch } = this;
    return { numbers: { best, bestEpoch, stoppedEpoch, wait: this.#wait }, weights: this.#weights };
  }

  override setState({ numbers, weights }: CallbackState): void {
    this.best = numbers.best ?? this.#monitor.worst;
    this.bestEpoch = numbers.bestEpoch ?? null;
    this.stoppedEpoch = numbers.stoppedEpoch ?? null;
    this.#wait = numbers.wait ?? 0;
    this.#weights = weights ? [...weights] : null;
  }

  override async onEpochEnd(epoch: number, logs: Logs = {}): Promise<void> {
    const value = this.#monitor.read(logs);
    if (value === null) return;
    this.#wait++;
    if (this.#monitor.isBetter(value, this.best)) {
      this.best = value;
      this.bestEpoch = epoch;
      if (this.#restore) this.#weights = this.model.getWeights();
      // An improvement that does not exceed the baseline does not reset the wait
      if (this.#baseline === null || this.#monitor.isBetter(value, this.#baseline)) this.#wait = 0;
    }
    if (this.#wait > 0 && this.#wait >= this.#patience) {
      this.stoppedEpoch = epoch;
      this.model.stopTraining = true;
    }
  }

  override async onTrainEnd(): Promise<void> {
    if (this.#verbose && this.stoppedEpoch !== null) console.log(`Epoch ${this.stoppedEpoch}: early stopping.`);
    if (this.#weights) this.model.setWeights(this.#weights);
    this.#weights = null;
  }
}
