/** Weights of samples, time steps and classes: one factor for the loss of each row of a batch. */

import { showNumbers, type TensorLike } from '../tensor/read.ts';
import { Tensor } from '../tensor/tensor.ts';
import { fail, show, suggest } from '../util/errors.ts';
import { checkOptions, isPlain } from '../util/options.ts';
import { floatsFor, isTypedArray, type NestedNumbers, type Shape, shapeOfNested, showShape } from '../util/shapes.ts';
import { lengthOf } from '../util/typedArrays.ts';
import { readNumbers } from './batches.ts';
import { isData, partName } from './parts.ts';
import { Samples, Selection } from './samples.ts';

/** Weights of samples and classes in the loss. They do not affect metrics. */
export interface SampleWeightOptions {
  /**
   * A factor for the loss of each sample, [B], or of each time step of outputs that are sequences, [B, T]. For several
   * outputs: one for all of them, a list, or an object by the name of the output.
   */
  sampleWeight?: SampleWeights;
  /**
   * A factor for the loss of each class that occurs in y, by its number: { 0: 1, 1: 5 }. For several outputs: an object
   * of these by the name of the output.
   */
  classWeight?: ClassWeights;
}

/** Factors for the losses of samples. @inline */
export type SampleWeights = TensorLike | readonly TensorLike[] | Readonly<Record<string, TensorLike>>;
/** Factors for the losses of classes. @inline */
export type ClassWeights = Record<number, number> | Readonly<Record<string, Record<number, number>>>;

/** The weights of a batch: user options, or a selection of factors that were read before for each output. */
export type BatchWeights = SampleWeightOptions | readonly (Selection | null)[] | undefined;

/** Weights that have been read and checked; using them runs no user code. */
interface RowWeights {
  /** The name of the class weights in error messages. */
  readonly className: string;
  /** For each sample, or for each row of the output. */
  readonly ofSamples: Float32Array | null;
  readonly ofClasses: ReadonlyMap<number, number> | null;
}

/** Checks the names of the options; null if neither option is set. */
export function checkSampleWeightOptions(call: string, options: unknown): SampleWeightOptions | null {
  if (options === undefined) return null;
  const known = checkOptions<SampleWeightOptions>(call, options, ['sampleWeight', 'classWeight']);
  return known.sampleWeight === undefined && known.classWeight === undefined ? null : known;
}

/**
 * Reads the weights of a batch, for each output. Null if there are none.
 *
 * @param targets the shapes of the targets, with an open axis for labels
 * @param names of the outputs
 */
export function readSampleWeights(
  call: string,
  weights: BatchWeights,
  targets: readonly Shape[],
  names: readonly string[],
): (RowWeights | Selection)[] | null {
  if (isSelections(weights)) {
    return weights.every(own => own === null)
      ? null
      : weights.map(own => own ?? { className: 'classWeight', ofSamples: null, ofClasses: null });
  }
  const known = checkSampleWeightOptions(call, weights);
  return known && weightsOfOutputs(call, known, names).map((own, n) => readOptions(call, own, targets[n]!));
}

const isSelections = (weights: BatchWeights): weights is readonly (Selection | null)[] => Array.isArray(weights);

/** The options of each output. */
interface OutputWeights {
  /** The name of the output; null if it is the only one. */
  readonly name: string | null;
  readonly sampleWeight?: TensorLike;
  readonly classWeight?: unknown;
}

/** Splits the options into those of each output. */
function weightsOfOutputs(call: string, options: SampleWeightOptions, names: readonly string[]): OutputWeights[] {
  const { sampleWeight, classWeight } = options;
  if (names.length === 1) return [{ name: null, sampleWeight: sampleWeight as TensorLike, classWeight }];
  const samples = eachOutput(call, 'sampleWeight', sampleWeight, names);
  if (classWeight !== undefined && !isPlain(classWeight)) {
    fail(call, `classWeight must be an object by the name of the output, got ${show(classWeight)}`);
  }
  const classes = eachOutput(call, 'classWeight', classWeight, names);
  return names.map((name, n) => ({ name, sampleWeight: samples[n] as TensorLike, classWeight: classes[n] }));
}

/** The value for each output: that of an object or a list of data, or the same for all. */
function eachOutput(call: string, option: string, value: unknown, names: readonly string[]): unknown[] {
  if (isPlain(value)) {
    const values = value as Record<string, unknown>;
    const unknown = Object.keys(values).find(name => !names.includes(name));
    if (unknown !== undefined) {
      fail(call, `${option} must name outputs (${names.join(', ')}), got '${unknown}'${suggest(unknown, names)}`);
    }
    return names.map(name => values[name]);
  }
  const isList = Array.isArray(value) && value.length === names.length && value.every(isData);
  return isList ? Array.from(value) : names.map(() => value);
}

/**
 * Writes the weights of a batch to `memory`, from index `start`: one factor for each row of the targets.
 *
 * @param shape of the targets, which start at index `from`
 */
export function writeSampleWeights(
  call: string,
  weights: RowWeights | Selection,
  shape: readonly number[],
  memory: Float32Array,
  from: number,
  start: number,
): void {
  if (weights instanceof Selection) weights.write(memory, start);
  else writeRows(call, weights, new Targets(memory, from, shape), memory, start);
}

