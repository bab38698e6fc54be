/**
 * Where the parts of the recurrent cells stand, in the notation of the well-known article: boxes are layers with
 * weights, circles work number by number. The origin is the upper left corner of the cell's border.
 *
 * The gru is the one of Keras and of this package: z keeps the old state and 1 - z lets in the new. The reset gate is
 * drawn as acting on the state itself; with `resetAfter` it acts on what the recurrent kernel makes of it.
 */

import type { Wire } from './diagramWire.ts';
import type { Point } from './pathData.ts';

export const kinds = ['lstm', 'gru', 'rnn'] as const;
/** The cells there are diagrams of. @useDeclaredType */
export type CellKind = (typeof kinds)[number];

/** A letter with an index, which stands near what it names, and where its value is shown. */
export interface Label {
  /** The value's name in the data of a diagram. */
  name: string;
  letter: string;
  index: string;
  at: Point;
  anchor: 'start' | 'end';
}

export interface CellPlan {
  /** What people call it. */
  title: string;
  /** From its left border to the right one. */
  width: number;
  layers: { symbol: string; at: Point }[];
  /** Circles; one with a long symbol becomes an ellipse. */
  operations: { symbol: string; at: Point }[];
  wires: Wire[];
  /** Of values inside. */
  labels: Label[];
  /** Of the states that come in on the left and leave on the right, in front of and behind their arrows. */
  states: Label[];
  /** Where the input comes in from below, and the output leaves above. */
  input: number;
  output: number;
  /** The heights of the wires that go from cell to cell. */
  levels: number[];
}

/** The widest cell. */
export const cellWidth = 560;
export const cellHeight = 345;
/** From the left border to where the wires from outside begin, and from the right one to where they end. */
export const reach = 40;
/** From the border to the centre of the input and the output. */
export const stem = 66;
export const nodeRadius = 25;

const [left, right] = [-reach, cellWidth + reach];
const [above, below] = [nodeRadius - stem, cellHeight + stem - nodeRadius];
/** Where the wires of the states run. */
const [top, bottom] = [60, 290];
/** The middle of the boxes, their upper and lower edge; circles reach from their middle by `ring`. */
const [box, boxTop, boxBottom, ring] = [235, 216, 254, 14];

const incoming = (letter: string, y: number): Label => ({
  name: `previous${letter.toUpperCase()}`,
  letter,
  index: 't−1',
  at: [left - 10, y + 5],
  anchor: 'end',
});
const outgoing = (letter: string, y: number, x = right): Label => ({
  name: letter,
  letter,
  index: 't',
  at: [x + 10, y + 5],
  anchor: 'start',
});
const inside = (name: string, x: number, y = 184): Label => ({
  name,
  letter: name,
  index: 't',
  at: [x + 9, y],
  anchor: 'start',
});
/** Pairs of x and y, from beginning to end. */
const line = (...numbers: number[]): Wire => ({
  points: Array.from({ length: numbers.length / 2 }, (_, n): Point => [numbers[2 * n]!, numbers[2 * n + 1]!]),
});
const arrow = (...numbers: number[]): Wire => ({ ...line(...numbers), arrow: true });
/** From a wire at the bottom up into a box. */
const feed = (x: number): Wire => arrow(x - 20, bottom, x, bottom, x, boxBottom);

