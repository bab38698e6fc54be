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

/** An activation as a layer option: its name in TF.js or Keras. @useDeclaredType */
export type Activation = ActivationName | keyof typeof spellings;

/** Activations whose outputs depend on all numbers of a row. */
export const rowActivations: readonly ActivationName[] = ['softmax', 'logSoftmax'];

/** Whether forward must store the slope for backward, because it cannot be computed from the output. */
export const storesSlope = (activation: ActivationName): boolean =>
  numberOf(activation) > numberOf('tanh') && !rowActivations.includes(activation);

/** The number of an activation in the kernels. */
export const numberOf = (activation: ActivationName): number => activationNumbers[activation];

/** Reads an activation from an option. */
export function resolveActivation(call: string, name: string, value: unknown): ActivationName {
  const known = checkName(call, name, value, [
    ...activations,
    ...(Object.keys(spellings) as (keyof typeof spellings)[]),
  ]);
  return known in spellings ? spellings[known as keyof typeof spellings] : (known as ActivationName);
}
