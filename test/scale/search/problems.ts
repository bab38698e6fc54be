/** Test functions of sampler quality, the same as in test/scale/optuna/problems.py. */

import { choice, float, int, type Space } from '../../../src/scale/search/space.ts';

export interface Problem {
  readonly space: Space;
  lossOf(params: Readonly<Record<string, unknown>>): number;
}

type Numbers = Readonly<Record<string, number>>;
const coordinate = float(-5, 5);

export const problems: Readonly<Record<string, Problem>> = {
  sphere: {
    space: { x0: coordinate, x1: coordinate, x2: coordinate },
    lossOf: params => Object.values(params as Numbers).reduce((sum, x) => sum + x * x, 0),
  },
  branin: {
    space: { x: float(-5, 10), y: float(0, 15) },
    lossOf(params) {
      const { x, y } = params as Numbers as { x: number; y: number };
      const bowl = (y - (5.1 / (4 * Math.PI ** 2)) * x ** 2 + (5 / Math.PI) * x - 6) ** 2;
      return bowl + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) + 10;
    },
  },
  /** Parameters of all kinds, of which one matters only with one choice of another. */
  network: {
    space: {
      cell: choice(['lstm', 'gru', 'rnn']),
      rate: float(1e-5, 1, { log: true }),
      units: int(4, 256, { log: true }),
      layers: int(1, 6),
      dropout: float(0, 0.5, { step: 0.05 }),
    },
    lossOf(params) {
      const { rate, units, layers, dropout } = params as Record<'rate' | 'units' | 'layers' | 'dropout', number>;
      const loss = Math.abs(Math.log10(rate) + 2.5) + Math.abs(Math.log(units / 60)) + 0.3 * Math.abs(layers - 2);
      if (params.cell === 'lstm') return loss + 4 * Math.abs(dropout - 0.2);
      return loss + (params.cell === 'gru' ? 0.5 : 2);
    },
  },
};
