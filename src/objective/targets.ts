/** The shapes of targets. */

import { type Batch, shapeOfBatch, unwrapTensor } from '../inputs/batches.ts';
import { Tensor } from '../tensor/tensor.ts';
import { fail } from '../util/errors.ts';
import { type Shape, shapeOfNested, showShape } from '../util/shapes.ts';
import { isSparse, type LossName, lossActivationOf } from './losses.ts';
import { noSettings } from './lossSettings.ts';
import type { OutputObjective } from './objective.ts';
import { targetFormOf } from './targetForms.ts';

/**
 * The shape of y for an output: the same, or with one class index for each row if the loss takes those, or with fewer
 * numbers if a row has several predictions for each. Labels of sequences have an open axis.
 */
export function targetShapeOf(
  call: string,
  { loss, settings = noSettings }: Pick<OutputObjective, 'loss' | 'settings'>,
  output: readonly number[],
): Shape {
  const form = targetFormOf(loss, settings);
  const width = output.at(-1)!;
  const rejected = (rule: string, advice = ''): never =>
    fail(call, `the output must ${rule} if the loss is '${loss}', got ${showShape(output)}${advice}`);
  if (form === 'labels') {
    if (output.length !== 3) rejected('be a sequence', '; pass returnSequences: true to the last recurrent layer');
    if (width < 2) rejected('have a feature for each class and for the blank');
    if (settings.blank >= width) rejected(`have more than ${settings.blank} features, the number of the blank,`);
    return [output[0]!, null];
  }
  if (lossActivationOf(loss) === 'softmax' && width < 2) {
    rejected('have a feature for each class', "; use 'binaryCrossentropy' for one feature");
  }
  if (form === 'classes') return [...output.slice(0, -1), 1];
  if (width % form !== 0) rejected(`have ${form} features for each target`);
  return [...output.slice(0, -1), width / form];
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

/** The shape of y as the loss reads it. @param given as `shapeOfTarget` returns it */
export const closedShape = (target: Readonly<Shape>, given: readonly number[]): readonly number[] =>
  target.includes(null) ? given : (target as number[]);
