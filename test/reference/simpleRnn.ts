// The simple recurrent layer in plain loops: float64, Keras layout, every array flat and row by row.
//
//   h_t = tanh(x_t kernel + h_{t-1} recurrentKernel + bias)
//
// t counts steps in the order of processing, which with goBackwards is the reverse of the order in x.

import { matmul, matmulABt, matmulAtB } from './matmul.ts';
import {
  add,
  addRows,
  type Curve,
  curves,
  dropped,
  inputOfStep,
  type RecurrentInputs,
  setGradientOfStep,
  skips,
} from './recurrent.ts';

export interface SimpleRnnInputs extends RecurrentInputs {
  /** [D,U] */
  kernel: ArrayLike<number>;
  /** [U,U] */
  recurrentKernel: ArrayLike<number>;
  /** [U], or null for none */
  bias: ArrayLike<number> | null;
  /** tanh when absent */
  activation?: Curve;
}

/** The values of the forward pass that the backward pass needs. */
export interface SimpleRnnCache {
  inputs: SimpleRnnInputs;
  /** T times [B,U], before the activation */
  z: Float64Array[];
  /** T+1 times [B,U]: slot t is the state before step t */
  h: Float64Array[];
}

export interface SimpleRnnOutputs {
  /** [B,T,U], in the order of processing */
  outputs: Float64Array;
  /** [B,U], the state after the last step */
  h: Float64Array;
  cache: SimpleRnnCache;
}

export interface SimpleRnnGradients {
  dKernel: Float64Array;
  dRecurrentKernel: Float64Array;
  dBias: Float64Array;
  /** [B,T,D], in the order of x */
  dX: Float64Array;
  dH0: Float64Array;
}

export function simpleRnnForward(inputs: SimpleRnnInputs): SimpleRnnOutputs {
  const { B, T, D, U } = inputs.sizes;
  const activation = inputs.activation ?? curves.tanh;
  const h = [Float64Array.from(inputs.h0 ?? new Float64Array(B * U))];
  const z: Float64Array[] = [];
  const outputs = new Float64Array(B * T * U);
  for (let t = 0; t < T; t++) {
    const zT = matmul(inputOfStep(inputs, t), inputs.kernel, B, D, U);
    add(zT, matmul(dropped(inputs, h[t]!), inputs.recurrentKernel, B, U, U));
    const hT = new Float64Array(B * U);
    for (let b = 0; b < B; b++) {
      for (let u = 0; u < U; u++) {
        const bu = b * U + u;
        zT[bu]! += inputs.bias?.[u] ?? 0;
        hT[bu] = skips(inputs, b, t) ? h[t]![bu]! : activation.of(zT[bu]!);
        outputs[(b * T + t) * U + u] = hT[bu]!;
      }
    }
    z.push(zT);
    h.push(hT);
  }
  return { outputs, h: h[T]!, cache: { inputs, z, h } };
}

/**
 * The gradients of all inputs of `simpleRnnForward`, given those of the outputs, dOutputs [B,T,U], and optionally those of the
 * final state, dh [B,U].
 */
export function simpleRnnBackward(
  cache: SimpleRnnCache,
  dOutputs: ArrayLike<number>,
  dh?: ArrayLike<number>,
): SimpleRnnGradients {
  const { inputs } = cache;
  const { B, T, D, U } = inputs.sizes;
  const activation = inputs.activation ?? curves.tanh;
  const dKernel = new Float64Array(D * U);
  const dRecurrentKernel = new Float64Array(U * U);
  const dBias = new Float64Array(U);
  const dX = new Float64Array(B * T * D);
  let dhT: Float64Array = Float64Array.from(dh ?? new Float64Array(B * U));
  for (let t = T - 1; t >= 0; t--) {
    const dz = new Float64Array(B * U);
    const kept = new Float64Array(B * U);
    for (let b = 0; b < B; b++) {
      for (let u = 0; u < U; u++) {
        const bu = b * U + u;
        const dhHere = dhT[bu]! + dOutputs[(b * T + t) * U + u]!;
        if (skips(inputs, b, t)) kept[bu] = dhHere;
        else dz[bu] = dhHere * activation.slope(cache.z[t]![bu]!);
      }
    }
    add(dKernel, matmulAtB(inputOfStep(inputs, t), dz, D, B, U));
    add(dRecurrentKernel, matmulAtB(dropped(inputs, cache.h[t]!), dz, U, B, U));
    addRows(dBias, dz);
    setGradientOfStep(dX, matmulABt(dz, inputs.kernel, B, U, D), inputs, t);
    dhT = dropped(inputs, matmulABt(dz, inputs.recurrentKernel, B, U, U));
    add(dhT, kept);
  }
  return { dKernel, dRecurrentKernel, dBias, dX, dH0: dhT };
}
