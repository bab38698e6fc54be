/** Reduces the learning rate when a monitored value stops improving. */

import { checkCount, checkNumber, checkOptions } from '../../util/options.ts';
import { Callback, type CallbackState, type Logs } from '../callback.ts';
import { checkVerbose, type Verbosity } from '../verbosity.ts';
import { Monitor, type MonitorOptions, monitorOptions } from './monitor.ts';

/** Options of `callbacks.reduceLROnPlateau`, with the defaults of Keras; minDelta defaults to 1e-4. */
export interface ReduceLROnPlateauArgs extends MonitorOptions {
  /** The factor by which the learning rate is multiplied; default 0.1. */
  factor?: number;
  /** Epochs without improvement before a reduction; default 10. */
  patience?: number;
  /** Epochs to wait after a reduction; default 0. */
  cooldown?: number;
  /** The lower bound of the learning rate; default 0. */
  minLR?: number;
  /** 1 prints a line for each reduction; default 0. */
  verbose?: Verbosity;
}

export class ReduceLROnPlateau extends Callback {
  readonly #monitor: Monitor;
  readonly #factor: number;
  readonly #patience: number;
  readonly #cooldown: number;
  readonly #minLR: number;
  readonly #verbose: number;
  #best: number;
  #wait = 0;
  #cooling = 0;

  constructor(args?: ReduceLROnPlateauArgs) {
    super();
    const call = 'callbacks.reduceLROnPlateau';
    const known = checkOptions<ReduceLROnPlateauArgs>(call, args, [
      ...monitorOptions,
      'factor',
      'patience',
      'cooldown',
      'minLR',
      'verbose',
    ]);
    this.#monitor = new Monitor('ReduceLROnPlateau', { minDelta: 1e-4, ...known });
    this.#factor = checkNumber(call, 'factor', known.factor ?? 0.1, { above: 0, below: 1 });
    this.#patience = checkCount(call, 'patience', known.patience ?? 10, 0);
    this.#cooldown = checkCount(call, 'cooldown', known.cooldown ?? 0, 0);
    this.#minLR = checkNumber(call, 'minLR', known.minLR ?? 0, { least: 0 });
    this.#verbose = checkVerbose(call, known.verbose ?? 0);
    this.#best = this.#monitor.worst;
  }

  override async onTrainBegin(): Promise<void> {
    this.#monitor.reset();
    this.#best = this.#monitor.worst;
    this.#wait = 0;
    this.#cooling = 0;
  }

  override getState(): CallbackState {
    return { numbers: { best: this.#best, wait: this.#wait, cooling: this.#cooling } };
  }

  override setState({ numbers }: CallbackState): void {
    this.#best = numbers.best ?? this.#monitor.worst;
    this.#wait = numbers.wait ?? 0;
    this.#cooling = numbers.cooling ?? 0;
  }

  /** Adds the learning rate of the epoch to the logs, as `lr`. */
  override async onEpochEnd(epoch: number, logs: Logs = {}): Promise<void> {
    const optimizer = this.model.optimizer!;
    const rate = optimizer.learningRate;
    logs.lr = rate;
    const value = this.#monitor.read(logs);
    if (value === null) return;
    if (this.#cooling > 0) {
      this.#cooling--;
      this.#wait = 0;
    }
    if (this.#monitor.isBetter(value, this.#best)) {
      this.#best = value;
      this.#wait = 0;
      return;
    }
    if (this.#cooling > 0) return;
    this.#wait++;
    if (this.#wait < this.#patience || rate <= this.#minLR) return;
    const reduced = Math.max(rate * this.#factor, this.#minLR);
    optimizer.learningRate = reduced;
    this.#cooling = this.#cooldown;
    this.#wait = 0;
    if (this.#verbose) console.log(`Epoch ${epoch}: learning rate reduced to ${reduced}.`);
  }
}
