/** Axis ranges, named lines and their positions. */

import { expect, test } from 'vitest';
import { lossPlot, predictionPlot } from '../../src/plot/node.ts';
import { historyOf, temperatures } from './scenes.ts';
import { labelsOf, legendOf, pointsOf, shownLines } from './shown.ts';

const wave = Array.from({ length: 50 }, (_, n) => Math.sin(n / 6));
const defaults = { height: 360, header: 54, foot: 54 };
const areaHeight = defaults.height - defaults.header - defaults.foot;
const heightsOf = (line: Element) => pointsOf(line).map(([, y]) => y);

test.each([
  ['temperatures', 280, 30, ['250', '310']],
  ['prices', 45_000, 15_000, ['30,000', '60,000']],
  ['tiny values', 2e-6, 1e-6, ['10⁻⁶', '3×10⁻⁶']],
  ['negative values', -40, 20, ['−60', '−20']],
  ['large values close to each other', 3e7, 4, ['29,999,996', '30,000,004']],
])('without yDomain the axis covers %s and the data fills most of it', (_, middle, reach, ends) => {
  const plot = predictionPlot().update({ target: wave.map(value => middle + reach * value) });
  const heights = heightsOf(shownLines(plot)[0]!);
  expect(Math.min(...heights)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...heights)).toBeLessThanOrEqual(areaHeight);
  expect(Math.max(...heights) - Math.min(...heights)).toBeGreaterThan(areaHeight * 0.7);
  expect(labelsOf(plot, 'y')).toEqual(expect.arrayContaining(ends));
});

test('an axis of counts starts at zero, a single value is centred, and no values give an empty axis', () => {
  expect(labelsOf(predictionPlot().update({ target: [0, 1, 3, 2] }), 'y')[0]).toBe('0.0');
  const constant = predictionPlot().update({ target: [300, 300] });
  expect(heightsOf(shownLines(constant)[0]!)).toEqual([areaHeight / 2, areaHeight / 2]);
  const none = predictionPlot().update({ target: [Number.NaN, Number.NaN] });
  expect(shownLines(none)[0]!.getAttribute('d')).toBe('');
  expect(labelsOf(none, 'y').length).toBeGreaterThan(2);
});

test('the axis widens while the plot is live, and never narrows', () => {
  const plot = predictionPlot();
  const labels = (target: number[]) => labelsOf(plot.update({ target }), 'y');
  const first = labels([10, 20]);
  expect(labels([12, 15])).toEqual(first);
  const wide = labels([10, 95]);
  expect(wide.at(-1)).toBe('100');
  expect(labels([10, 20])).toEqual(wide);
  expect(labelsOf(predictionPlot().update({ target: [10, 20] }), 'y')).toEqual(first);
});

test('an axis with yDomain does not change', () => {
  const plot = predictionPlot({ yDomain: [-1.2, 1.2] });
  const before = labelsOf(plot, 'y');
  expect(labelsOf(plot.update({ target: [30_000, 60_000] }), 'y')).toEqual(before);
});

test('every key of the data names a line, and each line has its own style', () => {
  const names = Array.from({ length: 30 }, (_, n) => `line ${n}`);
  const plot = predictionPlot().update(Object.fromEntries(names.map((name, n) => [name, [n, n]])));
  expect(legendOf(plot)).toEqual(names);
  const looks = shownLines(plot).map(line => `${line.getAttribute('class')} ${line.getAttribute('stroke-dasharray')}`);
  expect(new Set(looks).size).toBe(30);
});

test('target and prediction keep their styles and labels among other lines, in any order', () => {
  const plot = predictionPlot({ labels: ['actual', 'lstm'] }).update({ naive: [1], prediction: [2], target: [3] });
  expect(legendOf(plot)).toEqual(['naive', 'lstm', 'actual']);
  const classes = shownLines(plot).map(line => line.getAttribute('class'));
  expect(classes).toEqual(['lw-third', 'lw-prediction', 'lw-target']);
});

