/** Scalers, which learn their parameters from the training set and can invert their scaling. */

import type { TensorLike } from '../tensor/read.ts';
import { Tensor } from '../tensor/tensor.ts';
import { limitMethodArguments, rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkNumber, checkOptions, isPlain } from '../util/options.ts';
import { showShape } from '../util/shapes.ts';
import { checkColumns, readNumbers, readSeries, type Series } from './series.ts';

/** Per column: y = (x - shift) / scale + offset. */
interface Scaling {
  shift: readonly number[];
  scale: readonly number[];
  offset: number;
}

/** Scales columns and inverts the scaling; make one with `standardize` or `minMax`. */
export class Scaler {
  readonly #scaling: Scaling;

  /** @internal */
  constructor(scaling: Scaling) {
    this.#scaling = scaling;
  }

  /** The number of columns, D. */
  get width(): number {
    return this.#scaling.shift.length;
  }

  /**
   * Scales numbers; the result has the shape of `values`.
   *
   * @param values a series, a batch of windows, or a single step: the last axis has size D. If D is 1, any shape.
   */
  transform(values: TensorLike): Tensor {
    const { shift, scale, offset } = this.#scaling;
    return this.#each('scaler.transform', values, (x, c) => (x - shift[c]!) / scale[c]! + offset);
  }

  /** Inverts `transform`. */
  inverse(values: TensorLike): Tensor {
    const { shift, scale, offset } = this.#scaling;
    return this.#each('scaler.inverse', values, (y, c) => (y - offset) * scale[c]! + shift[c]!);
  }

  /** A scaler of some of the columns, such as those that a model predicts. */
  columns(target: number | readonly number[]): Scaler {
    const { shift, scale, offset } = this.#scaling;
    const chosen = checkColumns('scaler.columns', 'target', target, this.width);
    return new Scaler({ shift: chosen.map(c => shift[c]!), scale: chosen.map(c => scale[c]!), offset });
  }

  #each(call: string, values: unknown, f: (value: number, column: number) => number): Tensor {
    const D = this.width;
    const { values: from, shape } = typeof values === 'number' ? scalarOf(values) : readNumbers(call, 'values', values);
    if (D > 1 && shape.at(-1) !== D) fail(call, `values must have ${D} columns, got the shape ${showShape(shape)}`);
    const to = new Float32Array(from.length);
    for (let i = 0; i < to.length; i++) to[i] = f(from[i]!, i % D);
    return new Tensor(to, shape);
  }
}

limitMethodArguments(Scaler, 'scaler');

const scalarOf = (value: number) => ({ values: [value], shape: [] });

/** The result of `standardize`. */
export class StandardScaler extends Scaler {
  /** The mean of each column. */
  readonly mean: readonly number[];
  /** The standard deviation of each column; 0 for a constant column, which is only shifted. */
  readonly std: readonly number[];

  /** @internal */
  constructor(mean: readonly number[], std: readonly number[]) {
    super({ shift: mean, scale: std.map(s => s || 1), offset: 0 });
    this.mean = Object.freeze([...mean]);
    this.std = Object.freeze([...std]);
  }

  /** The fields from which `standardize` restores the scaler. Called by `JSON.stringify`. */
  toJSON(): Pick<StandardScaler, 'mean' | 'std'> {
    const { mean, std } = this;
    return { mean, std };
  }
}

/** The result of `minMax`. */
export class MinMaxScaler extends Scaler {
  /** The smallest number of each column. */
  readonly min: readonly number[];
  /** The largest number of each column. A constant column is scaled to the start of the range. */
  readonly max: readonly number[];
  /** The range of the scaled numbers: [low, high]. */
  readonly range: readonly [number, number];

  /** @internal */
  constructor(min: readonly number[], max: readonly number[], [low, high]: readonly [number, number]) {
    super({ shift: min, scale: min.map((least, c) => (max[c]! - least || 1) / (high - low)), offset: low });
    this.min = Object.freeze([...min]);
    this.max = Object.freeze([...max]);
    this.range = Object.freeze([low, high] as const);
  }

  /** The fields from which `minMax` restores the scaler. Called by `JSON.stringify`. */
  toJSON(): Pick<MinMaxScaler, 'min' | 'max' | 'range'> {
    const { min, max, range } = this;
    return { min, max, range };
  }
}

/** The type of `model.getUserDefinedMetadata()`, in which a scaler can be saved. @inline */
type Metadata = { readonly [name: string]: unknown } | null;

