/** Every live picture with data for three updates, for pages and Node. */

import {
  animation,
  backtestPlot,
  benchmarkChart,
  type CellKind,
  cellDiagram,
  chainDiagram,
  confusionMatrixPlot,
  forecastPlot,
  gateHeatmap,
  lossPlot,
  type Plot,
  predictionPlot,
  residualPlot,
  type SweepPlotData,
  sweepPlot,
  type Theme,
} from '../../src/plot/index.ts';
import { choice, float, int } from '../../src/scale/search/space.ts';
import {
  frameAt,
  frames,
  gatesOf,
  groups,
  historyOf,
  hourlyForecast,
  losses,
  monthlyBacktest,
  residuals,
  temperatures,
} from './scenes.ts';

export const kinds: CellKind[] = ['lstm', 'gru', 'rnn'];
const panels = { lstm: 'ifogch', gru: 'zrnh', rnn: 'h' };
const gates = (kind: CellKind, phase = 0) =>
  Object.fromEntries([...panels[kind]].map(name => [name, gatesOf(5, 9, phase)[name as 'i']]));
const values = {
  lstm: { c: 0.7, f: 0.93, i: 0.12, g: -0.55, o: 0.71, previousC: -1.25, previousH: 0.3 },
  gru: { z: 0.1, r: 0.9, n: -0.4, previousH: 0.3 },
  rnn: { previousH: 0.3 },
};
const inChain = {
  lstm: { c: [-1.25, 0.7, 0.1], f: 0.93, i: 0.12, g: -0.55, o: 0.71 },
  gru: { z: 0.1, r: 0.9, n: -0.4 },
  rnn: {},
};

export interface Scene {
  make(theme?: Theme): Plot<never>;
  /** The data of three updates, which differ as much as possible. */
  data: unknown[];
}
const scene = <Data>(make: (theme?: Theme) => Plot<Data>, data: Data[]): Scene => ({ make: make as never, data });

