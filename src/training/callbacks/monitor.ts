/** Watches a value in the logs of each epoch for improvements; shared by several callbacks. */

import { factoryNameOf, fail, show } from '../../util/errors.ts';
import { checkName, checkNumber } from '../../util/options.ts';
import { warn } from '../../util/warning.ts';
import type { Logs } from '../callback.ts';

/** Options of callbacks that monitor a value. */
export interface MonitorOptions {
  /** The name of the value in the logs; default 'val_loss'. */
  monitor?: string;
  /** Whether a lower or a higher value is better. Default 'auto': higher if the name contains 'acc', else lower. */
  mode?: 'auto' | 'min' | 'max';
  /** The least change that counts as an improvement; default 0. */
  minDelta?: number;
}

export const monitorOptions = ['monitor', 'mode', 'minDelta'] as const;

export class Monitor {
  readonly name: string;
  readonly #delta: number;
  readonly #sign: 1 | -1;
  readonly #owner: string;
  #warned = false;

  constructor(owner: string, { monitor = 'val_loss', mode = 'auto', minDelta = 0 }: MonitorOptions) {
    const call = `callbacks.${factoryNameOf(owner)}`;
    if (typeof monitor !== 'string' || monitor === '') {
      fail(call, `monitor must be a name from the logs such as 'val_loss', got ${show(monitor)}`);
    }
    checkName(call, 'mode', mode, ['auto', 'min', 'max']);
    this.name = monitor;
    this.#owner = owner;
    this.#delta = Math.abs(checkNumber(call, 'minDelta', minDelta));
    this.#sign = mode === 'max' || (mode === 'auto' && monitor.includes('acc')) ? 1 : -1;
  }

  /** The worst possible value. */
  get worst(): number {
    return -this.#sign * Number.POSITIVE_INFINITY;
  }

  /** Whether a value is an improvement; NaN never is. */
  isBetter(value: number, than: number): boolean {
    return this.#sign === 1 ? value - this.#delta > than : value + this.#delta < than;
  }

  /** Lets a new training run warn again. */
  reset(): void {
    this.#warned = false;
  }

  /** The value in the logs; null, with one warning per training run, if it is missing. */
  read(logs: Logs): number | null {
    const value = logs[this.name];
    if (value !== undefined) return value;
    if (!this.#warned) {
      const known = Object.keys(logs).map(key => `'${key}'`);
      warn(`${this.#owner}: '${this.name}' must be in the logs, which have ${known.join(', ')}`);
    }
    this.#warned = true;
    return null;
  }
}
