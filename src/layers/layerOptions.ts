/** The options that every layer has. */

import type { TensorLike } from '../tensor/read.ts';
import { fail, show } from '../util/errors.ts';
import { checkCount, checkOptions, dropNullOptions } from '../util/options.ts';
import { checkShape, type Shape, showShape } from '../util/shapes.ts';

/** Options of every layer. */
export interface LayerOptions {
  /** The name of the layer, unique within its model. Default: derived from the class, such as `lstm_LSTM1`. */
  name?: string;
  /** Whether training updates the weights. Default: true. */
  trainable?: boolean;
  /**
   * First layer only: the shape of one sample, `[timeSteps, features]` or `[features]`. `timeSteps` may be null, for
   * batches of any length. The first layer needs this, `batchInputShape` or `inputDim`.
   */
  inputShape?: Shape;
  /**
   * First layer only: the shape of a batch, `[batchSize, timeSteps, features]` or `[batchSize, features]`. `batchSize`
   * and `timeSteps` may be null, for any size. Stateful layers need a fixed batch size.
   */
  batchInputShape?: Shape;
  /** First layer only: a fixed batch size, in addition to `inputShape` or `inputDim`. Default: any size. */
  batchSize?: number;
  /** First layer only: the number of input features, instead of `inputShape`. Recurrent layers then take any length. */
  inputDim?: number;
  /** Initial values of the weights, in the order and the shapes of `getWeights`. They replace the initializers. */
  weights?: readonly TensorLike[];
  /** The data type; 'float32' is the only one. */
  dtype?: 'float32' | null;
}

/** Their names. */
export const layerOptions = [
  'name',
  'trainable',
  'inputShape',
  'batchInputShape',
  'batchSize',
  'inputDim',
  'weights',
  'dtype',
] as const;

/**
 * The shape of a batch that the options describe; null if they describe none.
 *
 * @param inputRank the rank of a sample that `inputDim` describes
 * @param takesLists whether a sample may be a list of any length, `[null]`
 * @param names of the options in error messages
 */
export function readInputShape(
  call: string,
  options: LayerOptions,
  inputRank: 1 | 2,
  takesLists: boolean,
  names: readonly [string, string] = ['inputShape', 'batchInputShape'],
): Shape | null {
  const { inputShape, batchInputShape, batchSize, inputDim } = options;
  const batch = batchSize === undefined || batchSize === null ? null : checkCount(call, 'batchSize', batchSize);
  let shape: Shape;
  if (batchInputShape !== undefined) {
    if (inputShape !== undefined) fail(call, `takes either ${names.join(' or ')}, got both`);
    shape = checkShape(call, names[1], batchInputShape, { open: true });
  } else if (inputShape !== undefined) {
    shape = [batch, ...checkShape(call, names[0], inputShape, { open: true })];
  } else if (inputDim !== undefined) {
    shape = [batch, ...(inputRank === 2 ? [null] : []), checkCount(call, 'inputDim', inputDim)];
  } else {
    return null;
  }
  const name = names[batchInputShape === undefined ? 0 : 1];
  const sample = shape.slice(1);
  if (sample.length !== 1 && sample.length !== 2) {
    const rule = batchInputShape === undefined ? '[T, D] or [D]' : '[B, T, D] or [B, D]';
    fail(call, `${name} must be ${rule}, got ${showShape(batchInputShape === undefined ? sample : shape)}`);
  }
  if (sample.at(-1) === null && !(takesLists && sample.length === 1)) {
    fail(call, `${name} must fix its last axis, got ${showShape(shape)}`);
  }
  // Options that repeat a size must agree with the shape
  if (batch !== null && shape[0] !== batch) {
    fail(call, `batchSize must be that of batchInputShape ${showShape(shape)}, got ${batch}`);
  }
  if (inputDim !== undefined && shape.at(-1) !== inputDim) {
    fail(call, `inputDim must be the last axis of ${name} ${showShape(shape)}, got ${show(inputDim)}`);
  }
  return shape;
}

/** Options for which null, as configurations write it, means undefined. */
const nullable: readonly string[] = ['dtype', 'inputLength', 'seed', 'weights'];

/**
 * Checks the names of a layer's options, and drops those without a value.
 *
 * @param own the names of the options of this class, in addition to those of every layer
 */
export function checkLayerOptions<T extends LayerOptions>(
  call: string,
  options: unknown,
  own: readonly string[],
): Partial<T> {
  return dropNullOptions(checkOptions<T>(call, options, [...own, ...layerOptions]), nullable);
}
