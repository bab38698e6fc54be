/** What every optimizer is: common options, a learning rate and its schedule. The arithmetic is in assembly/training/optimizers.ts. */

import { exactMethods } from '../util/arguments.ts';
import { type Config, type ConfigValue, describe } from '../util/config.ts';
import { fail, show } from '../util/errors.ts';
import { checkBoolean, checkCount, checkNumber, checkOptions, isPlain } from '../util/options.ts';
import type { Kernels } from '../wasm/kernels.ts';
import { rates, Schedule } from './schedules.ts';

/** A number, one of `schedules.*`, or a function of the number of batches trained before: 0 for the first one. */
export type LearningRate = number | Schedule | ((step: number) => number);

/** Options of every optimizer. */
export interface OptimizerOptions {
  /** The step size. */
  learningRate?: LearningRate;
  /** Before every step, all weights lose this share of themselves, times the learning rate; none by default. */
  weightDecay?: number;
  /** The gradient of every weight is scaled down to at most this norm. */
  clipNorm?: number;
  /** Every number of a gradient is put into [-clipValue, clipValue]. */
  clipValue?: number;
  /** All gradients together are scaled down to at most this norm. */
  globalClipNorm?: number;
  /** Whether to keep a moving average of the weights; default false. */
  useEma?: boolean;
  /** What the average keeps of itself at every step, default 0.99. */
  emaMomentum?: number;
  /** Put the average in place of the weights every so many steps; by default only at the end of `fit`. */
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

/** What turns gradients into new weights; make one with `train.*`. */
export abstract class Optimizer {
  /** Null for none, as are the three ways of clipping. */
  readonly weightDecay: number | null;
  readonly clipNorm: number | null;
  readonly clipValue: number | null;
  readonly globalClipNorm: number | null;
  readonly useEma: boolean;
  readonly emaMomentum: number;
  /** Null for only at the end. */
  readonly emaOverwriteFrequency: number | null;
  #rate: LearningRate;
  #step = 0;

  constructor(
    /** The name TF.js gives it, or else Keras. */
    readonly className: string,
    call: string,
    options: OptimizerOptions,
    /** Numbers it keeps beside every weight, such as moments. */
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
    if (given.length > 1) fail(call, `at most one of ${clips.join(', ')} must be given, got ${given.join(' and ')}`);
    this.useEma = options.useEma === undefined ? false : checkBoolean(call, 'useEma', options.useEma);
    if (!this.useEma) {
      const vain = (['emaMomentum', 'emaOverwriteFrequency'] as const).find(name => options[name] !== undefined);
      if (vain) fail(call, `useEma must be true where ${vain} is given, got ${show(options.useEma)}`);
    }
    this.emaMomentum = checkNumber(call, 'emaMomentum', options.emaMomentum ?? 0.99, { least: 0, most: 1 });
    this.emaOverwriteFrequency =
      options.emaOverwriteFrequency === undefined
        ? null
        : checkCount(call, 'emaOverwriteFrequency', options.emaOverwriteFrequency);
  }

