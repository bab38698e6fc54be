/** Training of a forecaster. */

import { type FunctionalModel, model } from '../model/functional.ts';
import { train } from '../optimizers/index.ts';
import { schedules } from '../optimizers/schedules.ts';
import { EarlyStopping } from '../training/callbacks/index.ts';
import type { DatasetBatch } from '../training/dataset.ts';
import { fail } from '../util/errors.ts';
import { nextSeed, seedAt } from '../util/random.ts';
import { RandomGenerator } from '../util/randomGenerator.ts';
import { calibrate } from './calibration.ts';
import { type Encoding, learnEncoding } from './encoding.ts';
import { computeOutputs, type Fitted, targetsOf } from './fittedForecaster.ts';
import { isCount, type Resolved, resolveSettings, type Settings } from './forecasterOptions.ts';
import { type Layout, layoutOf, type ReadySeries, readySeries, WindowBatch } from './forecastWindows.ts';
import { buildNetwork, networkInputs } from './network.ts';
import type { Origin } from './networks.ts';
import { lossOf } from './outputs.ts';
import { PATHS } from './samplePaths.ts';
import { SequenceBatch } from './sequenceWindows.ts';
import { type CheckedSeries, checkCounts, commonFrequency } from './seriesInput.ts';
import { keepLast, takeSpareNetwork } from './spareNetwork.ts';

/** An epoch of the training of a forecaster. */
export interface ForecasterProgress {
  /** The network of the ensemble, from 1, and their number. */
  readonly member: number;
  readonly members: number;
  /** The epoch, from 1, and the largest number of them. */
  readonly epoch: number;
  readonly epochs: number;
  /** The mean loss of the training windows. */
  readonly loss: number;
  /** The mean loss on the held-out end. */
  readonly validationLoss: number;
}

/** Options of `fit` of a forecaster. */
export interface ForecasterFitOptions {
  /** Called after each epoch. */
  onProgress?: (progress: ForecasterProgress) => void;
  /** Ends the training; the promise is rejected with the reason of the signal, and the forecaster does not change. */
  signal?: AbortSignal;
}

/** The most batches of an epoch, unless `batchesPerEpoch` is given. */
const MOST_BATCHES = 100;
/** The most windows of the held-out end, unless there are more series. */
const MOST_VALIDATION = 512;
/** The most of them for which paths are sampled, unless there are more series. */
const MOST_SAMPLED = 256;
/** The share of training windows without their texts, from which forecasts of other texts are learned. */
const UNKNOWN = 0.1;
/** Windows that are drawn for one with known values. */
const MOST_DRAWS = 1000;

/** A series with the range of its origins in training. */
interface TrainingSeries {
  readonly series: ReadySeries;
  readonly first: number;
  readonly last: number;
  /** Values that the network is trained on. */
  readonly end: number;
}

/** What is known before training. */
export interface Plan {
  readonly settings: Resolved;
  readonly encoding: Encoding;
  readonly layout: Layout;
  readonly series: readonly TrainingSeries[];
  readonly validation: readonly Origin[];
}

/** The number of values that training needs. */
export const leastLength = ({ inputSteps, difference, horizon }: Resolved): number =>
  inputSteps + difference + 2 * horizon;

/** Checks the series for training, and decides what is trained on what. */
export function planTraining(call: string, given: Settings, list: readonly CheckedSeries[]): Plan {
  const resolved = resolveSettings(call, given, commonFrequency(call, list));
  const { horizon, inputSteps, difference, output, embedIds, heldOut } = resolved;
  const least = leastLength(resolved);
  for (const one of list) {
    if (isCount(output)) checkCounts(call, one, output.kind);
    if (one.values.length >= least) continue;
    const sum = difference > 0 ? 'inputSteps + difference + 2 * horizon' : 'inputSteps + 2 * horizon';
    fail(call, `${one.label} must have at least ${least} values, ${sum}, got ${one.values.length}`);
  }
  const ends = list.map(({ values: { length } }) => {
    const asked = heldOut ?? Math.max(horizon, Math.floor(length / 10));
    return length - Math.max(horizon, Math.min(asked, length - least + horizon));
  });
  const settings = { ...resolved, base: baseOf(list, ends, resolved) };
  const encoding = learnEncoding(call, list, ends, { calendar: calendarStep(call, settings, list), embedIds });
  const series = list.map((one, n): TrainingSeries => {
    const ready = readySeries(one, encoding, settings, one.values.length);
    return { series: ready, first: inputSteps + difference, last: ends[n]! - horizon, end: ends[n]! };
  });
  const validation = validationOf(series, settings);
  if (validation.length === 0) fail(call, 'the held-out end of a series must have known values, got none');
  return { settings, encoding, layout: layoutOf(settings, encoding), series, validation };
}

