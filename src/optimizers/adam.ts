/** Adam and its relatives. */

import { checkBoolean, checkNumber } from '../util/options.ts';
import type { Kernels } from '../wasm/kernels.ts';
import { checkEpsilon, checkShare, Optimizer, type OptimizerOptions } from './optimizer.ts';

/** What Adam and its relatives have in common, beside the options of every optimizer; learningRate is 0.001 by default. */
export interface MomentsOptions extends OptimizerOptions {
  /** Decay of the first moment, default 0.9. */
  beta1?: number;
  /** Decay of the second moment, default 0.999. */
  beta2?: number;
  /** Added to the divisor of the step, as in Keras; default 1e-7. */
  epsilon?: number;
}

/** Options of `train.adam` and `train.adamw`. */
export interface AdamOptions extends MomentsOptions {
  /** Divide by the greatest second moment so far instead of the present one; default false. */
  amsgrad?: boolean;
}

/** Options of `train.adamax`. */
export interface AdamaxOptions extends MomentsOptions {
  /** The learning rate is divided by 1 + decay * step, as in TF.js; default 0. */
  decay?: number;
}

/** Two moments, their decays and an epsilon. */
abstract class Moments extends Optimizer {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;

  constructor(className: string, call: string, options: MomentsOptions, slots: number) {
    super(className, call, { learningRate: 0.001, ...options }, slots);
    this.beta1 = checkShare(call, 'beta1', options.beta1 ?? 0.9);
    this.beta2 = checkShare(call, 'beta2', options.beta2 ?? 0.999);
    this.epsilon = checkEpsilon(call, options.epsilon);
  }

  protected settings(): Record<string, number | boolean> {
    return { beta1: this.beta1, beta2: this.beta2, epsilon: this.epsilon };
  }

  abstract override readonly counters: number;

  override get leastDivisor(): number {
    return this.epsilon * (1 - this.beta1);
  }
}

export class Adam extends Moments {
  readonly counters = 2; // the betas to the power of the step
  readonly amsgrad: boolean;

  constructor(options: AdamOptions, className = 'Adam', call = 'train.adam') {
    const amsgrad = options.amsgrad === undefined ? false : checkBoolean(call, 'amsgrad', options.amsgrad);
    super(className, call, options, amsgrad ? 3 : 2);
    this.amsgrad = amsgrad;
  }

  protected override settings(): Record<string, number | boolean> {
    return { ...super.settings(), ...(this.amsgrad && { amsgrad: true }) };
  }

  // Repeated products, because the power function differs between engines.
  advance(counters: Float64Array): void {
    counters[1]! *= this.beta1;
    counters[2]! *= this.beta2;
  }

  update(
    kernels: Kernels,
    weights: number,
    gradients: number,
    slot: number,
    count: number,
    rate: number,
    counters: Float64Array,
  ): void {
    const { beta1, beta2, epsilon } = this;
    const m = gradients + slot;
    const v = m + slot;
    const b1 = counters[1]!;
    const b2 = counters[2]!;
    if (this.amsgrad) {
      kernels.amsgrad(weights, m, v, v + slot, gradients, count, rate, beta1, beta2, epsilon, b1, b2);
    } else {
      kernels.adam(weights, m, v, gradients, count, rate, beta1, beta2, epsilon, b1, b2);
    }
  }
}

export class AdamW extends Adam {
  constructor(options: AdamOptions) {
    super({ weightDecay: 0.004, ...options }, 'AdamW', 'train.adamw');
  }
}

export class Nadam extends Moments {
  readonly counters = 3; // 0.96 and beta2 to the power of the step, and the product of all momenta so far

  constructor(options: MomentsOptions) {
    super('Nadam', 'train.nadam', options, 2);
  }

  /** The momentum grows towards beta1: its value where 0.96^step is `power`. */
  #momentum(power: number): number {
    return this.beta1 * (1 - 0.5 * power);
  }

  advance(counters: Float64Array): void {
    counters[1]! *= 0.96;
    counters[2]! *= this.beta2;
    counters[3]! *= this.#momentum(counters[1]!);
  }

  update(
    kernels: Kernels,
    weights: number,
    gradients: number,
    slot: number,
    count: number,
    rate: number,
    counters: Float64Array,
  ): void {
    const power = counters[1]!;
    const product = counters[3]!;
    const next = this.#momentum(power * 0.96);
    const ofM = (rate * next) / (1 - product * next);
    const ofG = (rate * (1 - this.#momentum(power))) / (1 - product);
    const m = gradients + slot;
    const ofV = 1 / (1 - counters[2]!);
    kernels.nadam(weights, m, m + slot, gradients, count, ofM, ofG, ofV, this.beta1, this.beta2, this.epsilon);
  }
}

export class Adamax extends Moments {
  readonly counters = 1; // beta1 to the power of the step
  readonly decay: number;

  constructor(options: AdamaxOptions) {
    super('Adamax', 'train.adamax', options, 2);
    this.decay = checkNumber('train.adamax', 'decay', options.decay ?? 0, { least: 0 });
  }

  protected override settings(): Record<string, number | boolean> {
    return { ...super.settings(), decay: this.decay };
  }

  advance(counters: Float64Array): void {
    counters[1]! *= this.beta1;
  }

  update(
    kernels: Kernels,
    weights: number,
    gradients: number,
    slot: number,
    count: number,
    rate: number,
    counters: Float64Array,
  ): void {
    const step = rate / (1 + this.decay * counters[0]!);
    const m = gradients + slot;
    const u = m + slot;
    kernels.adamax(weights, m, u, gradients, count, step, this.beta1, this.beta2, this.epsilon, counters[1]!);
  }
}
