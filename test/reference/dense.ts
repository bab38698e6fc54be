// y = activation(x kernel + bias). M rows (batch, or batch times time), D input width, U units.

import { type ActivationName, activate, derive, type RowActivationName } from './activations.ts';
import { matmul, matmulABt, matmulAtB } from './matmul.ts';

export interface DenseInputs {
  sizes: { M: number; D: number; U: number };
  /** [M,D] */
  x: ArrayLike<number>;
  /** [D,U] */
  kernel: ArrayLike<number>;
  /** [U], or null for none */
  bias: ArrayLike<number> | null;
  activation?: ActivationName | RowActivationName;
}

export interface DenseGradients {
  /** [D,U] */
  dKernel: Float64Array;
  /** [U] */
  dBias: Float64Array;
  /** [M,D] */
  dX: Float64Array;
}

/** The outputs, [M,U]. */
export function denseForward(inputs: DenseInputs): Float64Array {
  return activate(inputs.activation ?? 'linear', denseLogits(inputs), inputs.sizes.U);
}

/** The input of the activation, [M,U]. */
function denseLogits({ sizes: { M, D, U }, x, kernel, bias }: DenseInputs): Float64Array {
  const z = matmul(x, kernel, M, D, U);
  if (!bias) return z;
  for (let m = 0; m < M; m++) for (let u = 0; u < U; u++) z[m * U + u]! += bias[u]!;
  return z;
}

/** The gradients of all inputs of `denseForward`, given its outputs [M,U] and their gradient. */
export function denseBackward(
  inputs: DenseInputs,
  outputs: ArrayLike<number>,
  dOutputs: ArrayLike<number>,
): DenseGradients {
  const { sizes, x, kernel, activation = 'linear' } = inputs;
  const { M, D, U } = sizes;
  const dz = derive(activation, denseLogits(inputs), outputs, dOutputs, U);
  const dBias = new Float64Array(U);
  dz.forEach((value, mu) => {
    dBias[mu % U]! += value;
  });
  return { dKernel: matmulAtB(x, dz, D, M, U), dBias, dX: matmulABt(dz, kernel, M, U, D) };
}
