// Type tests of the subpaths: data, plot, worker and the formats. The file is never run.

import {
  type BackendInfo,
  type History,
  init,
  type LayersModel,
  layers,
  type Sequential,
  sequential,
  type Tensor,
  tensor,
} from 'lstm-wasm';
import {
  type ClassificationReport,
  classificationReport,
  classWeights,
  confusionMatrix,
  forecast,
  minMax,
  sineCosine,
  standardize,
  trainTestSplit,
  vocabulary,
  windows,
} from 'lstm-wasm/data';
import {
  boxCox,
  calendarFeatures,
  chain,
  conformal,
  crps,
  difference,
  type Forecast,
  type Forecaster,
  type ForecasterOptions,
  type Frequency,
  forecaster,
  loadForecaster,
  log,
  mase,
  msis,
  readCsv,
  restoreTransform,
  seasonalNaive,
  type Series as TimeSeries,
  timeRange,
} from 'lstm-wasm/forecast';
import { loadKerasModel, toKeras } from 'lstm-wasm/keras';
import kernels from 'lstm-wasm/kernels.wasm';
import relaxed from 'lstm-wasm/kernels-relaxed.wasm';
import { loadOnnxModel, toOnnx } from 'lstm-wasm/onnx';
import {
  backtestPlot,
  type ConfusionMatrixData,
  confusionMatrixPlot,
  type ForecastPlotData,
  forecastPlot,
  type GateData,
  gateHeatmap,
  lossPlot,
  type Plot,
  type PredictionData,
  predictionPlot,
  residualPlot,
  showPlot,
  writeSVG,
} from 'lstm-wasm/plot';
import { loadSafetensors, toSafetensors } from 'lstm-wasm/safetensors';
import {
  type Engine,
  type FittedSeries,
  fitEach,
  local,
  makeTask,
  memoryStore,
  predictEach,
  type TaskArguments,
} from 'lstm-wasm/scale';
import { connect, type RemoteModel, type RemoteSequential } from 'lstm-wasm/worker';
import { expectTypeOf } from 'vitest';

const model = sequential();
const x = tensor([[[0], [1]]]);

// ------------------------------------------------------------------------------------------------------------- data

const batch = sineCosine({ batchSize: 50, timeSteps: 20 }).next().value;
expectTypeOf(batch.xs).toEqualTypeOf<Tensor>();
expectTypeOf(batch.ys).toEqualTypeOf<Tensor>();
expectTypeOf(batch.time).toEqualTypeOf<Tensor>();
expectTypeOf(forecast(model, [1, 2, 3], 24)).toEqualTypeOf<Tensor>();
expectTypeOf(confusionMatrix(['a'], x, { classes: ['a', 'b'] })).toEqualTypeOf<Tensor>();
expectTypeOf(classificationReport([0], [0])).toEqualTypeOf<ClassificationReport>();
model.fit(x, x, { classWeight: classWeights([0, 1]) });
// @ts-expect-error: classes have names or numbers
confusionMatrix([0], [0], { classes: [true] });
declare const anyModel: LayersModel;
expectTypeOf(forecast(anyModel, [1, 2, 3], 24)).toEqualTypeOf<Tensor>();
const { train, test } = trainTestSplit([1, 2, 3], { testSize: 1 });
model.fitDataset(windows(standardize(train).transform(test), { inputSteps: 24, batchSize: 32 }), { epochs: 2 });
standardize([new Float32Array(2), [1, 2]]).transform([new Float64Array(2)]);
standardize(model.getUserDefinedMetadata()).transform([1]);
minMax(model.getUserDefinedMetadata()).transform([1]);
expectTypeOf(vocabulary('abc').size).toEqualTypeOf<number>();
// @ts-expect-error misspelled option
sineCosine({ batchsize: 50 });
// @ts-expect-error inputSteps is missing
windows([1, 2, 3], { batchSize: 2 });

// ------------------------------------------------------------------------------------------------------------ scale

const engine = local({ workers: 2, cache: memoryStore() });
expectTypeOf(engine).toEqualTypeOf<Engine>();
const fits = await fitEach(
  [{ id: 'a', values: [1, 2, 3] }],
  { horizon: 2 },
  { engine, onProgress: ({ done }) => done.toFixed() },
);
expectTypeOf(fits).toEqualTypeOf<FittedSeries[]>();
expectTypeOf(await fits[0]!.load()).toEqualTypeOf<Forecaster>();
const forecasts = await predictEach(fits, [{ values: new Float32Array(3) }], { engine, levels: [0.1] });
expectTypeOf(forecasts[0]!.forecast).toEqualTypeOf<Forecast | null>();
const task = await makeTask({
  kind: 'file',
  file: new URL('file:///train.js'),
  input: { params: { units: 8 } },
  seed: 1,
});
expectTypeOf((await engine.run(task)).blobs.model).toEqualTypeOf<string | undefined>();
const train1 = async ({ params, report }: TaskArguments<{ units: number }>) => {
  await report(1, params.units, model);
  return { value: params.units, model };
};
expectTypeOf(train1).parameter(0).toHaveProperty('seed').toEqualTypeOf<number>();
// @ts-expect-error an unknown kind of task
makeTask({ kind: 'train', input: null, seed: 1 });
// @ts-expect-error horizon is missing
fitEach([], {});

