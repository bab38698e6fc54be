// Compares confusion matrices with TF.js and scikit-learn, and reports and class weights with scikit-learn.

import { readFileSync } from 'node:fs';
import { math, tensor } from 'lstm-wasm';
import { classificationReport, classWeights, confusionMatrix } from 'lstm-wasm/data';
import { expect, test } from 'vitest';

interface Case {
  names: string[];
  actual: number[];
  predicted: number[];
  matrix: number[][];
  text: string;
  text4: string;
  report: Record<string, { precision: number; recall: number; 'f1-score': number; support: number }> & {
    accuracy: number;
  };
  weights: Record<string, number>;
}
const fixture = readFileSync(new URL('../fixtures/classification.json', import.meta.url), 'utf8');
const { cases } = JSON.parse(fixture) as { cases: Case[] };

test.each(cases)('matrix, report, table and class weights of $names equal those of scikit-learn', one => {
  const { actual, predicted, names, report: expected } = one;
  const options = { classes: names };
  expect(confusionMatrix(actual, predicted, options).arraySync()).toEqual(one.matrix);
  const report = classificationReport(actual, predicted, options);
  expect(report.toString()).toBe(one.text);
  expect(report.toString(4)).toBe(one.text4);
  expect(report.accuracy).toBeCloseTo(expected.accuracy, 14);
  const rows = [...report.classes, report.macro, report.weighted];
  for (const [n, name] of [...names, 'macro avg', 'weighted avg'].entries()) {
    const { precision, recall, support, 'f1-score': f1 } = expected[name]!;
    for (const [got, wanted] of [
      [rows[n]!.precision, precision],
      [rows[n]!.recall, recall],
      [rows[n]!.f1, f1],
      [rows[n]!.support, support],
    ] as const) {
      expect(got).toBeCloseTo(wanted, 14);
    }
  }
  expect(classWeights(actual)).toEqual(one.weights);
});

test('the table rounds ties to even digits, as Python does', () => {
  // 1 of 8 is 0.125, and 3 of 8 is 0.375
  const report = classificationReport([0, 0, 0, 0, 0, 0, 0, 0, 1], [0, 1, 1, 1, 1, 1, 1, 1, 1]);
  expect(String(report)).toContain('           0       1.00      0.12      0.22         8');
  const other = classificationReport([0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1, 1, 1]);
  expect(String(other)).toContain('           0       1.00      0.38      0.55         8');
});

const labels = [0, 1, 2, 2, 1, 0];
const predictions = [0, 2, 2, 2, 1, 1];

test('confusionMatrix counts the predictions of each class in its row', () => {
  const expected = [
    [1, 1, 0],
    [0, 1, 1],
    [0, 0, 2],
  ];
  expect(confusionMatrix(labels, predictions).arraySync()).toEqual(expected);
  expect(math.confusionMatrix(tensor(labels, [6], 'int32'), tensor(predictions), 3).arraySync()).toEqual(expected);
  expect(confusionMatrix(labels, predictions).dtype).toBe('int32');
});

test('confusionMatrix ignores classes of numClasses and above, as TF.js does', () => {
  expect(confusionMatrix(labels, predictions, 2).arraySync()).toEqual([
    [1, 1],
    [0, 1],
  ]);
});

test('classificationReport equals sklearn.metrics.classification_report', () => {
  const { classes, accuracy, macro, weighted } = classificationReport(labels, predictions);
  const round = (values: number[]) => values.map(value => Number(value.toFixed(4)));
  expect(classes.map(({ precision, recall, f1, support }) => round([precision, recall, f1, support]))).toEqual([
    [1, 0.5, 0.6667, 2],
    [0.5, 0.5, 0.5, 2],
    [0.6667, 1, 0.8, 2],
  ]);
  expect(accuracy).toBeCloseTo(4 / 6, 12);
  expect(round([macro.precision, macro.recall, macro.f1, macro.support])).toEqual([0.7222, 0.6667, 0.6556, 6]);
  expect(weighted).toEqual(macro); // equal, because each class has two samples
});

test('classificationReport has precision 0 for a class that is never predicted', () => {
  expect(classificationReport([0, 1], [0, 0]).classes[1]).toEqual({ precision: 0, recall: 0, f1: 0, support: 1 });
});

test('classificationReport prints the table of scikit-learn', () => {
  // The example in the documentation of sklearn.metrics.classification_report
  const report = classificationReport([0, 1, 2, 2, 2], [0, 0, 2, 2, 1], { classes: ['class 0', 'class 1', 'class 2'] });
  expect(String(report)).toBe(
    [
      '              precision    recall  f1-score   support',
      '',
      '     class 0       0.50      1.00      0.67         1',
      '     class 1       0.00      0.00      0.00         1',
      '     class 2       1.00      0.67      0.80         3',
      '',
      '    accuracy                           0.60         5',
      '   macro avg       0.50      0.56      0.49         5',
      'weighted avg       0.70      0.60      0.61         5',
      '',
    ].join('\n'),
  );
  expect(report.toString(4)).toContain('     class 2     1.0000    0.6667    0.8000         3');
  expect(Object.keys(report)).toEqual(['labels', 'classes', 'accuracy', 'macro', 'weighted']);
});

test('names, indices, one-hot rows and probabilities give the same confusion matrix', () => {
  const classes = ['sit', 'walk', 'run'];
  const expected = confusionMatrix(labels, predictions).arraySync();
  const named = (indices: number[]) => indices.map(index => classes[index]!);
  const oneHot = (indices: number[], high = 1, low = 0) =>
    tensor(indices.map(index => classes.map((_, n) => (n === index ? high : low))));
  const forms = [predictions, named(predictions), oneHot(predictions), oneHot(predictions, 0.4, 0.3).arraySync()];
  for (const actual of [labels, named(labels), oneHot(labels)]) {
    for (const predicted of forms) {
      expect(confusionMatrix(actual, predicted as number[], { classes }).arraySync()).toEqual(expected);
    }
  }
});

test('without classes, names are sorted and missing indices count as classes', () => {
  const report = classificationReport(['walk', 'run'], ['walk', 'walk']);
  expect(report.labels).toEqual(['run', 'walk']);
  expect(confusionMatrix([0, 3], [0, 3]).shape).toEqual([4, 4]);
  expect(confusionMatrix([0], [[0.5, 0.2, 0.3]]).shape).toEqual([3, 3]);
});

test('numeric classes select the labels that rows and columns stand for', () => {
  expect(confusionMatrix([5, 9, 5], [5, 5, 9], { classes: [9, 5] }).arraySync()).toEqual([
    [0, 1],
    [1, 1],
  ]);
});

test('a column of probabilities predicts class 1 above 0.5', () => {
  expect(confusionMatrix([0, 1, 1], [[0.5], [0.51], [0.2]]).arraySync()).toEqual([
    [1, 0],
    [1, 1],
  ]);
  expect(confusionMatrix([[0], [1], [1]], [[0.2], [0.9], [0.7]]).arraySync()).toEqual([
    [1, 0],
    [0, 2],
  ]);
});

test('classWeights equals class_weight balanced of scikit-learn', () => {
  expect(classWeights([0, 0, 0, 2])).toEqual({ 0: 4 / 6, 2: 2 });
  const weights = classWeights(['run', 'walk', 'walk', 'walk'], { classes: ['walk', 'run'] });
  expect(weights).toEqual({ 0: 4 / 6, 1: 2 });
  expect(
    classWeights(
      tensor([
        [1, 0],
        [1, 0],
        [0, 1],
      ]),
    ),
  ).toEqual({ 0: 3 / 4, 1: 3 / 2 });
});
