// y = activation(x kernel + bias). M rows (batch, or batch times time), D input width, U units.

import { type ActivationName, activations } from './activations.ts';
import { matmul, matmulABt, matmulAtB } from './matmul.ts';

export interface DenseInputs {
  sizes: { M: number; D: number; U: number };
  /** [M,D] */
  x: ArrayLike<number>;
  /** [D,U] */
  kernel: ArrayLike<number>;
  /** [U], or null for none */
  bias: ArrayLike<number> | null;
  activation?: ActivationName;
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
export function denseForward({ sizes, x, kernel, bias, activation = 'linear' }: DenseInputs): Float64Array {
  const { M, D, U } = sizes;
  return matmul(x, kernel, M, D, U).map((z, mu) => activations[activation].of(z + (bias ? bias[mu % U]! : 0)));
}

/** The gradient in everything that went into `denseForward`, from its outputs [M,U] and the gradient in them. */
export function denseBackward(
  { sizes, x, kernel, activation = 'linear' }: DenseInputs,
  outputs: ArrayLike<number>,
  dOutputs: ArrayLike<number>,
): DenseGradients {
  const { M, D, U } = sizes;
  const dz = Float64Array.from(dOutputs, (dy, mu) => dy * activations[activation].slope(outputs[mu]!));
  const dBias = new Float64Array(U);
  dz.forEach((value, mu) => {
    dBias[mu % U]! += value;
  });
  return { dKernel: matmulAtB(x, dz, D, M, U), dBias, dX: matmulABt(dz, kernel, M, U, D) };
}
