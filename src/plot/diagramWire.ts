/** Wires of a diagram: lines through points, with round corners and optional arrow heads. */

import type { Container } from '@svgdotjs/svg.js';
import { type Point, round } from './pathData.ts';
import { paint, type Theme } from './theme.ts';

/** A wire through the given points. */
export interface Wire {
  points: readonly Point[];
  /** Whether it ends in an arrow head. */
  arrow?: boolean;
  /** The point where it crosses another wire, which is interrupted there. */
  bridge?: Point;
}

const radius = 16;
const head = { length: 10, half: 5.5 };

export function drawWire(parent: Container, { points, arrow, bridge }: Wire, theme: Theme): void {
  const end = points.at(-1)!;
  const before = points.at(-2)!;
  const [dx, dy] = direction(before, end);
  const shown = arrow
    ? [...points.slice(0, -1), [end[0] - dx * head.length, end[1] - dy * head.length] as const]
    : points;
  if (bridge) {
    const [x, y] = bridge;
    const gap = parent.line(x - dx * 9, y - dy * 9, x + dx * 9, y + dy * 9).attr('stroke-width', 11);
    paint(gap, 'bridge', theme);
  }
  const line = parent.path(roundedPath(shown)).attr({ fill: 'none', 'stroke-width': 2.5, 'stroke-linejoin': 'round' });
  paint(line, 'wire', theme);
  if (arrow) paint(parent.path(headPath(end, dx, dy)), 'arrow', theme);
}

/** The data of a path with rounded corners. */
export function roundedPath(points: readonly Point[]): string {
  let path = `M${write(points[0]!)}`;
  for (let i = 1; i < points.length - 1; i++) {
    const [from, corner, to] = [points[i - 1]!, points[i]!, points[i + 1]!];
    // Two corners share the segment between them.
    const room = (other: Point, isEnd: boolean) => distance(other, corner) / (isEnd ? 1 : 2);
    const reach = Math.min(radius, room(from, i === 1), room(to, i === points.length - 2));
    const [inX, inY] = direction(from, corner);
    const [outX, outY] = direction(corner, to);
    path += `L${write([corner[0] - inX * reach, corner[1] - inY * reach])}`;
    path += `Q${write(corner)} ${write([corner[0] + outX * reach, corner[1] + outY * reach])}`;
  }
  return `${path}L${write(points.at(-1)!)}`;
}

function headPath([x, y]: Point, dx: number, dy: number): string {
  const [baseX, baseY] = [x - dx * head.length, y - dy * head.length];
  const left: Point = [baseX - dy * head.half, baseY + dx * head.half];
  const right: Point = [baseX + dy * head.half, baseY - dx * head.half];
  return `M${write([x, y])}L${write(left)}L${write(right)}Z`;
}

const write = ([x, y]: Point) => `${round(x)},${round(y)}`;
const distance = (a: Point, b: Point) => Math.hypot(b[0] - a[0], b[1] - a[1]);

function direction(from: Point, to: Point): Point {
  const length = distance(from, to);
  return [(to[0] - from[0]) / length, (to[1] - from[1]) / length];
}
