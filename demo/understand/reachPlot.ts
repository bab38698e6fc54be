/**
 * The chart of the gradients: a line for each state over the time steps, on a log scale. Every line is 1 at the last step.
 */

import { type G, type Polyline, SVG, type Svg } from '@svgdotjs/svg.js';

export const lines = ['plain', 'gated', 'cell'] as const;
export type LineName = (typeof lines)[number];

export interface ReachData {
  /** A number for each time step; null where there is no such line. */
  readonly shares: { readonly [name in LineName]: ArrayLike<number> | null };
}

interface Size {
  width: number;
  height: number;
}

const [left, right, top, bottom] = [52, 14, 28, 48];
/** The lowest power of ten; float32 has no accurate gradients below. */
const lowest = -12;

/** The powers of ten below and above all numbers; at least from -2 to 0. */
export function decades(values: Iterable<number>): [number, number] {
  let [low, high] = [-2, 0];
  for (const value of values) {
    if (!(value > 0) || value === Infinity) continue;
    low = Math.min(low, Math.floor(Math.log10(value)));
    high = Math.max(high, Math.ceil(Math.log10(value)));
  }
  return [Math.max(low, lowest), Math.min(high, -lowest)];
}

/** Numbers from 0.001 to 1000 as they are, others as powers of ten. */
export function powerOfTen(power: number): string {
  if (power >= -3 && power <= 3) return String(10 ** power);
  return `10${String(power).replace(/./g, c => (c === '-' ? '⁻' : '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(c)]!))}`;
}

export class ReachPlot {
  readonly node: SVGSVGElement;
  readonly #svg: Svg;
  readonly #area: Size;
  readonly #axes: G;
  readonly #lines: Record<LineName, Polyline>;
  #drawn = '';

  constructor({ width, height }: Size) {
    this.#svg = SVG().size(width, height).viewbox(0, 0, width, height);
    this.#svg.attr({ role: 'img', 'aria-label': 'the size of the gradient at each time step, in powers of ten' });
    this.node = this.#svg.node;
    this.#area = { width: width - left - right, height: height - top - bottom };
    this.#axes = this.#svg.group().attr('shape-rendering', 'crispEdges');
    const data = this.#svg.group().attr('transform', `translate(${left} ${top})`);
    const line = (name: LineName) => data.polyline().attr('fill', 'none').addClass(`understand-${name}`);
    this.#lines = { cell: line('cell'), gated: line('gated'), plain: line('plain') };
  }

  update({ shares }: ReachData): void {
    const steps = shares.plain!.length;
    const [low, high] = decades(lines.flatMap(name => Array.from(shares[name] ?? [])));
    const x = (t: number) => (steps > 1 ? (t / (steps - 1)) * this.#area.width : this.#area.width);
    const y = (power: number) => ((high - power) / (high - low)) * this.#area.height;
    this.#drawAxes(steps, low, high, x, y);
    for (const name of lines) {
      const points = Array.from(shares[name] ?? [], (share, t) => {
        const power = Math.max(low, Math.min(high, Math.log10(share)));
        return share >= 0 ? `${x(t).toFixed(1)},${y(power).toFixed(1)}` : '';
      });
      this.#lines[name].attr('points', points.filter(Boolean).join(' '));
    }
  }

  #drawAxes(steps: number, low: number, high: number, x: (t: number) => number, y: (power: number) => number): void {
    const key = `${steps} ${low} ${high}`;
    if (key === this.#drawn) return;
    this.#drawn = key;
    this.#axes.clear();
    const { width, height } = this.#area;
    const every = Math.ceil((high - low) / Math.max(2, height / 30));
    for (let power = low; power <= high; power++) {
      if (power % every !== 0) continue;
      const at = Math.round(top + y(power));
      this.#axes.line(left, at, left + width, at).addClass(power === 0 ? 'understand-one' : 'understand-grid');
      this.#text(powerOfTen(power), left - 10, at + 4, 'end');
    }
    const apart = [1, 2, 5, 10, 20, 25, 50].find(each => ((steps - 1) / each) * 44 <= width) ?? steps;
    for (let t = 0; t < steps; t += apart) this.#text(String(t), left + x(t), top + height + 20, 'middle');
    this.#text('time step', left + width, top + height + 40, 'end');
    this.#text('gradient, relative to the last time step', left, 12, 'start');
  }

  #text(words: string, x: number, y: number, anchor: 'start' | 'middle' | 'end'): void {
    const text = this.#axes.element('text', { x, y, 'text-anchor': anchor, 'font-size': 12 });
    text.words(words).addClass('understand-tick');
  }
}