test('an update with fewer lines hides the others, and the legend names the drawn lines', () => {
  const plot = predictionPlot({ title: 'Sales' }).update({ actual: [1, 2], lstm: [1, 3], naive: [1, 1] });
  plot.update({ actual: [1, 2] });
  expect(legendOf(plot)).toEqual(['actual']);
  expect(shownLines(plot)).toHaveLength(1);
  expect(plot.node.getAttribute('aria-label')).toBe('Sales, actual');
  expect(plot.toSVG()).not.toContain('naive');
});

test('a line with its own positions is drawn at these positions', () => {
  const plot = predictionPlot().update({ history: [1, 2, 3], forecast: { time: [2, 3, 4], values: [3, 4, 5] } });
  const [history, forecast] = shownLines(plot).map(pointsOf);
  expect(history!.at(-1)).toEqual(forecast![0]);
  expect(forecast![2]![0]).toBe(2 * history![2]![0]);
});

test('dates are spaced by time, and a text without time zone is read as UTC', () => {
  const at = (time: Date[] | string[]) =>
    shownLines(predictionPlot().update({ time, target: time.map((_, n) => n) }))[0]!.getAttribute('d');
  const texts = ['2026-01-31', '2026-01-31 12:00', '2026-02-01T02:00:00+02:00', '2026-02-03T00:00:00.000Z'];
  const dates = [0, 12, 24, 72].map(hours => new Date(Date.UTC(2026, 0, 31, hours)));
  expect(at(texts)).toBe(at(dates));
  const [first, half, whole, last] = pointsOf(
    shownLines(predictionPlot().update({ time: dates, target: [1, 2, 3, 4] }))[0]!,
  );
  expect(half![0] - first![0]).toBeCloseTo((last![0] - first![0]) / 6, 1);
  expect(whole![0] - first![0]).toBeCloseTo((last![0] - first![0]) / 3, 1);
  const plot = predictionPlot().update(temperatures());
  expect(labelsOf(plot, 'x')[0]).toBe('Nov 9, 2025');
  expect(labelsOf(predictionPlot().update({ time: ['2026-01-31'], target: [1] }), 'x').length).toBeGreaterThan(0);
});

test('lossPlot accepts the result of fit, its history or some lines of it, and counts epochs from 1', () => {
  const history = historyOf(30);
  const whole = lossPlot().update({ history, epoch: history.loss.map((_, n) => n) });
  expect(legendOf(whole)).toEqual(['loss', 'val_loss']);
  expect(whole.toSVG()).toMatch(/>loss [\d.]+, val_loss [\d.]+ at epoch 30</);
  expect(whole.toSVG()).toContain('>epoch</text>');
  expect(lossPlot().update(history).toSVG()).toBe(whole.toSVG());
  expect(legendOf(lossPlot().update({ val_loss: history.val_loss }))).toEqual(['val_loss']);
  const resumed = lossPlot().update({ history: historyOf(3), epoch: [10, 11, 12] });
  expect(resumed.toSVG()).toContain('at epoch 13');
});

test('a history of one epoch shows a mark for each line', () => {
  const plot = lossPlot().update(historyOf(1));
  const marks = [...plot.node.querySelectorAll('path[stroke-width="8"]')].map(mark => pointsOf(mark)[0]!);
  expect(marks).toHaveLength(2);
  expect(marks[0]![1]).not.toBe(marks[1]![1]);
});

test('losses with a small range fill the log axis, which has several labels', () => {
  const plot = lossPlot().update({ losses: wave.map(value => 0.32 + 0.004 * value) });
  const heights = heightsOf(shownLines(plot)[0]!);
  expect(Math.max(...heights) - Math.min(...heights)).toBeGreaterThan(areaHeight * 0.6);
  expect(labelsOf(plot, 'y').length).toBeGreaterThanOrEqual(3);
});

test('100,000 values make a small file', () => {
  const many = Float32Array.from({ length: 100_000 }, (_, n) => Math.sin(n * n));
  expect(predictionPlot().update({ target: many, prediction: many }).toSVG().length).toBeLessThan(100_000);
});
