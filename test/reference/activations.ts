/** y = of(z), and the slope dy/dz: in terms of y alone where the kernels do without z, else in terms of z. */
interface Activation {
  of(z: number): number;
  slope(y: number, z?: number): number;
}

export type ActivationName = keyof typeof table;
/** Activations of whole rows. */
export type RowActivationName = 'softmax' | 'logSoftmax';

export function sigmoid(z: number): number {
  return z >= 0 ? 1 / (1 + Math.exp(-z)) : Math.exp(z) / (1 + Math.exp(z));
}

/** With a relative error below 1e-13, for large |z| too. */
const softplus = (z: number) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));

const density = (z: number) => Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);

/** The integral of the normal density below z: by its series, or by a continued fraction where that cancels. */
function normal(z: number): number {
  const a = Math.abs(z);
  let tail = 0;
  if (a < 3) {
    let sum = 0;
    let term = a;
    for (let k = 3; term > 1e-20; k += 2) {
      sum += term;
      term *= (a * a) / k;
    }
    tail = 0.5 - density(a) * sum;
  } else {
    const top = density(a);
    let fraction = a;
    // Beyond 39 the density is 0, and so is the quotient
    if (top > 0) for (let k = 120; k > 0; k--) fraction = a + k / fraction;
    tail = top / fraction;
  }
  return z > 0 ? 1 - tail : tail;
}

const table = {
  linear: { of: z => z, slope: () => 1 },
  relu: { of: z => Math.max(z, 0), slope: y => (y > 0 ? 1 : 0) },
  sigmoid: { of: sigmoid, slope: y => y * (1 - y) },
  tanh: { of: Math.tanh, slope: y => 1 - y * y },
  hardSigmoid: {
    of: z => Math.min(1, Math.max(0, 0.2 * z + 0.5)),
    slope: (_, z) => (Math.abs(z!) <= 2.5 ? 0.2 : 0),
  },
  elu: { of: z => (z > 0 ? z : Math.expm1(z)), slope: (_, z) => (z! > 0 ? 1 : Math.exp(z!)) },
  selu: {
    of: z => SCALE * (z > 0 ? z : ALPHA * Math.expm1(z)),
    slope: (_, z) => SCALE * (z! > 0 ? 1 : ALPHA * Math.exp(z!)),
  },
  softplus: { of: softplus, slope: (_, z) => sigmoid(z!) },
  softsign: { of: z => z / (1 + Math.abs(z)), slope: (_, z) => (1 + Math.abs(z!)) ** -2 },
  swish: { of: z => z * sigmoid(z), slope: (_, z) => sigmoid(z!) * (1 + z! * sigmoid(-z!)) },
  gelu: { of: z => z * normal(z), slope: (_, z) => normal(z!) + z! * density(z!) },
  gelu_new: {
    of: z => z * sigmoid(twice(z)),
    slope: (_, z) => {
      const s = sigmoid(twice(z!));
      return s + z! * s * sigmoid(-twice(z!)) * 2 * ROOT * (1 + 3 * 0.044715 * z! ** 2);
    },
  },
  relu6: { of: z => Math.min(6, Math.max(0, z)), slope: (_, z) => Number(z! > 0 && z! < 6) },
  mish: {
    of: z => z * Math.tanh(softplus(z)),
    slope: (_, z) => {
      const t = Math.tanh(softplus(z!));
      // 1 - t^2 without the difference: t = (q - 1) / (q + 1), q = exp(2 softplus(z))
      const q = Math.exp(2 * softplus(z!));
      return t + (Number.isFinite(q) ? (z! * sigmoid(z!) * 4 * q) / (q + 1) ** 2 : 0);
    },
  },
  leakyRelu: { of: z => (z > 0 ? z : 0.2 * z), slope: (_, z) => (z! > 0 ? 1 : 0.2) },
  hard_sigmoid_keras3: {
    of: z => Math.min(6, Math.max(0, z + 3)) / 6,
    slope: (_, z) => (Math.abs(z!) < 3 ? 1 / 6 : 0),
  },
} as const satisfies Record<string, Activation>;

const SCALE = 1.0507009873554805;
const ALPHA = 1.6732632423543772;
const ROOT = Math.sqrt(2 / Math.PI);
function twice(z: number): number {
  return 2 * ROOT * (z + 0.044715 * z ** 3);
}

export const activations: Readonly<Record<ActivationName, Activation>> = table;

const rowActivations: Readonly<
  Record<
    RowActivationName,
    { of(z: Float64Array): Float64Array; backward(y: ArrayLike<number>, dy: Float64Array): Float64Array }
  >
> = {
  softmax: {
    of: z => normalized(z).map(Math.exp),
    backward(y, dy) {
      const dot = dy.reduce((sum, d, n) => sum + d * y[n]!, 0);
      return dy.map((d, n) => y[n]! * (d - dot));
    },
  },
  logSoftmax: {
    of: normalized,
    backward(y, dy) {
      const sum = dy.reduce((all, d) => all + d, 0);
      return dy.map((d, n) => d - Math.exp(y[n]!) * sum);
    },
  },
};

/** z minus the logarithm of the sum of its exponentials. */
function normalized(z: Float64Array): Float64Array {
  const most = z.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const log = Math.log(z.reduce((sum, value) => sum + Math.exp(value - most), 0));
  return z.map(value => value - most - log);
}

/** y over the rows of z, [M,U]. */
export function activate(name: ActivationName | RowActivationName, z: Float64Array, U: number): Float64Array {
  if (name in activations) {
    const { of } = activations[name as ActivationName];
    const y = new Float64Array(z.length);
    for (let n = 0; n < y.length; n++) y[n] = of(z[n]!);
    return y;
  }
  return byRow(z, U, row => rowActivations[name as RowActivationName].of(row));
}

/** The gradient in z, from z and y and the gradient in y, all [M,U]. */
export function derive(
  name: ActivationName | RowActivationName,
  z: Float64Array,
  y: ArrayLike<number>,
  dY: ArrayLike<number>,
  U: number,
): Float64Array {
  const dy = new Float64Array(dY);
  if (name in activations) {
    const { slope } = activations[name as ActivationName];
    for (let n = 0; n < dy.length; n++) dy[n]! *= slope(y[n]!, z[n]!);
    return dy;
  }
  const all = new Float64Array(y);
  return byRow(dy, U, (row, at) => rowActivations[name as RowActivationName].backward(all.subarray(at, at + U), row));
}

function byRow(x: Float64Array, U: number, f: (row: Float64Array, at: number) => Float64Array): Float64Array {
  const result = new Float64Array(x.length);
  for (let at = 0; at < x.length; at += U) result.set(f(x.subarray(at, at + U), at), at);
  return result;
}
