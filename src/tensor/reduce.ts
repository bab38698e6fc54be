/** Reductions along the given axes, or over all axes. Sums are in float64. */

import { limitArguments, rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import * as f64 from '../util/math.ts';
import { checkBoolean } from '../util/options.ts';
import { showShape } from '../util/shapes.ts';
import { checkAxes, checkAxis, ordered } from './layout.ts';
import { asTensor, type TensorLike } from './read.ts';
import { record } from './tape.ts';
import { Tensor } from './tensorClass.ts';
import { type Values, zerosFor } from './values.ts';

/** One axis, or several; all axes if absent. */
export type Axes = number | readonly number[];

/** Reduces `count` numbers that start at index `from` to one. */
type Reducer = (values: Values, from: number, count: number) => number;

/**
 * @param result the dtype of the result: float32, that of the argument, or that of the argument with bool converted to int32
 * @param rule the name of its rule in gradients.ts
 */
function reduce(
  call: string,
  x: TensorLike,
  axis: Axes | null | undefined,
  keepDims: boolean | null | undefined,
  result: 'float32' | 'same' | 'numbers',
  f: Reducer,
  rule = call,
): Tensor {
  const from = asTensor(call, 'x', x);
  const axes = checkAxes(call, axis, from.rank);
  const kept = [...from.shape.keys()].filter(one => !axes.includes(one));
  const keeps = checkBoolean(call, 'keepDims', keepDims ?? false);
  const values = ordered(call, from, [...kept, ...axes]).dataSync() as Values;
  const shape = kept.map(one => from.shape[one]!);
  const kind = result === 'float32' ? result : from.dtype === 'bool' && result === 'numbers' ? 'int32' : from.dtype;
  const to = zerosFor(call, shape, kind);
  const count = axes.reduce((product, one) => product * from.shape[one]!, 1);
  for (let i = 0; i < to.length; i++) to[i] = f(values, i * count, count);
  const output = new Tensor(to, keeps ? from.shape.map((n, one) => (axes.includes(one) ? 1 : n)) : shape);
  return record(rule, output, [from], axes);
}

/** `reduce` as a standalone function. */
function reduction(
  call: string,
  result: 'float32' | 'same' | 'numbers',
  f: Reducer,
): (x: TensorLike, axis?: Axes | null, keepDims?: boolean | null) => Tensor {
  return limitArguments(call, (x: TensorLike, axis?: Axes | null, keepDims?: boolean | null) =>
    reduce(call, x, axis, keepDims, result, f),
  );
}

function total(values: Values, from: number, count: number): number {
  let sum = 0;
  for (let i = from; i < from + count; i++) sum += values[i]!;
  return sum;
}

/** The sum, of the dtype of x, or int32 if x is bool. `keepDims` keeps the reduced axes with size 1. */
export const sum = /* @__PURE__ */ reduction('sum', 'numbers', total);

/** The mean, float32 for every dtype of x. */
export const mean = /* @__PURE__ */ reduction(
  'mean',
  'float32',
  (values, from, count) => total(values, from, count) / count,
);

/** The largest number; NaN if any number is NaN. */
export const max = /* @__PURE__ */ reduction('max', 'same', (values, from, count) => {
  let most = Number.NEGATIVE_INFINITY;
  for (let i = from; i < from + count; i++) most = Math.max(most, values[i]!);
  return most;
});

/** The smallest number; NaN if any number is NaN. */
export const min = /* @__PURE__ */ reduction('min', 'same', (values, from, count) => {
  let least = Number.POSITIVE_INFINITY;
  for (let i = from; i < from + count; i++) least = Math.min(least, values[i]!);
  return least;
});

/** The mean and the population variance, both float32. */
export function moments(
  x: TensorLike,
  axis?: Axes | null,
  keepDims?: boolean | null,
): { mean: Tensor; variance: Tensor } {
  rejectExtraArguments('moments', 3, arguments);
  const average = reduce('moments', x, axis, keepDims, 'float32', (v, from, n) => total(v, from, n) / n, 'mean');
  const squaredDeviation: Reducer = (values, from, count) => {
    const middle = total(values, from, count) / count;
    let squares = 0;
    for (let i = from; i < from + count; i++) squares += (values[i]! - middle) ** 2;
    return squares / count;
  };
  const variance = reduce('moments', x, axis, keepDims, 'float32', squaredDeviation, 'variance');
  return { mean: average, variance };
}

/** The index of the largest number along an axis, 0 by default, int32; of equal numbers, the first. */
export const argMax = /* @__PURE__ */ limitArguments(
  'argMax',
  (x: TensorLike, axis?: number | null): Tensor => indexOfBest('argMax', x, axis ?? 0, (a, b) => a > b),
);

/** The index of the smallest number along an axis, 0 by default, int32; of equal numbers, the first. */
export const argMin = /* @__PURE__ */ limitArguments(
  'argMin',
  (x: TensorLike, axis?: number | null): Tensor => indexOfBest('argMin', x, axis ?? 0, (a, b) => a < b),
);

function indexOfBest(call: string, x: TensorLike, axis: number, better: (a: number, b: number) => boolean): Tensor {
  const from = asTensor(call, 'x', x);
  const along = from.rank === 0 && (axis === 0 || axis === -1) ? null : checkAxis(call, axis, from.rank);
  if (along !== null && from.shape[along] === 0) {
    fail(call, `x must have at least one number along axis ${along}, got the shape ${showShape(from.shape)}`);
  }
  const best = reduce(call, from, along, false, 'float32', (values, start, count) => {
    let found = start;
    for (let i = start + 1; i < start + count; i++) if (better(values[i]!, values[found]!)) found = i;
    return found - start;
  });
  return new Tensor(Int32Array.from(best.dataSync()), best.shape);
}

/** The softmax along the last axis: e^x divided by the sum of e^x. `dim` must be the last axis. */
export function softmax(logits: TensorLike, dim?: number | null): Tensor {
  rejectExtraArguments('softmax', 2, arguments);
  const call = 'softmax';
  const from = asTensor(call, 'logits', logits);
  const rank = Math.max(from.rank, 1);
  if (checkAxis(call, dim ?? -1, rank, 'dim') !== rank - 1) fail(call, `dim must be the last axis, got ${show(dim)}`);
  const to = Float32Array.from(from.dataSync());
  const width = from.shape.at(-1) ?? 1;
  for (let at = 0; at < to.length; at += width) normalize(to.subarray(at, at + width));
  return record(call, new Tensor(to, from.shape), [from]);
}

/** Replaces logits by their softmax, in place. */
export function normalize(row: Float32Array | Float64Array): void {
  let most = Number.NEGATIVE_INFINITY;
  for (const logit of row) most = Math.max(most, logit);
  let sum = 0;
  for (let i = 0; i < row.length; i++) sum += f64.exp(row[i]! - most);
  for (let i = 0; i < row.length; i++) row[i] = f64.exp(row[i]! - most) / sum;
}
