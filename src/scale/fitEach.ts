/** A forecaster for each of many series: fitted, used and tested in tasks. */

import type { BacktestOptions, BacktestReport } from '../forecast/backtest.ts';
import { Forecaster, loadForecaster } from '../forecast/forecaster.ts';
import { checkForecasterOptions, type ForecasterOptions } from '../forecast/forecasterOptions.ts';
import type { Forecast, ForecasterPredictOptions } from '../forecast/predictForecaster.ts';
import type { Series } from '../forecast/series.ts';
import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show, type ValueError } from '../util/errors.ts';
import { checkOptions } from '../util/options.ts';
import { checkSeed } from '../util/random.ts';
import {
  type Blob,
  checkEachOptions,
  checkItems,
  type EachContext,
  type EachOptions,
  type Items,
  idOf,
  packSeries,
  runEach,
  runOn,
} from './eachSeries.ts';
import type { Json, Store, TaskError } from './engine.ts';
import { checkJson } from './hash.ts';
import { fromBytes, modelBytes } from './models.ts';
import { unpackData } from './pack.ts';
import type { FitValue } from './runTask.ts';
import { isStored } from './stores.ts';

/** The result for one series: a value, or the error of its task. */
interface OfSeries {
  /** The id of the series; null if it has none. */
  readonly id: string | null;
  /** Why the series has no result; null if it has one. */
  readonly error: TaskError | ValueError | null;
}

/** A forecaster that a task has fitted. Its bytes are in the store of the engine. */
export class FittedSeries implements OfSeries {
  readonly id: string | null;
  readonly error: TaskError | ValueError | null;
  /** The SHA-256 of the saved forecaster, and its name in the store; null if the fit has failed. */
  readonly model: string | null;
  /** Epochs trained, of all networks of the ensemble; 0 if the fit has failed. */
  readonly epochs: number;
  /** The lowest loss on the held-out end; null if it was never finite, or the fit has failed. */
  readonly validationLoss: number | null;
  readonly #store: Store | null;

  /** @internal */
  constructor(
    id: string | null,
    store: Store,
    result: { model: string; value: FitValue } | { error: TaskError | ValueError },
  ) {
    this.id = id;
    this.#store = store;
    const isFitted = 'model' in result;
    this.error = isFitted ? null : result.error;
    this.model = isFitted ? result.model : null;
    this.epochs = isFitted ? result.value.epochs : 0;
    this.validationLoss = isFitted ? result.value.validationLoss : null;
  }

  /** The bytes of the saved forecaster, for `loadForecaster(fromBytes(bytes))`. Throws the error of a fit that has failed. */
  async bytes(): Promise<Uint8Array> {
    rejectExtraArguments('fitted.bytes', 0, arguments);
    if (this.error) throw this.error;
    const found = await this.#store!.get(this.model!);
    return found ?? fail('fitted.bytes', `the store must still have the forecaster, got none under ${this.model}`);
  }

  /** Loads the forecaster. Throws the error of a fit that has failed. */
  async load(): Promise<Forecaster> {
    rejectExtraArguments('fitted.load', 0, arguments);
    return loadForecaster(fromBytes(await this.bytes()));
  }

  /** @internal The forecaster in the store of an engine. */
  async blobFor(store: Store): Promise<Blob> {
    if (this.error) throw this.error;
    return store === this.#store || (await isStored(store, this.model!)) ? { stored: this.model! } : this.bytes();
  }
}

/** The forecast of a series by its own forecaster. */
export interface PredictedSeries extends OfSeries {
  readonly forecast: Forecast | null;
}

/** The backtest of a series. */
export interface BacktestedSeries extends OfSeries {
  readonly report: BacktestReport | null;
}

/** Options of `predictEach`. */
export interface PredictEachOptions extends EachOptions, Pick<ForecasterPredictOptions, 'levels' | 'samples'> {
  /** Fixes the sampled paths. Default: 0. */
  seed?: number;
}

/** Options of `backtestEach`. */
export interface BacktestEachOptions extends EachOptions, Omit<BacktestOptions, 'onProgress' | 'signal'> {}

const shared = ['engine', 'onProgress', 'signal'] as const;

/**
 * Fits a forecaster for each series, as `forecaster(options).fit(one)` does, in tasks. A series that fails does not end the
 * others: its result has the `error`. Errors of the engine and of the iterable reject the promise.
 *
 * @param series a list, or an iterable of any kind, which is read as tasks need series
 * @param options those of `forecaster`; the default of `seed` is 0, so the same call gives the same bits
 * @returns a result for each series, in their order
 */
export async function fitEach(
  series: Items<Series>,
  options: ForecasterOptions,
  run?: EachOptions,
): Promise<FittedSeries[]> {
  const call = 'fitEach';
  rejectExtraArguments(call, 3, arguments);
  const items = checkItems<Series>(call, 'series', series);
  const settings = checkSettings(call, options);
  const each = checkEachOptions(call, checkOptions<EachOptions>(call, run, shared));
  let store: Store;
  return runEach(call, items, each, {
    async run(one, index, context) {
      store = context.engine.store;
      const { seed, ...input } = settings;
      const { value, blobs } = await runOn(context, 'fit', input, seed, { series: packSeries(call, index, one) });
      return new FittedSeries(idOf(one), store, { model: blobs.model!, value: value as unknown as FitValue });
    },
    failed: (one, error) => new FittedSeries(idOf(one), store, { error }),
  });
}

