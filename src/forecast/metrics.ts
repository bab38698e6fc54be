/** Errors of point forecasts. Missing actual values, NaN, are skipped. */

import { rejectExtraArguments } from '../util/arguments.ts';
import { fail } from '../util/errors.ts';
import { checkCount } from '../util/options.ts';
import { checkNumbers, count, type Numbers } from './series.ts';

/** Checks actual and predicted values: as many numbers, and a prediction for each actual value that is known. */
export function checkPairs(
  call: string,
  actual: unknown,
  predicted: unknown,
  name = 'predicted',
): [actual: Numbers, predicted: Numbers] {
  const wanted = checkNumbers(call, 'actual', actual);
  const got = checkNumbers(call, name, predicted);
  if (got.length !== wanted.length) {
    fail(call, `${name} must have as many numbers as actual, ${wanted.length}, got ${got.length}`);
  }
  for (let n = 0; n < got.length; n++) {
    if (!Number.isNaN(got[n]!) || Number.isNaN(wanted[n]!)) continue;
    fail(call, `${name} must have a number where actual has one, got NaN at index ${n}`);
  }
  return [wanted, got];
}

/** The mean of `term` over the known actual values; NaN if there are none. */
export function meanOver(actual: Numbers, term: (value: number, index: number) => number): number {
  let sum = 0;
  let known = 0;
  for (let n = 0; n < actual.length; n++) {
    if (Number.isNaN(actual[n]!)) continue;
    sum += term(actual[n]!, n);
    known++;
  }
  return known === 0 ? Number.NaN : sum / known;
}

/** The mean absolute error, in the unit of the values. NaN if all actual values are missing. */
export function mae(actual: Numbers, predicted: Numbers): number {
  rejectExtraArguments('mae', 2, arguments);
  const [known, guess] = checkPairs('mae', actual, predicted);
  return meanOver(known, (value, n) => Math.abs(value - guess[n]!));
}

/** The root mean squared error, in the unit of the values. NaN if all actual values are missing. */
export function rmse(actual: Numbers, predicted: Numbers): number {
  rejectExtraArguments('rmse', 2, arguments);
  const [known, guess] = checkPairs('rmse', actual, predicted);
  return Math.sqrt(meanOver(known, (value, n) => (value - guess[n]!) ** 2));
}

/** 0 if both are 0. */
const ratio = (part: number, whole: number): number => (part === 0 ? 0 : part / whole);

/** The mean absolute error in percent of the actual value. Infinity if an actual value is 0 and its prediction is not. */
export function mape(actual: Numbers, predicted: Numbers): number {
  rejectExtraArguments('mape', 2, arguments);
  const [known, guess] = checkPairs('mape', actual, predicted);
  return meanOver(known, (value, n) => 100 * ratio(Math.abs(value - guess[n]!), Math.abs(value)));
}

/**
 * The symmetric mean absolute percentage error of the M4 competition, from 0 to 200: the mean of
 * 200 |actual - predicted| / (|actual| + |predicted|).
 */
export function smape(actual: Numbers, predicted: Numbers): number {
  rejectExtraArguments('smape', 2, arguments);
  const [known, guess] = checkPairs('smape', actual, predicted);
  return meanOver(known, (value, n) => {
    const error = Math.abs(value - guess[n]!);
    return 200 * ratio(error, Math.abs(value) + Math.abs(guess[n]!));
  });
}

/** The sum of the absolute errors in percent of the sum of the absolute actual values. */
export function wape(actual: Numbers, predicted: Numbers): number {
  rejectExtraArguments('wape', 2, arguments);
  const [known, guess] = checkPairs('wape', actual, predicted);
  const error = meanOver(known, (value, n) => Math.abs(value - guess[n]!));
  return 100 * ratio(error, meanOver(known, Math.abs));
}

/**
 * The mean absolute scaled error: the mean absolute error, divided by that of the seasonal naive forecast of one step over
 * the history. Below 1, the forecast is better than that one.
 *
 * @param history the values before the forecast, such as the training set
 * @param season values in a season; default 1
 */
export function mase(actual: Numbers, predicted: Numbers, history: Numbers, season?: number): number {
  rejectExtraArguments('mase', 4, arguments);
  const [known, guess] = checkPairs('mase', actual, predicted);
  const scale = checkScale('mase', history, season);
  return meanOver(known, (value, n) => Math.abs(value - guess[n]!)) / scale;
}

/** The scale of `mase` and `msis`. Throws if the history is too short or has no seasonal differences. */
export function checkScale(call: string, history: unknown, season: unknown): number {
  const lag = checkCount(call, 'season', season ?? 1);
  const values = checkNumbers(call, 'history', history, { known: true });
  if (values.length <= lag) {
    fail(call, `history must have more numbers than a season, ${count(lag, 'number')}, got ${values.length}`);
  }
  const scale = seasonalError(values, lag);
  if (Number.isNaN(scale)) fail(call, `history must have two known values ${count(lag, 'step')} apart, got none`);
  if (scale === 0) {
    fail(call, `history must not repeat itself after ${count(lag, 'step')}, got values that all do; use mae instead`);
  }
  return scale;
}

/** The mean absolute difference between values that are a season apart; NaN if there are none. */
export function seasonalError(history: Numbers, season: number): number {
  let sum = 0;
  let known = 0;
  for (let n = season; n < history.length; n++) {
    const difference = Math.abs(history[n]! - history[n - season]!);
    if (Number.isNaN(difference)) continue;
    sum += difference;
    known++;
  }
  return known === 0 ? Number.NaN : sum / known;
}
