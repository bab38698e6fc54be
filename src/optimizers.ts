/** Optimizers: their options and where they are in their schedule. The arithmetic is in assembly/optimizers.ts. */

import type { Kernels } from './engine/kernels.ts';
import { factoryOf, fail, show } from './errors.ts';
import { checkName, checkNumber, checkOptions } from './options.ts';

/** Step sizes are float32 in the kernels. */
const checkRate = (call: string, rate: unknown) => checkNumber(call, 'learningRate', rate, { least: 0, most: 1e38 });

/** What turns gradients into new weights; make one with `train.*`. */
export abstract class Optimizer {
  #learningRate: number;

  constructor(
    /** The name TF.js gives it. */
    readonly className: string,
    learningRate: unknown,
    /** Numbers it keeps beside every weight, such as moments. */
    readonly slots: number,
  ) {
    this.#learningRate = checkRate(`train.${factoryOf(className)}`, learningRate);
  }

  /** The step size; it may be set between batches. */
  get learningRate(): number {
    return this.#learningRate;
  }

  set learningRate(value: number) {
    this.#learningRate = checkRate('optimizer', value);
  }

  /** @internal What changes from step to step beside the slots: numbers, all 1 before the first step. */
  abstract readonly counters: number;

  /** @internal Moves the counters on by one step. */
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
    counters: Float64Array,
  ): void;
}

export interface AdamOptions {
  /** Default 0.001. */
  learningRate?: number;
  /** Decay of the first moment, default 0.9. */
  beta1?: number;
  /** Decay of the second moment, default 0.999. */
  beta2?: number;
  /** Added to the root of the uncorrected second moment, as in Keras; default 1e-7. */
  epsilon?: number;
}

class Adam extends Optimizer {
  readonly counters = 2; // the betas to the power of the step
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;

  constructor({ learningRate = 0.001, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 }: AdamOptions) {
    super('Adam', learningRate, 2);
    this.beta1 = checkNumber('train.adam', 'beta1', beta1, { least: 0, below: 1 });
    this.beta2 = checkNumber('train.adam', 'beta2', beta2, { least: 0, below: 1 });
    this.epsilon = checkNumber('train.adam', 'epsilon', epsilon, { above: 0 });
  }

  // Repeated products, because the power function differs between engines.
  advance(counters: Float64Array): void {
    counters[0]! *= this.beta1;
    counters[1]! *= this.beta2;
  }

  update(
    kernels: Kernels,
    weights: number,
    gradients: number,
    slot: number,
    count: number,
    powers: Float64Array,
  ): void {
    const { learningRate, beta1, beta2, epsilon } = this;
    const m = gradients + slot;
    const v = m + slot;
    kernels.adam(weights, m, v, gradients, count, learningRate, beta1, beta2, epsilon, powers[0]!, powers[1]!);
  }
}

class Sgd extends Optimizer {
  readonly counters = 0;

  constructor({ learningRate = 0.01 }: { learningRate?: number }) {
    super('SGD', learningRate, 0);
  }

  advance(): void {}

  update(kernels: Kernels, weights: number, gradients: number, _slot: number, count: number): void {
    kernels.sgd(weights, gradients, count, this.learningRate);
  }
}

const ADAM_OPTIONS = ['learningRate', 'beta1', 'beta2', 'epsilon'] as const;

function adam(options?: AdamOptions): Optimizer;
function adam(learningRate?: number, beta1?: number, beta2?: number, epsilon?: number): Optimizer;
function adam(first?: number | AdamOptions, beta1?: number, beta2?: number, epsilon?: number): Optimizer {
  if (first === null || typeof first !== 'object') return new Adam({ learningRate: first, beta1, beta2, epsilon });
  return new Adam(checkOptions<AdamOptions>('train.adam', first, ADAM_OPTIONS));
}

function sgd(options: number | { learningRate?: number } = {}): Optimizer {
  if (typeof options !== 'object' || options === null) return new Sgd({ learningRate: options });
  return new Sgd(checkOptions<{ learningRate?: number }>('train.sgd', options, ['learningRate']));
}

/** Makes optimizers by their TF.js names. */
export const train = {
  /** Adam (Kingma and Ba 2014) in the form of Keras. Arguments as in TF.js, or one object. */
  adam,
  /** Plain gradient descent. */
  sgd,
};

/** Optimizers by name, with their defaults. */
const byName = { adam: () => adam(), sgd: () => sgd() };

export type OptimizerName = keyof typeof byName;

export function resolveOptimizer(call: string, value: unknown): Optimizer {
  if (value instanceof Optimizer) return value;
  if (typeof value !== 'string') fail(call, `optimizer must be one of train.* or its name, got ${show(value)}`);
  return byName[checkName(call, 'optimizer', value, Object.keys(byName) as OptimizerName[])]();
}
