/** The base class of optimizers: common options and the learning rate. The arithmetic is in assembly/training/optimizers.ts. */

import { limitMethodArguments } from '../util/arguments.ts';
import { type Config, type ConfigValue, serialize } from '../util/config.ts';
import { fail, show } from '../util/errors.ts';
import { checkBoolean, checkCount, checkNumber, checkOptions, isPlain } from '../util/options.ts';
import { useKernels } from '../wasm/engine.ts';
import { optimizerKernels } from '../wasm/kernelPlaces.ts';
import type { Address, Kernels } from '../wasm/kernels.ts';
import { rates, Schedule } from './schedules.ts';

/** A number from 0, one of `schedules.*`, or a function of the number of batches trained before, 0 for the first. */
export type LearningRate = number | Schedule | ((step: number) => number);

/** Options of every optimizer. */
export interface OptimizerOptions {
  /** The step size: a number, one of `schedules.*`, or a function of the number of batches trained before. */
  learningRate?: LearningRate;
  /**
   * Decoupled weight decay: before each update, every trainable weight is reduced by this fraction of itself, times the
   * learning rate. Default: none; 0.004 for `train.adamw`.
   */
  weightDecay?: number;
  /**
   * Scales the gradient of each weight matrix or bias down to at most this norm. Only one of `clipNorm`, `clipValue` and
   * `globalClipNorm` can be set. Default: none.
   */
  clipNorm?: number;
  /** Clips each number of the gradients to [-clipValue, clipValue]. Default: none. */
  clipValue?: number;
  /** Scales all gradients together down to at most this norm. Default: none. */
  globalClipNorm?: number;
  /** Whether to keep an exponential moving average of the weights. Default: false. */
  useEma?: boolean;
  /** The fraction of the average that each update keeps, from 0 to 1; needs `useEma`. Default: 0.99. */
  emaMomentum?: number;
  /**
   * The number of batches after which the weights are replaced by their average; needs `useEma`. Default: only at the end
   * of `fit`.
   */
  emaOverwriteFrequency?: number;
}

const common = [
  'learningRate',
  'weightDecay',
  'clipNorm',
  'clipValue',
  'globalClipNorm',
  'useEma',
  'emaMomentum',
  'emaOverwriteFrequency',
] as const satisfies readonly (keyof OptimizerOptions)[];

const clips = ['clipNorm', 'clipValue', 'globalClipNorm'] as const;

/** Updates weights by their gradients. Create one with `train.*`. */
export abstract class Optimizer {
  /** Null for none, as are the three options for clipping. */
  readonly weightDecay: number | null;
  readonly clipNorm: number | null;
  readonly clipValue: number | null;
  readonly globalClipNorm: number | null;
  readonly useEma: boolean;
  readonly emaMomentum: number;
  /** Null for only at the end of `fit`. */
  readonly emaOverwriteFrequency: number | null;
  #rate: LearningRate;
  #step = 0;

  constructor(
    /** The name of the class in TF.js, or in Keras if TF.js has none. */
    readonly className: string,
    call: string,
    options: OptimizerOptions,
    /** The number of floats it stores for each weight, such as moments. */
    readonly slots: number,
  ) {
    this.#rate = checkRate(call, options.learningRate);
    const above = { above: 0, most: 1e38 };
    const positive = (name: (typeof clips)[number]) =>
      options[name] === undefined ? null : checkNumber(call, name, options[name], above);
    this.weightDecay =
      options.weightDecay === undefined
        ? null
        : checkNumber(call, 'weightDecay', options.weightDecay, { least: 0, most: 1e38 });
    this.clipNorm = positive('clipNorm');
    this.clipValue = positive('clipValue');
    this.globalClipNorm = positive('globalClipNorm');
    const given = clips.filter(name => options[name] !== undefined);
    if (given.length > 1) fail(call, `only one of ${clips.join(', ')} can be given, got ${given.join(' and ')}`);
    this.useEma = options.useEma === undefined ? false : checkBoolean(call, 'useEma', options.useEma);
    if (!this.useEma) {
      const unused = (['emaMomentum', 'emaOverwriteFrequency'] as const).find(name => options[name] !== undefined);
      if (unused) fail(call, `useEma must be true if ${unused} is given, got ${show(options.useEma)}`);
    }
    this.emaMomentum = checkNumber(call, 'emaMomentum', options.emaMomentum ?? 0.99, { least: 0, most: 1 });
    this.emaOverwriteFrequency =
      options.emaOverwriteFrequency === undefined
        ? null
        : checkCount(call, 'emaOverwriteFrequency', options.emaOverwriteFrequency);
    if (className !== 'Adam' && className !== 'AdamW') useKernels(optimizerKernels.need(call));
  }

