/** Functions that create tensors. */

import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkCount, checkNumber } from '../util/options.ts';
import { checkShape } from '../util/shapes.ts';
import { TensorBuffer } from './buffer.ts';
import { asTensor, make, type NestedBooleans, type TensorLike } from './read.ts';
import { Tensor } from './tensorClass.ts';
import { convert, type DataType, dataTypeOr, zerosFor } from './values.ts';

/** Values from which a tensor is made. @inline */
type Given = TensorLike | NestedBooleans;

/**
 * Makes a tensor.
 *
 * @param values nested arrays, a flat array, a typed array or a number; copied
 * @param shape needed if a flat array holds more than one axis
 * @param dtype default: int32 for an Int32Array, a Uint8Array and a Uint8ClampedArray, bool for booleans, float32
 *   otherwise
 */
export function tensor(values: Given, shape?: readonly number[] | null, dtype?: DataType | null): Tensor {
  rejectExtraArguments('tensor', 3, arguments);
  return make('tensor', values, shape, undefined, dtype);
}

/** A tensor of rank 1. */
export function tensor1d(values: Given, dtype?: DataType | null): Tensor {
  rejectExtraArguments('tensor1d', 2, arguments);
  return make('tensor1d', values, undefined, 1, dtype);
}

/** A tensor of rank 2, `[rows, columns]`. */
export function tensor2d(values: Given, shape?: readonly number[] | null, dtype?: DataType | null): Tensor {
  rejectExtraArguments('tensor2d', 3, arguments);
  return make('tensor2d', values, shape, 2, dtype);
}

/** A tensor of rank 3, such as a batch of sequences `[batch, time, width]`. */
export function tensor3d(values: Given, shape?: readonly number[] | null, dtype?: DataType | null): Tensor {
  rejectExtraArguments('tensor3d', 3, arguments);
  return make('tensor3d', values, shape, 3, dtype);
}

/** A tensor of rank 4. */
export function tensor4d(values: Given, shape?: readonly number[] | null, dtype?: DataType | null): Tensor {
  rejectExtraArguments('tensor4d', 3, arguments);
  return make('tensor4d', values, shape, 4, dtype);
}

/** A tensor of rank 0. */
export function scalar(value: number | boolean, dtype?: DataType | null): Tensor {
  rejectExtraArguments('scalar', 2, arguments);
  if (typeof value !== 'number' && typeof value !== 'boolean') {
    fail('scalar', `value must be a number, got ${show(value)}`);
  }
  return make('scalar', value, undefined, 0, dtype);
}

/** A buffer of zeros, or of `values`, in which numbers can be set one by one; `toTensor` makes a tensor of it. */
export function buffer(
  shape: readonly number[],
  dtype?: DataType | null,
  values?: ArrayLike<number> | null,
): TensorBuffer {
  rejectExtraArguments('buffer', 3, arguments);
  return new TensorBuffer(shape, dtype, values);
}

/** A tensor of zeros. */
export function zeros(shape: readonly number[], dtype?: DataType | null): Tensor {
  rejectExtraArguments('zeros', 2, arguments);
  return filled('zeros', shape, 0, dtype);
}

/** A tensor of ones. */
export function ones(shape: readonly number[], dtype?: DataType | null): Tensor {
  rejectExtraArguments('ones', 2, arguments);
  return filled('ones', shape, 1, dtype);
}

/** A tensor filled with `value`. */
export function fill(shape: readonly number[], value: number, dtype?: DataType | null): Tensor {
  rejectExtraArguments('fill', 3, arguments);
  if (typeof value !== 'number') fail('fill', `value must be a number, got ${show(value)}`);
  return filled('fill', shape, value, dtype);
}

/** Zeros with the shape and dtype of `x`. */
export function zerosLike(x: TensorLike): Tensor {
  rejectExtraArguments('zerosLike', 1, arguments);
  const { shape, dtype } = asTensor('zerosLike', 'x', x);
  return filled('zerosLike', shape, 0, dtype);
}

/** Ones with the shape and dtype of `x`. */
export function onesLike(x: TensorLike): Tensor {
  rejectExtraArguments('onesLike', 1, arguments);
  const { shape, dtype } = asTensor('onesLike', 'x', x);
  return filled('onesLike', shape, 1, dtype);
}

