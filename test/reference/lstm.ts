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

import { sigmoid } from './activations.ts';
import { matmul, matmulABt, matmulAtB } from './matmul.ts';

export interface LstmSizes {
  B: number;
  T: number;
  D: number;
  U: number;
}

export interface LstmInputs {
  sizes: LstmSizes;
  /** [B,T,D] */
  x: ArrayLike<number>;
  /** [D,G] */
  kernel: ArrayLike<number>;
  /** [U,G] */
  recurrentKernel: ArrayLike<number>;
  /** [G], or null for none */
  bias: ArrayLike<number> | null;
  /** [B,U], the state before the first step; zero when absent */
  h0?: ArrayLike<number>;
  c0?: ArrayLike<number>;
  goBackwards?: boolean;
}

/** What backward needs of forward. States have T+1 slots: slot t is the state before step t. */
export interface LstmCache {
  inputs: LstmInputs;
  /** T times [B,G], after the activations */
  gates: Float64Array[];
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
  const G = 4 * U;
  const h = [Float64Array.from(inputs.h0 ?? new Float64Array(B * U))];
  const c = [Float64Array.from(inputs.c0 ?? new Float64Array(B * U))];
  const gates: Float64Array[] = [];
  const outputs = new Float64Array(B * T * U);

  for (let t = 0; t < T; t++) {
    const z = preactivations(inputs, t, h[t]!);
    const gatesT = new Float64Array(B * G);
    const hT = new Float64Array(B * U);
    const cT = new Float64Array(B * U);
    for (let b = 0; b < B; b++) {
      for (let u = 0; u < U; u++) {
        const bu = b * U + u;
        const [atI, atF, atC, atO] = gateIndices(b, u, U);
        const i = sigmoid(z[atI]!);
        const f = sigmoid(z[atF]!);
        const g = Math.tanh(z[atC]!);
        const o = sigmoid(z[atO]!);
        cT[bu] = f * c[t]![bu]! + i * g;
        hT[bu] = o * Math.tanh(cT[bu]);

        outputs[(b * T + t) * U + u] = hT[bu];
        gatesT[atI] = i;
        gatesT[atF] = f;
        gatesT[atC] = g;
        gatesT[atO] = o;
      }
    }
    gates.push(gatesT);
    h.push(hT);
    c.push(cT);
  }
  return { outputs, h: h[T]!, c: c[T]!, cache: { inputs, gates, h, c } };
}

/**
 * The gradient of a loss in everything that went into `lstmForward`, from its gradient in the outputs, dOutputs
 * [B,T,U], and, when the final state counts as well, in that: dh and dc [B,U].
 */
export function lstmBackward(
  cache: LstmCache,
  dOutputs: ArrayLike<number>,
  dh?: ArrayLike<number>,
  dc?: ArrayLike<number>,
): LstmGradients {
  const { kernel, recurrentKernel, sizes } = cache.inputs;
  const { B, T, D, U } = sizes;
  const G = 4 * U;
  const dKernel = new Float64Array(D * G);
  const dRecurrentKernel = new Float64Array(U * G);
  const dBias = new Float64Array(G);
  const dX = new Float64Array(B * T * D);
  // The gradients in the state after step t, without what goes through outputs of step t.
  let dhT: Float64Array = Float64Array.from(dh ?? new Float64Array(B * U));
  const dcT = Float64Array.from(dc ?? new Float64Array(B * U));

  for (let t = T - 1; t >= 0; t--) {
    const gates = cache.gates[t]!;
    const dz = new Float64Array(B * G);
    for (let b = 0; b < B; b++) {
      for (let u = 0; u < U; u++) {
        const bu = b * U + u;
        const [atI, atF, atC, atO] = gateIndices(b, u, U);
        const i = gates[atI]!;
        const f = gates[atF]!;
        const g = gates[atC]!;
        const o = gates[atO]!;
        const tanhC = Math.tanh(cache.c[t + 1]![bu]!);
        const dhHere = dhT[bu]! + dOutputs[(b * T + t) * U + u]!;
        const dcHere = dcT[bu]! + dhHere * o * (1 - tanhC * tanhC);

        dz[atI] = dcHere * g * i * (1 - i);
        dz[atF] = dcHere * cache.c[t]![bu]! * f * (1 - f);
        dz[atC] = dcHere * i * (1 - g * g);
        dz[atO] = dhHere * tanhC * o * (1 - o);
        dcT[bu] = dcHere * f;
      }
    }
    add(dKernel, matmulAtB(inputOfStep(cache.inputs, t), dz, D, B, G));
    add(dRecurrentKernel, matmulAtB(cache.h[t]!, dz, U, B, G));
    for (let b = 0; b < B; b++) add(dBias, dz.subarray(b * G, (b + 1) * G));

    const dXT = matmulABt(dz, kernel, B, G, D);
    for (let b = 0; b < B; b++) {
      dX.set(dXT.subarray(b * D, (b + 1) * D), (b * T + timeOfStep(cache.inputs, t)) * D);
    }
    dhT = matmulABt(dz, recurrentKernel, B, G, U);
  }
  return { dKernel, dRecurrentKernel, dBias, dX, dH0: dhT, dC0: dcT };
}

/** x_t kernel + h recurrentKernel + bias, [B,G], with h [B,U] the state before step t. */
function preactivations(inputs: LstmInputs, t: number, h: Float64Array): Float64Array {
  const { B, D, U } = inputs.sizes;
  const G = 4 * U;
  const fromInput = matmul(inputOfStep(inputs, t), inputs.kernel, B, D, G);
  const fromState = matmul(h, inputs.recurrentKernel, B, U, G);
  return fromInput.map((z, bg) => z + fromState[bg]! + (inputs.bias?.[bg % G] ?? 0));
}

/** Where in an array [B,G] unit u of row b has its gates i, f, c, o. */
function gateIndices(b: number, u: number, U: number): [number, number, number, number] {
  const first = b * 4 * U + u;
  return [first, first + U, first + 2 * U, first + 3 * U];
}

/** Where in x step t finds its input. */
function timeOfStep({ sizes, goBackwards }: LstmInputs, t: number): number {
  return goBackwards ? sizes.T - 1 - t : t;
}

/** The input of step t, [B,D]. */
function inputOfStep(inputs: LstmInputs, t: number): Float64Array {
  const { B, T, D } = inputs.sizes;
  const result = new Float64Array(B * D);
  for (let b = 0; b < B; b++) {
    for (let d = 0; d < D; d++) result[b * D + d] = inputs.x[(b * T + timeOfStep(inputs, t)) * D + d]!;
  }
  return result;
}

function add(sum: Float64Array, values: Float64Array): void {
  for (let n = 0; n < sum.length; n++) sum[n]! += values[n]!;
}
