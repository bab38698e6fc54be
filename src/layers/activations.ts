/** Activations by name. */

import { checkName } from '../util/options.ts';
import { activationNumbers } from '../wasm/shared.generated.ts';

/** The name of an activation as this package, TF.js and its saved models write it. @useDeclaredType */
export type ActivationName = keyof typeof activationNumbers;

export const activations = Object.keys(activationNumbers) as ActivationName[];

/**
 * Aliases: names of Keras, and TF.js's names in camelCase; celu with alpha 1 is elu; TensorFlow 2.0 wrote softmax_v2.
 */
const spellings = {
  hard_sigmoid: 'hardSigmoid',
  log_softmax: 'logSoftmax',
  silu: 'swish',
  geluNew: 'gelu_new',
  leaky_relu: 'leakyRelu',
  celu: 'elu',
  softmax_v2: 'softmax',
} as const satisfies Record<string, ActivationName>;

/** An activation as layers accept it: by its TF.js name, or by that of Keras. @useDeclaredType */
export type Activation = ActivationName | keyof typeof spellings;

/** Those that work on whole rows: no number of a row can be told without the others. */
export const ofRows: readonly ActivationName[] = ['softmax', 'logSoftmax'];

/** Whether the way back needs more than y: the slope beside it, made on the way forward. */
export const hasOwnSlope = (activation: ActivationName): boolean =>
  numberOf(activation) > numberOf('tanh') && !ofRows.includes(activation);

/** The number of an activation in the kernels. */
export const numberOf = (activation: ActivationName): number => activationNumbers[activation];

/** An activation as a layer option. */
export function resolveActivation(call: string, name: string, value: unknown): ActivationName {
  const known = checkName(call, name, value, [
    ...activations,
    ...(Object.keys(spellings) as (keyof typeof spellings)[]),
  ]);
  return known in spellings ? spellings[known as keyof typeof spellings] : (known as ActivationName);
}
