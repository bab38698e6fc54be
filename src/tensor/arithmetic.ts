/** Elementwise functions of one tensor, elementwise functions of two tensors with broadcasting, and the matrix product. */

import { limitArguments, rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import * as f64 from '../util/math.ts';
import { checkBoolean } from '../util/options.ts';
import { showShape } from '../util/shapes.ts';
import { ordered } from './layout.ts';
import { asTensor, type TensorLike } from './read.ts';
import { record } from './tape.ts';
import { Tensor } from './tensorClass.ts';
import { common, type DataType, strided, stridesOf, type Values, zerosFor } from './values.ts';

// ------------------------------------------------------------------------------------------------------- one tensor

/** @param result the dtype of the result: float32, that of the argument, or that of the argument with bool converted to int32 */
function each(
  call: string,
  result: 'float32' | 'same' | 'numbers',
  f: (x: number) => number,
): (x: TensorLike) => Tensor {
  return limitArguments(call, x => eachOf(call, x, result, f));
}

function eachOf(
  call: string,
  x: TensorLike,
  result: 'float32' | 'same' | 'numbers',
  f: (x: number) => number,
  options?: unknown,
): Tensor {
  const from = asTensor(call, 'x', x);
  const values = from.dataSync() as Values;
  const kind = result === 'numbers' ? numeric(from.dtype) : from.dtype;
  const to = zerosFor(call, from.shape, result === 'float32' ? result : kind);
  for (let i = 0; i < to.length; i++) to[i] = f(values[i]!);
  return record(call, new Tensor(to, from.shape), [from], options);
}

/** -x. */
export const neg = /* @__PURE__ */ each('neg', 'numbers', v => -v);
/** The absolute value. */
export const abs = /* @__PURE__ */ each('abs', 'same', Math.abs);
/** -1, 0 or 1; 0 for NaN, as in TF.js. */
export const sign = /* @__PURE__ */ each('sign', 'same', v => (v < 0 ? -1 : v > 0 ? 1 : 0));
/** x^2. */
export const square = /* @__PURE__ */ each('square', 'same', v => v * v);
/** Rounds down. */
export const floor = /* @__PURE__ */ each('floor', 'same', Math.floor);
/** Rounds up. */
export const ceil = /* @__PURE__ */ each('ceil', 'same', Math.ceil);
/** Rounds to the nearest integer; a half rounds to the even one. */
export const round = /* @__PURE__ */ each('round', 'same', halfToEven);
/** The square root; NaN for negative numbers. */
export const sqrt = /* @__PURE__ */ each('sqrt', 'float32', Math.sqrt);
/** e^x. */
export const exp = /* @__PURE__ */ each('exp', 'float32', f64.exp);
/** The natural logarithm. */
export const log = /* @__PURE__ */ each('log', 'float32', f64.ln);
/** The sine of an angle in radians. */
export const sin = /* @__PURE__ */ each('sin', 'float32', f64.sin);
/** The cosine of an angle in radians. */
export const cos = /* @__PURE__ */ each('cos', 'float32', f64.cos);
/** 1 / (1 + e^-x). */
export const sigmoid = /* @__PURE__ */ each('sigmoid', 'float32', f64.sigmoid);
/** The hyperbolic tangent. */
export const tanh = /* @__PURE__ */ each('tanh', 'float32', f64.tanh);
/** max(x, 0). */
export const relu = /* @__PURE__ */ each('relu', 'same', v => (v <= 0 ? 0 : v));

/** Limits each number to the range from `clipValueMin` to `clipValueMax`. */
export function clipByValue(x: TensorLike, clipValueMin: number, clipValueMax: number): Tensor {
  rejectExtraArguments('clipByValue', 3, arguments);
  const call = 'clipByValue';
  if (typeof clipValueMin !== 'number' || typeof clipValueMax !== 'number' || !(clipValueMin <= clipValueMax)) {
    fail(
      call,
      `clipValueMin must be at most clipValueMax, both numbers, got ${show(clipValueMin)} and ${show(clipValueMax)}`,
    );
  }
  const clip = (v: number) => (v < clipValueMin ? clipValueMin : v > clipValueMax ? clipValueMax : v);
  return eachOf(call, x, 'same', clip, [clipValueMin, clipValueMax]);
}

function halfToEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  return rest < 0.5 ? down : rest > 0.5 ? down + 1 : down % 2 === 0 ? down : down + 1;
}