export const scenes: Record<string, Scene> = {};
for (const kind of kinds) {
  scenes[`cell-${kind}`] = scene(
    theme => cellDiagram({ kind, theme, title: 'One step' }),
    [
      { x: 0.5, h: -0.25, ...values[kind], caption: 'unit 3' },
      { x: 12345, h: Number.NaN },
      { x: 0, h: -1e-9 },
    ],
  );
  scenes[`chain-${kind}`] = scene(
    theme => chainDiagram({ kind, theme, title: 'The chain' }),
    [{ x: [0, 0.5, 1], h: [-0.25, 0, 0.25], ...inChain[kind], caption: 'unit 3' }, { h: [1, 2, -Infinity] }, {}],
  );
  scenes[`gates-${kind}`] = scene(
    theme => gateHeatmap({ kind, units: 5, steps: 9, theme, title: 'Gates and states' }),
    [{ ...gates(kind), caption: 'step 500' }, { h: new Float32Array(45).fill(Number.NaN) }, gates(kind, 2)],
  );
}
scenes['gates-narrow'] = scene(
  theme => gateHeatmap({ units: 3, steps: 20, width: 320, height: 200, theme, title: 'Gates and states' }),
  [
    { ...gatesOf(3, 20), z: undefined, r: undefined, n: undefined, caption: 'unit 3, step 12' },
    { caption: 'unit 2, step 4' },
    {},
  ],
);
scenes['prediction-plot'] = scene(
  theme => predictionPlot({ title: 'Sine in, cosine out', yDomain: [-1.2, 1.2], theme }),
  [frameAt(500), frameAt(7), { target: [Number.NaN, 1e9], prediction: [0, -Infinity], time: [-1e6, 3e6] }],
);
scenes.lines = scene(
  theme => predictionPlot({ title: 'Temperature on the roof', xLabel: '', theme }),
  [
    { ...temperatures(), caption: 'seven days ahead' },
    { history: { values: [281, 283] }, forecast: { time: [1, 2, 3], values: [283, 284, 282] } },
    { time: ['2026-01-31 12:00', '2026-01-31 18:00'], actual: [280, 281], naive: [280, 280] },
  ],
);
scenes['lines-narrow'] = scene(
  theme => predictionPlot({ width: 320, title: 'A title that is longer than the picture is wide', theme }),
  [
    {
      time: [999_990, 1_000_000],
      'a network of two layers': [30_000_001, 30_000_007],
      'the same value as a week ago': [30_000_002, 30_000_003],
      'a name that is much too long for the legend of a narrow picture': [30_000_004, 30_000_004],
      caption: 'a caption that is longer than the picture is wide, too',
    },
    { time: [0, 3_000_000], target: [30_000_001, 30_000_007] },
    { target: [30_000_005], caption: '' },
  ],
);
scenes['loss-history'] = scene(
  theme => lossPlot({ title: 'Training and validation', theme }),
  [historyOf(30), { history: historyOf(1), epoch: [0] }, { steps: ['2026-01-01', '2026-02-01'], loss: [3e-7, 2.9e-7] }],
);
scenes['loss-plot'] = scene(
  theme => lossPlot({ title: 'Cost of each training step', theme }),
  [{ losses }, { losses: [0.5] }, { losses: [1e-9, 1e6, 3, Number.NaN] }],
);
scenes['loss-plot-linear'] = scene(
  theme => lossPlot({ log: false, width: 400, height: 260, theme }),
  [{ losses }, { losses: [] }, { losses: [1e-9, 1e6, 3, Number.NaN] }],
);
scenes.benchmark = scene(
  theme =>
    benchmarkChart({ groups, theme, title: 'How long it takes', own: ['lstm-wasm'], legend: ['ours', 'others'] }),
  [
    {
      values: [
        [0.41, 15.4, 19.4],
        [215, 58.5, 101],
      ],
      caption: 'one core',
    },
    {
      values: [
        [1e-3, Number.NaN, 1e5],
        [0, -1, Infinity],
      ],
    },
    {
      values: [
        [1, 1, 1],
        [1, 1, 1],
      ],
      labels: [
        ['a', 'b', 'c'],
        ['d', 'e', 'f'],
      ],
    },
  ],
);
scenes['benchmark-narrow'] = scene(
  theme =>
    benchmarkChart({
      groups: groups.map(group => ({ ...group, column: 0 })),
      theme,
      width: 300,
      title: 'How long a step of training takes',
      subtitle: 'measured on one core of a machine with a rather long name',
      legend: ['this package, strict', 'others, as they come', 'slower'],
    }),
  [
    {
      values: [
        [0.41, 15.4, 19.4],
        [215, 58.5, 101],
      ],
      caption: 'on one core',
    },
    {
      values: [
        [1e-3, Number.NaN, 1e5],
        [0, -1, Infinity],
      ],
      labels: groups.map(() => ['a label of many words', '', 'another one of these']),
    },
    {
      values: [
        [1, 1, 1],
        [1, 1, 1],
      ],
    },
  ],
);
scenes['benchmark-ratios'] = scene(
  theme => benchmarkChart({ groups, theme, unit: 'x', base: 1, own: ['lstm-wasm'], subtitle: 'as a multiple of ours' }),
  [
    {
      values: [
        [1, 38, 47],
        [1, 0.27, 0.47],
      ],
    },
    {
      values: [
        [1, 2, 3],
        [4, 5, 6],
      ],
    },
    {
      values: [
        [9, 9, 9],
        [1, 1, 1],
      ],
    },
  ],
);
const activities = ['walking', 'running', 'upstairs', 'downstairs', 'cycling'];
const confusion = [
  [312, 2, 21, 9, 0],
  [1, 155, 0, 4, 0],
  [31, 0, 119, 10, 0],
  [12, 5, 6, 130, 7],
  [0, 0, 0, 0, 1600],
];
scenes['confusion-matrix'] = scene(
  theme => confusionMatrixPlot({ classes: activities, title: 'Activities in the test set', theme }),
  [
    { matrix: confusion, caption: 'accuracy 95.6 %' },
    { matrix: new Int32Array(25) },
    {
      matrix: Float32Array.from({ length: 25 }, (_, n) => 1e6 * n),
      caption: 'a caption that is longer than there is room',
    },
  ],
);
scenes['confusion-matrix-narrow'] = scene(
  theme => confusionMatrixPlot({ classes: ['a class with a long name', 'b', 3], width: 280, theme }),
  [
    { matrix: [5, 0, 1, 2, 2000, 0, 1234567, 0, 1], caption: 'accuracy 78 %' },
    { matrix: [0, 0, 0, 0, 0, 0, 0, 0, 1] },
    { matrix: [[1, 1, 1], new Int32Array(3), [0.5, 0.25, 0.25]] },
  ],
);
scenes.forecast = scene(
  theme => forecastPlot({ title: 'Load of the next two days', theme }),
  [
    { ...hourlyForecast(), caption: 'coverage 94 %' },
    { forecast: { mean: [1, 2, 3] } },
    { history: [1, 2, Number.NaN], forecast: { quantiles: { 0.2: [1], 0.5: [2], 0.9: [7] } }, actual: [3] },
  ],
);
scenes['forecast-narrow'] = scene(
  theme => forecastPlot({ title: 'Load', historySteps: 72, width: 320, height: 280, theme }),
  [
    { ...hourlyForecast(), caption: 'a caption that is longer than the picture is wide, too' },
    { history: [1e6, 1e6 + 1], forecast: { median: [1e6, Number.NaN], quantiles: {} } },
    hourlyForecast(),
  ],
);
scenes.backtest = scene(
  theme => backtestPlot({ title: 'A year ahead, from three origins', theme }),
  [
    { ...monthlyBacktest(), caption: 'MASE 0.71' },
    { forecasts: monthlyBacktest().forecasts.slice(1) },
    { actual: [1, 2, 3, 4], forecasts: [{ time: [2, 3], median: [3, 3] }] },
  ],
);
scenes.residuals = scene(
  theme => residualPlot({ title: 'Residuals over the horizon', theme }),
  [{ residuals, caption: '40 forecasts' }, { residuals: [[Number.NaN]] }, { forecasts: monthlyBacktest().forecasts }],
);