  /**
   * The learning rate of the next batch. It can be set between batches, to a number, a schedule or a function.
   */
  get learningRate(): number {
    return this.rateAt('optimizer', this.#step);
  }

  set learningRate(value: LearningRate) {
    this.#rate = checkRate('optimizer', value);
  }

  /** The same as setting `learningRate`, for TF.js programs. */
  setLearningRate(value: LearningRate): void {
    this.#rate = checkRate('optimizer.setLearningRate', value);
  }

  /** The same as `className`, for TF.js programs. */
  getClassName(): string {
    return this.className;
  }

  /**
   * The options as plain data; of the common options, only those that are set. The learning rate is a number or the
   * description of a schedule; for a function, it is the current value.
   */
  getConfig(): Config {
    const { weightDecay, clipNorm, clipValue, globalClipNorm, emaOverwriteFrequency } = this;
    const optional = { weightDecay, clipNorm, clipValue, globalClipNorm, emaOverwriteFrequency };
    const learningRate = this.#rate instanceof Schedule ? serialize(this.#rate) : this.learningRate;
    const config: Record<string, ConfigValue> = { learningRate, ...this.settings() };
    for (const [name, value] of Object.entries(optional)) if (value !== null) config[name] = value;
    if (this.useEma) Object.assign(config, { useEma: true, emaMomentum: this.emaMomentum });
    return config;
  }

  /** Does nothing, because the state of the optimizer belongs to the model. For TF.js programs. */
  dispose(): void {}

  /** @internal Whether `getConfig` describes the learning rate completely. */
  get rateIsData(): boolean {
    return typeof this.#rate !== 'function';
  }

  /** @internal The learning rate if it is a number, or else the kind of its source. */
  get rateOrKind(): number | 'schedule' | 'function' {
    if (typeof this.#rate === 'number') return this.#rate;
    return this.#rate instanceof Schedule ? 'schedule' : 'function';
  }

  /** @internal The options of its class. */
  protected abstract settings(): Record<string, number | boolean>;

  /** @internal The learning rate of a step. Throws if a function returns an invalid one. */
  rateAt(call: string, step: number): number {
    const rate = this.#rate;
    if (typeof rate === 'number') return rate;
    const value = rate instanceof Schedule ? rate.at(step) : rate(step);
    return checkNumber(call, `learningRate(${step})`, value, rates);
  }

  /** @internal Sets the number of batches trained, from which `learningRate` follows. */
  setStep(step: number): void {
    this.#step = step;
  }

  /**
   * @internal The smallest possible divisor of an update, which bounds the size of a step.
   */
  get leastDivisor(): number {
    return 1;
  }

  /** @internal The initial value of a slot. */
  slotStart(_slot: number): number {
    return 0;
  }

  /** @internal How many numbers besides the slots change from step to step; they all start at 1. */
  readonly counters: number = 0;

  /** @internal Advances the counters by one step. They start at `counters[1]`. */
  advance(_counters: Float64Array): void {}

  /** @internal Sets the rule of an update and its numbers, after `advance`; assembly/training/updates.ts has their order. */
  abstract setRule(kernels: Kernels, update: Address, rate: number, counters: Float64Array): void;
}

limitMethodArguments(Optimizer, 'optimizer', ['setLearningRate', 'getClassName', 'getConfig', 'dispose']);

/** Advances the counters of an optimizer from their initial values, and stops early once they no longer change. */
export function advance(optimizer: Optimizer, counters: Float64Array, batches: number): void {
  const before = counters.slice();
  for (let n = 0; n < batches; n++) {
    before.set(counters);
    optimizer.advance(counters);
    if (counters.every((value, i) => value === before[i])) return;
  }
}

function checkRate(call: string, rate: unknown): LearningRate {
  if (rate instanceof Schedule || typeof rate === 'function') return rate as LearningRate;
  return checkNumber(call, 'learningRate', rate, rates);
}

/**
 * Reads the options of a factory: positional arguments in the order of `names`, as in TF.js, or one object, which may also
 * contain the common options.
 */
export function readArguments<T extends OptimizerOptions>(
  call: string,
  names: readonly (keyof T & string)[],
  given: readonly unknown[],
): Partial<T> {
  const [first] = given;
  if (first !== null && typeof first === 'object' && !(first instanceof Schedule)) {
    const more = given.findIndex((value, n) => n > 0 && value !== undefined);
    if (more > 0)
      fail(call, `arguments must be one object or positional, got both (${names[more] ?? show(given[more])})`);
    return checkOptions<T>(call, first, [...new Set([...names, ...common])]);
  }
  const options = given.findIndex(isPlain);
  if (options > 0) {
    const keys = [...names.slice(0, options), ...Object.keys(given[options] as object)].slice(0, 3).join(', ');
    fail(call, `arguments must be one object or positional, got both; pass ${call}({ ${keys} })`);
  }
  // TF.js passes null for the default epsilon
  const present = names.map((name, n) => [name, name === 'epsilon' ? (given[n] ?? undefined) : given[n]] as const);
  return Object.fromEntries(present.filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** A decay rate, from 0 up to but not including 1. */
export const checkDecay = (call: string, name: string, value: unknown): number =>
  checkNumber(call, name, value, { least: 0, below: 1 });

/** An epsilon, large enough to prevent a division by zero in float32. */
export const checkEpsilon = (call: string, value: unknown = 1e-7): number =>
  checkNumber(call, 'epsilon', value, { least: 1e-37, most: 1e37 });