// --------------------------------------------------------------------------------------------------------- forecast

const tables = readCsv('date,load\n2024-01-01,1', { time: 'date', value: 'load', id: ['a', 'b'], frequency: 'day' });
expectTypeOf(tables).toEqualTypeOf<TimeSeries[]>();
expectTypeOf(tables[0]!.frequency).toEqualTypeOf<Frequency | undefined>();
readCsv('', { time: null, decimal: ',', dateFormat: 'DMY', frequency: { every: 5, unit: 'minute' } });
// @ts-expect-error an unknown order of dates
readCsv('', { dateFormat: 'YMD' });
// @ts-expect-error an unknown frequency
readCsv('', { frequency: 'daily' });

const baseline = seasonalNaive(tables[0]!.values, 24, 24);
expectTypeOf(baseline).toEqualTypeOf<Float64Array>();
expectTypeOf(mase([1, 2], baseline, new Float32Array(5), 24)).toEqualTypeOf<number>();
expectTypeOf(msis([1], [[0], [2]], 0.95, [1, 2, 3])).toEqualTypeOf<number>();
expectTypeOf(crps([1], { samples: [baseline], quantiles: { '0.5': baseline } })).toEqualTypeOf<number>();
// @ts-expect-error the level is missing
msis([1], [[0], [2]]);
expectTypeOf(conformal([1, 2, 3], 0.5)).toEqualTypeOf<number>();
expectTypeOf(conformal([[1], [2]], 0.5, { signed: true })).toEqualTypeOf<Float64Array>();

const transform = chain(log({ offset: 1 }), boxCox(), difference([1, 24])).fit([1, 2]);
expectTypeOf(restoreTransform(transform.toJSON()).invert(baseline)).toEqualTypeOf<Float64Array>();
expectTypeOf(calendarFeatures(timeRange('2024-01-01', 3, 'hour'), ['hourOfDay'])).toEqualTypeOf<
  Record<string, Float64Array>
>();
// @ts-expect-error an unknown calendar feature
calendarFeatures([], ['hour']);

const options: ForecasterOptions = { horizon: 24, frequency: 'hour', output: { quantiles: [0.1, 0.5, 0.9] as const } };
const forecasting = forecaster(options);
expectTypeOf(forecasting).toEqualTypeOf<Forecaster>();
const oneSeries: TimeSeries = { values: [1, 2, 3] };
expectTypeOf(await forecasting.fit([oneSeries], { onProgress: ({ epoch }) => epoch.toFixed() })).toEqualTypeOf<void>();
const [predictedSeries] = await forecasting.predict(oneSeries, {
  levels: [0.1],
  future: { wind: new Float32Array(24) },
});
expectTypeOf(predictedSeries!).toEqualTypeOf<Forecast>();
expectTypeOf(predictedSeries!.quantiles['0.1']!).toEqualTypeOf<Float64Array>();
const report = await forecasting.backtest(oneSeries, { folds: 3, metrics: ['mase', 'coverage'] });
expectTypeOf(report.scores.seasonalNaive.mase).toEqualTypeOf<number | undefined>();
expectTypeOf(await loadForecaster('file://load')).toEqualTypeOf<Forecaster>();
// @ts-expect-error: an unknown output
forecaster({ horizon: 1, output: 'gaussian' });
// @ts-expect-error: the horizon is required
forecaster({ units: 8 });
// @ts-expect-error: an unknown metric
forecasting.backtest(oneSeries, { metrics: ['mse'] });

// ------------------------------------------------------------------------------------------------------------- plot

const prediction = predictionPlot({ title: 'Sine to cosine', input: 'sine' });
expectTypeOf(prediction).toEqualTypeOf<Plot<PredictionData>>();
expectTypeOf(prediction.update).parameter(0).toEqualTypeOf<PredictionData>();
expectTypeOf(prediction.toSVG()).toEqualTypeOf<string>();
expectTypeOf(prediction.node).toEqualTypeOf<SVGSVGElement>();
prediction.update({ target: x.dataSync(), prediction: [0.1, 0.9] }).update({ target: [1], prediction: [1] });
expectTypeOf(confusionMatrixPlot({ classes: ['a'] })).toEqualTypeOf<Plot<ConfusionMatrixData>>();
confusionMatrixPlot({ classes: ['a', 'b'] }).update({ matrix: confusionMatrix([0, 1], [0, 1]) });
expectTypeOf(forecastPlot()).toEqualTypeOf<Plot<ForecastPlotData>>();
const predicted = { time: ['2026-01-01'], median: new Float64Array(1), quantiles: { '0.1': new Float64Array(1) } };
forecastPlot({ historySteps: 10 }).update({ history: [1, 2], forecast: { ...predicted, id: null }, actual: [1] });
backtestPlot().update({ forecasts: [{ ...predicted, actual: [1], fold: 0 }] });
forecastPlot().update({ forecast: predictedSeries! });
backtestPlot().update({ forecasts: report.forecasts });
residualPlot().update({ residuals: [[1, 2]] });
lossPlot({ log: false }).update({ losses: new Float32Array(3), steps: [0, 10, 20] });
expectTypeOf(gateHeatmap({ units: 4, steps: 20 }).update)
  .parameter(0)
  .toEqualTypeOf<GateData>();
