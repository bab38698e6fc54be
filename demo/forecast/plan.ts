/** Sizes of a forecast that follow from the length and the season of a series. */

import { type Frequency, type Series, seasonLength } from 'lstm-wasm/forecast';

export interface Plan {
  readonly horizon: number;
  /** Values that the network sees. */
  readonly inputSteps: number;
  readonly season: number;
  /** Forecasts of the held-out end. */
  readonly folds: number;
  /** Values before it that stop the training and calibrate the intervals. */
  readonly heldOut: number;
}

const mostFolds = 5;

export const seasonOf = ({ frequency }: Series): number => (frequency === undefined ? 1 : seasonLength(frequency));

/** The longest horizon that leaves enough values to train on. */
export const mostHorizon = ({ values }: Series): number => Math.max(1, Math.floor(values.length / 8));

/** A season, or twelve steps. */
export function usualHorizon(series: Series): number {
  const season = seasonOf(series);
  return Math.min(season > 1 ? season : 12, mostHorizon(series));
}

/** The held-out end is at most a fifth of the series, unless a single forecast is longer. */
export function planOf(series: Series, horizon: number): Plan {
  const { length } = series.values;
  const folds = Math.max(1, Math.min(mostFolds, Math.floor((0.2 * length) / horizon)));
  const trained = length - (folds + 2) * horizon;
  const usual = seasonOf(series);
  const season = usual <= trained / 2 ? usual : 1;
  const inputSteps = Math.max(1, Math.min(Math.max(2 * horizon, 3 * season), Math.floor(0.6 * trained)));
  return { horizon, inputSteps, season, folds, heldOut: Math.max(2 * horizon, Math.floor(length / 10)) };
}

const names: Record<string, string> = { businessDay: 'business day' };

/** The name of a step, such as "month" or "15-minute step". */
export function stepName(frequency: Frequency | undefined): string {
  if (frequency === undefined) return 'row';
  if (typeof frequency === 'string') return names[frequency] ?? frequency;
  const { every, unit } = frequency;
  return every === 1 ? (names[unit] ?? unit) : `${every}-${names[unit] ?? unit} step`;
}

/** A time as precise as its frequency: '2024', '2024-01', '2024-01-31' or '2024-01-31 10:00'. */
export function timeText(time: Date, frequency: Frequency): string {
  const text = time.toISOString();
  if (frequency === 'year') return text.slice(0, 4);
  if (frequency === 'month' || frequency === 'quarter') return text.slice(0, 7);
  return text.slice(0, 16).replace('T00:00', '').replace('T', ' ');
}
