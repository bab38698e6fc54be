// Forecast plots and confusion matrices draw the numbers that they get.

import { expect, test } from 'vitest';
import { tensor } from '../../src/index.ts';
import { backtestPlot, confusionMatrixPlot, forecastPlot, residualPlot } from '../../src/plot/node.ts';
import { legendOf } from './shown.ts';

const bandsOf = (plot: { node: SVGSVGElement }) =>
  [...plot.node.querySelectorAll('.lw-data .lw-mark')].filter(path => path.getAttribute('display') === null);
const numbersIn = (path: Element) =>
  path
    .getAttribute('d')!
    .match(/-?[\d.]+/g)!
    .map(Number);

test('forecastPlot draws a band for each pair of levels, the widest first', () => {
  const quantiles = { '0.9': [4, 5], '0.025': [0, 0], '0.5': [2, 3], '0.1': [1, 1], '0.975': [6, 8] };
  const plot = forecastPlot().update({ history: [1, 2], forecast: { quantiles } });
  expect(legendOf(plot)).toEqual(['history', 'median', '95 % interval', '80 % interval']);
  const heights = bandsOf(plot).map(path => {
    const ys = numbersIn(path).filter((_, n) => n % 2 === 1);
    return Math.max(...ys) - Math.min(...ys);
  });
  expect(heights).toHaveLength(2);
  expect(heights[0]! / heights[1]!).toBeCloseTo(8 / 4, 2);
});

test('a band leaves a gap where one of its ends is missing', () => {
  const quantiles = { '0.1': [0, 0, Number.NaN, 0], '0.9': [2, 2, 2, 2] };
  const plot = forecastPlot().update({ forecast: { median: [1, 1, 1, 1], quantiles } });
  expect(bandsOf(plot)[0]!.getAttribute('d')!.match(/M/g)).toHaveLength(2);
});

test('forecastPlot draws the latest historySteps values only, at their positions', () => {
  const history = Array.from({ length: 100 }, (_, n) => n);
  const whole = forecastPlot().update({
    history: { time: [98, 99], values: [98, 99] },
    forecast: { time: [100], mean: [100] },
  });
  const latest = forecastPlot({ historySteps: 2 }).update({ history, forecast: { mean: [100] } });
  expect(latest.toSVG()).toBe(whole.toSVG());
});

test('forecastPlot and backtestPlot compute the times of a series from its start and frequency', () => {
  const series = { id: 'shop', start: '2024-01-31', frequency: 'month', values: [1, 2, 3] } as const;
  const time = ['2024-01-31', '2024-02-29', '2024-03-31'];
  const forecast = { time: ['2024-04-30'], mean: [4] };
  const drawn = forecastPlot().update({ history: series, forecast });
  expect(drawn.toSVG()).toBe(
    forecastPlot()
      .update({ history: { time, values: [1, 2, 3] }, forecast })
      .toSVG(),
  );
  const forecasts = [forecast];
  const tested = backtestPlot().update({ actual: series, forecasts });
  expect(tested.toSVG()).toBe(
    backtestPlot()
      .update({ actual: { time, values: [1, 2, 3] }, forecasts })
      .toSVG(),
  );
});

test('forecastPlot names the frequency that a series lacks or has misspelt', () => {
  const update = (series: object) => () =>
    forecastPlot().update({ history: series as [], forecast: { time: ['2024-02-01'], mean: [4] } });
  expect(update({ start: '2024-01-31', values: [1] })).toThrow(/^forecastPlot.update: history.frequency must be /);
  expect(update({ start: 'soon', frequency: 'day', values: [1] })).toThrow(
    /^forecastPlot.update: history.start must be /,
  );
});

test('backtestPlot takes the actual values from the forecasts if it gets no series', () => {
  const forecasts = [{ time: [0, 1], median: [1, 2], actual: [1, 1] }];
  const own = backtestPlot().update({ forecasts });
  const given = backtestPlot().update({ forecasts, actual: [1, 1] });
  expect(own.toSVG()).toBe(given.toSVG());
});

test('residualPlot gives the same picture for forecasts and for their residuals', () => {
  const forecasts = [
    { median: [1, 2], actual: [2, 2] },
    { median: [3, 3], actual: [2, Number.NaN] },
  ];
  const ofForecasts = residualPlot().update({ forecasts });
  const ofResiduals = residualPlot().update({
    residuals: [
      [1, 0],
      [-1, Number.NaN],
    ],
  });
  expect(ofForecasts.toSVG()).toBe(ofResiduals.toSVG());
});

test('confusionMatrixPlot takes tensors, rows and flat arrays, and shows counts and shares of rows', () => {
  const rows = [
    [997, 3],
    [0, 4],
  ];
  const draw = (matrix: Parameters<ReturnType<typeof confusionMatrixPlot>['update']>[0]['matrix']) =>
    confusionMatrixPlot({ classes: ['a', 'b'] }).update({ matrix });
  const plot = draw(rows);
  expect(draw(rows.flat()).toSVG()).toBe(plot.toSVG());
  expect(draw(tensor(rows, [2, 2], 'int32')).toSVG()).toBe(plot.toSVG());
  const texts = [...plot.node.querySelectorAll('.lw-cells text')].map(text => text.textContent);
  expect(texts).toEqual(['997', '> 99 %', '3', '< 1 %', '0', '', '4', '100 %']);
});

test('the numbers of a confusion matrix have the full contrast of texts below the strongest colour', () => {
  const plot = confusionMatrixPlot({ classes: ['a', 'b'] }).update({ matrix: [5, 0, 5, 0] });
  const opacities = [...plot.node.querySelectorAll('.lw-cells .lw-mark, .lw-cells .lw-error')].map(rect =>
    Number(rect.getAttribute('fill-opacity')),
  );
  expect(opacities).toEqual([0.55, 0, 0.55, 0]);
});
