/** Prediction intervals from the errors of earlier forecasts. */

import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkBoolean, checkOptions } from '../util/options.ts';
import { isTypedArray } from '../util/typedArrays.ts';
import { checkLevel } from './intervalMetrics.ts';
import { checkNumbers, type Numbers } from './series.ts';

/** Options of `conformal`. */
export interface ConformalOptions {
  /**
   * Whether the residuals are scores with a sign, such as max(lower - actual, actual - upper), by which an interval must
   * grow or may shrink. Default: false, which takes their absolute values.
   */
  signed?: boolean;
}

/**
 * Half the width of a prediction interval, by split conformal prediction: the forecast plus and minus this number contains
 * the next value with a probability of at least `level`, if its error is exchangeable with those of the residuals. It is
 * the residual of rank ceil((n + 1) level) among the n absolute residuals. Missing residuals, NaN, are skipped.
 *
 * @param residuals errors on data that the model was not trained on: numbers; or rows of numbers, one for each forecast,
 *   which give a width for each step of the horizon
 * @param level such as 0.9
 * @returns a number; for rows, one for each step
 */
export function conformal(residuals: Numbers, level: number, options?: ConformalOptions): number;
export function conformal(residuals: readonly Numbers[], level: number, options?: ConformalOptions): Float64Array;
export function conformal(
  residuals: Numbers | readonly Numbers[],
  level: number,
  options?: ConformalOptions,
): number | Float64Array {
  rejectExtraArguments('conformal', 3, arguments);
  const call = 'conformal';
  const isRows = Array.isArray(residuals) && (Array.isArray(residuals[0]) || isTypedArray(residuals[0]));
  const rows = isRows
    ? Array.from(residuals as readonly unknown[], (row, n) => checkNumbers(call, `residuals[${n}]`, row))
    : [checkNumbers(call, 'residuals', residuals)];
  const share = checkLevel(call, level);
  const known = checkOptions<ConformalOptions>(call, options, ['signed']);
  const signed = checkBoolean(call, 'signed', known.signed ?? false);
  if (!isRows) return widthOf(call, rows[0]!, share, signed, '');
  const horizon = rows[0]!.length;
  const ragged = rows.findIndex(row => row.length !== horizon);
  if (ragged > 0) {
    fail(call, `residuals must have rows of equal length, ${horizon}, got ${rows[ragged]!.length} in row ${ragged}`);
  }
  return Float64Array.from({ length: horizon }, (_, h) =>
    widthOf(
      call,
      rows.map(row => row[h]!),
      share,
      signed,
      ` for step ${h + 1}`,
    ),
  );
}

function widthOf(call: string, residuals: Numbers, level: number, signed: boolean, where: string): number {
  const scores = Float64Array.from(residuals, signed ? Number : Math.abs)
    .filter(score => !Number.isNaN(score))
    .sort();
  // (n + 1) level is exact up to rounding: 20 * 0.95 must not become 20 * 0.95 + 1e-15, and so the next rank.
  const rank = Math.ceil((scores.length + 1) * level - 1e-9);
  if (rank <= scores.length) return scores[Math.max(rank, 1) - 1]!;
  const least = Math.ceil(level / (1 - level) - 1e-9);
  return fail(
    call,
    `residuals must have at least ${least} known numbers for the level ${show(level)}, got ${scores.length}${where}`,
  );
}
