/**
 * The namespace `metrics`: metrics of two tensors, such as `metrics.meanSquaredError(yTrue, yPred)`.
 *
 * They compute in JavaScript, outside of a model. In `compile`, a function only stands for its name; training and
 * evaluation compute metrics in the kernels.
 */

import { readNumbers } from '../inputs/batches.ts';
import type { TensorLike } from '../tensor/read.ts';
import { record } from '../tensor/tape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { limitArgumentsInTable } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { isTypedArray, shapeOfNested, showShape } from '../util/shapes.ts';
import { countOf } from '../util/typedArrays.ts';
import { registerNames } from './metricNames.ts';

/** The smallest argument of logarithms and smallest divisor; a float32 number, as in the kernels. */
const EPSILON = Math.fround(1e-7);
const MOST = Math.fround(1 - EPSILON);

type Row = Float32Array;

const sum = (row: Row, term: (value: number, n: number) => number) =>
  row.reduce((all, value, n) => all + term(value, n), 0);
const mean = (row: Row, term: (value: number, n: number) => number) => sum(row, term) / row.length;
const clip = (x: number, least: number, most: number) => (x < least ? least : x > most ? most : x);
const lengthOf = (row: Row) =>
  Math.sqrt(
    Math.max(
      sum(row, x => x * x),
      EPSILON,
    ),
  );
/** The index of the largest number, the first one if several are equal. */
const indexOfLargest = (row: Row) => row.reduce((best, value, n) => (value > row[best]! ? n : best), 0);

/** A metric that computes one number for each row along the last axis. The result lacks that axis. */
const byRow =
  (name: string, value: (truth: Row, guess: Row) => number) =>
  (yTrue: TensorLike, yPred: TensorLike): Tensor => {
    const [truth, guess] = pairOf(`metrics.${name}`, yTrue, yPred);
    const width = guess.shape.at(-1)!;
    const rows = guess.size / width;
    const part = (of: Tensor, row: number) => of.dataSync().subarray(row * width, (row + 1) * width);
    const values = Float32Array.from({ length: rows }, (_, row) => value(part(truth, row), part(guess, row)));
    return record(`metrics.${name}`, new Tensor(values, guess.shape.slice(0, -1)), [guess]);
  };

/** A metric that computes one number. */
const overall =
  (name: string, value: (truth: Row, guess: Row) => number) =>
  (yTrue: TensorLike, yPred: TensorLike): Tensor => {
    const [truth, guess] = pairOf(`metrics.${name}`, yTrue, yPred);
    const result = new Tensor(Float32Array.of(value(truth.dataSync(), guess.dataSync())), []);
    return record(`metrics.${name}`, result, [guess]);
  };

function pairOf(call: string, yTrue: TensorLike, yPred: TensorLike): [Tensor, Tensor] {
  const [truth, guess] = [tensorOf(call, 'yTrue', yTrue), tensorOf(call, 'yPred', yPred)];
  if (showShape(truth.shape) !== showShape(guess.shape)) {
    fail(call, `yTrue must have the shape of yPred, ${showShape(guess.shape)}, got ${showShape(truth.shape)}`);
  }
  return [truth, guess];
}

function tensorOf(call: string, name: string, value: TensorLike): Tensor {
  if (value instanceof Tensor && value.size > 0 && value.rank > 0) return value;
  const shape = isTypedArray(value) ? [countOf(value)] : Array.isArray(value) ? shapeOfNested(call, name, value) : [];
  if (shape.length === 0 || shape.includes(0)) {
    fail(call, `${name} must be a tensor or nested arrays of numbers, not empty, got ${show(value)}`);
  }
  return new Tensor(readNumbers(call, name, value, shape), shape);
}

/** The fraction of the positives (above 0.5) of one row that are positive in the other too; 0 without positives. */
function share(of: Row, other: Row): number {
  const all = sum(of, x => Number(x > 0.5));
  return all === 0 ? 0 : sum(of, (x, n) => Number(x > 0.5 && other[n]! > 0.5)) / all;
}

/** For each row of yPred, 1 if its largest number is at the class index in yTrue, else 0. yTrue may have a last axis of 1. */
function sparseCategoricalAccuracy(yTrue: TensorLike, yPred: TensorLike): Tensor {
  const call = 'metrics.sparseCategoricalAccuracy';
  const [truth, guess] = [tensorOf(call, 'yTrue', yTrue), tensorOf(call, 'yPred', yPred)];
  const shape = guess.shape.slice(0, -1);
  if (![shape, [...shape, 1]].map(showShape).includes(showShape(truth.shape))) {
    fail(call, `yTrue must have the shape ${showShape(shape)}, got ${showShape(truth.shape)}`);
  }
  const width = guess.shape.at(-1)!;
  const right = truth.dataSync().map((k, row) => {
    return Number(k === indexOfLargest(guess.dataSync().subarray(row * width, (row + 1) * width)));
  });
  return new Tensor(right, shape);
}

