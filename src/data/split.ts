/** Splits series in time order: the training set precedes the test set. */

import { slice } from '../tensor/layout.ts';
import { Tensor } from '../tensor/tensor.ts';
import { rejectExtraArguments } from '../util/arguments.ts';
import { fail } from '../util/errors.ts';
import { checkCount, checkNumber, checkOptions } from '../util/options.ts';
import { isTypedArray, plainArray } from '../util/typedArrays.ts';
import { readSeries, type Series } from './series.ts';

/** Options of `trainTestSplit`. */
export interface SplitOptions {
  /** The fraction of the steps in the test set, which are the last ones; default 0.2. */
  testFraction?: number;
  /** The number of steps in the test set, in place of `testFraction`. */
  testSize?: number;
  /** The fraction of the steps in the validation set, which precedes the test set; default 0. */
  validationFraction?: number;
  /** The number of steps in the validation set, in place of `validationFraction`. */
  validationSize?: number;
}

/** The parts of a series, each in the form of the series; `validation` is empty by default. */
export interface Split<S> {
  train: S;
  validation: S;
  test: S;
}

/** Splits a series into training, validation and test set, in this order and without overlap. Each part is a copy. */
export function trainTestSplit<S extends Series>(series: S, options?: SplitOptions): Split<S> {
  rejectExtraArguments('trainTestSplit', 2, arguments);
  const call = 'trainTestSplit';
  const known = checkOptions<SplitOptions>(call, options, [
    'testFraction',
    'testSize',
    'validationFraction',
    'validationSize',
  ]);
  const { steps } = readSeries(call, 'series', series, 2);
  const part = (name: 'test' | 'validation', otherwise: number): number => {
    const [fraction, size] = [known[`${name}Fraction`], known[`${name}Size`]];
    if (size === undefined) {
      const share = checkNumber(call, `${name}Fraction`, fraction ?? otherwise, { least: 0, below: 1 });
      return share === 0 ? 0 : Math.max(1, Math.round(share * steps));
    }
    if (fraction !== undefined) fail(call, `takes either ${name}Fraction or ${name}Size, got both`);
    if (typeof size === 'number' && size > 0 && size < 1) {
      fail(
        call,
        `${name}Size must be an integer number of steps, got ${size}; pass ${name}Fraction: ${size} for a share`,
      );
    }
    return checkCount(call, `${name}Size`, size, 0);
  };
  const test = part('test', 0.2);
  const validation = part('validation', 0);
  const train = steps - validation - test;
  if (train < 1) {
    fail(
      call,
      `the training set must have at least one step, got ${validation + test} of ${steps} steps for validation and test`,
    );
  }
  const cut = (from: number, to: number): S => {
    if (series instanceof Tensor) return slice(series, [from], [to - from]) as Series as S;
    return (
      isTypedArray(series) ? plainArray(series).slice(from, to) : (series as readonly number[]).slice(from, to)
    ) as S;
  };
  return { train: cut(0, train), validation: cut(train, train + validation), test: cut(train + validation, steps) };
}
