import { afterEach, expect, test, vi } from 'vitest';
import { tensor } from '../../src/index.ts';
import {
  animation,
  backtestPlot,
  benchmarkChart,
  cellDiagram,
  chainDiagram,
  confusionMatrixPlot,
  forecastPlot,
  gateHeatmap,
  lossPlot,
  predictionPlot,
  residualPlot,
  showPlot,
  terminalPlot,
  writeSVG,
} from '../../src/plot/node.ts';
import * as inPage from '../../src/plot/show.ts';
import { ValueError } from '../../src/util/errors.ts';

const values = { target: [1, 2], prediction: [1, 2] };
const any = (value: unknown) => value as never;
const small = () => gateHeatmap({ units: 2, steps: 3 });
const pair = () => confusionMatrixPlot({ classes: ['a', 'b'] });
const bars = () => benchmarkChart({ groups: [{ title: 'a', bars: ['x', 'y'] }] });

/** Invalid calls and their error messages. */
const mistakes: [call: () => unknown, sentence: string][] = [
  [() => predictionPlot(any({ widht: 3 })), "predictionPlot: unknown option 'widht'; did you mean 'width'?"],
  [() => predictionPlot(any(7)), 'predictionPlot: options must be an object, got 7'],
  [() => predictionPlot({ width: NaN }), 'predictionPlot: width must be a finite number at least 240'],
  [() => predictionPlot({ height: 20 }), 'predictionPlot: height must be a finite number at least 160'],
  [() => predictionPlot({ title: any(3) }), 'predictionPlot: title must be a string, got 3'],
  [() => predictionPlot({ theme: any('drak') }), "predictionPlot: unknown theme 'drak'; did you mean 'dark'?"],
  [() => predictionPlot({ labels: any(['a']) }), "predictionPlot: labels must be two strings, got ['a']"],
  [
    () => predictionPlot({ yDomain: [1, 1] }),
    'predictionPlot: yDomain must be [low, high], two finite numbers with low < high, got [1, 1]',
  ],
  [
    () => predictionPlot({ container: '#nowhere' }),
    "predictionPlot: container must be an element or the selector of one in the page, got '#nowhere'",
  ],
  [
    () => predictionPlot().update({ ...values, prediction: [1] }),
    'predictionPlot.update: prediction must be as long as target (2), got 1; pass a line of another length as { time, values }',
  ],
  [
    () => predictionPlot().update(any(7)),
    'predictionPlot.update: data must be an object with a list for each line, got 7',
  ],
  [
    () => predictionPlot().update(any({ captoin: 'x', ...values })),
    "predictionPlot.update: captoin must be a flat array of numbers, got 'x'; did you mean 'caption'?",
  ],
  [
    () => predictionPlot().update({ ...values, time: [1, 2, 3] }),
    'predictionPlot.update: time must be as long as target (2), got 3',
  ],
  [
    () => predictionPlot().update({ ...values, time: ['2026-01-01', '1 Feb'] }),
    "predictionPlot.update: time must be numbers or dates such as '2026-01-31 12:00', got '1 Feb' at index 1",
  ],
  [
    () => predictionPlot().update({ ...values, time: [new Date(0), new Date(Number.NaN)] }),
    'predictionPlot.update: time must be numbers or dates',
  ],
  [
    () => predictionPlot().update({ past: { time: [new Date(0)], values: [1] }, next: { time: [1], values: [2] } }),
    'predictionPlot.update: time of next must be dates, like that of past, got numbers',
  ],
  [
    () => predictionPlot().update({ next: { time: [1, 2], values: [2] } }),
    'predictionPlot.update: next.time must be as long as its values (1), got 2',
  ],
  [
    () => predictionPlot().update(any({ next: { x: [1], values: [2] } })),
    "predictionPlot.update: next must be { time, values }, got the key 'x'",
  ],
  [
    () => predictionPlot().update(any({ target: tensor([1, 2]) })),
    'predictionPlot.update: target must be a flat array of numbers, got a Tensor; pass target.dataSync()',
  ],
  [
    () => predictionPlot({ input: 'input' }).update({ ...values, input: [1] }),
    'predictionPlot.update: input must be as long as target (2), got 1',
  ],
  [() => predictionPlot({ input: any(1) }), 'predictionPlot: input must be a string, got 1'],
  [
    () => predictionPlot().update({ ...values, time: [0, NaN] }),
    'predictionPlot.update: time must be finite, got NaN at index 1',
  ],
  [
    () => predictionPlot().update({ ...values, target: any([[1], [2]]) }),
    'predictionPlot.update: target must be a flat array of numbers, got [1] at index 0; pass target.flat(Infinity)',
  ],
  [
    () => predictionPlot().update({}),
    'predictionPlot.update: data must have at least one line, such as { target: [0, 1] }, got {}',
  ],
  [() => lossPlot({ log: any('yes') }), "lossPlot: log must be true or false, got 'yes'"],
  [
    () => lossPlot({ xDomain: any(null) }),
    'lossPlot: xDomain must be [low, high], two finite numbers with low < high, got null',
  ],
  [
    () => lossPlot().update({ losses: any('0.5') }),
    "lossPlot.update: losses must be a flat array of numbers, got '0.5'",
  ],
  [
    () => lossPlot().update({ losses: [1, 2], steps: [1] }),
    'lossPlot.update: steps must be as long as losses (2), got 1',
  ],
  [() => animation([]), 'animation: frames must be an array of at least one frame, got []'],
  [() => animation([values], { duration: 0 }), 'animation: duration must be a finite number above 0'],
  [() => animation([values], { hold: -1 }), 'animation: hold must be a finite number at least 0'],
  [
    () => animation([values, { target: [1, 2] }]),
    "animation: frame 1 must have the lines of frame 0, got none named 'prediction'",
  ],
  [
    () => animation([values, { ...values, naive: [1, 2] }]),
    "animation: frame 1 must have the lines of frame 0 and no others, got 'naive'",
  ],
  [() => animation([values], any({ container: 'a' })), "animation: unknown option 'container'"],
  [
    () => animation([values, { target: [1], prediction: [1] }]),
    'animation: target of frame 1 must be as long as that of frame 0 (2), got 1',
  ],
  [
    () => animation([values, { ...values, prediction: any('x') }]),
    "animation: frame 1: prediction must be a flat array of numbers, got 'x'",
  ],
  [() => writeSVG('', '<svg/>'), "writeSVG: path must be the name of a file, got ''"],
  [() => writeSVG('a.svg', any(3)), 'writeSVG: plot must be a chart or its SVG text, got 3'],
  [() => showPlot(any({})), 'showPlot: plot must be a chart or its SVG text, got {}'],
  [() => showPlot('<svg/>', any(3)), 'showPlot: path must be the name of a file, got 3'],
  [() => cellDiagram({ kind: any('lstmm') }), "cellDiagram: unknown kind 'lstmm'; did you mean 'lstm'?"],
  [() => cellDiagram({ legend: any(1) }), 'cellDiagram: legend must be true or false, got 1'],
  [() => cellDiagram(any({ height: 3 })), "cellDiagram: unknown option 'height'"],
  [() => cellDiagram().update({ i: any('1') }), "cellDiagram.update: i must be a number, got '1'"],
  [() => cellDiagram({ kind: 'gru' }).update({ c: 1 }), "cellDiagram.update: unknown option 'c'"],
  [() => chainDiagram({ steps: 0 }), 'chainDiagram: steps must be an integer of at least 1, got 0'],
  [() => chainDiagram({ steps: 10 }), 'chainDiagram: steps must be at most 9, got 10'],
  [() => chainDiagram().update({ x: [1] }), 'chainDiagram.update: x must be as long as the chain (3), got 1'],
  [() => gateHeatmap(any({ steps: 3 })), 'gateHeatmap: units must be an integer of at least 1, got undefined'],
  [
    () => gateHeatmap({ units: 1000, steps: 1000 }),
    'gateHeatmap: units x steps must be at most 100000 fields, got 6000000',
  ],
  [() => gateHeatmap({ units: 1, steps: 1, height: 3 }), 'gateHeatmap: height must be a finite number at least 200'],
  [() => small().update({ i: [1, 2] }), 'gateHeatmap.update: i must have steps x units (3 x 2) numbers, got 2'],
  [() => small().update({ z: [1] }), "gateHeatmap.update: unknown option 'z'"],
  [() => small().update({ i: any([[1], [2]]) }), 'gateHeatmap.update: i must be a flat array of numbers, got [1]'],
  [() => benchmarkChart(any({})), 'benchmarkChart: groups must be an array of at least one group, got undefined'],
  [
    () => benchmarkChart({ groups: [{ title: 'a', bars: any('b') }] }),
    "benchmarkChart: bars of group 0 must be an array of strings, got 'b'",
  ],
  [
    () => benchmarkChart({ groups: [{ title: 'a', bars: ['b'], column: 4 }] }),
    'benchmarkChart: column of group 0 must be at most 3, got 4',
  ],
  [() => benchmarkChart({ groups: [{ title: 'a', bars: ['b'] }], base: 0 }), 'benchmarkChart: base must be a finite'],
  [() => bars().update({ values: [] }), 'benchmarkChart.update: values must be a list for each of 1 groups, got []'],
  [() => bars().update({ values: [[1]] }), 'benchmarkChart.update: values[0] must be as long as its bars (2), got 1'],
  [
    () => bars().update({ values: [[1, 2]], labels: [['a']] }),
    'benchmarkChart.update: labels[0] must be as long as its bars (2), got 1',
  ],
  [
    () => confusionMatrixPlot(any({})),
    'confusionMatrixPlot: classes must be an array of at least one name, got undefined',
  ],
  [
    () => confusionMatrixPlot({ classes: new Array<string>(41).fill('a') }),
    'confusionMatrixPlot: classes must be at most 40, got 41',
  ],
  [() => pair().update({ matrix: [1, 2] }), 'confusionMatrixPlot.update: matrix must have 2 x 2 counts, got 2'],
  [
    () => pair().update({ matrix: [[1], [2]] }),
    'confusionMatrixPlot.update: matrix must have 2 columns, one for each class, got [[1], [2]]',
  ],
  [
    () => pair().update({ matrix: [1, 2, NaN, 3] }),
    'confusionMatrixPlot.update: matrix must have counts of at least 0, got NaN',
  ],
  [
    () => pair().update(any({ matrix: 'x' })),
    "confusionMatrixPlot.update: matrix must be a tensor or an array of counts, got 'x'",
  ],
  [() => forecastPlot({ historySteps: 0 }), 'forecastPlot: historySteps must be an integer of at least 1, got 0'],
  [
    () => forecastPlot().update(any({ history: [1] })),
    'forecastPlot.update: forecast must be a forecast such as { time, median, quantiles }, got undefined',
  ],
  [
    () => forecastPlot().update(any({ forecast: [{ median: [1] }] })),
    'forecastPlot.update: forecast must be a forecast such as { time, median, quantiles }, got [{ median }]; pass one of its items',
  ],
  [
    () => forecastPlot().update({ forecast: {} }),
    'forecastPlot.update: forecast.mean must be a flat array of numbers, got undefined',
  ],
  [
    () => forecastPlot().update({ forecast: any({ quantile: {} }) }),
    "forecastPlot.update: unknown option 'quantile'; did you mean 'quantiles'?",
  ],
  [
    () => forecastPlot().update({ forecast: { median: [1], quantiles: { 0.1: [1, 2] } } }),
    'forecastPlot.update: forecast.quantiles of 0.1 must be as long as its steps (1), got 2',
  ],
  [
    () => forecastPlot().update({ forecast: { median: [1], quantiles: { 90: [1] } } }),
    "forecastPlot.update: forecast.quantiles must have levels between 0 and 1, got '90'",
  ],
  [
    () => forecastPlot().update({ history: { time: ['2026-01-01'], values: [1] }, forecast: { median: [1] } }),
    'forecastPlot.update: time of forecast must be dates, like that of history, got numbers',
  ],
  [
    () => forecastPlot().update({ forecast: { time: [0], median: [1] }, actual: [1, 2] }),
    'forecastPlot.update: actual.time must be as long as its values (2), got 1',
  ],
  [
    () => backtestPlot().update({ forecasts: [] }),
    'backtestPlot.update: forecasts must be an array of at least one forecast, got []',
  ],
  [
    () => backtestPlot().update({ forecasts: [{ time: [1, 2], median: [1] }] }),
    'backtestPlot.update: forecasts[0].time must be as long as its values (1), got 2',
  ],
  [() => residualPlot().update({}), 'residualPlot.update: data must have either residuals or forecasts, got none'],
  [
    () => residualPlot().update({ residuals: [[1, 2], [1]] }),
    'residualPlot.update: residuals[1] must be as long as residuals[0] (2), got 1',
  ],
  [
    () => residualPlot().update({ residuals: [[]] }),
    'residualPlot.update: residuals[0] must have at least one step, got none',
  ],
  [
    () => residualPlot().update({ forecasts: [{ median: [1] }] }),
    'residualPlot.update: forecasts[0].actual must have the values that followed, got undefined',
  ],
  [() => residualPlot(any({ historySteps: 3 })), "residualPlot: unknown option 'historySteps'"],
  [() => terminalPlot([1], { width: 3 }), 'terminalPlot: width must be an integer of at least 24, got 3'],
  [() => terminalPlot([1], { width: 1e9 }), 'terminalPlot: width must be at most 1000, got 1000000000'],
  [() => terminalPlot([1], { height: 3 }), 'terminalPlot: height must be an integer of at least 6, got 3'],
  [() => terminalPlot([1], any({ color: true })), "terminalPlot: unknown option 'color'; did you mean 'colour'?"],
  [() => terminalPlot(any(['1'])), "terminalPlot: values must be a flat array of numbers, got '1' at index 0"],
  [
    () => terminalPlot({ target: [1], prediction: [1, 2] }),
    'terminalPlot: prediction must be as long as target (1), got 2',
  ],
];

