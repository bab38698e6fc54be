/**
 * The chart of the gradient's reach: a line for each state over the time steps, in powers of ten. Every line ends at 1,
 * at the last step; how it goes from there to the left is what the chart is about.
 */

import { type G, type Line, type Polyline, SVG, type Svg } from '@svgdotjs/svg.js';

export const lines = ['plain', 'gated', 'cell'] as const;
export type LineName = (typeof lines)[number];

export interface ReachData {
  /** A number for each time step; null where there is no such line. */
  readonly shares: { readonly [name in LineName]: ArrayLike<number> | null };
  /** The one the reader has chosen. */
  readonly step: number;
}

interface Size {
  width: number;
  height: number;
}

const [left, right, top, bottom] = [52, 14, 14, 48];
/** Powers of ten: below this, float32 has nothing more to say. */
const lowest = -12;

/** From the power of ten below all numbers to the one above, and no less than two of them. */
export function decades(values: Iterable<number>): [number, number] {
  let [low, high] = [-2, 0];
  for (const value of values) {
    if (!(value > 0) || value === Infinity) continue;
    low = Math.min(low, Math.floor(Math.log10(value)));
    high = Math.max(high, Math.ceil(Math.log10(value)));
  }
  return [Math.max(low, lowest), Math.min(high, -lowest)];
}

/** 0.01, 1 and 100 as they are, and what has more zeros as a power. */
export function powerOfTen(power: number): string {
  if (power >= -3 && power <= 3) return String(10 ** power);
  return `10${String(power).replace(/./g, c => (c === '-' ? '⁻' : '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(c)]!))}`;
}

export class ReachPlot {
  readonly node: SVGSVGElement;
  readonly #svg: Svg;
  readonly #area: Size;
  readonly #axes: G;
  readonly #mark: Line;
  readonly #lines: Record<LineName, Polyline>;
  #drawn = '';

  constructor({ width, height }: Size) {
    this.#svg = SVG().size(width, height).viewbox(0, 0, width, height);
    this.#svg.attr({ role: 'img', 'aria-label': 'the size of the gradient at each time step, in powers of ten' });
    this.node = this.#svg.node;
    this.#area = { width: width - left - right, height: height - top - bottom };
    this.#axes = this.#svg.group().attr('shape-rendering', 'crispEdges');
    const data = this.#svg.group().attr('transform', `translate(${left} ${top})`);
    this.#mark = data.line(0, 0, 0, this.#area.height).addClass('understand-chosen');
    const line = (name: LineName) => data.polyline().attr('fill', 'none').addClass(`understand-${name}`);
    this.#lines = { cell: line('cell'), gated: line('gated'), plain: line('plain') };
  }

  update({ shares, step }: ReachData): void {
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
    this.#mark.attr({ x1: x(step), x2: x(step) });
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
  }

  #text(words: string, x: number, y: number, anchor: 'middle' | 'end'): void {
    const text = this.#axes.element('text', { x, y, 'text-anchor': anchor, 'font-size': 12 });
    text.words(words).addClass('understand-tick');
  }
}