function filled(call: string, shape: unknown, value: number, dtype: unknown): Tensor {
  const checked = checkShape(call, 'shape', shape) as number[];
  const kind = dataTypeOr(call, dtype);
  const [given] = convert(call, [value], kind);
  return new Tensor(zerosFor(call, checked, kind).fill(given!), checked);
}

/**
 * A matrix [rows, columns] with ones on the diagonal and zeros elsewhere.
 *
 * @param numColumns default numRows
 * @param batchShape leading axes along which the matrix is repeated; default none
 */
export function eye(
  numRows: number,
  numColumns?: number | null,
  batchShape?: readonly number[] | null,
  dtype?: DataType | null,
): Tensor {
  rejectExtraArguments('eye', 4, arguments);
  const call = 'eye';
  const rows = checkCount(call, 'numRows', numRows, 0);
  const columns = checkCount(call, 'numColumns', numColumns ?? rows, 0);
  const batches = checkShape(call, 'batchShape', batchShape ?? []) as number[];
  const shape = [...batches, rows, columns];
  const values = zerosFor(call, shape, dataTypeOr(call, dtype));
  for (let at = 0; at < values.length; at += rows * columns) {
    for (let i = 0; i < Math.min(rows, columns); i++) values[at + i * columns + i] = 1;
  }
  return new Tensor(values, shape);
}

/**
 * start, start + step, ... up to but not including stop.
 *
 * @param step default 1, or -1 if stop is below start; as in TF.js, an explicit 1 then also means -1. Any other step
 *   that leads away from stop gives an empty tensor
 */
export function range(start: number, stop: number, step?: number | null, dtype?: DataType | null): Tensor {
  rejectExtraArguments('range', 4, arguments);
  const call = 'range';
  const from = checkNumber(call, 'start', start);
  const to = checkNumber(call, 'stop', stop);
  const given = checkNumber(call, 'step', step ?? 1);
  const by = given === 1 && to < from ? -1 : given;
  if (by === 0) fail(call, 'step must not be zero, got 0');
  const count = Math.max(0, Math.ceil((to - from) / by));
  const values = zerosFor(call, [count], dataTypeOr(call, dtype));
  for (let i = 0; i < count; i++) values[i] = from + i * by;
  return new Tensor(values, [count]);
}

/** `num` evenly spaced numbers from start to stop, both included. */
export function linspace(start: number, stop: number, num: number): Tensor {
  rejectExtraArguments('linspace', 3, arguments);
  const call = 'linspace';
  const from = checkNumber(call, 'start', start);
  const to = checkNumber(call, 'stop', stop);
  const count = checkCount(call, 'num', num);
  const step = count > 1 ? (to - from) / (count - 1) : 0;
  const values = zerosFor(call, [count], 'float32');
  for (let i = 0; i < count; i++) values[i] = from + i * step;
  if (count > 1) values[count - 1] = to;
  return new Tensor(values, [count]);
}

/**
 * One-hot rows of `depth` numbers, one row for each index: [...indices.shape, depth]. The row of an index outside of 0
 * to depth - 1 holds only `offValue`.
 *
 * @param indices integers of any dtype
 * @param onValue default 1
 * @param offValue default 0
 * @param dtype default int32
 */
export function oneHot(
  indices: TensorLike,
  depth: number,
  onValue?: number | null,
  offValue?: number | null,
  dtype?: DataType | null,
): Tensor {
  rejectExtraArguments('oneHot', 5, arguments);
  const call = 'oneHot';
  const ids = asTensor(call, 'indices', indices);
  const width = checkCount(call, 'depth', depth);
  const kind = dataTypeOr(call, dtype, 'int32');
  const [on, off] = convert(
    call,
    [checkNumber(call, 'onValue', onValue ?? 1), checkNumber(call, 'offValue', offValue ?? 0)],
    kind,
  );
  const values = zerosFor(call, [...ids.shape, width], kind).fill(off!);
  for (const [i, id] of ids.dataSync().entries()) {
    if (!Number.isInteger(id)) fail(call, `indices must be integers, got ${id}`);
    if (id >= 0 && id < width) values[i * width + id] = on!;
  }
  return new Tensor(values, [...ids.shape, width]);
}
