// An LSTM with peepholes, a projection and layer normalization in plain loops: float64, sample by sample.
//
//   B batch, T time, D input width, U units, P numbers of h (U without a projection); gate blocks i, f, c, o.
//
//   a   = norm_k(x_t kernel) + norm_r(h_{t-1} recurrentKernel) + bias
//   i,f = sigmoid(a_i + p_i c_{t-1}), sigmoid(a_f + p_f c_{t-1});  g = tanh(a_c)
//   s   = f c_{t-1} + i g;  o = sigmoid(a_o + p_o s)
//   c_t = norm_s(s);  h_t = (o tanh(c_t)) projection

import { type Curve, curves, type RecurrentInputs, skips } from './recurrent.ts';

type Numbers = ArrayLike<number>;

export interface VariantWeights {
  /** [D,4U] */
  kernel: Numbers;
  /** [P,4U] */
  recurrentKernel: Numbers;
  /** [4U] */
  bias?: Numbers;
  /** [U] each, of i, f and o */
  peepholes?: readonly Numbers[];
  /** [U,P] */
  projection?: Numbers;
  /** gamma and beta of norm_k and norm_r, [4U], and of norm_s, [U] */
  norms?: readonly Numbers[];
}

export interface VariantInputs extends RecurrentInputs {
  P: number;
  weights: VariantWeights;
  /** [B,U] */
  c0?: Numbers;
  epsilon?: number;
  activation?: Curve;
  recurrentActivation?: Curve;
}

export interface VariantGradients {
  /** In the order of `listOf`. */
  dWeights: Float64Array[];
  /** [B,T,D], in the order of x */
  dX: Float64Array;
  /** [B,P] */
  dH0: Float64Array;
  /** [B,U] */
  dC0: Float64Array;
}

/** The weights in the order of the layer. */
export const listOf = ({ kernel, recurrentKernel, bias, peepholes, projection, norms }: VariantWeights): Numbers[] => [
  ...[kernel, recurrentKernel],
  ...(bias ? [bias] : []),
  ...(peepholes ?? []),
  ...(projection ? [projection] : []),
  ...(norms ?? []),
];

/** A weight with the sums of its gradient. */
interface Weight {
  of: Numbers;
  d: Float64Array;
}

/** y = x matrix, and its gradients. */
function times(x: Numbers, { of, d }: Weight, columns: number) {
  const y = new Float64Array(columns);
  for (let i = 0; i < x.length; i++) {
    for (let j = 0; j < columns; j++) y[j]! += x[i]! * of[i * columns + j]!;
  }
  const back = (dy: Numbers) =>
    Float64Array.from(x, (value, i) => {
      let sum = 0;
      for (let j = 0; j < columns; j++) {
        sum += dy[j]! * of[i * columns + j]!;
        d[i * columns + j]! += dy[j]! * value;
      }
      return sum;
    });
  return { y, back };
}

function normalized(x: Float64Array, gamma: Weight, beta: Weight, epsilon: number) {
  const n = x.length;
  const mean = x.reduce((sum, value) => sum + value, 0) / n;
  const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / n;
  const deviation = Math.sqrt(variance + epsilon);
  const hat = x.map(value => (value - mean) / deviation);
  const y = hat.map((value, k) => value * gamma.of[k]! + beta.of[k]!);
  const back = (dy: Numbers) => {
    const dHat = hat.map((_, k) => dy[k]! * gamma.of[k]!);
    for (let k = 0; k < n; k++) {
      gamma.d[k]! += dy[k]! * hat[k]!;
      beta.d[k]! += dy[k]!;
    }
    const sum = dHat.reduce((total, value) => total + value, 0) / n;
    const product = dHat.reduce((total, value, k) => total + value * hat[k]!, 0) / n;
    return dHat.map((value, k) => (value - sum - hat[k]! * product) / deviation);
  };
  return { y, back };
}

const unchanged = (x: Float64Array) => ({ y: x, back: (dy: Float64Array) => dy });

