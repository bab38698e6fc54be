/** What several callbacks do: watch one number of every epoch, and tell when it is better than before. */

import { factoryOf, fail, show } from '../../util/errors.ts';
import { checkName, checkNumber } from '../../util/options.ts';
import { warn } from '../../util/warning.ts';
import type { Logs } from '../callback.ts';

/** Options of what watches a number. */
export interface MonitorOptions {
  /** The name in the logs; default 'val_loss'. */
  monitor?: string;
  /** Whether less or more is better; 'auto', the default: more of what has 'acc' in its name, less of all else. */
  mode?: 'auto' | 'min' | 'max';
  /** How much better it must be to count; default 0. */
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
    const call = `callbacks.${factoryOf(owner)}`;
    if (typeof monitor !== 'string' || monitor === '') {
      fail(call, `monitor must be a name from the logs such as 'val_loss', got ${show(monitor)}`);
    }
    checkName(call, 'mode', mode, ['auto', 'min', 'max']);
    this.name = monitor;
    this.#owner = owner;
    this.#delta = Math.abs(checkNumber(call, 'minDelta', minDelta));
    this.#sign = mode === 'max' || (mode === 'auto' && monitor.includes('acc')) ? 1 : -1;
  }

  /** Worse than anything. */
  get worst(): number {
    return -this.#sign * Number.POSITIVE_INFINITY;
  }

  /** Whether a number counts as better; NaN never does. */
  isBetter(value: number, than: number): boolean {
    return this.#sign === 1 ? value - this.#delta > than : value + this.#delta < than;
  }

  /** A training begins. */
  reset(): void {
    this.#warned = false;
  }

  /** The number of an epoch; null, and once a warning, where the logs lack it. */
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
