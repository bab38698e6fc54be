/** Activations over arrays of n float32 numbers, n a multiple of 4. The output y may be the input x. */

import { exp, expm1, madd, sigmoid, tanh } from './elementary';
import { gauss, log1p, normalTail } from './smooth';

/** The activations by number. src/ reads names and numbers from here. */
export const enum Activation {
  linear,
  relu,
  sigmoid,
  tanh,
  hardSigmoid,
  elu,
  selu,
  softplus,
  softsign,
  swish,
  gelu,
  gelu_new,
  relu6,
  mish,
  hard_sigmoid_keras3,
  leakyRelu,
  // The last two work on whole rows and are in softmax.ts
  softmax,
  logSoftmax,
}

export function sigmoidArray(y: usize, x: usize, n: u32): void {
  for (let end = x + (n << 2); x < end; x += 16, y += 16) v128.store(y, sigmoid(v128.load(x)));
}

/** dy *= y * (1 - y), in place. */
export function sigmoidBackward(dy: usize, y: usize, n: u32): void {
  const one = f32x4.splat(1);
  for (let end = dy + (n << 2); dy < end; dy += 16, y += 16) {
    const s = v128.load(y);
    v128.store(dy, f32x4.mul(v128.load(dy), f32x4.mul(s, f32x4.sub(one, s))));
  }
}

export function tanhArray(y: usize, x: usize, n: u32): void {
  for (let end = x + (n << 2); x < end; x += 16, y += 16) v128.store(y, tanh(v128.load(x)));
}

/** dy *= 1 - y^2, in place. */
export function tanhBackward(dy: usize, y: usize, n: u32): void {
  const one = f32x4.splat(1);
  for (let end = dy + (n << 2); dy < end; dy += 16, y += 16) {
    const t = v128.load(y);
    v128.store(dy, f32x4.mul(v128.load(dy), f32x4.sub(one, f32x4.mul(t, t))));
  }
}

/** y = x where x > 0, else 0. NaN is kept, because pmax returns its first operand when the comparison fails. */
export function reluArray(y: usize, x: usize, n: u32): void {
  const zero = f32x4.splat(0);
  for (let end = x + (n << 2); x < end; x += 16, y += 16) v128.store(y, f32x4.pmax(v128.load(x), zero));
}

/** dy = 0 where y is not positive, in place. */
export function reluBackward(dy: usize, y: usize, n: u32): void {
  const zero = f32x4.splat(0);
  for (let end = dy + (n << 2); dy < end; dy += 16, y += 16) {
    v128.store(dy, v128.and(v128.load(dy), f32x4.gt(v128.load(y), zero)));
  }
}

// ------------------------------------------------------------------------------------------------------- by number
//
// Largest errors against float64, over every 41st number of 2^-26 < |x| < 128 and the worse of both builds: in units in
// the last place (ulp) of the result, the absolute error of results below a limit, and the error of the slope in 2^-24.
//
//   function     ulp    results below  absolute  slope
//   hardSigmoid   0.80  2^-2           2^-25      0.05
//   elu           0.94                            0.83
//   selu          1.81  2^-125         2^-147     2.41
//   softplus      3.82  2^-125         2^-125     1.60
//   softsign      1.50                            3.44
//   swish         3.83  2^-119         2^-119     3.52
//   gelu         10.06  2^-119         2^-119     5.50
//   gelu_new     24.93  2^-20          2^-39      3.54
//   relu6         0                               0
//   mish          5.23  2^-119         2^-119     3.11
//   leakyRelu     0.50                            0
//   hard_sigmoid_keras3: 1.00 ulp above 2^-2, 2^-24 absolute, slope 0.17

/** y = f(x) over n numbers. */
export function activate(kind: i32, y: usize, x: usize, n: i32): void {
  switch (kind) {
    case Activation.linear: {
      if (y != x) memory.copy(y, x, <usize>n << 2);
      return;
    }
    case Activation.relu: return reluArray(y, x, n);
    case Activation.sigmoid: return sigmoidArray(y, x, n);
    case Activation.tanh: return tanhArray(y, x, n);
    default: return activateStrided(kind, y, 16, 0, 0, x, 16, n >> 2);
  }
}

/** y = f(x) and slope = f'(x) over n numbers. */
export function activateWithSlope(kind: i32, y: usize, slope: usize, x: usize, n: i32): void {
  activateStrided(kind, y, 16, slope, 16, x, 16, n >> 2);
}

/**
 * y = min(x, top) where x > 0, and alpha x elsewhere. At 0 the slope is alpha.
 *
 * @param slope 0 for none
 */
export function rectify(y: usize, slope: usize, x: usize, n: i32, alpha: f32, top: f32): void {
  const most = f32x4.splat(top);
  const below = f32x4.splat(alpha);
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  for (let k: usize = 0; k < <usize>n << 2; k += 16) {
    const a = v128.load(x + k);
    const positive = f32x4.gt(a, zero);
    if (slope) v128.store(slope + k, v128.bitselect(v128.and(one, f32x4.le(a, most)), below, positive));
    v128.store(y + k, v128.bitselect(f32x4.pmin(a, most), f32x4.mul(a, below), positive));
  }
}