/** One time step of one sample; `back` takes the gradients of h and c and returns those of its arguments. */
function step(inputs: VariantInputs, weights: readonly Weight[], x: Float64Array, hBefore: Numbers, cBefore: Numbers) {
  const { U } = inputs.sizes;
  const { P, epsilon = 0.001, activation = curves.tanh, recurrentActivation: gate = curves.sigmoid } = inputs;
  const { bias: hasBias, peepholes, projection: projects, norms } = inputs.weights;
  const rest = [...weights];
  const [kernel, recurrent] = rest.splice(0, 2) as [Weight, Weight];
  const bias = hasBias && rest.shift();
  const [pI, pF, pO] = peepholes ? rest.splice(0, 3) : [];
  const projection = projects && rest.shift();
  const [gammaK, betaK, gammaR, betaR, gammaS, betaS] = rest;

  const fromX = times(x, kernel, 4 * U);
  const fromH = times(hBefore, recurrent, 4 * U);
  const normX = norms ? normalized(fromX.y, gammaK!, betaK!, epsilon) : unchanged(fromX.y);
  const normH = norms ? normalized(fromH.y, gammaR!, betaR!, epsilon) : unchanged(fromH.y);
  const a = normX.y.map((value, k) => value + normH.y[k]! + (bias?.of[k] ?? 0));
  for (let u = 0; u < U; u++) {
    a[u]! += (pI?.of[u] ?? 0) * cBefore[u]!;
    a[U + u]! += (pF?.of[u] ?? 0) * cBefore[u]!;
  }
  const of = (u: number) => [gate.of(a[u]!), gate.of(a[U + u]!), activation.of(a[2 * U + u]!)] as const;
  const s = new Float64Array(U).map((_, u) => {
    const [i, f, g] = of(u);
    return f * cBefore[u]! + i * g;
  });
  for (let u = 0; u < U; u++) a[3 * U + u]! += (pO?.of[u] ?? 0) * s[u]!;
  const state = norms ? normalized(s, gammaS!, betaS!, epsilon) : unchanged(s);
  const c = state.y;
  const m = c.map((value, u) => gate.of(a[3 * U + u]!) * activation.of(value));
  const projected = projection ? times(m, projection, P) : unchanged(m);

  const back = (dh: Float64Array, dc: Numbers) => {
    const dm = projected.back(dh);
    const da = new Float64Array(4 * U);
    const dState = c.map((value, u) => {
      da[3 * U + u] = dm[u]! * activation.of(value) * gate.slope(a[3 * U + u]!);
      return dc[u]! + dm[u]! * gate.of(a[3 * U + u]!) * activation.slope(value);
    });
    const ds = Float64Array.from(state.back(dState));
    const dcBefore = new Float64Array(U);
    for (let u = 0; u < U; u++) {
      const [i, f, g] = of(u);
      const dO = da[3 * U + u]!;
      ds[u]! += dO * (pO?.of[u] ?? 0);
      const di = ds[u]! * g * gate.slope(a[u]!);
      const df = ds[u]! * cBefore[u]! * gate.slope(a[U + u]!);
      da[u] = di;
      da[U + u] = df;
      da[2 * U + u] = ds[u]! * i * activation.slope(a[2 * U + u]!);
      dcBefore[u] = ds[u]! * f + di * (pI?.of[u] ?? 0) + df * (pF?.of[u] ?? 0);
      if (pI) pI.d[u]! += di * cBefore[u]!;
      if (pF) pF.d[u]! += df * cBefore[u]!;
      if (pO) pO.d[u]! += dO * s[u]!;
    }
    for (let k = 0; k < 4 * U; k++) if (bias) bias.d[k]! += da[k]!;
    return { dx: fromX.back(normX.back(da)), dh: fromH.back(normH.back(da)), dc: dcBefore };
  };
  return { h: projected.y, c, back };
}

/** Runs all samples; `backward` takes the gradients of the outputs [B,T,P] and, optionally, of the final states. */
export function lstmVariantForward(inputs: VariantInputs) {
  const { sizes, P, x, h0, c0, drop, goBackwards } = inputs;
  const { B, T, D, U } = sizes;
  const weights = listOf(inputs.weights).map((of): Weight => ({ of, d: new Float64Array(of.length) }));
  const outputs = new Float64Array(B * T * P);
  const finalH = new Float64Array(B * P);
  const finalC = new Float64Array(B * U);
  const row = (values: Numbers, b: number, width: number) =>
    Float64Array.from({ length: width }, (_, n) => values[b * width + n]!);
  const timeOf = (t: number) => (goBackwards ? T - 1 - t : t);

  const samples = Array.from({ length: B }, (_, b) => {
    let h: Float64Array = h0 ? row(h0, b, P) : new Float64Array(P);
    let c: Float64Array = c0 ? row(c0, b, U) : new Float64Array(U);
    const factors = drop ? row(drop, b, P) : new Float64Array(P).fill(1);
    const steps = Array.from({ length: T }, (_, t) => {
      const skipped = skips(inputs, b, t);
      const given = h.map((value, n) => value * factors[n]!);
      const made = skipped ? null : step(inputs, weights, row(x, b * T + timeOf(t), D), given, c);
      if (made) [h, c] = [made.h, made.c];
      outputs.set(h, (b * T + t) * P);
      return made;
    });
    finalH.set(h, b * P);
    finalC.set(c, b * U);
    return { steps, factors };
  });

  function backward(dOutputs: Numbers, dhT?: Numbers, dcT?: Numbers): VariantGradients {
    for (const { d } of weights) d.fill(0);
    const dX = new Float64Array(B * T * D);
    const dH0 = new Float64Array(B * P);
    const dC0 = new Float64Array(B * U);
    for (const [b, { steps, factors }] of samples.entries()) {
      let dh: Float64Array = dhT ? row(dhT, b, P) : new Float64Array(P);
      let dc: Float64Array = dcT ? row(dcT, b, U) : new Float64Array(U);
      for (let t = T - 1; t >= 0; t--) {
        dh = dh.map((value, n) => value + dOutputs[(b * T + t) * P + n]!);
        const made = steps[t];
        if (!made) continue;
        const back = made.back(dh, dc);
        dX.set(back.dx, (b * T + timeOf(t)) * D);
        dh = Float64Array.from(back.dh, (value, n) => value * factors[n]!);
        dc = back.dc;
      }
      dH0.set(dh, b * P);
      dC0.set(dc, b * U);
    }
    return { dWeights: weights.map(({ d }) => d.slice()), dX, dH0, dC0 };
  }
  return { outputs, h: finalH, c: finalC, backward };
}
