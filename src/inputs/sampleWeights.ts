/** Weights of samples, time steps and classes, as one factor for the loss of each row of a batch. */

import { showNumbers, type TensorLike } from '../tensor/read.ts';
import { Tensor } from '../tensor/tensor.ts';
import { fail, show } from '../util/errors.ts';
import { checkOptions, isPlain } from '../util/options.ts';
import { isTypedArray, type NestedNumbers, shapeOfNested, showShape } from '../util/shapes.ts';
import { lengthOf } from '../util/typedArrays.ts';
import { readBatch } from './batches.ts';

/** What samples and classes count in the loss; metrics take no notice of it. */
export interface SampleWeightOptions {
  /** A factor for the loss of each sample, [B], or of each time step of outputs that are sequences, [B, T]. */
  sampleWeight?: TensorLike;
  /** A factor for the loss of each class that occurs in y, by its number: { 0: 1, 1: 5 }. */
  classWeight?: Record<number, number>;
}

/** Targets [samples, steps, width]; steps is null for outputs without a time axis, and width 1 for numbers of classes. */
export interface Targets {
  readonly values: Float32Array;
  /** Index of the first number. */
  readonly from: number;
  readonly samples: number;
  readonly steps: number | null;
  readonly width: number;
}

/** The options, null where they ask for nothing. */
export function checkSampleWeightOptions(call: string, options: unknown): SampleWeightOptions | null {
  if (options === undefined) return null;
  const known = checkOptions<SampleWeightOptions>(call, options, ['sampleWeight', 'classWeight']);
  return known.sampleWeight === undefined && known.classWeight === undefined ? null : known;
}

/** The options with nothing of the caller's left in them, as `settled` says of batches. */
export function settledWeights(
  call: string,
  { sampleWeight, classWeight }: SampleWeightOptions,
  samples: number,
  output: readonly number[],
): SampleWeightOptions {
  const own = sampleWeight === undefined ? undefined : readSampleWeight(call, sampleWeight, samples, stepsOf(output));
  return { sampleWeight: own, classWeight: isPlain(classWeight) ? { ...classWeight } : classWeight };
}

/** The steps of an output that is a sequence. */
const stepsOf = (output: readonly number[]): number | null => (output.length === 3 ? output[1]! : null);

/**
 * Writes the factors [samples, steps] into `out` from `at` on: weight of the sample or step, times that of the class
 * that its target shows. The class is the target itself where that is one number, else the column of its greatest.
 */
export function writeWeights(
  call: string,
  { sampleWeight, classWeight }: SampleWeightOptions,
  targets: Targets,
  out: Float32Array,
  at: number,
): void {
  const { samples, width } = targets;
  const steps = targets.steps ?? 1;
  const rows = samples * steps;
  const own = sampleWeight === undefined ? null : readSampleWeight(call, sampleWeight, samples, targets.steps);
  const classes = classWeight === undefined ? null : readClassWeight(call, classWeight);
  const each = own?.length === rows ? 1 : steps;
  for (let row = 0; row < rows; row++) {
    const ofSample = own ? own[Math.floor(row / each)]! : 1;
    out[at + row] = classes ? ofSample * weightOfClass(call, classes, targets, targets.from + row * width) : ofSample;
  }
}

function readSampleWeight(call: string, value: TensorLike, samples: number, steps: number | null): Float32Array {
  const name = 'sampleWeight';
  if (!(value instanceof Tensor) && !isTypedArray(value) && !Array.isArray(value)) {
    fail(call, `${name} must be a tensor, nested arrays or a typed array, got ${showNumbers(value)}`);
  }
  const allowed = steps === null ? [[samples]] : [[samples], [samples, steps]];
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
  const values = readBatch(call, name, value, found);
  const wrong = values.findIndex(weight => !Number.isFinite(weight));
  if (wrong >= 0) fail(call, `${name} must hold finite numbers, got ${values[wrong]} at index ${wrong}`);
  return values;
}

function readClassWeight(call: string, value: unknown): Map<number, number> {
  const rule = 'classWeight must be an object that gives numbers to numbers of classes';
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

function weightOfClass(call: string, classes: Map<number, number>, { values, width }: Targets, at: number): number {
  let found = 0;
  if (width === 1) found = values[at]!;
  else for (let n = 1; n < width; n++) if (values[at + n]! > values[at + found]!) found = n;
  return classes.get(found) ?? fail(call, `classWeight must hold every class that occurs in y, got none for ${found}`);
}