  /**
   * The step size of the next batch. It may be set between batches: to a number, a schedule or a function of the step.
   */
  get learningRate(): number {
    return this.rateAt('optimizer', this.#step);
  }

  set learningRate(value: LearningRate) {
    this.#rate = checkRate('optimizer', value);
  }

  /** The same as setting `learningRate`; TF.js programs call it. */
  setLearningRate(value: LearningRate): void {
    this.#rate = checkRate('optimizer.setLearningRate', value);
  }

  /** The same as `className`; TF.js programs call it. */
  getClassName(): string {
    return this.className;
  }

  /**
   * The options; those of every optimizer only where they do something. The learning rate is a number, or the schedule
   * as plain data; of a function, the present value.
   */
  getConfig(): Config {
    const { weightDecay, clipNorm, clipValue, globalClipNorm, emaOverwriteFrequency } = this;
    const optional = { weightDecay, clipNorm, clipValue, globalClipNorm, emaOverwriteFrequency };
    const learningRate = this.#rate instanceof Schedule ? describe(this.#rate) : this.learningRate;
    const config: Record<string, ConfigValue> = { learningRate, ...this.settings() };
    for (const [name, value] of Object.entries(optional)) if (value !== null) config[name] = value;
    if (this.useEma) Object.assign(config, { useEma: true, emaMomentum: this.emaMomentum });
    return config;
  }

  /** Does nothing: what an optimizer keeps belongs to the model. TF.js programs call it. */
  dispose(): void {}

  /** @internal Whether `getConfig` says all there is to say of the learning rate. */
  get rateIsData(): boolean {
    return typeof this.#rate !== 'function';
  }

  /** @internal The learning rate where it was set to a number, or else what it comes from. */
  get rateOrKind(): number | 'schedule' | 'function' {
    if (typeof this.#rate === 'number') return this.#rate;
    return this.#rate instanceof Schedule ? 'schedule' : 'function';
  }

  /** @internal Its own options. */
  protected abstract settings(): Record<string, number | boolean>;

  /** @internal The learning rate of a step, checked. */
  rateAt(call: string, step: number): number {
    const rate = this.#rate;
    if (typeof rate === 'number') return rate;
    const value = rate instanceof Schedule ? rate.at(step) : rate(step);
    return checkNumber(call, `learningRate(${step})`, value, rates);
  }

  /** @internal Tells how many batches the model has trained, for `learningRate`. */
  moveTo(step: number): void {
    this.#step = step;
  }

  /**
   * @internal The smallest divisor of an update: a step is at most the learning rate times its numerator, divided by
   * this.
   */
  get leastDivisor(): number {
    return 1;
  }

  /** @internal What a slot holds before the first step. */
  slotStart(_slot: number): number {
    return 0;
  }

  /** @internal What changes from step to step beside the slots: numbers, all 1 before the first step. */
  abstract readonly counters: number;

  /** @internal Moves the counters on by one step; the first of them is in counters[1]. */
  abstract advance(counters: Float64Array): void;

  /**
   * @internal One step over a run of parameters, after `advance`. Slot n of a parameter lies (n + 1) * slotBytes
   * behind its gradient.
   */
  abstract update(
    kernels: Kernels,
    weights: number,
    gradients: number,
    slotBytes: number,
    count: number,
    rate: number,
    counters: Float64Array,
  ): void;
}

exactMethods(Optimizer, 'optimizer', ['setLearningRate', 'getClassName', 'getConfig', 'dispose']);

/** Advances the counters of an optimizer from their start, at most until they no longer change. */
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
 * The options of a factory: the positional arguments of TF.js in the order of `names`, or one object, which may hold
 * the options of every optimizer too.
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
      fail(call, `takes either one object or arguments in order, got both (${names[more] ?? show(given[more])})`);
    return checkOptions<T>(call, first, [...new Set([...names, ...common])]);
  }
  const options = given.findIndex(isPlain);
  if (options > 0) {
    const keys = [...names.slice(0, options), ...Object.keys(given[options] as object)].slice(0, 3).join(', ');
    fail(call, `takes either one object or arguments in order, got both; pass ${call}({ ${keys} })`);
  }
  // TF.js gives null for the default epsilon
  const present = names.map((name, n) => [name, name === 'epsilon' ? (given[n] ?? undefined) : given[n]] as const);
  return Object.fromEntries(present.filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** A share that something keeps of itself at every step. */
export const checkShare = (call: string, name: string, value: unknown): number =>
  checkNumber(call, name, value, { least: 0, below: 1 });

/** Added to a divisor, in float32: what would vanish there could leave 0 / 0. */
export const checkEpsilon = (call: string, value: unknown = 1e-7): number =>
  checkNumber(call, 'epsilon', value, { least: 1e-37, most: 1e37 });
