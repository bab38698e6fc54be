/** Custom losses and metrics: functions of the user, of two tensors. */

import { gradientsOf } from '../tensor/gradients.ts';
import { Tensor } from '../tensor/tensor.ts';
import { fail, reasonOf, show, ValueError } from '../util/errors.ts';
import { showShape, sizeOf } from '../util/shapes.ts';

/**
 * A loss or a metric: a function of targets and predictions, tensors of the shape of the output, [B, T, D] or [B, D]. It
 * returns a value for each sample, [B], for each time step, [B, T], or for each number; their mean is used. Or it returns a
 * scalar, which contains masked steps too. A loss must use the functions of tensors, because its gradient is derived from
 * them.
 */
export type CustomFunction = (yTrue: Tensor, yPred: Tensor) => Tensor;

/** A loss with a gradient of its own. */
export interface CustomLoss {
  /** For error messages. */
  readonly name: string;
  /** The same as a loss that is a function. */
  value(yTrue: Tensor, yPred: Tensor): Tensor;
  /**
   * The gradient of each value with respect to the predictions it was computed from, in the shape of yPred; that of a
   * scalar with respect to all of them.
   */
  gradient(yTrue: Tensor, yPred: Tensor): Tensor;
}

/** A custom loss or metric of a compiled model. */
export interface Custom {
  /** Describes it in error messages: "loss 'quantile'". */
  readonly title: string;
  readonly value: CustomFunction;
  /** Null to derive the gradient from the tensor functions. */
  readonly gradient: CustomFunction | null;
}

/** What a custom function is computed from. */
export interface Rows {
  readonly yTrue: Tensor;
  readonly yPred: Tensor;
  /** For each sample and time step the factor of its value; 0 if it is masked. */
  readonly factors: Float64Array;
  /** The number of unmasked pairs of sample and time step. */
  readonly counted: number;
}

export const isCustomLoss = (value: unknown): value is CustomLoss =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as CustomLoss).name === 'string' &&
  typeof (value as CustomLoss).value === 'function' &&
  typeof (value as CustomLoss).gradient === 'function';

/** @param kind what it is: a loss or a metric */
export function customOf(kind: string, name: string, given: CustomFunction | CustomLoss): Custom {
  const title = name && name !== kind ? `${kind} ${show(name)}` : kind;
  if (typeof given === 'function') return { title, value: given, gradient: null };
  return { title, value: (a, b) => given.value(a, b), gradient: (a, b) => given.gradient(a, b) };
}

/** The value of a custom function: the mean over rows, each times its factor. */
export function customValue(call: string, custom: Custom, rows: Rows): number {
  const values = valuesOf(call, custom, rows);
  return dot(seedOf(values, rows), values);
}

/** The value of a custom loss, and its gradient; null if the loss does not depend on the predictions. */
export function customGradient(
  call: string,
  custom: Custom,
  rows: Rows,
): { value: number; gradient: Float32Array | null } {
  const { yTrue, yPred } = rows;
  if (custom.gradient) {
    const values = valuesOf(call, custom, rows);
    const given = run(call, custom, custom.gradient, rows);
    if (showShape(given.shape) !== showShape(yPred.shape)) {
      fail(
        call,
        `gradient of ${custom.title} must have the shape of yPred, ${showShape(yPred.shape)}, got ${showShape(given.shape)}`,
      );
    }
    const seed = seedOf(values, rows);
    const factors = spread(seed, values.shape, yPred.shape);
    const gradient = Float32Array.from(given.dataSync(), (number, i) => (factors[i] === 0 ? 0 : number * factors[i]!));
    return { value: dot(seed, values), gradient };
  }
  let seed = new Float64Array();
  const followed = guard(call, custom, () =>
    gradientsOf(
      [yPred],
      () => valuesOf(call, custom, { ...rows, yTrue, yPred }),
      values => {
        seed = seedOf(values, rows);
        return new Tensor(Float32Array.from(seed), values.shape);
      },
    ),
  );
  const found = followed.gradients[0];
  return { value: dot(seed, followed.value), gradient: found ? withoutSkipped(found, rows) : null };
}

