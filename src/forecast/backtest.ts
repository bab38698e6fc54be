/** Backtests: forecasts from several origins, compared with what followed and with baselines. */

import { checkSignal } from '../training/options.ts';
import { fail, show } from '../util/errors.ts';
import { checkBoolean, checkCount, checkName, checkOptions } from '../util/options.ts';
import { naive, seasonalNaive } from './baselines.ts';
import { type ForecasterProgress, planTraining, trainForecaster } from './fitForecaster.ts';
import { checkLevels, type Settings } from './forecasterOptions.ts';
import { seasonalError } from './metrics.ts';
import { checkPredictOptions, type Forecast, forecastSeries } from './predictForecaster.ts';
import type { CheckedSeries } from './seriesInput.ts';

/** The name of a metric of a backtest. */
export type BacktestMetric =
  | 'mae'
  | 'rmse'
  | 'mape'
  | 'smape'
  | 'wape'
  | 'mase'
  | 'pinball'
  | 'crps'
  | 'msis'
  | 'coverage';

/** Progress of a backtest. */
export interface BacktestProgress extends ForecasterProgress {
  /** The fold, from 1, whose networks are trained, and the number of folds with networks of their own. */
  readonly fold: number;
  readonly folds: number;
}

/** Options of `backtest` of a forecaster. */
export interface BacktestOptions {
  /** The number of origins. Default: 5. */
  folds?: number;
  /** The number of steps between two origins. Default: the horizon. */
  step?: number;
  /** Whether networks are trained for every origin, on all values before it, instead of for the first only. Default: false. */
  refit?: boolean;
  /** Default: ['mae', 'smape', 'mase', 'coverage'], and 'crps' for outputs with intervals. */
  metrics?: readonly BacktestMetric[];
  /** The levels of the quantiles; the outermost two are the interval of 'coverage' and 'msis'. Default: as for `predict`. */
  levels?: readonly number[];
  /** Called after each epoch of training. */
  onProgress?: (progress: BacktestProgress) => void;
  /** Aborts the backtest; the promise is rejected with the reason of the signal. */
  signal?: AbortSignal;
}

/** Metrics by name; NaN where none could be computed. */
export type BacktestScores = Partial<Record<BacktestMetric, number>>;

/** The same for the model and the baselines. Baselines have no intervals, so their `coverage` and `msis` are NaN. */
export interface BacktestTable<T> {
  readonly model: T;
  readonly naive: T;
  readonly seasonalNaive: T;
}

/** A forecast of a backtest with what followed. */
export interface BacktestForecast extends Forecast {
  /** The origin, from 0, the oldest first. */
  readonly fold: number;
  /** The values that followed; NaN where one is missing. */
  readonly actual: Float64Array;
}

/** The results of a backtest. */
export interface BacktestReport {
  /** Means over all forecasts and steps. */
  readonly scores: BacktestTable<BacktestScores>;
  /** For each step of the horizon, means over all forecasts. */
  readonly byStep: BacktestTable<Partial<Record<BacktestMetric, Float64Array>>>;
  /** The probability that the interval of `coverage` should have; null without intervals. */
  readonly nominalCoverage: number | null;
  readonly forecasts: BacktestForecast[];
}

/** A forecast of one step, with what metrics compare it with. */
interface Step {
  readonly actual: number;
  readonly predicted: number;
  readonly quantiles: readonly (readonly [level: number, value: number])[];
  /** The seasonal error of the values before the forecast; 0 or NaN if there is none. */
  readonly scale: number;
}

interface Metric {
  /** NaN leaves the step out. */
  term(step: Step): number;
  /** What the sum of terms is divided by; default the number of steps. */
  weight?(step: Step): number;
  finish?(mean: number): number;
}

