// minGRU and minLSTM in plain loops: float64, Keras layout, every array flat and row by row.
//
//   minGRU:   z_t = sigmoid(x_t kernel_z + bias_z)
//   minLSTM:  f_t = sigmoid(x_t kernel_f + bias_f), i_t = sigmoid(x_t kernel_i + bias_i), z_t = i_t / (f_t + i_t)
//   both:     h_t = (1 - z_t) h_{t-1} + z_t activation(x_t kernel_h + bias_h)
//
// t counts steps in the order of processing, which with goBackwards is the reverse of the order in x.

import { sigmoid } from './activations.ts';
import { matmul, matmulABt, matmulAtB } from './matmul.ts';
import {
  add,
  addRows,
  type Curve,
  curves,
  inputOfStep,
  type RecurrentInputs,
  setGradientOfStep,
  skips,
} from './recurrent.ts';

export interface MinRnnInputs extends Omit<RecurrentInputs, 'drop'> {
  /** [D,2U], gates z and h, or [D,3U], gates f, i and h */
  kernel: ArrayLike<number>;
  /** [2U] or [3U], or null for none */
  bias: ArrayLike<number> | null;
  /** linear when absent */
  activation?: Curve;
}

/** The values of the forward pass that the backward pass needs. */
export interface MinRnnCache {
  inputs: MinRnnInputs;
  /** T times [B,2U] or [B,3U], before the activations */
  sums: Float64Array[];
  /** T+1 times [B,U]: slot t is the state before step t */
  h: Float64Array[];
}

export interface MinRnnOutputs {
  /** [B,T,U], in the order of processing */
  outputs: Float64Array;
  /** [B,U], the state after the last step */
  h: Float64Array;
  cache: MinRnnCache;
}

export interface MinRnnGradients {
  dKernel: Float64Array;
  dBias: Float64Array;
  /** [B,T,D], in the order of x */
  dX: Float64Array;
  dH0: Float64Array;
}

const gateCount = ({ kernel, sizes: { D, U } }: MinRnnInputs): number => kernel.length / (D * U);

/** The share of the candidate, and its derivatives by the sums of the gates. */
function shareOf(gates: readonly number[]): { z: number; slopes: number[] } {
  const [first, second] = gates as [number, number?];
  if (second === undefined) return { z: sigmoid(first), slopes: [sigmoid(first) * sigmoid(-first)] };
  const [f, i] = [sigmoid(first), sigmoid(second)];
  const square = (f + i) ** 2;
  return { z: i / (f + i), slopes: [(-i * f * sigmoid(-first)) / square, (f * i * sigmoid(-second)) / square] };
}

export function minRnnForward(inputs: MinRnnInputs): MinRnnOutputs {
  const { B, T, D, U } = inputs.sizes;
  const activation = inputs.activation ?? curves.linear;
  const gates = gateCount(inputs);
  const G = gates * U;
  const h = [Float64Array.from(inputs.h0 ?? new Float64Array(B * U))];
  const sums: Float64Array[] = [];
  const outputs = new Float64Array(B * T * U);
  for (let t = 0; t < T; t++) {
    const sumsT = matmul(inputOfStep(inputs, t), inputs.kernel, B, D, G);
    for (let n = 0; n < B * G; n++) sumsT[n]! += inputs.bias?.[n % G] ?? 0;
    const hT = new Float64Array(B * U);
    for (let b = 0; b < B; b++) {
      for (let u = 0; u < U; u++) {
        const own = Array.from({ length: gates }, (_, gate) => sumsT[b * G + gate * U + u]!);
        const { z } = shareOf(own.slice(0, -1));
        const before = h[t]![b * U + u]!;
        hT[b * U + u] = skips(inputs, b, t) ? before : (1 - z) * before + z * activation.of(own.at(-1)!);
        outputs[(b * T + t) * U + u] = hT[b * U + u]!;
      }
    }
    sums.push(sumsT);
    h.push(hT);
  }
  return { outputs, h: h[T]!, cache: { inputs, sums, h } };
}

/**
 * The gradients of all inputs of `minRnnForward`, given those of the outputs, dOutputs [B,T,U], and optionally those of the
 * final state, dh [B,U].
 */
export function minRnnBackward(
  cache: MinRnnCache,
  dOutputs: ArrayLike<number>,
  dh?: ArrayLike<number>,
): MinRnnGradients {
  const { inputs } = cache;
  const { B, T, D, U } = inputs.sizes;
  const activation = inputs.activation ?? curves.linear;
  const gates = gateCount(inputs);
  const G = gates * U;
  const dKernel = new Float64Array(D * G);
  const dBias = new Float64Array(G);
  const dX = new Float64Array(B * T * D);
  const dhT = Float64Array.from(dh ?? new Float64Array(B * U));
  for (let t = T - 1; t >= 0; t--) {
    const dSums = new Float64Array(B * G);
    for (let b = 0; b < B; b++) {
      for (let u = 0; u < U; u++) {
        const bu = b * U + u;
        dhT[bu]! += dOutputs[(b * T + t) * U + u]!;
        if (skips(inputs, b, t)) continue;
        const own = Array.from({ length: gates }, (_, gate) => cache.sums[t]![b * G + gate * U + u]!);
        const { z, slopes } = shareOf(own.slice(0, -1));
        const candidate = own.at(-1)!;
        const change = activation.of(candidate) - cache.h[t]![bu]!;
        for (const [gate, slope] of slopes.entries()) dSums[b * G + gate * U + u] = dhT[bu]! * change * slope;
        dSums[b * G + (gates - 1) * U + u] = dhT[bu]! * z * activation.slope(candidate);
        dhT[bu]! *= 1 - z;
      }
    }
    add(dKernel, matmulAtB(inputOfStep(inputs, t), dSums, D, B, G));
    addRows(dBias, dSums);
    setGradientOfStep(dX, matmulABt(dSums, inputs.kernel, B, G, D), inputs, t);
  }
  return { dKernel, dBias, dX, dH0: dhT };
}
