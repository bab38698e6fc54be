/**
 * One column of a bar chart: groups of bars, one below the other, with a grid and an axis.
 *
 *     title of a group
 *     name      ########## value
 *     name      #### value
 *     ----------|----|----|-----
 */

import type { Container, Dom, G, Path } from '@svgdotjs/svg.js';
import { type Area, Axis } from './axes.ts';
import type { WorkloadGroup } from './benchmarkData.ts';
import { round } from './pathData.ts';
import { addText, setText, textWidth } from './text.ts';
import { type Part, paint, type Theme } from './theme.ts';
import { logScale, logTicks, type Scale, thinLogTicks } from './ticks.ts';

export interface ColumnStyle {
  left: number;
  top: number;
  width: number;
  /** The width for the names. */
  names: number;
  unit: string;
  own: readonly string[];
  base: number | undefined;
  theme: Theme;
  /** The width of the whole figure. */
  figureWidth: number;
}

const rowHeight = 16;
const barWidth = rowHeight - 6;
const titleHeight = 30;
const groupGap = 4;
/** The width for the value label after the longest bar, and its maximum as a fraction of the column. */
const [valueWidth, valueShare] = [112, 0.3];
/** Upper bound for the number of labelled ticks of `logTicks`. */
const mostLabels = 14;

interface Bar {
  own: boolean;
  line: Dom;
  value: Dom;
  y: number;
}

export class BarColumn {
  readonly height: number;
  readonly #groups: readonly Required<WorkloadGroup>[];
  readonly #style: ColumnStyle;
  readonly #area: Area;
  readonly #bars: Bar[][] = [];
  /** The upper and lower end of each group's bars. */
  readonly #spans: [number, number][] = [];
  #grid!: Path;
  #axis!: Axis;
  #base: Path | null = null;

  constructor(groups: readonly Required<WorkloadGroup>[], style: ColumnStyle) {
    this.#groups = groups;
    this.#style = style;
    this.height = groups.reduce((sum, { bars }) => sum + titleHeight + bars.length * rowHeight + groupGap, 0);
    const { left, top, width, names } = style;
    const values = Math.min(valueWidth, valueShare * width);
    this.#area = { left: left + names, top, width: Math.max(40, width - names - values), height: this.height };
  }

  draw(svg: Container): void {
    const { left, top, theme, own, width, figureWidth } = this.#style;
    const lines = () => svg.group().attr('shape-rendering', 'crispEdges');
    this.#grid = paint(lines().path('').attr('fill', 'none'), 'grid', theme);
    this.#axis = new Axis(lines(), { side: 'x', area: this.#area, figureWidth, theme, most: mostLabels });
    if (this.#style.base === undefined) this.#addScaleName(svg);
    let y = top;
    for (const { title, bars } of this.#groups) {
      addText(svg, title, { x: left, y: y + 22, part: 'text', theme, weight: 600, room: width });
      y += titleHeight;
      this.#spans.push([y, y + bars.length * rowHeight]);
      const group = svg.group().addClass('lw-bars');
      this.#bars.push(bars.map((name, n) => this.#addBar(group, name, own.includes(name), y + (n + 0.5) * rowHeight)));
      y += bars.length * rowHeight + groupGap;
    }
    if (this.#style.base !== undefined) this.#base = paint(lines().path('').attr('fill', 'none'), 'prediction', theme);
  }

  /** Without a base, the length of a bar is not proportional to its value, so the scale is named. */
  #addScaleName(svg: Container): void {
    const { left, top, width, theme } = this.#style;
    const at = { x: left + width, y: top + this.height + 20, anchor: 'end' as const };
    addText(svg, 'log scale', { ...at, part: 'muted', theme });
  }

  #addBar(group: G, name: string, own: boolean, y: number): Bar {
    const { left, theme, names } = this.#style;
    const part: Part = own ? 'mark' : 'text';
    addText(group, name, { x: left, y: y + 4, part, theme, room: names - 8 });
    // A thick line, because the parts of a plot with these colours are styled by their stroke.
    const line: Dom = group.element('line', { y1: y, y2: y, 'stroke-width': barWidth });
    const value = addText(group, '', { x: 0, y: y + 4, part: own ? 'mark' : 'muted', theme });
    return { own, line, value, y };
  }

  /** @param values and labels of the groups of this column */
  update(
    domain: [number, number],
    values: readonly ArrayLike<number>[],
    labels?: readonly (readonly string[])[],
  ): void {
    const { base, unit } = this.#style;
    const scale = logScale(domain, [0, this.#area.width]);
    const labelled = logTicks(scale).filter(({ label }) => label !== '');
    const ticks = thinLogTicks(labelled, label => textWidth(withUnit(label, unit), 12) + 8);
    this.#axis.update(ticks.map(({ at, label }) => ({ at, label: withUnit(label, unit) })));
    const start = base === undefined ? 0 : scale(base);
    this.#grid.attr('d', ticks.map(({ at }) => this.#upright(at)).join(''));
    this.#base?.attr('d', this.#upright(start));
    for (const [n, bars] of this.#bars.entries()) {
      for (const [k, bar] of bars.entries()) {
        const value = values[n]![k]!;
        this.#move(bar, value, start, scale, labels?.[n]?.[k] ?? formatValue(value, unit));
      }
    }
  }

  #move({ own, line, value: text, y }: Bar, value: number, start: number, scale: Scale, label: string): void {
    const { base, theme, left: columnLeft, width } = this.#style;
    const drawn = value > 0 && value < Infinity;
    const end = drawn ? scale(value) : start;
    const part: Part = own ? 'prediction' : base !== undefined && value < base ? 'target' : 'axis';
    if (!line.hasClass(`lw-${part}`)) paint(line.attr('class', null), part, theme);
    const { left } = this.#area;
    line.attr({ x1: round(left + start), x2: round(left + end), y1: y, y2: y });
    const x = round(left + Math.max(start, end) + 6);
    text.attr('x', x);
    setText(text, label, { room: columnLeft + width - x });
  }

  /** A vertical line at `at` pixels along the bars of every group. */
  #upright(at: number): string {
    const x = round(this.#area.left + at);
    return this.#spans.map(([from, to]) => `M${x},${from}V${to}`).join('');
  }
}

/** "3.1x", "20 ms": x, × and % follow without a space. */
const withUnit = (text: string, unit: string) => (/^[x×%]?$/.test(unit) ? text + unit : `${text} ${unit}`);

/** Three significant digits; a dash for NaN. */
function formatValue(value: number, unit: string): string {
  if (Number.isNaN(value)) return '–';
  return withUnit(Number.isFinite(value) ? String(Number(value.toPrecision(3))) : '∞', unit);
}
