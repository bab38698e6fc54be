/** The task that users draw. */

import { batches } from '../tasks/drawn.ts';
import source from '../tasks/drawn.ts?raw';
import type { Task } from '../tasks/task.ts';
import { seriesOf } from './series.ts';

export const drawn: Task = {
  inputs: 1,
  outputs: 1,
  everyStep: true,
  continues: true,
  title: 'Your curve',
  about: 'The curve that you draw repeats without end, and the network must predict its next value at every point.',
  learned: 0.001,
  source,
  batches: settings => batches({ ...settings, series: seriesOf(settings) }),
};
