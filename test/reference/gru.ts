// The GRU in plain loops: float64, Keras layout, every array flat and row by row.
//
//   Gate blocks in the order z, r, n (Keras calls the last h); G = 3U.
//
//   z, r = sigmoid(x_t kernel + h_{t-1} recurrentKernel + biases)
//   n = tanh(x_t kernel_n + bias_n + r (h_{t-1} recurrentKernel_n + recurrentBias_n))   with resetAfter
//   n = tanh(x_t kernel_n + bias_n + (r h_{t-1}) recurrentKernel_n)                     without
//   h_t = z h_{t-1} + (1 - z) n
//
// t counts steps in the order of processing, which with goBackwards is the reverse of the order in x.

import { matmul, matmulABt, matmulAtB } from './matmul.ts';
import {
  add,
  addRows,
  type Curve,
  columns,
  curves,
  dropped,
  inputOfStep,
  type RecurrentInputs,
  setGradientOfStep,
  skips,
} from './recurrent.ts';

export interface GruInputs extends RecurrentInputs {
  resetAfter: boolean;
  /** [D,G] */
  kernel: ArrayLike<number>;
  /** [U,G] */
  recurrentKernel: ArrayLike<number>;
  /** [2,G] with resetAfter, that of the input first; [G] without; null for none */
  bias: ArrayLike<number> | null;
  /** of n; tanh when absent */
  activation?: Curve;
  /** of z and r; sigmoid when absent */
  recurrentActivation?: Curve;
}

/** One step: [B,U] each, z r n before their activation, and a = h R_n + bias with resetAfter, r h without. */
interface Step {
  z: Float64Array;
  r: Float64Array;
  n: Float64Array;
  a: Float64Array;
}

/** The values of the forward pass that the backward pass needs. */
export interface GruCache {
  inputs: GruInputs;
  steps: Step[];
  /** T+1 times [B,U]: slot t is the state before step t */
  h: Float64Array[];
}

export interface GruOutputs {
  /** [B,T,U], in the order of processing */
  outputs: Float64Array;
  /** [B,U], the state after the last step */
  h: Float64Array;
  cache: GruCache;
}

export interface GruGradients {
  dKernel: Float64Array;
  dRecurrentKernel: Float64Array;
  /** In the form of the bias; [G] without resetAfter */
  dBias: Float64Array;
  /** [B,T,D], in the order of x */
  dX: Float64Array;
  dH0: Float64Array;
}

/** The activations of the candidate and of the gates. */
const activationsOf = ({ activation, recurrentActivation }: GruInputs) =>
  [activation ?? curves.tanh, recurrentActivation ?? curves.sigmoid] as const;

/** The parts of a matrix [rows, 3U] that belong to z, r and n. */
const parts = (matrix: ArrayLike<number>, U: number) =>
  [0, 1, 2].map(gate => columns(matrix, 3 * U, gate * U, U)) as [Float64Array, Float64Array, Float64Array];

function times(a: Float64Array, b: Float64Array): Float64Array {
  const result = new Float64Array(a.length);
  for (let n = 0; n < a.length; n++) result[n] = a[n]! * b[n]!;
  return result;
}

/** Applies f to each number. */
function each(values: Float64Array, f: (value: number) => number): Float64Array {
  const result = new Float64Array(values.length);
  for (let n = 0; n < values.length; n++) result[n] = f(values[n]!);
  return result;
}

export function gruForward(inputs: GruInputs): GruOutputs {
  const { B, T, D, U } = inputs.sizes;
  const { resetAfter, bias } = inputs;
  const [activation, gate] = activationsOf(inputs);
  const kernels = parts(inputs.kernel, U);
  const recurrent = parts(inputs.recurrentKernel, U);
  /** Adds block `block` of the biases to every row. */
  const biased = (sums: Float64Array, block: number) => {
    if (!bias) return sums;
    for (let row = 0; row < B * U; row += U) {
      for (let u = 0; u < U; u++) sums[row + u]! += bias[block * U + u]!;
    }
    return sums;
  };
  const h = [Float64Array.from(inputs.h0 ?? new Float64Array(B * U))];
  const steps: Step[] = [];
  const outputs = new Float64Array(B * T * U);

  for (let t = 0; t < T; t++) {
    const x = inputOfStep(inputs, t);
    const read = dropped(inputs, h[t]!);
    const fromInput = (block: number) => biased(matmul(x, kernels[block]!, B, D, U), block);
    const fromState = (block: number) => {
      const sums = matmul(read, recurrent[block]!, B, U, U);
      return resetAfter ? biased(sums, 3 + block) : sums;
    };
    const [z, r, n] = [fromInput(0), fromInput(1), fromInput(2)];
    add(z, fromState(0));
    add(r, fromState(1));
    const opened = each(r, gate.of);
    const a = resetAfter ? fromState(2) : times(opened, read);
    add(n, resetAfter ? times(opened, a) : matmul(a, recurrent[2], B, U, U));
    const hT = new Float64Array(B * U);
    for (let b = 0; b < B; b++) {
      for (let u = 0; u < U; u++) {
        const bu = b * U + u;
        const keep = gate.of(z[bu]!);
        hT[bu] = skips(inputs, b, t) ? h[t]![bu]! : keep * read[bu]! + (1 - keep) * activation.of(n[bu]!);
        outputs[(b * T + t) * U + u] = hT[bu]!;
      }
    }
    steps.push({ z, r, n, a });
    h.push(hT);
  }
  return { outputs, h: h[T]!, cache: { inputs, steps, h } };
}

