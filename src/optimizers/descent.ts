/** Stochastic gradient descent, without and with momentum. */

import { checkBoolean, checkNumber } from '../util/options.ts';
import type { Address, Kernels } from '../wasm/kernels.ts';
import { ruleNumbers } from '../wasm/shared.generated.ts';
import { Optimizer, type OptimizerOptions } from './optimizer.ts';

export class Sgd extends Optimizer {
  constructor(options: OptimizerOptions) {
    super('SGD', 'train.sgd', { learningRate: 0.01, ...options }, 0);
  }

  protected settings(): Record<string, number | boolean> {
    return {};
  }

  setRule(kernels: Kernels, update: Address, rate: number): void {
    kernels.setRule(update, ruleNumbers.sgd, rate, 0, 0, 0, 0, 0);
  }
}

/** Options of `train.momentum`. The default learning rate is 0.01. */
export interface MomentumOptions extends OptimizerOptions {
  /** The fraction of the previous step that a step keeps, from 0 to 1. Required. */
  momentum?: number;
  /** Whether to use Nesterov momentum. Default: false. */
  useNesterov?: boolean;
}

export class Momentum extends Optimizer {
  readonly momentum: number;
  readonly useNesterov: boolean;

  constructor(options: MomentumOptions) {
    const call = 'train.momentum';
    super('Momentum', call, { learningRate: 0.01, ...options }, 1);
    this.momentum = checkNumber(call, 'momentum', options.momentum, { least: 0, most: 1 });
    this.useNesterov =
      options.useNesterov === undefined ? false : checkBoolean(call, 'useNesterov', options.useNesterov);
  }

  protected settings(): Record<string, number | boolean> {
    return { momentum: this.momentum, useNesterov: this.useNesterov };
  }

  setRule(kernels: Kernels, update: Address, rate: number): void {
    kernels.setRule(update, ruleNumbers.momentum, rate, this.momentum, Number(this.useNesterov), 0, 0, 0);
  }
}
