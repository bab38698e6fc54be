// Compares confusion matrices with TF.js, and reports with scikit-learn.

import { math, tensor } from 'lstm-wasm';
import { classificationReport, confusionMatrix } from 'lstm-wasm/data';
import { expect, test } from 'vitest';

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
