// The LSTM in plain loops: float64, Keras layout, every array flat and row by row.
//
//   B batch, T time, D input width, U units, G = 4U; gate blocks in the order i, f, c, o.
//
//   z = x_t kernel + h_{t-1} recurrentKernel + bias        [B,G]
//   i, f, o = sigmoid(z_i), sigmoid(z_f), sigmoid(z_o);  g = tanh(z_c)
//   c_t = f c_{t-1} + i g
//   h_t = o tanh(c_t)
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

export interface LstmInputs extends RecurrentInputs {
  /** [D,G] */
  kernel: ArrayLike<number>;
  /** [U,G] */
  recurrentKernel: ArrayLike<number>;
  /** [G], or null for none */
  bias: ArrayLike<number> | null;
  /** [B,U], the cell state before the first step; zero when absent */
  c0?: ArrayLike<number>;
  /** of g and c; tanh when absent */
  activation?: Curve;
  /** of i, f and o; sigmoid when absent */
  recurrentActivation?: Curve;
}

/** The values of the forward pass that the backward pass needs. States have T+1 slots: slot t is the state before step t. */
export interface LstmCache {
  inputs: LstmInputs;
  /** T times [B,G], before the activations */
  z: Float64Array[];
  /** T+1 times [B,U] */
  h: Float64Array[];
  c: Float64Array[];
}

export interface LstmOutputs {
  /** [B,T,U], in the order of processing */
  outputs: Float64Array;
  /** [B,U], the state after the last step */
  h: Float64Array;
  c: Float64Array;
  cache: LstmCache;
}

export interface LstmGradients {
  /** [D,G] */
  dKernel: Float64Array;
  /** [U,G] */
  dRecurrentKernel: Float64Array;
  /** [G] */
  dBias: Float64Array;
  /** [B,T,D], in the order of x */
  dX: Float64Array;
  /** [B,U] */
  dH0: Float64Array;
  dC0: Float64Array;
}

export function lstmForward(inputs: LstmInputs): LstmOutputs {
  const { B, T, U } = inputs.sizes;
  const h = [Float64Array.from(inputs.h0 ?? new Float64Array(B * U))];
  const c = [Float64Array.from(inputs.c0 ?? new Float64Array(B * U))];
  const zs: Float64Array[] = [];
  const [activation, gate] = activationsOf(inputs);
  const outputs = new Float64Array(B * T * U);

  for (let t = 0; t < T; t++) {
    const z = preactivations(inputs, t, dropped(inputs, h[t]!));
    const hT = new Float64Array(B * U);
    const cT = new Float64Array(B * U);
    for (let b = 0; b < B; b++) {
      for (let u = 0; u < U; u++) {
        const bu = b * U + u;
        const [i, f, g, o] = gatesOf(z, b, u, U, activation.of, gate.of);
        cT[bu] = f * c[t]![bu]! + i * g;
        hT[bu] = o * activation.of(cT[bu]);
        if (skips(inputs, b, t)) {
          cT[bu] = c[t]![bu]!;
          hT[bu] = h[t]![bu]!;
        }
        outputs[(b * T + t) * U + u] = hT[bu];
      }
    }
    zs.push(z);
    h.push(hT);
    c.push(cT);
  }
  return { outputs, h: h[T]!, c: c[T]!, cache: { inputs, z: zs, h, c } };
}

/**
 * The gradients of all inputs of `lstmForward`, given those of the outputs, dOutputs [B,T,U], and optionally those of the
 * final state, dh and dc [B,U].
 */
