/** How each task is drawn. */

import type { View } from './network.ts';
import type { TaskName } from './settings.ts';
import { amount } from './words.ts';

/** What the networks predict for a batch, with the rows one after the other. */
export interface Look {
  /** Training steps before it. */
  readonly steps: number;
  /** Time steps of data before it. */
  readonly start: number;
  /** The first feature of the input. */
  readonly input: Float32Array;
  readonly target: Float32Array;
  readonly prediction: Float32Array;
  /** Outputs of the units, [T, U] row by row; null in looks without them. */
  readonly units: Float32Array | null;
  /** The same of the plain RNN beside the network. */
  readonly rival: View | null;
}

/** The name of the line of the plain RNN in all charts. */
export const rivalName = 'plain RNN';

export interface Picture {
  /**
   * - `waves`: the rows of a batch join to one curve, of which whole periods are drawn, always from the same phase.
   * - `stretch`: rows of one sequence that stays the same, so that changes are those of the network.
   * - `answers`: one output for each row of a batch that stays the same, sorted by the target.
   */
  readonly kind: 'waves' | 'stretch' | 'answers';
  /** Time steps of a period; null if there is none. */
  readonly period: number | null;
  /** The first point at which a picture may begin. */
  readonly begin: number;
  /** Values drawn: time steps of a stretch, rows of answers. */
  readonly count: number;
  readonly xLabel: string;
  readonly yDomain: [number, number];
  /** Steps after which a run stops until the user continues it. */
  readonly enough: number;
  /** Standard deviation of unpredictable noise. */
  readonly noise?: number;
  /** A sentence about the picture. */
  readonly shows: string;
}

const waves = {
  kind: 'waves',
  count: 0,
  xLabel: 'time steps',
  yDomain: [-1.2, 1.2],
  enough: 1001,
} satisfies Partial<Picture>;
const joined = 'The chart joins the rows of a batch and starts at the same phase of the wave every time.';
const stretch = { kind: 'stretch', period: null, begin: 0, xLabel: 'time steps' } satisfies Partial<Picture>;
const unseen = 'The chart always shows the same data, which the network is not trained on.';

export const pictures: { readonly [name in TaskName]: Picture } = {
  hold: {
    ...stretch,
    count: 120,
    yDomain: [-1.2, 1.2],
    enough: 601,
    shows: `${unseen} The target jumps where a number is marked.`,
  },
  cosine: { ...waves, period: 20 * Math.PI ** 2, begin: 0, enough: 501, shows: joined },
  waves: { ...waves, period: 200, begin: 50, shows: joined },
  square: { ...waves, period: 64, begin: 0, shows: joined },
  drawn: { ...waves, period: 64, begin: 0, shows: joined },
  damped: { ...stretch, count: 60, yDomain: [-1.2, 1.2], enough: 1001, shows: unseen },
  echo: { ...stretch, count: 60, yDomain: [-1.2, 1.2], enough: 1001, shows: unseen },
  forecast: { ...stretch, count: 100, yDomain: [-1.8, 1.8], enough: 1001, noise: 0.2, shows: unseen },
  adding: {
    kind: 'answers',
    period: null,
    begin: 0,
    count: 60,
    xLabel: 'rows, sorted by their sum',
    yDomain: [-0.2, 2.2],
    enough: 1501,
    shows: 'The chart shows 60 rows that the network is not trained on, sorted by their sum.',
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
  [rivalName]?: ArrayLike<number>;
  caption: string;
};

export function drawingOf(picture: Picture, look: Look, width: number): Drawing {
  const { input, target, prediction, rival } = look;
  const caption = look.steps === 0 ? 'not trained yet' : `after ${amount(look.steps, 'step')}`;
  if (picture.kind === 'answers') {
    const order = Array.from(target.keys()).sort((a, b) => target[a]! - target[b]!);
    return {
      time: order.map((_, rank) => rank + 1),
      target: order.map(row => target[row]!),
      prediction: order.map(row => prediction[row]!),
      ...(rival && { [rivalName]: order.map(row => rival.prediction[row]!) }),
      caption,
    };
  }
  const [from, to] = stretchOf(picture, look, width);
  return {
    time: Array.from({ length: to - from }, (_, i) => i),
    target: target.subarray(from, to),
    prediction: prediction.subarray(from, to),
    ...(rival && { [rivalName]: rival.prediction.subarray(from, to) }),
    input: input.subarray(from, to),
    caption,
  };
}

/** The time steps that a drawing shows, from the first to the one after the last. */
export function stretchOf(picture: Picture, look: Look, width: number): [number, number] {
  if (picture.period !== null) return periods(picture, look, width);
  return [0, Math.min(look.target.length, picture.count)];
}

/** Whole periods; a batch that is shorter is drawn whole. */
function periods({ period, begin }: Picture, { start, target }: Look, width: number): [number, number] {
  const length = target.length;
  const first = begin + Math.ceil((start - begin) / period!) * period!;
  // The beginning may be between two points; rounding keeps the axis where it is.
  const from = Math.round(first - start);
  const most = width < narrow ? periodsFor(period!) / 1.6 : periodsFor(period!);
  const fit = Math.min(most, (length - period!) / period!);
  return fit < 1 ? [0, length] : [from, Math.min(length, from + Math.round(fit * period!) + 1)];
}

/** About 400 points. */
const periodsFor = (period: number) => Math.max(2, Math.round(400 / period));
