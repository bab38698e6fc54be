/** Adam and its variants. */

import { checkBoolean, checkNumber } from '../util/options.ts';
import { useKernels } from '../wasm/engine.ts';
import { optimizerKernels } from '../wasm/kernelPlaces.ts';
import type { Address, Kernels } from '../wasm/kernels.ts';
import { ruleNumbers } from '../wasm/shared.generated.ts';
import { checkDecay, checkEpsilon, Optimizer, type OptimizerOptions } from './optimizer.ts';

/** Options of Adam and its variants. The default learning rate is 0.001. */
export interface MomentsOptions extends OptimizerOptions {
  /** Decay rate of the first moment, from 0 up to but not including 1. Default: 0.9. */
  beta1?: number;
  /** Decay rate of the second moment, from 0 up to but not including 1. Default: 0.999. */
  beta2?: number;
  /** Added to the divisor of the step, against division by zero. Default: 1e-7, as in Keras. */
  epsilon?: number;
}

/** Options of `train.adam` and `train.adamw`. */
export interface AdamOptions extends MomentsOptions {
  /** Whether to divide by the largest second moment so far instead of the current one. Default: false. */
  amsgrad?: boolean;
}

/** Options of `train.adamax`. */
export interface AdamaxOptions extends MomentsOptions {
  /** The learning rate is divided by 1 + decay * step, as in TF.js. Default: 0. */
  decay?: number;
}

/** The base class of Adam and its variants. */
abstract class Moments extends Optimizer {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;

  constructor(className: string, call: string, options: MomentsOptions, slots: number) {
    super(className, call, { learningRate: 0.001, ...options }, slots);
    this.beta1 = checkDecay(call, 'beta1', options.beta1 ?? 0.9);
    this.beta2 = checkDecay(call, 'beta2', options.beta2 ?? 0.999);
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
  override readonly counters = 2; // beta1 and beta2 to the power of the step
  readonly amsgrad: boolean;

  constructor(options: AdamOptions, className = 'Adam', call = 'train.adam') {
    const amsgrad = options.amsgrad === undefined ? false : checkBoolean(call, 'amsgrad', options.amsgrad);
    super(className, call, options, amsgrad ? 3 : 2);
    if (amsgrad) useKernels(optimizerKernels.need(call));
    this.amsgrad = amsgrad;
  }

  protected override settings(): Record<string, number | boolean> {
    return { ...super.settings(), ...(this.amsgrad && { amsgrad: true }) };
  }

  // Repeated multiplication, because results of Math.pow differ between engines
  override advance(counters: Float64Array): void {
    counters[1]! *= this.beta1;
    counters[2]! *= this.beta2;
  }

  setRule(kernels: Kernels, update: Address, rate: number, counters: Float64Array): void {
    const rule = this.amsgrad ? ruleNumbers.amsgrad : ruleNumbers.adam;
    kernels.setRule(update, rule, rate, this.beta1, this.beta2, this.epsilon, counters[1]!, counters[2]!);
  }
}

export class AdamW extends Adam {
  constructor(options: AdamOptions) {
    super({ weightDecay: 0.004, ...options }, 'AdamW', 'train.adamw');
  }
}

export class Nadam extends Moments {
  override readonly counters = 3; // 0.96 and beta2 to the power of the step, and the product of all momentum values so far

  constructor(options: MomentsOptions) {
    super('Nadam', 'train.nadam', options, 2);
  }

  /** The momentum of a step, which grows towards beta1; `power` is 0.96^step. */
  #momentum(power: number): number {
    return this.beta1 * (1 - 0.5 * power);
  }

  override advance(counters: Float64Array): void {
    counters[1]! *= 0.96;
    counters[2]! *= this.beta2;
    counters[3]! *= this.#momentum(counters[1]!);
  }

  setRule(kernels: Kernels, update: Address, rate: number, counters: Float64Array): void {
    const power = counters[1]!;
    const product = counters[3]!;
    const next = this.#momentum(power * 0.96);
    const ofM = (rate * next) / (1 - product * next);
    const ofG = (rate * (1 - this.#momentum(power))) / (1 - product);
    const ofV = 1 / (1 - counters[2]!);
    kernels.setRule(update, ruleNumbers.nadam, ofM, ofG, ofV, this.beta1, this.beta2, this.epsilon);
  }
}

export class Adamax extends Moments {
  override readonly counters = 1; // beta1 to the power of the step
  readonly decay: number;

  constructor(options: AdamaxOptions) {
    super('Adamax', 'train.adamax', options, 2);
    this.decay = checkNumber('train.adamax', 'decay', options.decay ?? 0, { least: 0 });
  }

  protected override settings(): Record<string, number | boolean> {
    return { ...super.settings(), decay: this.decay };
  }

  override advance(counters: Float64Array): void {
    counters[1]! *= this.beta1;
  }

  setRule(kernels: Kernels, update: Address, rate: number, counters: Float64Array): void {
    const step = rate / (1 + this.decay * counters[0]!);
    kernels.setRule(update, ruleNumbers.adamax, step, this.beta1, this.beta2, this.epsilon, counters[1]!, 0);
  }
}