const error = ({ actual, predicted }: Step): number => Math.abs(actual - predicted);
const ratio = (part: number, whole: number): number => (part === 0 ? 0 : part / whole);
const scaled = (value: number, { scale }: Step): number => (scale > 0 ? value / scale : Number.NaN);
const loss = ({ actual, quantiles }: Step): number => {
  if (quantiles.length === 0) return Number.NaN;
  const sum = quantiles.reduce((all, [level, value]) => {
    return all + Math.max(level * (actual - value), (level - 1) * (actual - value));
  }, 0);
  return sum / quantiles.length;
};
/** The outermost quantiles; null without an interval. */
const intervalOf = ({ quantiles }: Step): { low: number; high: number; level: number } | null => {
  if (quantiles.length < 2) return null;
  const [[a, low], [b, high]] = [quantiles[0]!, quantiles.at(-1)!];
  return { low, high, level: b - a };
};

const metricRules: Record<BacktestMetric, Metric> = {
  mae: { term: error },
  rmse: { term: step => error(step) ** 2, finish: Math.sqrt },
  mape: { term: step => 100 * ratio(error(step), Math.abs(step.actual)) },
  smape: { term: step => 200 * ratio(error(step), Math.abs(step.actual) + Math.abs(step.predicted)) },
  wape: { term: step => 100 * error(step), weight: ({ actual }) => Math.abs(actual) },
  mase: { term: step => scaled(error(step), step) },
  pinball: { term: loss },
  crps: { term: step => (step.quantiles.length === 0 ? error(step) : 2 * loss(step)) },
  msis: {
    term(step) {
      const found = intervalOf(step);
      if (!found) return Number.NaN;
      const { low, high, level } = found;
      const outside = Math.max(low - step.actual, step.actual - high, 0);
      return scaled(high - low + (2 / (1 - level)) * outside, step);
    },
  },
  coverage: {
    term(step) {
      const found = intervalOf(step);
      if (!found || Number.isNaN(step.actual)) return Number.NaN;
      return Number(step.actual >= found.low && step.actual <= found.high);
    },
  },
};
const metricNames = /* @__PURE__ */ Object.keys(metricRules) as BacktestMetric[];

