/** The namespace `train`: optimizers by their names in TF.js. */

import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkName } from '../util/options.ts';
import { Adam, Adamax, type AdamaxOptions, type AdamOptions, AdamW, type MomentsOptions, Nadam } from './adam.ts';
import {
  Adadelta,
  type AdadeltaOptions,
  Adagrad,
  type AdagradOptions,
  Rmsprop,
  type RmspropOptions,
} from './adaptive.ts';
import { Momentum, type MomentumOptions, Sgd } from './descent.ts';
import { type LearningRate, Optimizer, type OptimizerOptions, readArguments } from './optimizer.ts';

export type {
  AdadeltaOptions,
  AdagradOptions,
  AdamaxOptions,
  AdamOptions,
  LearningRate,
  MomentsOptions,
  MomentumOptions,
  OptimizerOptions,
  RmspropOptions,
};
export { Optimizer };

/** Creates an optimizer from positional arguments in the order of TF.js, or from one object. */
export interface OptimizerFactory<Options, Arguments extends unknown[]> {
  (options?: Options): Optimizer;
  (...given: Arguments): Optimizer;
}

function factory<Options extends OptimizerOptions, Arguments extends unknown[]>(
  call: string,
  names: readonly (keyof Options & string)[],
  make: (options: Partial<Options>) => Optimizer,
): OptimizerFactory<Options, Arguments> {
  return (...given: unknown[]) => {
    const made = make(readArguments<Options>(call, names, given));
    rejectExtraArguments(call, names.length, given); // after the other checks, whose errors come first
    return made;
  };
}

const moments = ['learningRate', 'beta1', 'beta2', 'epsilon'] as const;

/** @inline */
type MomentsArguments = [learningRate?: LearningRate, beta1?: number, beta2?: number, epsilon?: number | null];

/**
 * Creates optimizers, by their names in TF.js. Arguments are positional as in TF.js, such as `train.adam(0.001)`, or one
 * object with the options of the optimizer and of every optimizer, such as `train.adam({ clipNorm: 1 })`.
 */
export const train = {
  /** Adam (Kingma and Ba 2014), as in Keras. Default learning rate: 0.001. */
  adam: factory<AdamOptions, MomentsArguments>('train.adam', [...moments, 'amsgrad'], options => new Adam(options)),

  /**
   * Adam with decoupled weight decay (Loshchilov and Hutter 2019). Default learning rate: 0.001; default `weightDecay`:
   * 0.004.
   */
  adamw: factory<AdamOptions, [learningRate?: LearningRate, weightDecay?: number]>(
    'train.adamw',
    ['learningRate', 'weightDecay', 'beta1', 'beta2', 'epsilon', 'amsgrad'],
    options => new AdamW(options),
  ),

  /** Adam that divides by the largest second moment so far (Reddi et al. 2018). Default learning rate: 0.001. */
  amsgrad: factory<MomentsOptions, MomentsArguments>(
    'train.amsgrad',
    moments,
    options => new Adam({ ...options, amsgrad: true }, 'Adam', 'train.amsgrad'),
  ),

  /** Adam with Nesterov momentum (Dozat 2016). Default learning rate: 0.001. */
  nadam: factory<MomentsOptions, MomentsArguments>('train.nadam', moments, options => new Nadam(options)),

  /** Adam with the infinity norm instead of the second moment (Kingma and Ba 2014). Default learning rate: 0.001. */
  adamax: factory<AdamaxOptions, [...MomentsArguments, decay?: number]>(
    'train.adamax',
    [...moments, 'decay'],
    options => new Adamax(options),
  ),

  /** Stochastic gradient descent. Default learning rate: 0.01. */
  sgd: factory<OptimizerOptions, [learningRate?: LearningRate]>(
    'train.sgd',
    ['learningRate'],
    options => new Sgd(options),
  ),

  /** Stochastic gradient descent with momentum, optionally Nesterov momentum. Default learning rate: 0.01. */
  momentum: factory<MomentumOptions, [learningRate: LearningRate, momentum: number, useNesterov?: boolean]>(
    'train.momentum',
    ['learningRate', 'momentum', 'useNesterov'],
    options => new Momentum(options),
  ),

  /** RMSprop (Hinton 2012), as in Keras. Default learning rate: 0.001. */
  rmsprop: factory<
    RmspropOptions,
    [learningRate?: LearningRate, decay?: number, momentum?: number, epsilon?: number | null, centered?: boolean]
  >('train.rmsprop', ['learningRate', 'decay', 'momentum', 'epsilon', 'centered'], options => new Rmsprop(options)),

  /** Adagrad (Duchi, Hazan and Singer 2011). Default learning rate: 0.001. */
  adagrad: factory<AdagradOptions, [learningRate?: LearningRate, initialAccumulatorValue?: number]>(
    'train.adagrad',
    ['learningRate', 'initialAccumulatorValue', 'epsilon'],
    options => new Adagrad(options),
  ),

  /** Adadelta (Zeiler 2012), as in Keras. Default learning rate: 0.001. */
  adadelta: factory<AdadeltaOptions, [learningRate?: LearningRate, rho?: number, epsilon?: number | null]>(
    'train.adadelta',
    ['learningRate', 'rho', 'epsilon'],
    options => new Adadelta(options),
  ),
};

/** The optimizers that can be given by name. */
const byName = {
  adam: () => train.adam(),
  adamw: () => train.adamw(),
  nadam: () => train.nadam(),
  adamax: () => train.adamax(),
  sgd: () => train.sgd(),
  rmsprop: () => train.rmsprop(),
  adagrad: () => train.adagrad(),
  adadelta: () => train.adadelta(),
};

/** The name of an optimizer, for its default options. @useDeclaredType */
export type OptimizerName = keyof typeof byName;

const names = Object.keys(byName) as OptimizerName[];

export function resolveOptimizer(call: string, value: unknown): Optimizer {
  if (value instanceof Optimizer) return value;
  if (typeof value !== 'string')
    fail(call, `optimizer must be one of train.* or a name such as 'adam', got ${show(value)}`);
  // As in Keras, case does not matter: 'RMSProp', 'SGD', 'AdamW'
  const name = names.find(known => known === value.toLowerCase()) ?? value;
  return byName[checkName(call, 'optimizer', name, names)]();
}
