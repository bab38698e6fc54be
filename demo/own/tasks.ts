/** The tasks that readers bring themselves. */

import { batches as csvBatches } from '../tasks/csv.ts';
import csvSource from '../tasks/csv.ts?raw';
import { batches as drawnBatches } from '../tasks/drawn.ts';
import drawnSource from '../tasks/drawn.ts?raw';
import type { Task } from '../tasks/task.ts';
import { seriesOf } from './series.ts';

const forecast = { inputs: 1, outputs: 1, everyStep: true, continues: true } as const;

export const drawn: Task = {
  ...forecast,
  title: 'Your own curve',
  about: 'A curve that you have drawn goes round and round. At every point the network says the next one.',
  learned: 0.001,
  source: drawnSource,
  batches: settings => drawnBatches({ ...settings, series: seriesOf({ task: 'drawn', own: settings.own }) }),
};

export const csv: Task = {
  ...forecast,
  title: 'Your own numbers',
  about:
    'A column of a table, scaled to lie between −1 and 1. At every row the network says the next one. It trains on ' +
    'all rows, so a low cost means that it knows this series, and not yet that it knows the future.',
  learned: 0.01,
  source: csvSource,
  batches: settings => csvBatches({ ...settings, series: seriesOf({ task: 'csv', own: settings.own }) }),
};