test('the methods of every plot reject surplus arguments', () => {
  const plots = {
    predictionPlot,
    lossPlot,
    gateHeatmap: small,
    cellDiagram,
    chainDiagram,
    benchmarkChart: bars,
    confusionMatrixPlot: pair,
    forecastPlot,
    backtestPlot,
    residualPlot,
  };
  for (const [name, make] of Object.entries(plots)) {
    const plot = make();
    for (const method of ['update', 'toSVG', 'remove'] as const) {
      const takes = method === 'update' ? 'takes one argument' : 'takes no argument';
      const call = plot[method] as (...args: unknown[]) => unknown;
      expect(() => call({}, 3)).toThrow(new RegExp(`^${name}\\.${method}: ${takes}, got`));
    }
  }
});

for (const [call, sentence] of mistakes) {
  test(`rejects: ${sentence}`, () => {
    expect(call).toThrow(ValueError);
    expect(call).toThrow(sentence);
  });
}

test('showPlot and writeSVG for pages reject values that are not charts, and hosts without a page', () => {
  const plot = predictionPlot();
  expect(() => inPage.showPlot(any({}))).toThrow('showPlot: plot must be a chart or its SVG text, got {}');
  expect(() => inPage.showPlot(plot, any(3))).toThrow('showPlot: path must be the name of a file, got 3');
  expect(() => inPage.showPlot(plot)).toThrow('showPlot: needs a page to show a chart in');
  expect(() => inPage.writeSVG('', plot)).toThrow("writeSVG: path must be the name of a file, got ''");
  expect(() => inPage.writeSVG('a.svg', plot)).toThrow('writeSVG: needs Node to write a file');
});

test('plots accept typed arrays, and treat undefined options as absent', () => {
  const typed = {
    target: new Float32Array([0, 1]),
    prediction: new Float64Array([0, 1]),
    time: new Int32Array([0, 1]),
  };
  expect(() => predictionPlot({ title: undefined, theme: undefined }).update(typed)).not.toThrow();
});

afterEach(() => {
  vi.unstubAllGlobals();
});

test('an invalid container selector is rejected like one without a match', () => {
  vi.stubGlobal('document', {
    querySelector() {
      throw new DOMException("'#' is not a valid selector", 'SyntaxError');
    },
  });
  expect(() => lossPlot({ container: '#' })).toThrow(ValueError);
});