// ------------------------------------------------------------------------------------------------------ two tensors

/** @param result the dtype of the result: bool, the common dtype of both, or that common dtype with bool converted to int32 */
function both(
  call: string,
  result: 'bool' | 'common' | 'numbers',
  f: (a: number, b: number, areIntegers: boolean) => number,
): (a: TensorLike, b: TensorLike) => Tensor {
  return limitArguments(call, (a, b) => {
    const [x, y] = [asTensor(call, 'a', a), asTensor(call, 'b', b)];
    const shape = broadcast(call, x.shape, y.shape);
    const kind = common(x.dtype, y.dtype);
    const to = zerosFor(
      call,
      shape,
      result === 'bool' || (kind === 'bool' && result === 'common') ? 'bool' : numeric(kind),
    );
    const areIntegers = kind !== 'float32';
    const [left, right] = [spread(call, x, shape), spread(call, y, shape)];
    // A single number needs no broadcast copy: it is read with a step of 0.
    const [leftStep, rightStep] = [Number(left.length > 1), Number(right.length > 1)];
    for (let i = 0; i < to.length; i++) to[i] = f(left[i * leftStep]!, right[i * rightStep]!, areIntegers);
    const output = new Tensor(to, shape);
    return result === 'bool' ? output : record(call, output, [x, y]);
  });
}

/** The dtype of a result computed from the given one: int32 for bool. */
const numeric = (dtype: DataType): DataType => (dtype === 'bool' ? 'int32' : dtype);

/** The broadcast shape of two shapes: axes are aligned at the end, and an axis of size 1 takes the size of the other. */
function broadcast(call: string, a: readonly number[], b: readonly number[], what = 'shapes'): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const [n, m] = [a[axis + a.length - rank] ?? 1, b[axis + b.length - rank] ?? 1];
    if (n !== m && n !== 1 && m !== 1) {
      fail(call, `a and b must have ${what} that broadcast, got ${showShape(a)} and ${showShape(b)}`);
    }
    return n === 1 ? m : n;
  });
}

/** The numbers of a tensor broadcast to a larger shape, or its only number. */
const spread = (call: string, x: Tensor, wanted: readonly number[]): Values =>
  x.size === 1 ? (x.dataSync() as Values) : repeated(call, x, wanted);

/** The numbers of a tensor broadcast to a larger shape. */
function repeated(call: string, x: Tensor, wanted: readonly number[]): Values {
  const values = x.dataSync() as Values;
  if (x.shape.join() === wanted.join()) return values;
  const own = stridesOf(x.shape);
  const missing = wanted.length - x.rank;
  const strides = wanted.map((_, axis) => (axis < missing || x.shape[axis - missing] === 1 ? 0 : own[axis - missing]!));
  return strided(call, values, 0, wanted, strides);
}

/** a + b, with broadcasting like all elementwise functions of two tensors. */
export const add = /* @__PURE__ */ both('add', 'numbers', (x, y) => x + y);
/** a - b. */
export const sub = /* @__PURE__ */ both('sub', 'numbers', (x, y) => x - y);
/** a * b, elementwise. */
export const mul = /* @__PURE__ */ both('mul', 'common', (x, y) => x * y);
/** a / b. The quotient of two int32 tensors is rounded down, as in TF.js. */
export const div = /* @__PURE__ */ both('div', 'numbers', (x, y, areIntegers) =>
  areIntegers ? Math.floor(x / y) : x / y,
);
/** a to the power of b. */
export const pow = /* @__PURE__ */ both('pow', 'common', f64.power);
/** The larger number of each pair; NaN if either is NaN. */
export const maximum = /* @__PURE__ */ both('maximum', 'numbers', (x, y) => Math.max(x, y));
/** The smaller number of each pair; NaN if either is NaN. */
export const minimum = /* @__PURE__ */ both('minimum', 'numbers', (x, y) => Math.min(x, y));
/** (a - b)^2. */
export const squaredDifference = /* @__PURE__ */ both('squaredDifference', 'common', (x, y) => (x - y) * (x - y));