/** The SVG texts of all pictures, by name: without data and after each update; and the animation. */
export function draw(): Record<string, string> {
  const drawn: Record<string, string> = { animation: animation(frames) };
  for (const [name, { make, data }] of Object.entries(scenes)) {
    for (const theme of ['light', 'dark', 'auto'] as const) {
      const plot = make(theme);
      drawn[`${name} ${theme} empty`] = plot.toSVG();
      for (const [n, update] of data.entries()) drawn[`${name} ${theme} ${n}`] = plot.update(update as never).toSVG();
    }
  }
  return drawn;
}

const space = {
  rate: float(1e-4, 1, { log: true }),
  units: int(8, 64),
  cell: choice(['lstm', 'gru', 'simpleRNN']),
  dropout: float(0, 0.5),
};
const trials = Array.from({ length: 50 }, (_, number) => {
  const part = (n: number) => ((number * n * n + 7 * n) % 53) / 53;
  const params = {
    rate: Number(`${1 + Math.floor(9 * part(3))}e-${1 + Math.floor(4 * part(5))}`),
    units: 8 + Math.floor(56 * part(7)),
    cell: ['lstm', 'gru', 'simpleRNN'][Math.floor(3 * part(11))]!,
    dropout: 0.5 * part(13),
  };
  const loss =
    Math.abs(params.units - 40) / 40 +
    (params.cell === 'gru' ? 0.1 : 0.4) +
    params.dropout +
    (params.rate > 0.05 ? 1 : 0.2);
  const state = number % 10 === 3 ? 'failed' : number > 15 && loss > 1 ? 'pruned' : 'complete';
  return { number, params, state, value: state === 'failed' ? null : loss + 5 / (number + 10) };
});
const sweeps: SweepPlotData[] = [
  { trials },
  { trials: [] },
  { trials: trials.slice(0, 1), direction: 'maximize', caption: 'first' },
];
scenes.sweep = scene(theme => sweepPlot({ title: 'A sweep over four parameters', space, theme }), sweeps);
