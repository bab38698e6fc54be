/** Options of `forecaster`, and the settings that follow from them and from the series. */

import { fail, show, suggest } from '../util/errors.ts';
import { checkBoolean, checkCount, checkName, checkNumber, checkOptions, isPlain } from '../util/options.ts';
import { checkSeed } from '../util/random.ts';
import { checkFrequency, type Frequency, type Step, seasonOf } from './frequency.ts';
import { type Scaling, scalings } from './scaling.ts';

/** Quantiles as the output of a forecaster. */
export interface QuantileOutput {
  /** The levels that the network is trained for: increasing numbers between 0 and 1. */
  quantiles: readonly number[];
}

/** The names of outputs of a forecaster. */
export type OutputName = 'point' | 'normal' | 'studentT' | 'poisson' | 'negativeBinomial';

/** What a forecaster predicts for each step: a number, quantiles, or the parameters of a distribution. */
export type ForecastOutput = OutputName | QuantileOutput;

/** How a forecaster predicts the steps of the horizon. */
export type Decoding = 'direct' | 'autoregressive';

/** Options of `forecaster`. */
export interface ForecasterOptions {
  /** The number of steps to forecast. */
  horizon: number;
  /** The number of values that a forecast is computed from. Default: a few seasons, and at least two horizons. */
  inputSteps?: number;
  /** The time between two values. Default: that of the series. */
  frequency?: Frequency;
  /** The number of values in a season. Default: the usual one of the frequency, 1 without a frequency. */
  season?: number;
  /** The recurrent layer. Default: 'lstm'. */
  cell?: 'lstm' | 'gru';
  /** The units of each recurrent layer. Default: 64. */
  units?: number;
  /** The number of recurrent layers. Default: 1. */
  layers?: number;
  /**
   * 'point', a number for each step, trained on the absolute error; { quantiles: [0.1, 0.5, 0.9] }; or a distribution:
   * 'normal', 'studentT', or for counts 'poisson' and 'negativeBinomial'. Default: 'point'.
   */
  output?: ForecastOutput;
  /**
   * 'direct', all steps of the horizon at once; or 'autoregressive', as DeepAR: the network predicts one step from the value
   * before it, and paths that are sampled feed their own values back. Default: 'direct'.
   */
  decoding?: Decoding;
  /**
   * How the values of a window are scaled, from the input part only. Default: 'standard'; 'mean' for counts, which cannot be
   * shifted.
   */
  scaling?: Scaling;
  /** Whether times of the series give features, such as hour and weekday. Default: whether all series have a start. */
  calendar?: boolean;
  /** Whether the network learns a vector for each `id`. Default: true. */
  embedIds?: boolean;
  /**
   * The lag of differences that the network sees and predicts: 1 for the step from value to value, a season for the change
   * since the last season. 0, the default, for the values themselves.
   */
  difference?: number;
  /** Whether errors on the held-out end correct the widths of intervals. 'point' has no intervals without. Default: true. */
  conformal?: boolean;
  /** The number of networks, trained from different seeds, whose outputs are averaged. Default: 1. */
  ensemble?: number;
  /** The largest number of epochs. Default: 50. */
  epochs?: number;
  /** Windows in a batch. Default: 64. */
  batchSize?: number;
  /** Batches in an epoch. Default: as many as there are windows for, at most 100. */
  batchesPerEpoch?: number;
  /** The learning rate of the first batch; it falls to 0 over all epochs, by a cosine. Default: 0.002. */
  learningRate?: number;
  /** Epochs without a better loss on the held-out end before training stops. Default: 8. */
  patience?: number;
  /**
   * Values at the end of each series that the network is not trained on; they decide when training stops, and how wide the
   * intervals are. Default: the horizon, or a tenth of the series if that is more.
   */
  heldOut?: number;
  /** Fixes the weights, the order of windows, and autoregressive paths: the same seed gives the same bits. Default: drawn from `setRandomSeed`. */
  seed?: number;
}

const names = [
  'horizon',
  'inputSteps',
  'frequency',
  'season',
  'cell',
  'units',
  'layers',
  'output',
  'decoding',
  'scaling',
  'calendar',
  'embedIds',
  'difference',
  'conformal',
  'ensemble',
  'epochs',
  'batchSize',
  'batchesPerEpoch',
  'learningRate',
  'patience',
  'heldOut',
  'seed',
] as const satisfies readonly (keyof ForecasterOptions)[];

const outputNames = ['point', 'normal', 'studentT', 'poisson', 'negativeBinomial'] as const;

/** An output whose form has been checked. */
export type Output = { kind: OutputName; levels: null } | { kind: 'quantiles'; levels: readonly number[] };

/** Checked options; null where the series decide. */
export interface Settings {
  readonly horizon: number;
  readonly inputSteps: number | null;
  readonly frequency: Frequency | null;
  readonly season: number | null;
  readonly cell: 'lstm' | 'gru';
  readonly units: number;
  readonly layers: number;
  readonly output: Output;
  readonly decoding: Decoding;
  readonly scaling: Scaling;
  readonly calendar: boolean | null;
  readonly embedIds: boolean;
  readonly difference: number;
  readonly conformal: boolean;
  readonly ensemble: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly batchesPerEpoch: number | null;
  readonly learningRate: number;
  readonly patience: number;
  readonly heldOut: number | null;
  readonly seed: number | null;
}

/** Settings whose sizes are known. */
export interface Resolved extends Settings {
  readonly inputSteps: number;
  readonly season: number;
  readonly step: Step | null;
  /** The lag of the naive forecast that the network corrects: a season, or 1. */
  readonly base: number;
}