/** The most origins of a series at which naive forecasts are compared. */
const MOST_COMPARED = 8;

/** The lag of the naive forecast with the smaller errors in the training data: a season, or 1. */
function baseOf(
  list: readonly CheckedSeries[],
  ends: readonly number[],
  { season, horizon, inputSteps }: Resolved,
): number {
  if (season === 1 || season > inputSteps) return season;
  let votes = 0;
  for (const [n, { values }] of list.entries()) {
    let [seasonal, plain] = [0, 0];
    for (let k = 1; k <= MOST_COMPARED && ends[n]! - k * horizon >= season; k++) {
      const origin = ends[n]! - k * horizon;
      const last = values[origin - 1]!;
      for (let h = 0; h < horizon; h++) {
        const actual = values[origin + h]!;
        const before = values[origin + h - season * Math.ceil((h + 1) / season)]!;
        if (Number.isNaN(actual + before + last)) continue;
        seasonal += Math.abs(actual - before);
        plain += Math.abs(actual - last);
      }
    }
    if (seasonal + plain > 0) votes += (plain - seasonal) / (seasonal + plain);
  }
  return votes >= 0 ? season : 1;
}

/** The frequency of calendar features; null without them. */
function calendarStep(call: string, { calendar, step }: Resolved, list: readonly CheckedSeries[]) {
  const without = list.find(({ start }) => start === null);
  if (calendar === false || (calendar === null && (without || step === null))) return null;
  if (without) fail(call, `start of ${without.label} must be given for calendar features; or pass calendar: false`);
  return step ?? fail(call, 'frequency must be given for calendar features; or pass calendar: false');
}

/** Windows whose targets are in the held-out ends, at equal distances, the last one first. */
function validationOf(series: readonly TrainingSeries[], { horizon, inputSteps, difference }: Resolved): Origin[] {
  const perSeries = Math.max(1, Math.floor(MOST_VALIDATION / series.length));
  return series.flatMap(({ series: ready, end }) => {
    const { values } = ready;
    const last = values.length - horizon;
    const step = Math.max(1, Math.ceil((last - end + 1) / perSeries));
    const origins: Origin[] = [];
    for (let origin = last; origin >= end; origin -= step) {
      const hasInput = isKnown(values, origin - inputSteps, origin, difference);
      if (hasInput && isKnown(values, origin, origin + horizon, 0)) origins.push({ series: ready, origin });
    }
    return origins;
  });
}

/** Whether a value of a range, or a difference, is known. */
function isKnown(values: Float64Array, from: number, to: number, lag: number): boolean {
  for (let n = from; n < to; n++) if (!Number.isNaN(values[n]! + values[n - lag]!)) return true;
  return false;
}

/** Trains new networks. */
export async function trainForecaster(
  call: string,
  plan: Plan,
  { onProgress, signal }: ForecasterFitOptions,
): Promise<Fitted> {
  const { settings, layout } = plan;
  const { ensemble } = settings;
  const seed = settings.seed ?? nextSeed();
  const spare = takeSpareNetwork(plan, seedAt(seed, 0));
  const inputs = spare ? [] : networkInputs(settings, layout);
  const networks: FunctionalModel[] = [];
  for (let n = 0; n < ensemble; n++) {
    const network = spare ?? buildNetwork(inputs, settings, layout, n, seedAt(seed, 2 * n));
    const random = new RandomGenerator(seedAt(seed, 2 * n + 1));
    await trainNetwork(call, network, plan, random, {
      onProgress: onProgress && (progress => onProgress({ member: n + 1, members: ensemble, ...progress })),
      signal,
    });
    networks.push(network);
  }
  const outputs = networks.flatMap(network => network.outputs);
  const net = ensemble === 1 ? networks[0]! : model({ inputs, outputs, name: 'forecaster', seed });
  const trained = { settings, encoding: plan.encoding, layout, net };
  const windows = settings.decoding === 'direct' ? plan.validation : thinned(plan.validation, MOST_SAMPLED);
  const held = computeOutputs(call, trained, windows, { paths: PATHS, seed: seedAt(seed, 2 * ensemble) });
  keepLast('fit', [plan, trained, held]);
  return { ...trained, calibration: calibrate(held, targetsOf(windows, held.frames, layout), settings) };
}

