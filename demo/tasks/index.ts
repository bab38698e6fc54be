/** The tasks by name. */

import { csv, drawn } from '../own/tasks.ts';
import type { TaskName } from '../settings.ts';
import { batches as adding } from './adding.ts';
import addingSource from './adding.ts?raw';
import { batches as cosine } from './cosine.ts';
import cosineSource from './cosine.ts?raw';
import { batches as damped } from './damped.ts';
import dampedSource from './damped.ts?raw';
import { batches as echo } from './echo.ts';
import echoSource from './echo.ts?raw';
import { batches as forecast } from './forecast.ts';
import forecastSource from './forecast.ts?raw';
import { batches as square } from './square.ts';
import squareSource from './square.ts?raw';
import type { Task } from './task.ts';
import { batches as waves } from './waves.ts';
import wavesSource from './waves.ts?raw';

export type { Batch, Task } from './task.ts';

/** A curve goes in, a curve is to come out, and rows go on where they have stopped. */
const curve = { inputs: 1, outputs: 1, everyStep: true, continues: true } as const;

export const tasks: Record<TaskName, Task> = {
  cosine: {
    ...curve,
    title: 'Sine to cosine',
    about:
      'The input is a sine, point by point; the network must output its cosine. A sine does not give its cosine away: it ' +
      'passes through one half on the way up and on the way down, so the network has to remember where the wave came from.',
    learned: 0.02,
    source: cosineSource,
    batches: cosine,
  },
  waves: {
    ...curve,
    title: 'Sum of sines',
    about:
      'A slow and a fast sine go in, mixed; the slow one alone is to come out. One point of the mixture says nothing ' +
      'about its parts: the network has to remember enough of them to tell what is slow and what is fast.',
    learned: 0.01,
    source: wavesSource,
    batches: waves,
  },
  damped: {
    ...curve,
    continues: false,
    title: 'Damped swing',
    about:
      'A swing that dies away; at every point the next one is asked for. Each row has a beat of its own and begins at ' +
      'another point of it, so the first answers are guesses, until the network has seen enough to tell.',
    learned: 0.002,
    source: dampedSource,
    batches: damped,
  },
  square: {
    ...curve,
    title: 'Square to sine',
    about:
      'The input only says up or down; the sine of the same beat is to come out. Between two jumps nothing changes in ' +
      'what goes in, so the network has to count how long ago the last one was.',
    learned: 0.01,
    source: squareSource,
    batches: square,
  },
  echo: {
    ...curve,
    title: 'Echo',
    about:
      'Random numbers go in, and each is to be said again five steps later. There is no pattern to be found: the ' +
      'network has to keep five numbers in mind, in order, and to drop the oldest at every step.',
    learned: 0.02,
    source: echoSource,
    batches: echo,
  },
  adding: {
    inputs: 2,
    outputs: 1,
    everyStep: false,
    continues: false,
    title: 'Adding problem',
    about:
      'A row of random numbers goes in, two of which are marked; at the end their sum is asked for. The network has to ' +
      'notice the marks, keep both numbers over all that follows, and forget the others.',
    learned: 0.005,
    source: addingSource,
    batches: adding,
  },
  forecast: {
    ...curve,
    title: 'Noisy forecast',
    about:
      'A wave with noise upon it goes in, and the next value is asked for, noise and all. The wave can be learned, the ' +
      'noise cannot: a good network says the middle of what may come.',
    learned: 0.05,
    source: forecastSource,
    batches: forecast,
  },
  drawn,
  csv,
};
