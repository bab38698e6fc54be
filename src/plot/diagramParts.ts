/** The parts of cell diagrams: boxes, circles, letters with an index, and values. */

import type { Circle, Container, Dom, G } from '@svgdotjs/svg.js';
import { type CellPlan, cellHeight, type Label, nodeRadius } from './cellPlans.ts';
import { type ColourMap, colourMapOf, levelOf, setLevel } from './colourMaps.ts';
import { drawWire } from './diagramWire.ts';
import type { Point } from './pathData.ts';
import { addText, setText, type TextStyle } from './text.ts';
import { type Part, paint, type Theme } from './theme.ts';

const letterSize = 19;

/** A value next to its letter, with its heat map colour; hidden until it is set. */
export class Value {
  /** The elements that are hidden with the value. */
  readonly group: G;
  readonly #text: Dom;
  readonly #mark: Circle;
  readonly #map: ColourMap;
  readonly #theme: Theme;

  /** @param name the name of the value in the data */
  constructor(parent: Container, name: string, [x, y]: Point, anchor: Label['anchor'], theme: Theme) {
    this.#map = colourMapOf(name);
    this.#theme = theme;
    this.group = parent.group().addClass('lw-value').attr('display', 'none');
    const inwards = anchor === 'end' ? -1 : 1;
    const ring = paint(this.group.group().attr('stroke-width', 1.2), 'outline', theme);
    this.#mark = ring.circle(11).attr({ cx: x + inwards * 6, cy: y - 5, fill: 'none' });
    const style = { anchor, part: 'mark' as const, theme, size: 15, weight: 600 };
    this.#text = addText(this.group, '', { x: x + inwards * 16, y, ...style });
  }

  show(value: number): void {
    setText(this.#text, formatValue(value));
    setLevel(this.#mark, this.#map, levelOf(this.#map, value), this.#theme);
    if (this.group.attr('display') === 'none') this.group.attr('display', null);
  }
}

/** Formats with two decimals and a minus sign (U+2212); from 1000, in scientific notation. */
export function formatValue(value: number): string {
  const text = Math.abs(value) < 1000 || !Number.isFinite(value) ? value.toFixed(2) : value.toExponential(1);
  return (Number(text) === 0 ? '0.00' : text).replaceAll('-', '−').replace('Infinity', '∞');
}

/** Draws the border of a cell, its wires, layers and operations. */
export function drawCell(parent: Container, plan: CellPlan, theme: Theme): void {
  drawBody(parent, plan.width, theme);
  for (const wire of plan.wires) drawWire(parent, wire, theme);
  for (const { symbol, at } of plan.layers) drawLayer(parent, symbol, at, theme);
  for (const { symbol, at } of plan.operations) drawOperation(parent, symbol, at, theme);
}

export function drawBody(parent: Container, width: number, theme: Theme): void {
  outlined(parent.rect(width, cellHeight).attr('rx', 22), 'cell', theme);
}

export function drawLayer(parent: Container, symbol: string, [x, y]: Point, theme: Theme, scale = 1): void {
  const [width, height] = [54 * scale, 36 * scale];
  outlined(parent.rect(width, height).attr({ x: x - width / 2, y: y - height / 2, rx: 3 }), 'layer', theme);
  const size = (symbol.length > 1 ? 17 : 21) * scale;
  addText(parent, symbol, { x, y: y + size * 0.32, part: 'ink', theme, size, anchor: 'middle' });
}

export function drawOperation(parent: Container, symbol: string, [x, y]: Point, theme: Theme): void {
  const wide = symbol.length > 2;
  outlined(parent.ellipse(wide ? 56 : 28, 28).attr({ cx: x, cy: y }), 'operation', theme);
  const size = wide ? 16 : symbol.length > 1 ? 15 : 21;
  addText(parent, symbol, { x, y: y + size * (wide ? 0.32 : 0.34), part: 'ink', theme, size, anchor: 'middle' });
}

/** Draws an input or output: a letter in a circle. */
export function drawNode(parent: Container, letter: string, index: string, [x, y]: Point, theme: Theme): void {
  outlined(parent.circle(2 * nodeRadius).attr({ cx: x, cy: y }), 'vector', theme);
  drawLetter(parent, { letter, index, at: [x, y + 6], anchor: 'middle' }, theme);
}

/** An italic letter with its index lowered. */
export function drawLetter(
  parent: Container,
  { letter, index, at, anchor }: Omit<Label, 'name' | 'anchor'> & { anchor: TextStyle['anchor'] },
  theme: Theme,
): void {
  const [x, y] = at;
  const text = addText(parent, '', { x, y, anchor, part: 'title', theme, size: letterSize });
  text.element('tspan', { 'font-style': 'italic' }).words(letter);
  text.element('tspan', { 'font-size': 13, dy: 5 }).words(index);
}

/** Draws a letter with its value below it; with `hidden`, the letter is hidden until the value is set. */
export function drawLabel(parent: Container, label: Label, theme: Theme, hidden = false): Value {
  const [x, y] = label.at;
  const value = new Value(parent, label.name, [x, y + 21], label.anchor, theme);
  drawLetter(hidden ? value.group : parent, label, theme);
  return value;
}

/** Draws the legend of the shapes, in one line. */
export function drawLegend(parent: Container, theme: Theme): void {
  const entry = (x: number, words: string, draw: (group: G) => void) => {
    const group = parent.group().attr('transform', `translate(${x} 0)`);
    draw(group);
    addText(group, words, { x: 48, y: 5, part: 'text', theme, size: 15 });
  };
  entry(0, 'layer', group => drawLayer(group, 'σ', [20, 0], theme, 0.72));
  entry(110, 'point by point', group => drawOperation(group, '×', [24, 0], theme));
  const wire = (group: G, points: Point[], arrow = true) => drawWire(group, { points, arrow }, theme);
  const [start, middle, end] = [0, 15, 40];
  const straight = (y: number): Point[] => [
    [start, y],
    [end, y],
  ];
  const bent = (from: number, to: number, last: number): Point[] => [
    [start, from],
    [middle, from],
    [middle, to],
    [last, to],
  ];
  entry(282, 'vector', group => wire(group, straight(0)));
  entry(402, 'concatenation', group => {
    wire(group, straight(-9));
    wire(group, bent(11, -9, 26), false);
  });
  entry(574, 'copy', group => {
    wire(group, straight(10));
    wire(group, bent(10, -10, end));
  });
}
export const legendWidth = 656;

function outlined<E extends Parameters<typeof paint>[0]>(element: E, part: Part, theme: Theme): E {
  element.attr('stroke-width', 1.2);
  return paint(paint(element, part, theme), 'outline', theme);
}
