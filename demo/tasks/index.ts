/** The tasks by name. */

import { drawn } from '../own/tasks.ts';
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
import { batches as hold } from './hold.ts';
import holdSource from './hold.ts?raw';
import { batches as square } from './square.ts';
import squareSource from './square.ts?raw';
import type { Task } from './task.ts';
import { batches as waves } from './waves.ts';
import wavesSource from './waves.ts?raw';

export type { Batch, Task } from './task.ts';

/** One input and one output at every time step; each row continues the same row of the previous batch. */
const curve = { inputs: 1, outputs: 1, everyStep: true, continues: true } as const;

export const tasks: Record<TaskName, Task> = {
  hold: {
    ...curve,
    inputs: 2,
    title: 'Hold a value',
    about:
      'The input is random numbers. Now and then a second input marks one of them, and the network must output that ' +
      'number until the next mark. The LSTM keeps it in its cell state. A plain RNN rewrites its whole state at every ' +
      'time step, so it learns this much later, or not at all.',
    learned: 0.04,
    source: holdSource,
    batches: hold,
  },
  cosine: {
    ...curve,
    title: 'Sine to cosine',
    about:
      'The task of the tutorial: the input is a sine, and the network must output its cosine. One value of a sine does ' +
      'not determine the cosine, because the wave passes it going up and going down. A few time steps of memory are ' +
      'enough, and a plain RNN learns this better than an LSTM.',
    learned: 0.02,
    source: cosineSource,
    batches: cosine,
  },
  waves: {
    ...curve,
    title: 'Sum of sines',
    about:
      'The input is the sum of a slow and a fast sine. The network must output the slow one. A single value of the sum ' +
      'does not reveal its parts, so the network needs the values before it.',
    learned: 0.01,
    source: wavesSource,
    batches: waves,
  },
  damped: {
    ...curve,
    continues: false,
    title: 'Damped swing',
    about:
      'The input is a damped oscillation, and the network must predict its next value. Each row has its own period and ' +
      'starting point, so the first predictions of a row are guesses.',
    learned: 0.002,
    source: dampedSource,
    batches: damped,
  },
  square: {
    ...curve,
    title: 'Square to sine',
    about:
      'The input is a square wave, and the network must output the sine of the same period. Between two jumps the input ' +
      'is constant, so the network has to count the time steps since the last jump.',
    learned: 0.01,
    source: squareSource,
    batches: square,
  },
  echo: {
    ...curve,
    title: 'Echo',
    about:
      'The input is random numbers. The network must repeat each of them five time steps later, so it has to store five ' +
      'numbers in order. A plain RNN can do that with a fixed rotation of its state.',
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
      'A row of random numbers, two of which are marked. At the end of the row, the network must output the sum of the ' +
      'two, so it has to keep both and ignore all others.',
    learned: 0.005,
    source: addingSource,
    batches: adding,
  },
  forecast: {
    ...curve,
    title: 'Noisy wave',
    about:
      'The input is a wave with noise, and the network must predict the next value, noise included. The wave can be ' +
      'learned and the noise cannot, so a good network predicts the mean.',
    learned: 0.05,
    source: forecastSource,
    batches: forecast,
  },
  drawn,
};
