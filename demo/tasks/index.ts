/** The tasks by name. */

import { csv, drawn } from '../own/tasks.ts';
import type { TaskName } from '../settings.ts';
import { batches as adding } from './adding.ts';
import addingSource from './adding.ts?raw';
import { batches as cosine } from './cosine.ts';
import cosineSource from './cosine.ts?raw';
import type { Task } from './task.ts';

export type { Batch, Task } from './task.ts';

export const tasks: Partial<Record<TaskName, Task>> = {
  cosine: {
    title: 'Sine to cosine',
    about: 'A sine goes in, point by point; its cosine is to come out.',
    inputs: 1,
    outputs: 1,
    everyStep: true,
    continues: true,
    learned: 0.02,
    source: cosineSource,
    batches: cosine,
  },
  adding: {
    title: 'Adding problem',
    about: 'Two of many numbers are marked. At the end the network has to say their sum.',
    inputs: 2,
    outputs: 1,
    everyStep: false,
    continues: false,
    learned: 0.01,
    source: addingSource,
    batches: adding,
  },
  drawn,
  csv,
};
