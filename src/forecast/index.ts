/** Forecasts of time series: reading tables, baselines, metrics, intervals and transforms. */

export { type Baseline, drift, mean, naive, naive2, seasonalNaive } from './baselines.ts';
export { type CalendarName, calendarFeatures, calendarNames } from './calendar.ts';
export { type ConformalOptions, conformal } from './conformal.ts';
export { type Frequency, seasonLength, type TimeUnit } from './frequency.ts';
export { coverage, crps, type Distribution, type Interval, msis, pinball } from './intervalMetrics.ts';
export { mae, mape, mase, rmse, smape, wape } from './metrics.ts';
export { type CsvOptions, readCsv } from './readCsv.ts';
export type { Series } from './series.ts';
export { timeRange } from './times.ts';
export type { SavedTransform, Transform } from './transform.ts';
export { type BoxCoxOptions, boxCox, chain, difference, type LogOptions, log, restoreTransform } from './transforms.ts';
