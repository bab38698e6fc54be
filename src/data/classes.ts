/** The confusion matrix of a classifier, and precision, recall and F1 of each class. */

import { asTensor, type TensorLike } from '../tensor/read.ts';
import { Tensor } from '../tensor/tensor.ts';
import { zerosFor } from '../tensor/values.ts';
import { rejectExtraArguments } from '../util/arguments.ts';
import { fail } from '../util/errors.ts';
import { checkCount } from '../util/options.ts';
import { showShape } from '../util/shapes.ts';

/**
 * The confusion matrix: row a, column b counts the samples of class a that were predicted as class b. As in
 * `math.confusionMatrix` of TF.js, labels and predictions outside the classes are not counted.
 *
 * @param labels class indices, [N]
 * @param predictions class indices, [N], such as `model.predict(x).argMax(-1)`
 * @param numClasses default: the highest label or prediction, plus 1
 * @returns int32, [numClasses, numClasses]
 */
export function confusionMatrix(labels: TensorLike, predictions: TensorLike, numClasses?: number | null): Tensor {
  const call = 'confusionMatrix';
  rejectExtraArguments(call, 3, arguments);
  const [actual, predicted] = [classesOf(call, 'labels', labels), classesOf(call, 'predictions', predictions)];
  if (actual.length !== predicted.length) {
    fail(call, `predictions must have the length of labels, ${actual.length}, got ${predicted.length}`);
  }
  const highest = [actual, predicted].flat().reduce((most, one) => Math.max(most, one), 0);
  const count = checkCount(call, 'numClasses', numClasses ?? highest + 1);
  const to = zerosFor(call, [count, count], 'int32');
  for (const [n, from] of actual.entries()) {
    const as = predicted[n]!;
    if (from >= 0 && from < count && as >= 0 && as < count) to[from * count + as]!++;
  }
  return new Tensor(to, [count, count]);
}

/** Reads class indices; true and false count as 1 and 0. */
function classesOf(call: string, name: string, value: TensorLike): readonly number[] {
  const given = asTensor(call, name, value);
  if (given.rank !== 1) fail(call, `${name} must have 1 axis, got ${showShape(given.shape)}`);
  const classes = Array.from(given.dataSync());
  const invalid = classes.find(one => !Number.isInteger(one));
  if (invalid !== undefined)
    fail(call, `${name} must be class indices, got ${invalid}; take argMax(-1) of probabilities`);
  return classes;
}

/** The row of one class in a `classificationReport`. */
export interface ClassReport {
  /** The share of the samples predicted as this class that belong to it; 0 when there are no such predictions. */
  precision: number;
  /** The share of the samples of this class that were predicted as it; 0 when the class has no samples. */
  recall: number;
  /** 2 precision recall / (precision + recall); 0 when both are 0. */
  f1: number;
  /** The number of samples of this class. */
  support: number;
}

/** The result of `classificationReport`. */
export interface ClassificationReport {
  /** One row for each class, in order. */
  classes: ClassReport[];
  /** The share of all samples that were predicted correctly. */
  accuracy: number;
  /** The mean over the classes. */
  macro: ClassReport;
  /** The mean over the classes, weighted by support. */
  weighted: ClassReport;
}

/** Precision, recall and F1 of each class, and their means; takes the arguments of `confusionMatrix`. */
export function classificationReport(
  labels: TensorLike,
  predictions: TensorLike,
  numClasses?: number | null,
): ClassificationReport {
  rejectExtraArguments('classificationReport', 3, arguments);
  const matrix = confusionMatrix(labels, predictions, numClasses).arraySync() as number[][];
  const total = matrix.flat().reduce((sum, n) => sum + n, 0);
  const share = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);
  const classes = matrix.map((row, c): ClassReport => {
    const support = row.reduce((sum, n) => sum + n, 0);
    const predicted = matrix.reduce((sum, other) => sum + other[c]!, 0);
    const [precision, recall] = [share(row[c]!, predicted), share(row[c]!, support)];
    return { precision, recall, f1: share(2 * precision * recall, precision + recall), support };
  });
  const mean = (weight: (one: ClassReport) => number): ClassReport => {
    const weights = classes.reduce((sum, one) => sum + weight(one), 0);
    const of = (key: 'precision' | 'recall' | 'f1') =>
      share(
        classes.reduce((sum, one) => sum + one[key] * weight(one), 0),
        weights,
      );
    return { precision: of('precision'), recall: of('recall'), f1: of('f1'), support: total };
  };
  const correct = matrix.reduce((sum, row, c) => sum + row[c]!, 0);
  return { classes, accuracy: share(correct, total), macro: mean(() => 1), weighted: mean(({ support }) => support) };
}

/** The functions of TF.js's `math` that this package has. */
export const math = { confusionMatrix };
