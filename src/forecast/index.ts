/** Forecasts of time series: reading tables, baselines, metrics, intervals and transforms. */

export type {
  BacktestForecast,
  BacktestMetric,
  BacktestOptions,
  BacktestProgress,
  BacktestReport,
  BacktestScores,
  BacktestTable,
} from './backtest.ts';
export { type Baseline, drift, mean, naive, naive2, seasonalNaive } from './baselines.ts';
export { type CalendarName, calendarFeatures, calendarNames } from './calendar.ts';
export { type ConformalOptions, conformal } from './conformal.ts';
export type { Decimal } from './csvNumbers.ts';
export type { DateOrder } from './dates.ts';
export type { ForecasterFitOptions, ForecasterProgress } from './fitForecaster.ts';
export { type Forecaster, forecaster, loadForecaster } from './forecaster.ts';
export type { Decoding, ForecasterOptions, ForecastOutput, OutputName, QuantileOutput } from './forecasterOptions.ts';
export { type Frequency, seasonLength, type TimeUnit } from './frequency.ts';
export { coverage, crps, type Distribution, type Interval, msis, pinball } from './intervalMetrics.ts';
export { mae, mape, mase, rmse, smape, wape } from './metrics.ts';
export type { Forecast, ForecasterPredictOptions } from './predictForecaster.ts';
export { type CsvOptions, readCsv } from './readCsv.ts';
export type { Scaling } from './scaling.ts';
export type { Numbers, Series } from './series.ts';
export { timeRange } from './times.ts';
export type { SavedTransform, Transform } from './transform.ts';
export { type BoxCoxOptions, boxCox, chain, difference, type LogOptions, log, restoreTransform } from './transforms.ts';