prediction.update({ actual: [1, 2], forecast: { time: [2, 3], values: new Float32Array(2) }, caption: 'step 1' });
prediction.update({ time: [new Date(0), new Date(1)], target: [1, 2] }).update({ time: ['2026-01-31'], target: [1] });
const { history } = await model.fit(x, x);
lossPlot().update(history);
lossPlot().update(await model.fit(x, x));
expectTypeOf(showPlot(prediction, 'out/plot.svg')).toEqualTypeOf<string>();
expectTypeOf(writeSVG('out/plot.svg', prediction)).toEqualTypeOf<string>();
// @ts-expect-error strings are not numbers
prediction.update({ target: ['1'], prediction: [1] });
// @ts-expect-error misspelled option
predictionPlot({ titel: 'Sine to cosine' });
// @ts-expect-error a line must be an array, not a number
lossPlot().update({ loss: 1 });
// @ts-expect-error units are missing
gateHeatmap({ steps: 20 });

// ------------------------------------------------------------------------------------------------------------ worker

const host = connect({ seed: 1, simd: 'strict' });
expectTypeOf(host.sequential()).resolves.toEqualTypeOf<RemoteSequential>();
expectTypeOf(host.model).returns.resolves.toEqualTypeOf<RemoteModel>();
expectTypeOf<RemoteModel>().not.toHaveProperty('add');
declare const remoteModel: RemoteModel;
expectTypeOf(forecast(remoteModel, [1, 2, 3], 24)).toEqualTypeOf<Promise<Tensor>>();
expectTypeOf(forecast(await host.sequential(), [1, 2, 3], 24)).toEqualTypeOf<Promise<Tensor>>();
// @ts-expect-error a promise of a model
forecast(host.sequential(), [1, 2, 3], 24);
expectTypeOf(host.backendInfo()).resolves.toEqualTypeOf<BackendInfo>();
expectTypeOf(host.terminate()).resolves.toEqualTypeOf<void>();

const remote = await host.sequential({ layers: [layers.gru({ units: 8, inputShape: [10, 3] })] });
expectTypeOf(remote.predict(x)).toEqualTypeOf<Promise<Tensor>>();
expectTypeOf(remote.trainOnBatch(x, x)).toEqualTypeOf<Promise<number | number[]>>();
expectTypeOf(remote.fit(x, x, { epochs: 2 })).toEqualTypeOf<Promise<History>>();
expectTypeOf(remote.evaluate(x, x)).resolves.toExtend<Tensor>();
expectTypeOf(remote.evaluate(x, x) as Promise<Tensor[]>).resolves.toEqualTypeOf<Tensor[]>();
expectTypeOf(remote.getWeights()).toEqualTypeOf<Promise<Tensor[]>>();
expectTypeOf(remote.compile({ optimizer: 'adam', loss: 'mse' })).toEqualTypeOf<Promise<void>>();
expectTypeOf(remote.withBatchSize(1)).toEqualTypeOf<Promise<RemoteSequential>>();
expectTypeOf(remote.countParams()).toEqualTypeOf<Promise<number>>();
remote.fit(x, x, { signal: new AbortController().signal, wait: true, transfer: true });
remote.predict(x, { batchSize: 1, transfer: true });
// @ts-expect-error unknown kernels
connect({ simd: 'fast' });
// @ts-expect-error predict has no option signal
remote.predict(x, { signal: new AbortController().signal });
// @ts-expect-error a promise is not a tensor
remote.predict(x).dataSync();
model.fit(x, x, { signal: new AbortController().signal });
// @ts-expect-error only models in a worker have the option wait
model.fit(x, x, { wait: true });
// @ts-expect-error unknown method in a worker
remote.stream();

// ------------------------------------------------------------------------------------------------------------ hosts

init({ module: kernels });
expectTypeOf(relaxed).toEqualTypeOf<WebAssembly.Module>();
// @ts-expect-error misspelled option
init({ modul: kernels });

// ----------------------------------------------------------------------------------------------------------- formats

expectTypeOf(toOnnx(model)).toExtend<Uint8Array>();
expectTypeOf(toSafetensors(model, { names: 'torch' })).toExtend<Uint8Array>();
expectTypeOf(toKeras(model)).resolves.toExtend<Uint8Array>();
expectTypeOf(loadKerasModel(new Uint8Array(1))).resolves.toEqualTypeOf<Sequential>();
expectTypeOf(loadOnnxModel(new Uint8Array(1))).resolves.toEqualTypeOf<LayersModel>();
loadSafetensors(model, new Uint8Array(1));
// @ts-expect-error unknown names
toSafetensors(model, { names: 'pytorch' });
// @ts-expect-error misspelled option
toOnnx(model, { opsets: 15 });