export const isCount = ({ kind }: Output): boolean => kind === 'poisson' || kind === 'negativeBinomial';

export function checkForecasterOptions(call: string, options: unknown): Settings {
  const known = checkOptions<ForecasterOptions>(call, options, names);
  const count = (name: 'inputSteps' | 'season' | 'batchesPerEpoch' | 'heldOut') =>
    known[name] === undefined ? null : checkCount(call, name, known[name]);
  const flag = (name: 'embedIds' | 'conformal') => checkBoolean(call, name, known[name] ?? true);
  const horizon = checkCount(call, 'horizon', known.horizon);
  if (known.frequency !== undefined) checkFrequency(call, 'frequency', known.frequency);
  const output = checkOutput(call, known.output ?? 'point');
  const counts = isCount(output);
  const decoding = checkName(call, 'decoding', known.decoding ?? 'direct', ['direct', 'autoregressive']);
  if (decoding === 'autoregressive' && output.kind === 'quantiles') {
    const reason = 'because paths are sampled from a distribution; quantiles of any level come from the paths';
    fail(call, `output must be 'point' or a distribution for the decoding 'autoregressive', ${reason}`);
  }
  const scaling = checkName(call, 'scaling', known.scaling ?? (counts ? 'mean' : 'standard'), scalings);
  const difference = checkCount(call, 'difference', known.difference ?? 0, 0);
  if (counts && scaling !== 'mean' && scaling !== 'none') {
    fail(call, `scaling must be 'mean' or 'none' for the output '${output.kind}', got ${show(scaling)}`);
  }
  if (counts && difference > 0) {
    fail(call, `difference must be 0 for the output '${output.kind}', got ${difference}`);
  }
  return {
    horizon,
    inputSteps: count('inputSteps'),
    frequency: known.frequency ?? null,
    season: count('season'),
    cell: checkName(call, 'cell', known.cell ?? 'lstm', ['lstm', 'gru']),
    units: checkCount(call, 'units', known.units ?? 64),
    layers: checkCount(call, 'layers', known.layers ?? 1),
    output,
    decoding,
    scaling,
    calendar: known.calendar === undefined ? null : checkBoolean(call, 'calendar', known.calendar),
    embedIds: flag('embedIds'),
    difference,
    conformal: flag('conformal'),
    ensemble: checkCount(call, 'ensemble', known.ensemble ?? 1),
    epochs: checkCount(call, 'epochs', known.epochs ?? 50),
    batchSize: checkCount(call, 'batchSize', known.batchSize ?? 64),
    batchesPerEpoch: count('batchesPerEpoch'),
    learningRate: checkNumber(call, 'learningRate', known.learningRate ?? 0.002, { above: 0, most: 1e38 }),
    patience: checkCount(call, 'patience', known.patience ?? 8),
    heldOut: count('heldOut'),
    seed: known.seed === undefined ? null : checkSeed(call, known.seed),
  };
}

function checkOutput(call: string, value: unknown): Output {
  if (typeof value === 'string') {
    const kind = outputNames.find(name => name === value);
    if (kind) return { kind, levels: null };
    return fail(call, `unknown output ${show(value)}${suggest(value, [...outputNames, 'quantiles'])}`);
  }
  if (!isPlain(value)) fail(call, `output must be a name such as 'normal', or { quantiles }, got ${show(value)}`);
  const { quantiles } = checkOptions<QuantileOutput>(call, value, ['quantiles']);
  const levels = checkLevels(call, 'output.quantiles', quantiles);
  return { kind: 'quantiles', levels };
}

/** Checks a list of increasing numbers between 0 and 1. */
export function checkLevels(call: string, name: string, value: unknown): number[] {
  if (!Array.isArray(value) || value.length === 0) {
    fail(call, `${name} must be a list of numbers such as [0.1, 0.9], got ${show(value)}`);
  }
  const levels = Array.from(value as unknown[], (level, n) =>
    checkNumber(call, `${name}[${n}]`, level, { above: 0, below: 1 }),
  );
  const wrong = levels.findIndex((level, n) => n > 0 && level <= levels[n - 1]!);
  if (wrong > 0) fail(call, `${name} must be increasing, got ${levels[wrong]} after ${levels[wrong - 1]}`);
  return levels;
}

/** The settings for series of a frequency. @param frequency that of the series, or null */
export function resolveSettings(call: string, settings: Settings, frequency: Frequency | null): Resolved {
  const chosen = settings.frequency ?? frequency;
  const step = chosen === null ? null : checkFrequency(call, 'frequency', chosen);
  const season = settings.season ?? (step ? seasonOf(step) : 1);
  const inputSteps = settings.inputSteps ?? defaultInputSteps(season, settings.horizon);
  return { ...settings, frequency: chosen, step, season, inputSteps, base: season };
}

/** Whole seasons: seven short ones, such as the days of a week, or two long ones. */
function defaultInputSteps(season: number, horizon: number): number {
  if (season === 1) return Math.max(2 * horizon, 16);
  const seasons = season <= 8 ? 8 : season <= 12 ? 3 : season <= 96 ? 7 : 2;
  return season * Math.max(season === 52 ? 2 : seasons, Math.ceil((2 * horizon) / season));
}

/** The settings as options that JSON can store, from which `checkForecasterOptions` makes them again. */
export function optionsOf({ output, ...settings }: Settings): { [name: string]: unknown } {
  const given = Object.entries(settings).filter(
    ([name, value]) => value !== null && name !== 'step' && name !== 'base',
  );
  return {
    ...Object.fromEntries(given),
    output: output.kind === 'quantiles' ? { quantiles: [...output.levels] } : output.kind,
  };
}