/**
 * Computes the mean and the standard deviation of each column; `transform` then gives columns of mean 0 and standard
 * deviation 1.
 *
 * @param train the training set, so that no information from the test set leaks into the scaler; or { mean, std }, as
 *   saved in JSON or in the metadata of a model, to restore a scaler
 */
export function standardize(train: Series | Pick<StandardScaler, 'mean' | 'std'> | Metadata): StandardScaler {
  rejectExtraArguments('standardize', 1, arguments);
  const call = 'standardize';
  if (isPlain(train)) {
    const { mean, std } = checkOptions<StandardScaler>(call, train, ['mean', 'std']);
    return new StandardScaler(...readSaved(call, 'mean and std', mean, std));
  }
  const { columns, steps } = columnsOf(call, train);
  const mean = columns.map(column => {
    // The mean of a constant column is exactly that constant; the rounded sum might give another number.
    if (column.every(x => x === column[0])) return column[0]!;
    return column.reduce((sum, x) => sum + x, 0) / steps;
  });
  const std = columns.map((column, c) =>
    Math.sqrt(column.reduce((sum, x) => sum + (x - mean[c]!) * (x - mean[c]!), 0) / steps),
  );
  return new StandardScaler(mean, std);
}

/**
 * Computes the smallest and the largest number of each column; `transform` then scales the columns to the range.
 *
 * @param train the training set; other values beyond its minimum and maximum are scaled to outside the range. Or
 *   { min, max, range }, as saved in JSON or in the metadata of a model, to restore a scaler
 * @param options range: [low, high], default [0, 1]
 */
export function minMax(
  train: Series | (Pick<MinMaxScaler, 'min' | 'max'> & { range?: readonly [number, number] }) | Metadata,
  options?: { range?: readonly [number, number] },
): MinMaxScaler {
  rejectExtraArguments('minMax', 2, arguments);
  const call = 'minMax';
  const saved = isPlain(train) ? checkOptions<MinMaxScaler>(call, train, ['min', 'max', 'range']) : null;
  const known = checkOptions<{ range: readonly [number, number] }>(call, options, ['range']);
  const range = checkRange(call, known.range ?? saved?.range ?? [0, 1]);
  if (saved) return new MinMaxScaler(...readSaved(call, 'min and max', saved.min, saved.max), range);
  const { columns } = columnsOf(call, train);
  const least = columns.map(column => column.reduce((a, b) => Math.min(a, b)));
  const most = columns.map(column => column.reduce((a, b) => Math.max(a, b)));
  return new MinMaxScaler(least, most, range);
}

/** The fields of a scaler saved as JSON, or an object that holds them under `scaler`; other keys are ignored. */
export type SavedScaler = object;

/** @internal Returns a scaler, or restores one that was saved as JSON. */
export function scalerOf(call: string, value: unknown): Scaler {
  if (value instanceof Scaler) return value;
  if (isPlain(value)) {
    const { scaler, mean, std, min, max, range } = value as Record<string, unknown>;
    if (scaler !== undefined) return scalerOf(call, scaler);
    if (mean !== undefined && std !== undefined)
      return new StandardScaler(...readSaved(call, 'mean and std', mean, std));
    if (min !== undefined && max !== undefined) {
      return new MinMaxScaler(...readSaved(call, 'min and max', min, max), checkRange(call, range ?? [0, 1]));
    }
  }
  return fail(
    call,
    `scaler must be made by standardize or minMax, or be such a scaler saved as JSON, got ${show(value)}`,
  );
}

function checkRange(call: string, range: unknown): [number, number] {
  if (!Array.isArray(range) || range.length !== 2) fail(call, `range must be [low, high], got ${show(range)}`);
  const low = checkNumber(call, 'range[0]', range[0]);
  return [low, checkNumber(call, 'range[1]', range[1], { above: low })];
}

/** Reads the two saved numbers of each column. */
function readSaved(call: string, names: string, ...rows: unknown[]): [number[], number[]] {
  const { columns } = columnsOf(call, rows, names);
  return [columns.map(([first]) => first!), columns.map(([, second]) => second!)];
}

/** The columns of a series of finite numbers. */
function columnsOf(call: string, train: unknown, name = 'train'): { columns: Float64Array[]; steps: number } {
  const { values, steps, width } = readSeries(call, name, train);
  const columns = Array.from({ length: width }, (_, c) =>
    Float64Array.from({ length: steps }, (_, n) => {
      const value = values[n * width + c]!;
      if (!Number.isFinite(value))
        fail(call, `${name} must have finite numbers, got ${value} in step ${n}, column ${c}`);
      return value;
    }),
  );
  return { columns, steps };
}
