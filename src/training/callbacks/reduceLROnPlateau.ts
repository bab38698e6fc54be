/** Makes the steps of the optimizer smaller when a number stops getting better. */

import { checkCount, checkNumber, checkOptions } from '../../util/options.ts';
import { Callback, type CallbackState, type Logs } from '../callback.ts';
import { checkVerbose, type Verbosity } from '../options.ts';
import { Monitor, type MonitorOptions, monitorOptions } from './monitor.ts';

/** Options of `callbacks.reduceLROnPlateau`, with the defaults of Keras; that of minDelta is 1e-4. */
export interface ReduceLROnPlateauArgs extends MonitorOptions {
  /** What the learning rate is multiplied by; default 0.1. */
  factor?: number;
  /** How many epochs may pass without getting better; default 10. */
  patience?: number;
  /** How many epochs to leave it alone afterwards; default 0. */
  cooldown?: number;
  /** The learning rate goes no lower than this; default 0. */
  minLR?: number;
  /** 1 writes a line for each change; default 0. */
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

  /** Adds `lr`, the learning rate that the epoch had, to the logs. */
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
