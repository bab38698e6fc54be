/** The confusion matrix of a classifier, precision, recall and F1 of each class, and class weights. */

import type { TensorLike } from '../tensor/read.ts';
import { Tensor } from '../tensor/tensor.ts';
import { zerosFor } from '../tensor/values.ts';
import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkCount } from '../util/options.ts';
import { type ClassLabels, type ClassOptions, readClasses } from './classLabels.ts';

/**
 * The confusion matrix: row a, column b counts the samples of class a that were predicted as class b.
 *
 * @param actual class indices, names or one-hot rows
 * @param predicted the same, or probabilities such as `model.predict(x)`
 * @param options options, or the number of classes: then indices outside of the classes are not counted, as in
 *   `math.confusionMatrix` of TF.js
 * @returns int32, [C, C]
 */
export function confusionMatrix(
  actual: ClassLabels,
  predicted: ClassLabels,
  options?: ClassOptions | number | null,
): Tensor {
  rejectExtraArguments('confusionMatrix', 3, arguments);
  return countClasses('confusionMatrix', actual, predicted, options).matrix;
}

function countClasses(call: string, actual: unknown, predicted: unknown, options?: ClassOptions | number | null) {
  const { samples, labels } = readClasses(call, { actual, predicted }, options);
  const [from, to] = samples as [readonly number[], readonly number[]];
  const C = labels.length;
  const counts = zerosFor(call, [C, C], 'int32');
  for (const [n, a] of from.entries()) {
    const b = to[n]!;
    if (a >= 0 && a < C && b >= 0 && b < C) counts[a * C + b]!++;
  }
  return { matrix: new Tensor(counts, [C, C]), labels };
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
  /** The name or the index of each class. */
  labels: (string | number)[];
  /** One row for each class, in order. */
  classes: ClassReport[];
  /** The share of all samples that were predicted correctly. */
  accuracy: number;
  /** The mean over the classes. */
  macro: ClassReport;
  /** The mean over the classes, weighted by support. */
  weighted: ClassReport;
  /** A table like that of scikit-learn, with 2 decimals by default. */
  toString(digits?: number): string;
}

/** Precision, recall and F1 of each class, and their means; takes the arguments of `confusionMatrix`. */
export function classificationReport(
  actual: ClassLabels,
  predicted: ClassLabels,
  options?: ClassOptions | number | null,
): ClassificationReport {
  rejectExtraArguments('classificationReport', 3, arguments);
  const { matrix, labels } = countClasses('classificationReport', actual, predicted, options);
  const rows = matrix.arraySync() as number[][];
  const total = sum(rows.flat());
  const classes = rows.map((row, c): ClassReport => {
    const [support, predictions] = [sum(row), sum(rows.map(other => other[c]!))];
    const [precision, recall] = [share(row[c]!, predictions), share(row[c]!, support)];
    return { precision, recall, f1: share(2 * precision * recall, precision + recall), support };
  });
  const mean = (weight: (one: ClassReport) => number): ClassReport => {
    const of = (key: 'precision' | 'recall' | 'f1') =>
      share(sum(classes.map(one => one[key] * weight(one))), sum(classes.map(weight)));
    return { precision: of('precision'), recall: of('recall'), f1: of('f1'), support: total };
  };
  const report = {
    labels: [...labels],
    classes,
    accuracy: share(sum(rows.map((row, c) => row[c]!)), total),
    macro: mean(() => 1),
    weighted: mean(({ support }) => support),
  };
  // Not enumerable, so that the report can be compared and copied as data.
  return Object.defineProperty(report, 'toString', {
    value(digits?: number): string {
      const call = 'classificationReport.toString';
      rejectExtraArguments(call, 1, arguments);
      const decimals = checkCount(call, 'digits', digits ?? 2, 0);
      if (decimals > 15) fail(call, `digits must be at most 15, got ${decimals}`);
      return reportText(report, decimals);
    },
  });
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const share = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);

const widthOfNumbers = 9;

/** The table of `classification_report` in scikit-learn. */
function reportText(report: Omit<ClassificationReport, 'toString'>, digits: number): string {
  const { labels, classes, accuracy, macro, weighted } = report;
  const names = labels.map(String);
  const width = Math.max(digits, 'weighted avg'.length, ...names.map(({ length }) => length));
  const line = (name: string, cells: readonly string[]) =>
    `${name.padStart(width)} ${cells.map(cell => ` ${cell.padStart(widthOfNumbers)}`).join('')}`;
  const row = (name: string, { precision, recall, f1, support }: ClassReport) =>
    line(name, [...[precision, recall, f1].map(value => rounded(value, digits)), String(support)]);
  return [
    line('', ['precision', 'recall', 'f1-score', 'support']),
    '',
    ...classes.map((one, n) => row(names[n]!, one)),
    '',
    line('accuracy', ['', '', rounded(accuracy, digits), String(macro.support)]),
    row('macro avg', macro),
    row('weighted avg', weighted),
    '',
  ].join('\n');
}

/** Rounds ties to the even digit, as Python does: 0.125 is 0.12. */
function rounded(value: number, digits: number): string {
  const exact = value.toFixed(60);
  const end = exact.indexOf('.') + 1 + digits;
  const isTie = /^50*$/.test(exact.slice(end));
  const isEven = /[02468]\.?$/.test(exact.slice(0, end));
  return isTie && isEven ? exact.slice(0, digits === 0 ? end - 1 : end) : value.toFixed(digits);
}

/**
 * Weights that make all classes count the same in training, for the option `classWeight` of `fit`: samples / (classes x
 * samples of the class), as 'balanced' in scikit-learn.
 *
 * @param labels class indices, names or one-hot rows
 * @returns by class index; without `classes`, of the classes that occur
 */
export function classWeights(labels: ClassLabels, options?: ClassOptions): Record<number, number> {
  const call = 'classWeights';
  rejectExtraArguments(call, 2, arguments);
  if (options !== undefined && typeof options !== 'object') {
    fail(call, `options must be an object, got ${show(options)}`);
  }
  const { samples, labels: classes, found } = readClasses(call, { labels }, options);
  const [indices] = samples as [readonly number[]];
  if (indices.length === 0) fail(call, 'labels must have at least one sample, got none');
  const counts = new Map<number, number>();
  for (const index of indices) {
    if (index < 0) fail(call, `labels must be class indices of at least 0, got ${index}`);
    counts.set(index, (counts.get(index) ?? 0) + 1);
  }
  const absent = classes.find((_, n) => !counts.has(n));
  if (!found && absent !== undefined) {
    fail(call, `labels must have a sample of each class, got none of ${show(absent)}`);
  }
  const entries = [...counts].sort(([a], [b]) => a - b);
  return Object.fromEntries(entries.map(([index, count]) => [index, indices.length / (counts.size * count)]));
}

/** The functions of TF.js's `math` that this package has. */
export const math: {
  confusionMatrix(labels: TensorLike, predictions: TensorLike, numClasses?: number | null): Tensor;
} = { confusionMatrix };