/**
 * Forecasts each series by its forecaster, in tasks, as `predict` does.
 *
 * @param models the results of `fitEach`, or forecasters, one for each series; or one forecaster for all
 * @param series the series, in the same order; covariates of the steps to forecast are in `future` of each
 * @returns a result for each series, in their order; that of a failed fit has the same error
 */
export async function predictEach(
  models: Forecaster | readonly (FittedSeries | Forecaster)[],
  series: Items<Series>,
  options?: PredictEachOptions,
): Promise<PredictedSeries[]> {
  const call = 'predictEach';
  rejectExtraArguments(call, 3, arguments);
  const modelOf = checkModels(call, models);
  const items = checkItems<Series>(call, 'series', series);
  if (Array.isArray(models) && Array.isArray(items) && models.length !== items.length) {
    fail(call, `models must have one for each of the ${items.length} series, got ${models.length}`);
  }
  const known = checkOptions<PredictEachOptions>(call, options, [...shared, 'levels', 'samples', 'seed']);
  const each = checkEachOptions(call, known);
  const seed = checkSeed(call, known.seed ?? 0);
  const input = checkJson(call, 'options', { options: { levels: known.levels, samples: known.samples } });
  return runEach<Series, PredictedSeries>(call, items, each, {
    async run(one, index, context) {
      const model = await modelOf(index, context);
      const { blobs } = await runOn(context, 'predict', input, seed, { model, series: packSeries(call, index, one) });
      const [forecast] = (await unpackBlob(context, blobs.forecasts!)) as Forecast[];
      return { id: idOf(one), error: null, forecast: forecast! };
    },
    failed: (one, error) => ({ id: idOf(one), error, forecast: null }),
  });
}

/**
 * Tests a forecaster on each series, as `forecaster(options).backtest(one)` does, in tasks.
 *
 * @param options those of `forecaster`; the default of `seed` is 0
 * @returns a result for each series, in their order
 */
export async function backtestEach(
  series: Items<Series>,
  options: ForecasterOptions,
  backtest?: BacktestEachOptions,
): Promise<BacktestedSeries[]> {
  const call = 'backtestEach';
  rejectExtraArguments(call, 3, arguments);
  const items = checkItems<Series>(call, 'series', series);
  const settings = checkSettings(call, options);
  const names = [...shared, 'folds', 'step', 'refit', 'metrics', 'levels'];
  const { engine, onProgress, signal, ...test } = checkOptions<BacktestEachOptions>(call, backtest, names);
  const each = checkEachOptions(call, { engine, onProgress, signal });
  const { seed, options: given } = settings;
  const input = checkJson(call, 'options', { options: given, backtest: test });
  return runEach<Series, BacktestedSeries>(call, items, each, {
    async run(one, index, context) {
      const { blobs } = await runOn(context, 'backtest', input, seed, { series: packSeries(call, index, one) });
      const report = (await unpackBlob(context, blobs.report!)) as BacktestReport;
      return { id: idOf(one), error: null, report };
    },
    failed: (one, error) => ({ id: idOf(one), error, report: null }),
  });
}

/** Checks options of `forecaster`. */
function checkSettings(call: string, options: unknown): { readonly options: Json; readonly seed: number } {
  const { seed } = checkForecasterOptions(call, options);
  const { seed: _, ...rest } = options as ForecasterOptions;
  return { options: checkJson(call, 'options', rest), seed: seed ?? 0 };
}

type ModelOf = (index: number, context: EachContext) => Promise<Blob>;

function checkModels(call: string, models: unknown): ModelOf {
  const isModel = (value: unknown) => value instanceof Forecaster || value instanceof FittedSeries;
  const list: unknown[] | null = Array.isArray(models) ? models : null;
  const wrong = list?.findIndex(one => !isModel(one)) ?? (isModel(models) ? -1 : 0);
  if (wrong >= 0) {
    const rule = 'must be a result of fitEach or a forecaster';
    fail(call, list ? `models[${wrong}] ${rule}, got ${show(list[wrong])}` : `models ${rule}, got ${show(models)}`);
  }
  const bytesOf = (model: unknown, context: EachContext) =>
    model instanceof FittedSeries ? model.blobFor(context.engine.store) : modelBytes(call, 'models', model);
  if (!list) {
    let bytes: Promise<Blob> | null = null;
    return (_, context) => {
      bytes ??= bytesOf(models, context);
      return bytes;
    };
  }
  return async (index, context) => {
    if (index >= list.length) fail(call, `models must have one for each series, got ${list.length}`);
    return bytesOf(list[index], context);
  };
}

/** Reads a result from the store. */
async function unpackBlob({ call, engine }: EachContext, hash: string): Promise<unknown> {
  const bytes = await engine.store.get(hash);
  return unpackData(call, 'the result', bytes ?? fail(call, `the store must have the result, got none under ${hash}`));
}
