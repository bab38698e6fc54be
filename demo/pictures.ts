/** How each task is drawn, and what is said about the picture. */

import type { TaskName } from './settings.ts';
import { amount } from './words.ts';

/** What a network has said to a batch, all rows one after another. */
export interface Look {
  /** Steps of training behind it. */
  readonly steps: number;
  /** How many time steps the data has gone before it. */
  readonly start: number;
  readonly input: Float32Array;
  readonly target: Float32Array;
  readonly prediction: Float32Array;
}

export interface Picture {
  /**
   * - `waves`: the rows of a batch join to one curve, of which whole periods are drawn, always from the same point on.
   * - `stretch`: rows of one sequence, which stay the same, so that it shows how the answer changes.
   * - `answers`: one for each row of a batch that stays the same, in the order of what is right.
   */
  readonly kind: 'waves' | 'stretch' | 'answers';
  /** Time steps from one beginning to the next; null where nothing comes again. */
  readonly period: number | null;
  /** The first point that a picture may begin at. */
  readonly begin: number;
  /** Values drawn: time steps of a stretch, rows of answers. */
  readonly count: number;
  readonly xLabel: string;
  readonly yDomain: [number, number];
  /** Steps after which a run rests, until the reader lets it go on. */
  readonly enough: number;
  /** Standard deviation of noise that nobody can foresee. */
  readonly noise?: number;
  /** A sentence on what the picture shows. */
  readonly shows: string;
}

const waves = {
  kind: 'waves',
  count: 0,
  xLabel: 'time steps',
  yDomain: [-1.2, 1.2],
  enough: 1001,
} satisfies Partial<Picture>;
const still = 'It begins at the same place of the wave every time, as on an oscilloscope, so it stands still.';
const joined = `The rows of a batch join to one curve. ${still}`;
const stretch = { kind: 'stretch', period: null, begin: 0, xLabel: 'time steps' } satisfies Partial<Picture>;

export const pictures: { readonly [name in TaskName]: Picture } = {
  cosine: { ...waves, period: 20 * Math.PI ** 2, begin: 0, enough: 501, shows: joined },
  waves: { ...waves, period: 200, begin: 50, shows: joined },
  square: { ...waves, period: 64, begin: 0, shows: joined },
  drawn: { ...waves, period: 64, begin: 0, shows: joined },
  csv: {
    ...stretch,
    count: 120,
    yDomain: [-1.2, 1.2],
    enough: 2001,
    shows: 'The beginning of your numbers, scaled to lie between −1 and 1, and what the network says to them.',
  },
  damped: {
    ...stretch,
    count: 60,
    yDomain: [-1.2, 1.2],
    enough: 1001,
    shows: 'A swing that the network never trains on, the same all the time, so you see how its answer changes.',
  },
  echo: {
    ...stretch,
    count: 60,
    yDomain: [-1.2, 1.2],
    enough: 1001,
    shows: 'Numbers that the network never trains on, the same all the time, so you see how its answer changes.',
  },
  forecast: {
    ...stretch,
    count: 100,
    yDomain: [-1.8, 1.8],
    enough: 1001,
    noise: 0.2,
    shows: 'A noisy wave that the network never trains on, the same all the time, so you see how its answer changes.',
  },
  adding: {
    kind: 'answers',
    period: null,
    begin: 0,
    count: 60,
    xLabel: 'rows, in the order of their sums',
    yDomain: [-0.2, 2.2],
    enough: 1501,
    shows: 'Sixty rows that the network never trains on, in the order of their sums; each has one answer.',
  },
};

/** Narrower than this, in pixels, a picture holds fewer periods. */
const narrow = 520;

/** The data of one drawing, for `predictionPlot`. */
export type Drawing = {
  time: number[];
  target: ArrayLike<number>;
  prediction: ArrayLike<number>;
  input?: ArrayLike<number>;
  caption: string;
};

export function drawingOf(picture: Picture, look: Look, width: number): Drawing {
  const { input, target, prediction } = look;
  const length = target.length;
  const caption = look.steps === 0 ? 'not trained yet' : `after ${amount(look.steps, 'step')}`;
  if (picture.kind === 'answers') {
    const order = Array.from(target.keys()).sort((a, b) => target[a]! - target[b]!);
    return {
      time: order.map((_, rank) => rank + 1),
      target: order.map(row => target[row]!),
      prediction: order.map(row => prediction[row]!),
      caption,
    };
  }
  const [from, to] = picture.period === null ? [0, Math.min(length, picture.count)] : window(picture, look, width);
  return {
    time: Array.from({ length: to - from }, (_, i) => i),
    target: target.subarray(from, to),
    prediction: prediction.subarray(from, to),
    input: input.subarray(from, to),
    caption,
  };
}

/** Whole periods, if there is one; a batch that is too short for that is drawn as it is. */
function window({ period, begin }: Picture, { start, target }: Look, width: number): [number, number] {
  const length = target.length;
  const first = begin + Math.ceil((start - begin) / period!) * period!;
  // A beginning may lie between two points; taking it for the nearer one keeps the axis where it is.
  const from = Math.round(first - start);
  const most = width < narrow ? periodsFor(period!) / 1.6 : periodsFor(period!);
  const fit = Math.min(most, (length - period!) / period!);
  return fit < 1 ? [0, length] : [from, Math.min(length, from + Math.round(fit * period!) + 1)];
}

/** About 400 points. */
const periodsFor = (period: number) => Math.max(2, Math.round(400 / period));
