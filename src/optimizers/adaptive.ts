/** Optimizers that scale the step of each weight by its past gradients: RMSprop, Adagrad and Adadelta. */

import { checkBoolean, checkNumber } from '../util/options.ts';
import type { Address, Kernels } from '../wasm/kernels.ts';
import { ruleNumbers } from '../wasm/shared.generated.ts';
import { checkDecay, checkEpsilon, Optimizer, type OptimizerOptions } from './optimizer.ts';

/** Options of `train.rmsprop`. The default learning rate is 0.001. */
export interface RmspropOptions extends OptimizerOptions {
  /** Decay rate of the mean of the squared gradients, from 0 up to but not including 1; `rho` in Keras. Default: 0.9. */
  decay?: number;
  /** The fraction of the previous step that a step keeps, from 0 to 1. Default: 0. */
  momentum?: number;
  /** Added under the square root, against division by zero. Default: 1e-7. */
  epsilon?: number;
  /** Whether to divide by the standard deviation of the gradients instead of their root mean square. Default: false. */
  centered?: boolean;
}

export class Rmsprop extends Optimizer {
  readonly decay: number;
  readonly momentum: number;
  readonly epsilon: number;
  readonly centered: boolean;

  constructor(options: RmspropOptions) {
    const call = 'train.rmsprop';
    const momentum = checkNumber(call, 'momentum', options.momentum ?? 0, { least: 0, most: 1 });
    const centered = options.centered === undefined ? false : checkBoolean(call, 'centered', options.centered);
    super('RMSProp', call, { learningRate: 0.001, ...options }, 1 + Number(momentum > 0) + Number(centered));
    this.decay = checkDecay(call, 'decay', options.decay ?? 0.9);
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

  setRule(kernels: Kernels, update: Address, rate: number): void {
    const { decay, momentum, epsilon, centered } = this;
    kernels.setRule(update, ruleNumbers.rmsprop, rate, decay, momentum, epsilon, 0, Number(centered));
  }
}

/** Options of `train.adagrad`. The default learning rate is 0.001. */
export interface AdagradOptions extends OptimizerOptions {
  /** Initial value of the sum of the squared gradients, at least 0. Default: 0.1. */
  initialAccumulatorValue?: number;
  /** Added under the square root, against division by zero. Default: 1e-7. */
  epsilon?: number;
}

export class Adagrad extends Optimizer {
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

  setRule(kernels: Kernels, update: Address, rate: number): void {
    kernels.setRule(update, ruleNumbers.adagrad, rate, this.epsilon, 0, 0, 0, 0);
  }
}

/** Options of `train.adadelta`. The default learning rate is 0.001. */
export interface AdadeltaOptions extends OptimizerOptions {
  /** Decay rate of both averages, from 0 up to but not including 1. Default: 0.95. */
  rho?: number;
  /** Added under both square roots, against division by zero. Default: 1e-7. */
  epsilon?: number;
}

export class Adadelta extends Optimizer {
  readonly rho: number;
  readonly epsilon: number;

  constructor(options: AdadeltaOptions) {
    const call = 'train.adadelta';
    super('Adadelta', call, { learningRate: 0.001, ...options }, 2);
    this.rho = checkDecay(call, 'rho', options.rho ?? 0.95);
    this.epsilon = checkEpsilon(call, options.epsilon);
  }

  protected settings(): Record<string, number | boolean> {
    return { rho: this.rho, epsilon: this.epsilon };
  }

  override get leastDivisor(): number {
    return this.epsilon;
  }

  setRule(kernels: Kernels, update: Address, rate: number): void {
    kernels.setRule(update, ruleNumbers.adadelta, rate, this.rho, this.epsilon, 0, 0, 0);
  }
}