/**
 * Metrics of two tensors of the same shape, by their names in TF.js. Most return one number for each row along the last
 * axis. They throw a ValueError if the shapes differ.
 */
export const metrics = /* @__PURE__ */ (() => {
  /** Each alias is a separate function, because in `compile` it stands for its own name. */
  const meanSquaredError = (name: string) => byRow(name, (t, y) => mean(y, (value, n) => (value - t[n]!) ** 2));
  const meanAbsoluteError = byRow('meanAbsoluteError', (t, y) => mean(y, (value, n) => Math.abs(value - t[n]!)));
  const meanAbsolutePercentageError = (name: string) =>
    byRow(name, (t, y) => 100 * mean(y, (value, n) => Math.abs(value - t[n]!) / Math.max(Math.abs(t[n]!), EPSILON)));

  const all = {
    /** The fraction of a row in which the target, 0 or 1, equals the prediction, which counts as 1 above 0.5. */
    binaryAccuracy: byRow('binaryAccuracy', (t, y) => mean(y, (value, n) => Number(t[n] === Number(value > 0.5)))),
    /** The mean binary cross-entropy of a row of probabilities, clipped to [1e-7, 1 - 1e-7]. */
    binaryCrossentropy: byRow('binaryCrossentropy', (t, y) =>
      mean(y, (value, n) => {
        const p = clip(value, EPSILON, MOST);
        return -t[n]! * Math.log(p) - (1 - t[n]!) * Math.log1p(-p);
      }),
    ),
    /** 1 if the largest number of a row is at the same index as that of its target, else 0. */
    categoricalAccuracy: byRow('categoricalAccuracy', (t, y) => Number(indexOfLargest(t) === indexOfLargest(y))),
    /** The categorical cross-entropy of a row of probabilities, which are first scaled to sum to 1. */
    categoricalCrossentropy: byRow('categoricalCrossentropy', (t, y) => {
      const all = sum(y, value => value);
      return -sum(y, (value, n) => t[n]! * Math.log(clip(value / all, EPSILON, MOST)));
    }),
    sparseCategoricalAccuracy,
    /** The negative cosine similarity of a row and its target. */
    cosineProximity: byRow(
      'cosineProximity',
      (t, y) => -sum(y, (value, n) => value * t[n]!) / (lengthOf(y) * lengthOf(t)),
    ),
    /** The mean of |yPred - yTrue| over a row. */
    meanAbsoluteError,
    /** 100 times the mean of |yPred - yTrue| / |yTrue| over a row. */
    meanAbsolutePercentageError: meanAbsolutePercentageError('meanAbsolutePercentageError'),
    /** The same as `meanAbsolutePercentageError`. */
    MAPE: meanAbsolutePercentageError('MAPE'),
    /** The same as `meanAbsolutePercentageError`. */
    mape: meanAbsolutePercentageError('mape'),
    /** The mean of (yPred - yTrue)^2 over a row. */
    meanSquaredError: meanSquaredError('meanSquaredError'),
    /** The same as `meanSquaredError`. */
    MSE: meanSquaredError('MSE'),
    /** The same as `meanSquaredError`. */
    mse: meanSquaredError('mse'),
    /** Of all predictions above 0.5, the fraction whose target is 1; 0 if there are none. A scalar. */
    precision: overall('precision', (t, y) => share(y, t)),
    /** Of all targets that are 1, the fraction whose prediction is above 0.5; 0 if there are none. A scalar. */
    recall: overall('recall', (t, y) => share(t, y)),
    /** The coefficient of determination: 1 is perfect, 0 is as good as predicting the mean of yTrue. A scalar. */
    r2Score: overall('r2Score', (t, y) => {
      const middle = mean(t, value => value);
      return 1 - sum(y, (value, n) => (value - t[n]!) ** 2) / sum(t, value => (value - middle) ** 2);
    }),
  };
  return registerNames(limitArgumentsInTable('metrics', all));
})();

/** One of `metrics`. */
export type MetricFunction = (typeof metrics)[keyof typeof metrics];
