/** Losses with options, for `compile`: `losses.pinball` and `losses.ctc`. */

import { type Config, serialize } from '../util/config.ts';
import { deserialize, isSerialized } from '../util/deserialize.ts';
import { factoryNameOf, fail, show } from '../util/errors.ts';
import { checkCount, checkNumber, checkOptions } from '../util/options.ts';

/** The options of a loss. */
export interface LossSettings {
  /** The levels of the quantiles that pinball compares with a target. */
  readonly levels: readonly number[];
  /** The class of ctc that is no label. */
  readonly blank: number;
}

/** For losses without options. */
export const noSettings: LossSettings = { levels: [], blank: 0 };

/** A loss with options. The functions `losses.pinball` and `losses.ctc` create it. */
export class LossWithOptions {
  constructor(
    readonly name: 'pinball' | 'ctc',
    /** @internal */
    readonly settings: LossSettings,
  ) {}

  /** The name of its class in files. */
  get className(): string {
    return this.name === 'ctc' ? 'CTC' : 'Pinball';
  }

  /** The options as plain data. */
  getConfig(): Config {
    const { levels, blank } = this.settings;
    return this.name === 'ctc' ? { blank } : { levels: [...levels] };
  }
}

/** Options of `losses.pinball`. */
export interface PinballOptions {
  /** The levels of the quantiles: increasing numbers between 0 and 1, such as [0.1, 0.5, 0.9]. */
  levels: readonly number[];
}

/** Options of `losses.ctc`. */
export interface CtcOptions {
  /** The class that stands for no label. Default 0. */
  blank?: number;
}

export function pinball(options: PinballOptions): LossWithOptions {
  const call = 'losses.pinball';
  const { levels } = checkOptions<PinballOptions>(call, options, ['levels']);
  if (!Array.isArray(levels) || levels.length === 0) {
    fail(call, `levels must be a list of numbers, got ${levels === undefined ? 'none' : show(levels)}`);
  }
  const copy = Array.from(levels, (level, n) => checkNumber(call, `levels[${n}]`, level, { above: 0, below: 1 }));
  const wrong = copy.findIndex((level, n) => n > 0 && level <= copy[n - 1]!);
  if (wrong > 0) fail(call, `levels must be increasing, got ${copy[wrong]} after ${copy[wrong - 1]}`);
  return new LossWithOptions('pinball', { ...noSettings, levels: copy });
}

export function ctc(options?: CtcOptions): LossWithOptions {
  const { blank = 0 } = checkOptions<CtcOptions>('losses.ctc', options, ['blank']);
  return new LossWithOptions('ctc', { ...noSettings, blank: checkCount('losses.ctc', 'blank', blank, 0) });
}

/** A loss as data: its name, or `{ className, config }` if it has options. */
export const describeLoss = (name: string, settings = noSettings): string | ReturnType<typeof serialize> =>
  name === 'pinball' || name === 'ctc' ? serialize(new LossWithOptions(name, settings)) : name;

/** The inverse of `describeLoss`; returns other values unchanged. */
export function lossFromConfig(call: string, argument: string, value: unknown): unknown {
  if (value === 'pinball') fail(call, `${argument} must be losses.pinball({ levels }), got 'pinball'`);
  return isSerialized(value) ? deserialize(call, argument, value, { pinball, ctc }, factoryNameOf) : value;
}

export const settingsOf = (loss: unknown): LossSettings =>
  loss instanceof LossWithOptions ? loss.settings : noSettings;