/** Calls a custom function, and checks the shape of its values. */
function valuesOf(call: string, custom: Custom, rows: Rows): Tensor {
  const { shape } = rows.yPred;
  const values = run(call, custom, custom.value, rows);
  if (values.rank > shape.length || values.shape.some((size, axis) => size !== 1 && size !== shape[axis])) {
    const allowed = ['a scalar', ...shape.map((_, axis) => showShape(shape.slice(0, axis + 1)))].join(' or ');
    fail(call, `${custom.title} must return ${allowed}, got ${showShape(values.shape)}`);
  }
  return values;
}

function run(call: string, custom: Custom, f: CustomFunction, { yTrue, yPred }: Rows): Tensor {
  const result: unknown = guard(call, custom, () => f(yTrue, yPred));
  if (!(result instanceof Tensor)) fail(call, `${custom.title} must return a tensor, got ${show(result)}`);
  if (result.dataSync().length !== sizeOf(result.shape))
    fail(call, `${custom.title} must return a tensor with numbers`);
  return result;
}

/** Names the loss in errors of the user's function. */
function guard<T>(call: string, custom: Custom, f: () => T): T {
  try {
    return f();
  } catch (error) {
    if (error instanceof ValueError && error.message.startsWith(`${call}: ${custom.title}`)) throw error;
    const message = `${call}: ${custom.title} failed: ${reasonOf(error)}`;
    throw new ValueError(message, { cause: error });
  }
}

/** The factor of each value in the result: what it counts in the mean over unmasked rows, times weights. */
function seedOf({ shape }: Tensor, { yPred, factors, counted }: Rows): Float64Array<ArrayBuffer> {
  const seed = new Float64Array(sizeOf(shape));
  if (counted === 0) return seed;
  const steps = yPred.rank === 3 ? yPred.shape[1]! : 1;
  const columns = shape[yPred.rank - 1] ?? 1;
  const [samplesStep, stepsStep] = stridesOf(shape, yPred.rank);
  for (let row = 0; row < factors.length; row++) {
    const first = Math.floor(row / steps) * samplesStep + (row % steps) * stepsStep;
    for (let n = 0; n < columns; n++) seed[first + n]! += factors[row]! / (counted * columns);
  }
  return seed;
}

/** The distances from sample to sample and from time step to time step; 0 where all have the same value. */
function stridesOf(shape: readonly number[], rank: number): [number, number] {
  const inner = (axis: number) => ((shape[axis] ?? 1) === 1 ? 0 : sizeOf(shape.slice(axis + 1)));
  return [inner(0), rank === 3 ? inner(1) : 0];
}

/** Repeats the factors of values for all numbers of a tensor. */
function spread(seed: Float64Array, shape: readonly number[], full: readonly number[]): Float64Array {
  const columns = full.at(-1)!;
  const steps = full.length === 3 ? full[1]! : 1;
  const own = (shape[full.length - 1] ?? 1) === 1 ? 0 : 1;
  const [samplesStep, stepsStep] = stridesOf(shape, full.length);
  return Float64Array.from({ length: sizeOf(full) }, (_, i) => {
    const row = Math.floor(i / columns);
    return seed[Math.floor(row / steps) * samplesStep + (row % steps) * stepsStep + (i % columns) * own]!;
  });
}

/** The sum of the products, without those of factor 0. */
function dot(seed: Float64Array, values: Tensor): number {
  const numbers = values.dataSync();
  return seed.reduce((sum, factor, i) => (factor === 0 ? sum : sum + factor * numbers[i]!), 0);
}

/** Gradients that are not finite become 0 in rows of factor 0: their targets may be anything. */
function withoutSkipped(gradient: Tensor, { factors }: Rows): Float32Array {
  const columns = gradient.shape.at(-1)!;
  return Float32Array.from(gradient.dataSync(), (number, i) =>
    Number.isFinite(number) || factors[Math.floor(i / columns)] !== 0 ? number : 0,
  );
}