export async function runBacktest(
  call: string,
  given: Settings,
  list: readonly CheckedSeries[],
  options: BacktestOptions | undefined,
): Promise<BacktestReport> {
  const { horizon } = given;
  const known = checkOptions<BacktestOptions>(call, options, [
    'folds',
    'step',
    'refit',
    'metrics',
    'levels',
    'onProgress',
    'signal',
  ]);
  const folds = checkCount(call, 'folds', known.folds ?? 5);
  const step = checkCount(call, 'step', known.step ?? horizon);
  const refit = checkBoolean(call, 'refit', known.refit ?? false);
  const hasIntervals = given.conformal || given.output.kind !== 'point';
  const names = checkMetricNames(call, known.metrics ?? defaultMetrics(hasIntervals));
  const levels = known.levels === undefined ? undefined : checkLevels(call, 'levels', known.levels);
  const { onProgress } = known;
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    fail(call, `onProgress must be a function, got ${show(onProgress)}`);
  }
  const signal = checkSignal(call, known.signal ?? null);

  const back = (fold: number) => horizon + (folds - 1 - fold) * step;
  const cut = (one: CheckedSeries, fold: number): CheckedSeries => ({
    ...one,
    label: `${one.label} before the ${folds === 1 ? 'origin' : `origin ${fold + 1} of ${folds}`}`,
    values: one.values.subarray(0, Math.max(0, one.values.length - back(fold))),
    past: Object.fromEntries(
      Object.entries(one.past).map(([name, numbers]) => [
        name,
        numbers.subarray(0, Math.max(0, one.values.length - back(fold))),
      ]),
    ),
  });
  const trainingFolds = refit ? folds : 1;
  const plans = Array.from({ length: trainingFolds }, (_, fold) =>
    planTraining(
      call,
      given,
      list.map(one => cut(one, fold)),
    ),
  );
  const asked = checkPredictOptions(call, { levels }, plans[0]!.settings);
  const { season } = plans[0]!.settings;

  const forecasts: BacktestForecast[] = [];
  const steps: BacktestTable<Step[][]> = { model: [], naive: [], seasonalNaive: [] };
  let fitted: Awaited<ReturnType<typeof trainForecaster>> | null = null;
  try {
    for (let fold = 0; fold < folds; fold++) {
      signal?.throwIfAborted();
      const plan = plans[fold];
      if (plan) {
        fitted?.net.dispose();
        fitted = await trainForecaster(call, plan, {
          ...(onProgress && {
            onProgress: (progress: ForecasterProgress) =>
              onProgress({ fold: fold + 1, folds: trainingFolds, ...progress }),
          }),
          ...(signal && { signal }),
        });
      }
      const series = list.map(one => cut(one, fold));
      for (const [n, forecast] of forecastSeries(call, fitted!, series, asked).entries()) {
        const history = series[n]!.values;
        const actual = list[n]!.values.slice(history.length, history.length + horizon);
        forecasts.push({ ...forecast, fold, actual });
        const scale = history.length > season ? seasonalError(history, season) : Number.NaN;
        const points: BacktestTable<ArrayLike<number>> = {
          model: forecast.median,
          naive: naive(history, horizon),
          seasonalNaive: seasonalNaive(history, horizon, history.length < season ? 1 : season),
        };
        for (const [name, predicted] of Object.entries(points) as [keyof typeof points, ArrayLike<number>][]) {
          const quantiles = name === 'model' ? Object.entries(forecast.quantiles) : [];
          steps[name].push(
            Array.from(actual, (value, h) => ({
              actual: value,
              predicted: predicted[h]!,
              quantiles: quantiles.map(([level, values]) => [Number(level), values[h]!] as const),
              scale,
            })),
          );
        }
      }
    }
  } finally {
    fitted?.net.dispose();
  }
  return {
    scores: overTable(steps, rows => scoresOf(names, name => meanOf(name, rows.flat()))),
    byStep: overTable(steps, rows =>
      scoresOf(names, name =>
        Float64Array.from({ length: horizon }, (_, h) =>
          meanOf(
            name,
            rows.map(row => row[h]!),
          ),
        ),
      ),
    ),
    nominalCoverage: asked.levels.length < 2 ? null : asked.levels.at(-1)! - asked.levels[0]!,
    forecasts,
  };
}

const defaultMetrics = (hasIntervals: boolean): BacktestMetric[] =>
  hasIntervals ? ['mae', 'smape', 'mase', 'crps', 'coverage'] : ['mae', 'smape', 'mase'];

function checkMetricNames(call: string, value: unknown): BacktestMetric[] {
  if (!Array.isArray(value) || value.length === 0) {
    fail(call, `metrics must be a list of names such as ['mase', 'coverage'], got ${show(value)}`);
  }
  return Array.from(value as unknown[], (name, n) => checkName(call, `metrics[${n}]`, name, metricNames));
}

function meanOf(name: BacktestMetric, steps: readonly Step[]): number {
  const { term, weight, finish } = metricRules[name];
  let [sum, weights] = [0, 0];
  for (const step of steps) {
    const value = term(step);
    if (Number.isNaN(value)) continue;
    sum += value;
    weights += weight ? weight(step) : 1;
  }
  const mean = weights === 0 ? Number.NaN : sum / weights;
  return finish ? finish(mean) : mean;
}

const scoresOf = <T>(
  names: readonly BacktestMetric[],
  of: (name: BacktestMetric) => T,
): Partial<Record<BacktestMetric, T>> => Object.fromEntries(names.map(name => [name, of(name)]));

const overTable = <A, B>(table: BacktestTable<A>, of: (value: A) => B): BacktestTable<B> => ({
  model: of(table.model),
  naive: of(table.naive),
  seasonalNaive: of(table.seasonalNaive),
});
