/** A forecaster: a network for one or thousands of time series, with everything around it. */

import type { FunctionalModel } from '../model/functional.ts';
import type { IOHandler, SaveResult } from '../saving/tfjs/artifacts.ts';
import { loadLayersModel } from '../saving/tfjs/load.ts';
import { checkSignal } from '../training/options.ts';
import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkOptions } from '../util/options.ts';
import { type BacktestOptions, type BacktestReport, runBacktest } from './backtest.ts';
import { type ForecasterFitOptions, planTraining, trainForecaster } from './fitForecaster.ts';
import type { Fitted } from './fittedForecaster.ts';
import { checkForecasterOptions, type ForecasterOptions, type Settings } from './forecasterOptions.ts';
import {
  checkPredictOptions,
  type Forecast,
  type ForecasterPredictOptions,
  forecastSeries,
} from './predictForecaster.ts';
import { fittedFrom, savedOf } from './savedForecaster.ts';
import type { Series } from './series.ts';
import { checkSeriesList } from './seriesInput.ts';
import { releaseNetwork } from './spareNetwork.ts';

/**
 * Forecasts time series; create one with `forecaster` or `loadForecaster`. Unlike those of other classes, its methods count
 * their arguments themselves: a statement outside of the class would keep bundlers from leaving it out.
 */
export class Forecaster {
  readonly #settings: Settings;
  #fitted: Fitted | null;
  #isFitting = false;

  /** @internal */
  constructor(settings: Settings, fitted: Fitted | null) {
    this.#settings = settings;
    this.#fitted = fitted;
  }

  /** The number of steps of a forecast. */
  get horizon(): number {
    return this.#settings.horizon;
  }

  /** The number of values that a forecast is computed from; null before `fit` if it was not given. */
  get inputSteps(): number | null {
    return this.#fitted?.settings.inputSteps ?? this.#settings.inputSteps;
  }

  /** The number of values in a season; null before `fit` if it was not given. */
  get season(): number | null {
    return this.#fitted?.settings.season ?? this.#settings.season;
  }

  /** The trained networks as one model, with an output for each, until the next `fit` ends; null before the first. */
  get model(): FunctionalModel | null {
    return this.#fitted?.net ?? null;
  }

  /**
   * Trains new networks on all windows of all series. The end of each series is held out: its loss decides when training
   * stops, the weights of the best epoch are kept, and its errors give the widths of intervals. An error or an abort leaves
   * the forecaster as it was.
   *
   * @param series one series, or a list of them with the same covariates
   */
  async fit(series: Series | readonly Series[], options?: ForecasterFitOptions): Promise<void> {
    const call = 'forecaster.fit';
    rejectExtraArguments(call, 2, arguments);
    const checked = checkFitOptions(call, options);
    const plan = planTraining(call, this.#settings, checkSeriesList(call, series));
    if (this.#isFitting) fail(call, 'the forecaster is already being fitted; await the promise of the earlier call');
    checked.signal?.throwIfAborted();
    this.#isFitting = true;
    try {
      const before = this.#fitted;
      this.#fitted = await trainForecaster(call, plan, checked);
      before?.net.dispose();
    } finally {
      this.#isFitting = false;
    }
  }

  /**
   * Forecasts the steps after the last value of each series, which need not be those of `fit`.
   *
   * @param series one series, or a list of them
   * @returns a list with a forecast for each series
   */
  async predict(series: Series | readonly Series[], options?: ForecasterPredictOptions): Promise<Forecast[]> {
    const call = 'forecaster.predict';
    rejectExtraArguments(call, 2, arguments);
    const fitted = this.#ready(call);
    const asked = checkPredictOptions(call, options, fitted.settings);
    return forecastSeries(call, fitted, checkSeriesList(call, series), asked);
  }

  /**
   * Forecasts from several origins near the end of each series, and compares with the values that follow and with the
   * baselines. It trains networks of its own, on the values before the first origin, or with `refit` before each, so
   * nothing is forecast that a network was trained on. The forecaster does not change, and need not be fitted.
   */
  async backtest(series: Series | readonly Series[], options?: BacktestOptions): Promise<BacktestReport> {
    const call = 'forecaster.backtest';
    rejectExtraArguments(call, 2, arguments);
    return runBacktest(call, this.#settings, checkSeriesList(call, series), options);
  }

  /**
   * Saves the forecaster with its networks as a model, which `loadForecaster` reads.
   *
   * @param target 'file://folder', 'localstorage://name', 'indexeddb://name', an http(s) URL, or a handler such as those
   * of `io`
   */
  async save(target: string | IOHandler): Promise<SaveResult> {
    const call = 'forecaster.save';
    rejectExtraArguments(call, 1, arguments);
    const fitted = this.#ready(call);
    fitted.net.setUserDefinedMetadata({ forecaster: savedOf(fitted) });
    return fitted.net.save(target);
  }

  /** @internal Frees the network, or lets the next forecaster of this thread train it anew. */
  release(): void {
    if (this.#fitted) releaseNetwork(this.#fitted);
    this.#fitted = null;
  }

  #ready(call: string): Fitted {
    return this.#fitted ?? fail(call, 'the forecaster must be fitted first; call fit');
  }
}

export function checkFitOptions(call: string, options: unknown): ForecasterFitOptions {
  const { onProgress, signal } = checkOptions<ForecasterFitOptions>(call, options, ['onProgress', 'signal']);
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    fail(call, `onProgress must be a function, got ${show(onProgress)}`);
  }
  const checked = checkSignal(call, signal ?? null);
  return { ...(onProgress && { onProgress }), ...(checked && { signal: checked }) };
}

/**
 * A forecaster of time series: a recurrent network for all steps of the horizon at once, with scaling, calendar features,
 * covariates and prediction intervals.
 *
 *     const model = forecaster({ horizon: 24 });
 *     await model.fit(readCsv(text));
 *     const [forecast] = await model.predict(readCsv(text));
 */
export function forecaster(options: ForecasterOptions): Forecaster {
  rejectExtraArguments('forecaster', 1, arguments);
  return new Forecaster(checkForecasterOptions('forecaster', options), null);
}

/**
 * Loads a forecaster that `save` has written. It predicts the same bits.
 *
 * @param source a URL or a handler, as for `loadLayersModel`
 */
export async function loadForecaster(source: string | IOHandler): Promise<Forecaster> {
  rejectExtraArguments('loadForecaster', 1, arguments);
  const call = 'loadForecaster';
  const net = await loadLayersModel<FunctionalModel>(source);
  const fitted = fittedFrom(call, net);
  return new Forecaster(fitted.given, fitted.fitted);
}
