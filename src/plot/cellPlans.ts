/**
 * The positions of the parts of recurrent cells, in the notation of C. Olah, "Understanding LSTM Networks" (2015): boxes
 * are layers with weights, circles are elementwise operations. The origin is the upper left corner of the cell's border.
 *
 * The GRU is that of Keras and of this package: z weights the old state, 1 - z the candidate. The reset gate is drawn as
 * applied to the state; with `resetAfter` it is applied to the product of the state and the recurrent kernel.
 */

import type { Wire } from './diagramWire.ts';
import type { Point } from './pathData.ts';

export const kinds = ['lstm', 'gru', 'rnn'] as const;
/** The cell types that can be drawn. @useDeclaredType */
export type CellKind = (typeof kinds)[number];

/** A letter with an index, and the position of its value. */
export interface Label {
  /** The value's name in the data of a diagram. */
  name: string;
  letter: string;
  index: string;
  at: Point;
  anchor: 'start' | 'end';
}

export interface CellPlan {
  /** Its common name. */
  title: string;
  /** The distance between its left and right border. */
  width: number;
  layers: { symbol: string; at: Point }[];
  /** Circles; one with a long symbol becomes an ellipse. */
  operations: { symbol: string; at: Point }[];
  wires: Wire[];
  /** The labels of values inside the cell. */
  labels: Label[];
  /** The labels of the states that enter on the left and leave on the right, at the ends of their arrows. */
  states: Label[];
  /** The x positions where the input enters at the bottom and the output leaves at the top. */
  input: number;
  output: number;
  /** The y positions of the wires between cells. */
  levels: number[];
}

/** The width of the widest cell. */
export const cellWidth = 560;
export const cellHeight = 345;
/** The length of the outer wires beyond the left and the right border. */
export const reach = 40;
/** The distance from the border to the centre of the input and the output. */
export const stem = 66;
export const nodeRadius = 25;

const [left, right] = [-reach, cellWidth + reach];
const [above, below] = [nodeRadius - stem, cellHeight + stem - nodeRadius];
/** The y positions of the wires of the states. */
const [top, bottom] = [60, 290];
/** The middle, upper and lower edge of the boxes, and the radius of the circles. */
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
/** A wire through points given as x, y, x, y ... */
const line = (...numbers: number[]): Wire => ({
  points: Array.from({ length: numbers.length / 2 }, (_, n): Point => [numbers[2 * n]!, numbers[2 * n + 1]!]),
});
const arrow = (...numbers: number[]): Wire => ({ ...line(...numbers), arrow: true });
/** A branch from the wire at the bottom up to a box. */
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

// A call marked as pure, so that bundlers can drop it if no cell is drawn
export const cellPlans: Record<CellKind, CellPlan> = /* @__PURE__ */ (() => ({
  lstm: lstm(),
  gru: gru(),
  rnn: rnn(),
}))();

/** The same cell with other lengths of the wires between cells, measured from its borders. */
export function withEnds(plan: CellPlan, before: number, behind: number): CellPlan {
  const [start, end] = [-reach, plan.width + reach];
  const move = ([x, y]: Point): Point => [x === start ? -before : x === end ? plan.width + behind : x, y];
  return { ...plan, wires: plan.wires.map(wire => ({ ...wire, points: wire.points.map(move) })) };
}