/**
 * y = x where x > 0, alpha (exp(x) - 1) elsewhere.
 *
 * @param slope 0 for none
 */
export function exponentialUnits(y: usize, slope: usize, x: usize, n: i32, alpha: f32): void {
  for (let k: usize = 0; k < <usize>n << 2; k += 16) {
    scaledElu(v128.load(x + k), 1, alpha);
    v128.store(y + k, result);
    if (slope) v128.store(slope + k, resultSlope);
  }
}

/**
 * y = x where x > theta, and 0 elsewhere. NaN is kept.
 *
 * @param slope 0 for none
 */
export function keepAbove(y: usize, slope: usize, x: usize, n: i32, theta: f32): void {
  const limit = f32x4.splat(theta);
  for (let k: usize = 0; k < <usize>n << 2; k += 16) {
    const a = v128.load(x + k);
    const below = f32x4.le(a, limit);
    if (slope) v128.store(slope + k, v128.andnot(f32x4.splat(1), below));
    v128.store(y + k, v128.andnot(a, below));
  }
}

/** dy *= f'(x) for the activations up to tanh, whose slope follows from y. */
export function activateBackward(kind: i32, dy: usize, y: usize, n: i32): void {
  switch (kind) {
    case Activation.relu: return reluBackward(dy, y, n);
    case Activation.sigmoid: return sigmoidBackward(dy, y, n);
    case Activation.tanh: return tanhBackward(dy, y, n);
  }
}

/** dy *= slope. */
export function slopeBackward(dy: usize, slope: usize, n: i32): void {
  for (let end = dy + (<usize>n << 2); dy < end; dy += 16, slope += 16) {
    v128.store(dy, f32x4.mul(v128.load(dy), v128.load(slope)));
  }
}

/**
 * y = f(x) and slope = f'(x) for `count` vectors. One loop serves all activations; its branch is predictable.
 *
 * @param slope 0 for none
 */
export function activateStrided(
  kind: i32, y: usize, yStride: usize, slope: usize, slopeStride: usize, x: usize, xStride: usize, count: i32,
): void {
  for (; count > 0; count--) {
    const a = v128.load(x);
    switch (kind) {
      case Activation.linear: linear(a); break;
      case Activation.relu: relu(a); break;
      case Activation.sigmoid: logistic(a); break;
      case Activation.tanh: hyperbolicTangent(a); break;
      case Activation.hardSigmoid: hardSigmoid(a); break;
      case Activation.elu: scaledElu(a, 1, 1); break;
      case Activation.selu: scaledElu(a, 1.0507009873554805, 1.7580993408473766); break;
      case Activation.softplus: softplus(a); break;
      case Activation.softsign: softsign(a); break;
      case Activation.swish: swish(a); break;
      case Activation.gelu: gelu(a); break;
      case Activation.gelu_new: geluNew(a); break;
      case Activation.relu6: relu6(a); break;
      case Activation.mish: mish(a); break;
      case Activation.hard_sigmoid_keras3: hardSigmoidKeras3(a); break;
      case Activation.leakyRelu: leakyRelu(a); break;
      default: assert(false);
    }
    v128.store(y, result);
    if (slope) {
      v128.store(slope, resultSlope);
      slope += slopeStride;
    }
    x += xStride;
    y += yStride;
  }
}

/** f(a) and f'(a), set by the functions below. */
let result: v128 = f32x4.splat(0);
let resultSlope: v128 = f32x4.splat(0);

function linear(a: v128): void {
  result = a;
  resultSlope = f32x4.splat(1);
}

/** max(a, 0). */
function relu(a: v128): void {
  const zero = f32x4.splat(0);
  result = f32x4.pmax(a, zero);
  resultSlope = v128.and(f32x4.splat(1), f32x4.gt(result, zero));
}

/** 1 / (1 + exp(-a)). */
function logistic(a: v128): void {
  result = sigmoid(a);
  resultSlope = f32x4.mul(result, f32x4.sub(f32x4.splat(1), result));
}

function hyperbolicTangent(a: v128): void {
  result = tanh(a);
  resultSlope = f32x4.sub(f32x4.splat(1), f32x4.mul(result, result));
}

/** clip(0.2 a + 0.5, 0, 1), rounded twice in all builds. The slope is 0.2 at both ends too, as in TF.js. */
function hardSigmoid(a: v128): void {
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  const v = f32x4.add(f32x4.mul(a, f32x4.splat(0.2)), f32x4.splat(0.5));
  result = f32x4.pmin(f32x4.pmax(v, zero), one);
  resultSlope = v128.and(f32x4.splat(0.2), v128.and(f32x4.ge(v, zero), f32x4.le(v, one)));
}

