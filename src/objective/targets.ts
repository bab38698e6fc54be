/** The shapes of targets. */

import { type Batch, shapeOfBatch, unwrapTensor } from '../inputs/batches.ts';
import { Tensor } from '../tensor/tensor.ts';
import { fail } from '../util/errors.ts';
import { type Shape, shapeOfNested, showShape } from '../util/shapes.ts';
import { isSparse, type LossName, lossActivationOf } from './losses.ts';

/** The shape of y for an output: the same, or with one class index for each row if the loss takes those. */
export function targetShapeOf(call: string, loss: LossName, output: readonly number[]): number[] {
  if (lossActivationOf(loss) === 'softmax' && output.at(-1)! < 2) {
    fail(
      call,
      `the output must have a feature for each class if the loss is '${loss}', got ${showShape(output)}; ` +
        "use 'binaryCrossentropy' for one feature",
    );
  }
  return isSparse(loss) ? [...output.slice(0, -1), 1] : [...output];
}

/** The shape of y, checked. Class numbers may come without their last axis, as in Keras. */
export function shapeOfTarget(
  call: string,
  name: string,
  given: Batch,
  loss: LossName,
  expected: Shape,
): readonly number[] {
  if (!isSparse(loss) || expected.length !== 3) return shapeOfBatch(call, name, given, expected);
  const y = unwrapTensor(call, name, given);
  const rank = y instanceof Tensor ? y.rank : Array.isArray(y) ? shapeOfNested(call, name, y).length : null;
  return shapeOfBatch(call, name, y, rank === 2 ? expected.slice(0, -1) : expected);
}