/**
 * Reads the weights of all samples, for each output: factors [N, T], or [N, 1] without a time axis; null for none.
 *
 * @param names of the outputs
 * @param targets as for `readSampleWeights`; default: the shapes of ys
 */
export function readAllSampleWeights(
  call: string,
  ys: readonly Samples[],
  options: SampleWeightOptions,
  names: readonly string[],
  targets: readonly Readonly<Shape>[] = ys.map(({ shape }) => shape as Shape),
): (Samples | null)[] {
  if (options.sampleWeight === undefined && options.classWeight === undefined) return ys.map(() => null);
  return weightsOfOutputs(call, options, names).map((own, n) => {
    const y = ys[n]!;
    if (own.sampleWeight === undefined && own.classWeight === undefined) return null;
    const weights = readOptions(call, own, targets[n]!);
    const rows = new Targets(y.data, 0, y.shape);
    const shape = [y.count, rows.steps];
    const out = floatsFor(call, 'the weights', shape);
    writeRows(call, weights, rows, out, 0);
    return new Samples(out, shape);
  });
}

/** Targets [samples, steps, width] or [samples, width]; the width is 1 for numbers of classes. */
class Targets {
  readonly steps: number;
  readonly rows: number;
  readonly width: number;

  constructor(
    readonly values: Float32Array,
    readonly from: number,
    shape: readonly number[],
  ) {
    this.steps = shape.length === 3 ? shape[1]! : 1;
    this.rows = shape[0]! * this.steps;
    this.width = shape.at(-1)!;
  }

  /** The class of a row: the target itself if that is one number, else the column with the greatest number. */
  classOf(row: number): number {
    const { values, width } = this;
    const first = this.from + row * width;
    if (width === 1) return values[first]!;
    let found = 0;
    for (let n = 1; n < width; n++) if (values[first + n]! > values[first + found]!) found = n;
    return found;
  }
}

function readOptions(
  call: string,
  { name, sampleWeight, classWeight }: OutputWeights,
  target: Readonly<Shape>,
): RowWeights {
  const nameOf = (option: string) => (name === null ? option : partName(option, name, 2));
  const className = nameOf('classWeight');
  if (classWeight !== undefined && target.includes(null)) {
    fail(call, `${className} must be absent for the loss 'ctc', because a sample has several labels`);
  }
  const ofClasses = classWeight === undefined ? null : readClassWeight(call, className, classWeight);
  // Last, because the user's array may not be copied: reading classWeight could run user code that changes it
  const ofSamples =
    sampleWeight === undefined ? null : readSampleWeight(call, nameOf('sampleWeight'), sampleWeight, target);
  return { className, ofSamples, ofClasses };
}

/** Each factor is the weight of the sample or time step, times that of the class in the target. */
function writeRows(call: string, weights: RowWeights, targets: Targets, out: Float32Array, start: number): void {
  const { className, ofSamples, ofClasses } = weights;
  const { rows, steps } = targets;
  const each = ofSamples?.length === rows ? 1 : steps;
  for (let row = 0; row < rows; row++) {
    const own = ofSamples ? ofSamples[Math.floor(row / each)]! : 1;
    out[start + row] = ofClasses ? own * weightOfClass(call, className, ofClasses, targets.classOf(row)) : own;
  }
}

function readSampleWeight(call: string, name: string, value: TensorLike, target: Readonly<Shape>): Float32Array {
  if (!(value instanceof Tensor) && !isTypedArray(value) && !Array.isArray(value)) {
    fail(call, `${name} must be a tensor, nested arrays or a typed array, got ${showNumbers(value)}`);
  }
  const rows = target.slice(0, -1) as number[];
  const allowed = rows.length === 2 ? [rows.slice(0, 1), rows] : [rows];
  const shape =
    value instanceof Tensor
      ? value.shape
      : isTypedArray(value)
        ? null
        : shapeOfNested(call, name, value as NestedNumbers);
  const found = allowed.find(fit =>
    shape ? showShape(shape) === showShape(fit) : lengthOf(value as Float32Array) === fit.reduce((a, b) => a * b),
  );
  if (!found) {
    const rule = allowed.map(showShape).join(' or ');
    fail(call, `${name} must have the shape ${rule}, got ${shape ? showShape(shape) : show(value)}`);
  }
  const values = readNumbers(call, name, value, found);
  const wrong = values.findIndex(weight => !Number.isFinite(weight));
  if (wrong >= 0) fail(call, `${name} must hold finite numbers, got ${values[wrong]} at index ${wrong}`);
  return values;
}

function readClassWeight(call: string, name: string, value: unknown): Map<number, number> {
  const rule = `${name} must be an object of weights by class number, such as { 0: 1, 1: 5 }`;
  if (!isPlain(value)) fail(call, `${rule}, got ${show(value)}`);
  const classes = new Map<number, number>();
  for (const [key, weight] of Object.entries(value)) {
    if (!/^\d+$/.test(key)) fail(call, `${rule}, got the class '${key}'`);
    if (typeof weight !== 'number' || !Number.isFinite(Math.fround(weight))) {
      fail(call, `${rule}, got ${show(weight)} for class ${key}`);
    }
    classes.set(Number(key), weight);
  }
  return classes;
}

const weightOfClass = (call: string, name: string, classes: ReadonlyMap<number, number>, found: number): number =>
  classes.get(found) ?? fail(call, `${name} must hold every class that occurs in y, got none for ${found}`);