export function lstmBackward(
  cache: LstmCache,
  dOutputs: ArrayLike<number>,
  dh?: ArrayLike<number>,
  dc?: ArrayLike<number>,
): LstmGradients {
  const { inputs } = cache;
  const { kernel, recurrentKernel, sizes } = inputs;
  const { B, T, D, U } = sizes;
  const [activation, gate] = activationsOf(inputs);
  const G = 4 * U;
  const dKernel = new Float64Array(D * G);
  const dRecurrentKernel = new Float64Array(U * G);
  const dBias = new Float64Array(G);
  const dX = new Float64Array(B * T * D);
  // The gradients of the state after step t, without those through the outputs of step t.
  let dhT: Float64Array = Float64Array.from(dh ?? new Float64Array(B * U));
  const dcT = Float64Array.from(dc ?? new Float64Array(B * U));

  for (let t = T - 1; t >= 0; t--) {
    const z = cache.z[t]!;
    const dz = new Float64Array(B * G);
    const kept = new Float64Array(B * U);
    for (let b = 0; b < B; b++) {
      for (let u = 0; u < U; u++) {
        const bu = b * U + u;
        const dhHere = dhT[bu]! + dOutputs[(b * T + t) * U + u]!;
        if (skips(inputs, b, t)) {
          kept[bu] = dhHere;
          continue;
        }
        const [atI, atF, atC, atO] = gateIndices(b, u, U);
        const [i, f, g, o] = gatesOf(z, b, u, U, activation.of, gate.of);
        const [slopeI, slopeF, slopeG, slopeO] = gatesOf(z, b, u, U, activation.slope, gate.slope);
        const ct = cache.c[t + 1]![bu]!;
        const dcHere = dcT[bu]! + dhHere * o * activation.slope(ct);

        dz[atI] = dcHere * g * slopeI;
        dz[atF] = dcHere * cache.c[t]![bu]! * slopeF;
        dz[atC] = dcHere * i * slopeG;
        dz[atO] = dhHere * activation.of(ct) * slopeO;
        dcT[bu] = dcHere * f;
      }
    }
    add(dKernel, matmulAtB(inputOfStep(inputs, t), dz, D, B, G));
    add(dRecurrentKernel, matmulAtB(dropped(inputs, cache.h[t]!), dz, U, B, G));
    addRows(dBias, dz);
    setGradientOfStep(dX, matmulABt(dz, kernel, B, G, D), inputs, t);
    dhT = dropped(inputs, matmulABt(dz, recurrentKernel, B, G, U));
    add(dhT, kept);
  }
  return { dKernel, dRecurrentKernel, dBias, dX, dH0: dhT, dC0: dcT };
}

/** x_t kernel + h recurrentKernel + bias, [B,G], with h [B,U] the state before step t. */
function preactivations(inputs: LstmInputs, t: number, h: Float64Array): Float64Array {
  const { B, D, U } = inputs.sizes;
  const G = 4 * U;
  const fromInput = matmul(inputOfStep(inputs, t), inputs.kernel, B, D, G);
  const fromState = matmul(h, inputs.recurrentKernel, B, U, G);
  const { bias } = inputs;
  for (let b = 0; b < B; b++) {
    for (let g = 0; g < G; g++) fromInput[b * G + g]! += fromState[b * G + g]! + (bias?.[g] ?? 0);
  }
  return fromInput;
}

/** The indices in an array [B,G] of the gates i, f, c, o of unit u of row b. */
function gateIndices(b: number, u: number, U: number): [number, number, number, number] {
  const first = b * 4 * U + u;
  return [first, first + U, first + 2 * U, first + 3 * U];
}

/** The activations of candidate and cell state, and of the gates. */
const activationsOf = ({ activation, recurrentActivation }: LstmInputs) =>
  [activation ?? curves.tanh, recurrentActivation ?? curves.sigmoid] as const;

/** The functions of the gates i, f, c and o of unit u of row b in an array [B,G]. */
function gatesOf(
  z: Float64Array,
  b: number,
  u: number,
  U: number,
  candidate: (z: number) => number,
  gate: (z: number) => number,
): [number, number, number, number] {
  const [i, f, c, o] = gateIndices(b, u, U);
  return [gate(z[i]!), gate(z[f]!), candidate(z[c]!), gate(z[o]!)];
}