/**
 * The gradients of all inputs of `gruForward`, given those of the outputs, dOutputs [B,T,U], and optionally those of the
 * final state, dh [B,U].
 */
export function gruBackward(cache: GruCache, dOutputs: ArrayLike<number>, dh?: ArrayLike<number>): GruGradients {
  const { inputs } = cache;
  const { B, T, D, U } = inputs.sizes;
  const G = 3 * U;
  const [activation, gate] = activationsOf(inputs);
  const kernels = parts(inputs.kernel, U);
  const recurrent = parts(inputs.recurrentKernel, U);
  const dKernel = new Float64Array(D * G);
  const dRecurrentKernel = new Float64Array(U * G);
  const dBias = new Float64Array(G);
  const dRecurrentBias = new Float64Array(G);
  const dX = new Float64Array(B * T * D);
  let dhT: Float64Array = Float64Array.from(dh ?? new Float64Array(B * U));

  for (let t = T - 1; t >= 0; t--) {
    const { z, r, n, a } = cache.steps[t]!;
    const read = dropped(inputs, cache.h[t]!);
    const [dz, dr, dn, da] = [0, 0, 0, 0].map(() => new Float64Array(B * U)) as [
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    const direct = new Float64Array(B * U);
    const kept = new Float64Array(B * U);
    for (let b = 0; b < B; b++) {
      for (let u = 0; u < U; u++) {
        const bu = b * U + u;
        const dhHere = dhT[bu]! + dOutputs[(b * T + t) * U + u]!;
        if (skips(inputs, b, t)) {
          kept[bu] = dhHere;
          continue;
        }
        const keep = gate.of(z[bu]!);
        dz[bu] = dhHere * (read[bu]! - activation.of(n[bu]!)) * gate.slope(z[bu]!);
        dn[bu] = dhHere * (1 - keep) * activation.slope(n[bu]!);
        direct[bu] = dhHere * keep;
      }
    }
    // da: gradient of a, the result of the product with resetAfter, its input without
    const opened = each(r, gate.of);
    da.set(inputs.resetAfter ? times(dn, opened) : matmulABt(dn, recurrent[2], B, U, U));
    const dOpened = inputs.resetAfter ? times(dn, a) : times(da, read);
    dr.set(times(dOpened, each(r, gate.slope)));

    const fromInput = [dz, dr, dn];
    const fromState = [dz, dr, inputs.resetAfter ? da : dn];
    const readBy = [read, read, inputs.resetAfter ? read : a];
    const dXT = new Float64Array(B * D);
    const dRead = direct;
    if (!inputs.resetAfter) add(dRead, times(da, opened));
    for (let block = 0; block < 3; block++) {
      addBlock(dKernel, matmulAtB(inputOfStep(inputs, t), fromInput[block]!, D, B, U), block, U);
      addBlock(dRecurrentKernel, matmulAtB(readBy[block]!, fromState[block]!, U, B, U), block, U);
      addRows(dBias.subarray(block * U, (block + 1) * U), fromInput[block]!);
      addRows(dRecurrentBias.subarray(block * U, (block + 1) * U), fromState[block]!);
      add(dXT, matmulABt(fromInput[block]!, kernels[block]!, B, U, D));
      if (inputs.resetAfter || block < 2) add(dRead, matmulABt(fromState[block]!, recurrent[block]!, B, U, U));
    }
    setGradientOfStep(dX, dXT, inputs, t);
    dhT = dropped(inputs, dRead);
    add(dhT, kept);
  }
  const dBiases = inputs.resetAfter ? Float64Array.of(...dBias, ...dRecurrentBias) : dBias;
  return { dKernel, dRecurrentKernel, dBias: dBiases, dX, dH0: dhT };
}

/** Adds a matrix [rows, U] to one gate of a matrix [rows, 3U]. */
function addBlock(sum: Float64Array, matrix: Float64Array, block: number, U: number): void {
  for (let row = 0; row < matrix.length / U; row++) {
    for (let u = 0; u < U; u++) sum[row * 3 * U + block * U + u]! += matrix[row * U + u]!;
  }
}
