/** Activations of layers, whose kernels a program must have. */

import { useKernels } from '../wasm/engine.ts';
import { activationKernels } from '../wasm/kernelPlaces.ts';
import { type ActivationName, resolveActivation } from './activations.ts';

/** Activations in the core of the kernels. */
const basic: readonly ActivationName[] = ['linear', 'relu', 'sigmoid', 'tanh'];

/**
 * Reads an activation from a layer option.
 *
 * @param simple those for which the layer needs no other kernels
 */
export function readActivation(call: string, name: string, value: unknown, simple = basic): ActivationName {
  const activation = resolveActivation(call, name, value);
  if (!simple.includes(activation)) useKernels(activationKernels.need(call));
  return activation;
}
