/** Descent with a step size of its own for every weight: RMSprop, Adagrad and Adadelta. */

import { checkBoolean, checkNumber } from '../util/options.ts';
import type { Kernels } from '../wasm/kernels.ts';
import { checkEpsilon, checkShare, Optimizer, type OptimizerOptions } from './optimizer.ts';

/** Options of `train.rmsprop`, beside those of every optimizer; learningRate is 0.001 by default. */
export interface RmspropOptions extends OptimizerOptions {
  /** What the average of the squares keeps of itself, default 0.9; Keras calls it rho. */
  decay?: number;
  /** What a step keeps of the one before, default 0. */
  momentum?: number;
  /** Added under the root, default 1e-7. */
  epsilon?: number;
  /** Divide by the root of the variance instead of the mean square; default false. */
  centered?: boolean;
}

export class Rmsprop extends Optimizer {
  readonly counters = 0;
  readonly decay: number;
  readonly momentum: number;
  readonly epsilon: number;
  readonly centered: boolean;

  constructor(options: RmspropOptions) {
    const call = 'train.rmsprop';
    const momentum = checkNumber(call, 'momentum', options.momentum ?? 0, { least: 0, most: 1 });
    const centered = options.centered === undefined ? false : checkBoolean(call, 'centered', options.centered);
    super('RMSProp', call, { learningRate: 0.001, ...options }, 1 + Number(momentum > 0) + Number(centered));
    this.decay = checkShare(call, 'decay', options.decay ?? 0.9);
    this.momentum = momentum;
    this.epsilon = checkEpsilon(call, options.epsilon);
    this.centered = centered;
  }

  protected settings(): Record<string, number | boolean> {
    return { decay: this.decay, momentum: this.momentum, epsilon: this.epsilon, centered: this.centered };
  }

  override get leastDivisor(): number {
    return this.epsilon;
  }

  advance(): void {}

  update(kernels: Kernels, weights: number, gradients: number, slot: number, count: number, rate: number): void {
    const v = gradients + slot;
    const p = this.momentum > 0 ? v + slot : 0;
    const mean = this.centered ? (p || v) + slot : 0;
    kernels.rmsprop(weights, v, p, mean, gradients, count, rate, this.decay, this.momentum, this.epsilon);
  }
}

/** Options of `train.adagrad`, beside those of every optimizer; learningRate is 0.001 by default. */
export interface AdagradOptions extends OptimizerOptions {
  /** What the sum of the squares starts with, default 0.1. */
  initialAccumulatorValue?: number;
  /** Added under the root, default 1e-7. */
  epsilon?: number;
}

export class Adagrad extends Optimizer {
  readonly counters = 0;
  readonly initialAccumulatorValue: number;
  readonly epsilon: number;

  constructor(options: AdagradOptions) {
    const call = 'train.adagrad';
    super('Adagrad', call, { learningRate: 0.001, ...options }, 1);
    const start = options.initialAccumulatorValue ?? 0.1;
    this.initialAccumulatorValue = checkNumber(call, 'initialAccumulatorValue', start, { least: 0, most: 1e38 });
    this.epsilon = checkEpsilon(call, options.epsilon);
  }

  protected settings(): Record<string, number | boolean> {
    return { initialAccumulatorValue: this.initialAccumulatorValue, epsilon: this.epsilon };
  }

  override slotStart(): number {
    return this.initialAccumulatorValue;
  }

  override get leastDivisor(): number {
    return this.epsilon;
  }

  advance(): void {}

  update(kernels: Kernels, weights: number, gradients: number, slot: number, count: number, rate: number): void {
    kernels.adagrad(weights, gradients + slot, gradients, count, rate, this.epsilon);
  }
}

/** Options of `train.adadelta`, beside those of every optimizer; learningRate is 0.001 by default. */
export interface AdadeltaOptions extends OptimizerOptions {
  /** What both averages keep of themselves, default 0.95. */
  rho?: number;
  /** Added under both roots, default 1e-7. */
  epsilon?: number;
}

export class Adadelta extends Optimizer {
  readonly counters = 0;
  readonly rho: number;
  readonly epsilon: number;

  constructor(options: AdadeltaOptions) {
    const call = 'train.adadelta';
    super('Adadelta', call, { learningRate: 0.001, ...options }, 2);
    this.rho = checkShare(call, 'rho', options.rho ?? 0.95);
    this.epsilon = checkEpsilon(call, options.epsilon);
  }

  protected settings(): Record<string, number | boolean> {
    return { rho: this.rho, epsilon: this.epsilon };
  }

  override get leastDivisor(): number {
    return this.epsilon;
  }

  advance(): void {}

  update(kernels: Kernels, weights: number, gradients: number, slot: number, count: number, rate: number): void {
    const v = gradients + slot;
    kernels.adadelta(weights, v, v + slot, gradients, count, rate, this.rho, this.epsilon);
  }
}
