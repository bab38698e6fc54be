/** Every live picture with data for three updates, for whatever host draws it. */

import {
  animation,
  benchmarkChart,
  type CellKind,
  cellDiagram,
  chainDiagram,
  gateHeatmap,
  lossPlot,
  type Plot,
  predictionPlot,
  type Theme,
} from '../../src/plot/index.ts';
import { frameAt, frames, gatesOf, groups, losses } from './scenes.ts';

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
  /** Data of three updates, as different as can be. */
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
  [{ ...gatesOf(3, 20), z: undefined, r: undefined, n: undefined, caption: 'unit 3, step 12' }, {}, {}],
);
scenes['prediction-plot'] = scene(
  theme => predictionPlot({ title: 'Sine in, cosine out', theme }),
  [frameAt(500), frameAt(7), { target: [Number.NaN, 1e9], prediction: [0, -Infinity], time: [-1e6, 3e6] }],
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

/** What all of them say on their way, by name: before there is data, and after each update; and the animation. */
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