/** relu6(a + 3) / 6, which is hard_sigmoid in Keras 3. The slope is 0 at both ends. */
function hardSigmoidKeras3(a: v128): void {
  const six = f32x4.splat(6);
  const v = f32x4.pmin(f32x4.pmax(f32x4.add(a, f32x4.splat(3)), f32x4.splat(0)), six);
  result = f32x4.div(v, six);
  resultSlope = v128.and(f32x4.splat(<f32>(1.0 / 6.0)), f32x4.lt(f32x4.abs(a), f32x4.splat(3)));
}

/** scale a above 0, low (exp(a) - 1) below. */
function scaledElu(a: v128, scale: f32, low: f32): void {
  const zero = f32x4.splat(0);
  const positive = f32x4.gt(a, zero);
  const below = f32x4.mul(f32x4.splat(low), expm1(f32x4.pmin(a, zero)));
  result = v128.bitselect(f32x4.mul(a, f32x4.splat(scale)), below, positive);
  resultSlope = v128.bitselect(f32x4.splat(scale), f32x4.add(below, f32x4.splat(low)), positive);
}

/** ln(1 + exp(a)), computed from exp(-|a|), which cannot overflow. */
function softplus(a: v128): void {
  const u = exp(f32x4.neg(f32x4.abs(a)));
  const q = f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), u));
  result = f32x4.add(f32x4.pmax(a, f32x4.splat(0)), log1p(u));
  resultSlope = v128.bitselect(q, f32x4.mul(u, q), f32x4.ge(a, f32x4.splat(0)));
}

/** a / (1 + |a|). */
function softsign(a: v128): void {
  const d = f32x4.add(f32x4.splat(1), f32x4.abs(a));
  result = f32x4.div(a, d);
  resultSlope = f32x4.div(f32x4.splat(1), f32x4.mul(d, d));
}

/** a sigmoid(a). */
function swish(a: v128): void {
  const s = sigmoid(a);
  result = f32x4.mul(a, s);
  resultSlope = madd(result, sigmoid(f32x4.neg(a)), s);
}

/** a times the normal distribution function of a. */
function gelu(a: v128): void {
  const size = f32x4.abs(a);
  const density = gauss(size);
  const tail = normalTail(size, density);
  const below = v128.bitselect(f32x4.sub(f32x4.splat(1), tail), tail, f32x4.gt(a, f32x4.splat(0)));
  result = f32x4.mul(a, below);
  const near = f32x4.pmax(f32x4.pmin(a, f32x4.splat(14)), f32x4.splat(-14));
  resultSlope = madd(f32x4.mul(near, f32x4.splat(0.3989422804014327)), density, below);
}

/** a (1 + tanh(u)) / 2 with u = sqrt(2 / pi) (a + 0.044715 a^3), which is a sigmoid(2u). */
function geluNew(a: v128): void {
  const near = f32x4.pmax(f32x4.pmin(a, f32x4.splat(16)), f32x4.splat(-16));
  const square = f32x4.mul(near, near);
  const linear = f32x4.splat(1.5957691216057308);
  const v = f32x4.mul(near, madd(f32x4.splat(0.07135481282052), square, linear));
  const s = sigmoid(v);
  const change = f32x4.mul(near, madd(f32x4.splat(0.21406443846156), square, linear));
  result = f32x4.mul(a, s);
  resultSlope = madd(f32x4.mul(change, s), sigmoid(f32x4.neg(v)), s);
}

/** a above 0, 0.2 a below, as leaky_relu in Keras and TF.js. */
function leakyRelu(a: v128): void {
  const positive = f32x4.gt(a, f32x4.splat(0));
  const below = f32x4.splat(0.2);
  result = v128.bitselect(a, f32x4.mul(a, below), positive);
  resultSlope = v128.bitselect(f32x4.splat(1), below, positive);
}

/** min(max(a, 0), 6). The slope is 0 at both ends, as in TF.js. */
function relu6(a: v128): void {
  const zero = f32x4.splat(0);
  const six = f32x4.splat(6);
  result = f32x4.pmin(f32x4.pmax(a, zero), six);
  resultSlope = v128.and(f32x4.splat(1), v128.and(f32x4.gt(a, zero), f32x4.lt(a, six)));
}

/** a tanh(ln(1 + exp(a))), where the tanh is n / d, a rational function of exp(-|a|); `rest` is d - n. */
function mish(a: v128): void {
  const positive = f32x4.ge(a, f32x4.splat(0));
  const one = f32x4.splat(1);
  const two = f32x4.splat(2);
  const u = exp(f32x4.neg(f32x4.abs(a)));
  const twice = f32x4.add(u, u);
  const n = v128.bitselect(f32x4.add(one, twice), f32x4.mul(u, f32x4.add(u, two)), positive);
  const rest = v128.bitselect(f32x4.mul(twice, u), two, positive);
  const d = f32x4.add(n, rest);
  const t = f32x4.div(n, d);
  result = f32x4.mul(a, t);
  const q = f32x4.div(one, f32x4.add(one, u));
  const s = v128.bitselect(q, f32x4.mul(u, q), positive);
  const bend = f32x4.mul(f32x4.div(rest, d), f32x4.add(one, t));
  resultSlope = madd(f32x4.mul(a, s), bend, t);
}