const lstm = (): CellPlan => ({
  title: 'LSTM',
  width: cellWidth,
  layers: [
    { symbol: 'σ', at: [110, box] },
    { symbol: 'σ', at: [210, box] },
    { symbol: 'tanh', at: [300, box] },
    { symbol: 'σ', at: [405, box] },
  ],
  operations: [
    { symbol: '×', at: [110, top] },
    { symbol: '+', at: [300, top] },
    { symbol: '×', at: [300, 140] },
    { symbol: 'tanh', at: [480, 108] },
    { symbol: '×', at: [480, 159] },
  ],
  wires: [
    arrow(left, top, 110 - ring, top),
    arrow(110 + ring, top, 300 - ring, top),
    arrow(300 + ring, top, right, top),
    arrow(left, bottom, 405, bottom, 405, boxBottom),
    line(70, below, 70, bottom, 90, bottom),
    feed(110),
    feed(210),
    feed(300),
    arrow(110, boxTop, 110, top + ring),
    arrow(210, boxTop, 210, 140, 300 - ring, 140),
    arrow(300, boxTop, 300, 140 + ring),
    arrow(300, 140 - ring, 300, top + ring),
    arrow(405, boxTop, 405, 159, 480 - ring, 159),
    arrow(460, top, 480, top, 480, 108 - ring),
    arrow(480, 108 + ring, 480, 159 - ring),
    arrow(480, 159 + ring, 480, bottom, right, bottom),
    { ...arrow(505, bottom, 527, bottom, 527, above), bridge: [527, top] },
  ],
  labels: [inside('f', 110), inside('i', 210), inside('g', 300), inside('o', 405)],
  states: [incoming('c', top), incoming('h', bottom), outgoing('c', top), outgoing('h', bottom)],
  input: 70,
  output: 527,
  levels: [top, bottom],
});

const gru = (): CellPlan => ({
  title: 'GRU',
  width: cellWidth,
  layers: [
    { symbol: 'σ', at: [125, box] },
    { symbol: 'σ', at: [230, box] },
    { symbol: 'tanh', at: [430, box] },
  ],
  operations: [
    { symbol: '×', at: [230, top] },
    { symbol: '+', at: [430, top] },
    { symbol: '1−', at: [330, 115] },
    { symbol: '×', at: [430, 115] },
    { symbol: '×', at: [125, 158] },
  ],
  wires: [
    arrow(left, top, 230 - ring, top),
    arrow(230 + ring, top, 430 - ring, top),
    arrow(430 + ring, top, right, top),
    arrow(18, top, 40, top, 40, bottom, 230, bottom, 230, boxBottom),
    arrow(40, 136, 40, 158, 125 - ring, 158),
    line(82, below, 82, bottom, 102, bottom),
    feed(125),
    arrow(82, 345, 82, 322, 430, 322, 430, boxBottom),
    arrow(125, boxTop, 125, 158 + ring),
    arrow(230, boxTop, 230, top + ring),
    { ...line(125 + ring, 158, 300, 158, 300, 322, 322, 322), bridge: [230, 158] },
    arrow(230, 138, 230, 115, 330 - ring, 115),
    arrow(330 + ring, 115, 430 - ring, 115),
    arrow(430, boxTop, 430, 115 + ring),
    arrow(430, 115 - ring, 430, top + ring),
    arrow(497, top, 519, top, 519, above),
  ],
  labels: [inside('r', 125, 191), inside('z', 230, 189), inside('n', 430, 176)],
  states: [incoming('h', top), outgoing('h', top)],
  input: 82,
  output: 519,
  levels: [top],
});

const rnnWidth = 390;
const rnn = (): CellPlan => ({
  title: 'RNN',
  width: rnnWidth,
  layers: [{ symbol: 'tanh', at: [185, 172] }],
  operations: [],
  wires: [
    arrow(left, 245, 185, 245, 185, 191),
    line(95, below, 95, 245, 117, 245),
    arrow(185, 153, 185, 98, 295, 98, 295, 245, rnnWidth + reach, 245),
    arrow(273, 98, 295, 98, 295, above),
  ],
  labels: [],
  states: [incoming('h', 245), outgoing('h', 245, rnnWidth + reach)],
  input: 95,
  output: 295,
  levels: [245],
});

// By a call that bundlers may leave out where no cell is drawn
export const cellPlans: Record<CellKind, CellPlan> = /* @__PURE__ */ (() => ({
  lstm: lstm(),
  gru: gru(),
  rnn: rnn(),
}))();

/** The same cell with other ends of the wires that go from cell to cell, counted from its borders. */
export function withEnds(plan: CellPlan, before: number, behind: number): CellPlan {
  const [start, end] = [-reach, plan.width + reach];
  const move = ([x, y]: Point): Point => [x === start ? -before : x === end ? plan.width + behind : x, y];
  return { ...plan, wires: plan.wires.map(wire => ({ ...wire, points: wire.points.map(move) })) };
}