/** At most `most` of a list, at about equal distances. */
const thinned = <T>(list: readonly T[], most: number): readonly T[] =>
  list.length <= most ? list : Array.from({ length: most }, (_, n) => list[Math.floor((n * list.length) / most)]!);

async function trainNetwork(
  call: string,
  network: FunctionalModel,
  { settings, layout, series, validation }: Plan,
  random: RandomGenerator,
  options: {
    onProgress: ((progress: Omit<ForecasterProgress, 'member' | 'members'>) => void) | undefined;
    signal: AbortSignal | undefined;
  },
): Promise<void> {
  const { epochs, batchSize, learningRate, patience, output } = settings;
  const windows = series.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  const batchesPerEpoch = settings.batchesPerEpoch ?? Math.min(MOST_BATCHES, Math.ceil(windows / batchSize));
  const rate = schedules.cosineDecay({ initialLearningRate: learningRate, decaySteps: epochs * batchesPerEpoch });
  // A spare network is compiled; only its rate depends on the number of windows
  if (network.optimizer) network.optimizer.setLearningRate(rate);
  else network.compile({ optimizer: train.adam({ learningRate: rate, globalClipNorm: 1 }), loss: lossOf(output) });
  const testedSize = Math.min(batchSize, validation.length);
  const isDirect = settings.decoding === 'direct';
  const [drawn, tested] = isDirect
    ? [new WindowBatch(settings, layout, batchSize), new WindowBatch(settings, layout, testedSize)]
    : [new SequenceBatch(settings, layout, batchSize, true), new SequenceBatch(settings, layout, testedSize, false)];
  const stopping = new EarlyStopping({ monitor: 'val_loss', patience, restoreBestWeights: true });
  keepLast('training', [drawn, tested, rate, random, stopping]);
  await network.fitDataset(() => drawBatches(call, drawn, series, batchSize, random), {
    epochs,
    batchesPerEpoch,
    validationData: () => batchesOf(tested, validation, batchSize),
    verbose: 0,
    ...(options.signal && { signal: options.signal }),
    callbacks: [
      {
        onEpochEnd: (epoch, { loss = Number.NaN, val_loss: validationLoss = Number.NaN }) =>
          options.onProgress?.({ epoch: epoch + 1, epochs, loss, validationLoss }),
      },
      stopping,
    ],
  });
}

type Batch = WindowBatch | SequenceBatch;

const batchOf = (batch: Batch, count: number): DatasetBatch => ({
  xs: batch.inputs(count),
  ...batch.outputs(count),
});

/** Batches of random windows, without end. */
function* drawBatches(
  call: string,
  batch: Batch,
  series: readonly TrainingSeries[],
  size: number,
  random: RandomGenerator,
): Generator<DatasetBatch> {
  while (true) {
    for (let row = 0; row < size; row++) {
      let draws = 0;
      while (!drawWindow(batch, row, series, random)) {
        if (++draws < MOST_DRAWS) continue;
        fail(call, 'series must have windows with known values, got hardly any');
      }
    }
    yield batchOf(batch, size);
  }
}

/** @returns false if the window has no known values, or no known targets */
function drawWindow(batch: Batch, row: number, series: readonly TrainingSeries[], random: RandomGenerator): boolean {
  const { series: ready, first, last } = series[random.below(series.length)]!;
  const origin = first + random.below(last - first + 1);
  if (batch.writeAll(row, ready, origin) === 0) return false;
  for (let k = 0; k < batch.categoryCount; k++) if (random.uniform() < UNKNOWN) batch.hide(row, k);
  return true;
}

/** The batches of some windows, once. */
function* batchesOf(batch: Batch, windows: readonly Origin[], size: number): Generator<DatasetBatch> {
  let count = 0;
  for (const { series, origin } of windows) {
    if (batch.writeAll(count, series, origin) === 0) continue;
    if (++count < Math.min(size, windows.length)) continue;
    yield batchOf(batch, count);
    count = 0;
  }
  if (count > 0) yield batchOf(batch, count);
}