/** Whether a = b, as a bool tensor, like all comparisons. */
export const equal = /* @__PURE__ */ both('equal', 'bool', (x, y) => Number(x === y));
/** Whether a and b differ. */
export const notEqual = /* @__PURE__ */ both('notEqual', 'bool', (x, y) => Number(x !== y));
/** Whether a > b. */
export const greater = /* @__PURE__ */ both('greater', 'bool', (x, y) => Number(x > y));
/** Whether a >= b. */
export const greaterEqual = /* @__PURE__ */ both('greaterEqual', 'bool', (x, y) => Number(x >= y));
/** Whether a < b. */
export const less = /* @__PURE__ */ both('less', 'bool', (x, y) => Number(x < y));
/** Whether a <= b. */
export const lessEqual = /* @__PURE__ */ both('lessEqual', 'bool', (x, y) => Number(x <= y));

// ---------------------------------------------------------------------------------------------------------- product

/**
 * The matrix product of a [..., M, K] and b [..., K, N], each optionally transposed first. The leading axes are batch
 * axes and are broadcast. Sums are in float64.
 */
export function matMul(a: TensorLike, b: TensorLike, transposeA?: boolean | null, transposeB?: boolean | null): Tensor {
  rejectExtraArguments('matMul', 4, arguments);
  const call = 'matMul';
  const [x, y] = [asTensor(call, 'a', a), asTensor(call, 'b', b)];
  if (x.rank < 2) fail(call, `a must have at least 2 axes, got ${showShape(x.shape)}`);
  if (y.rank < 2) fail(call, `b must have at least 2 axes, got ${showShape(y.shape)}`);
  // b is transposed, so that each sum reads a row of both.
  const flips = [
    checkBoolean(call, 'transposeA', transposeA ?? false),
    checkBoolean(call, 'transposeB', transposeB ?? false),
  ];
  const left = flips[0] ? swapped(call, x) : x;
  const right = flips[1] ? y : swapped(call, y);
  const [[M, K], [N, K2]] = [matrixOf(left), matrixOf(right)];
  if (K !== K2) {
    fail(call, `a and b must have inner axes of equal size, got ${showShape(x.shape)} and ${showShape(y.shape)}`);
  }
  const batch = broadcast(call, x.shape.slice(0, -2), y.shape.slice(0, -2), 'batch axes');
  const rows = repeated(call, left, [...batch, M, K]);
  const columns = repeated(call, right, [...batch, N, K]);
  const to = zerosFor(call, [...batch, M, N], numeric(common(x.dtype, y.dtype)));
  for (let at = 0; at < to.length; at++) {
    const row = Math.floor(at / N); // over all batches
    const column = Math.floor(row / M) * N + (at % N);
    let sum = 0;
    for (let k = 0; k < K; k++) sum += rows[row * K + k]! * columns[column * K + k]!;
    to[at] = sum;
  }
  return record(call, new Tensor(to, [...batch, M, N]), [x, y], flips);
}

const matrixOf = (x: Tensor): [number, number] => [x.shape.at(-2)!, x.shape.at(-1)!];

/** Swaps the last two axes. */
function swapped(call: string, x: Tensor): Tensor {
  const axes = [...x.shape.keys()];
  return ordered(call, x, [...axes.slice(0, -2), axes.at(-1)!, axes.at(-2)!]);
}
