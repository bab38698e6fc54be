/** Axes: draws ticks and their labels. */

import type { Dom, G } from '@svgdotjs/svg.js';
import { round } from './pathData.ts';
import { addText, setText, textWidth } from './text.ts';
import { paint, type Theme } from './theme.ts';
import { type Tick, thinTicks } from './ticks.ts';

/** The rectangle the data is drawn in. */
export interface Area {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface AxisStyle {
  side: 'x' | 'y';
  /** May change between updates. */
  area: Area;
  /** The width of the whole figure, which labels must not exceed. */
  figureWidth: number;
  theme: Theme;
  /** The maximum number of ticks, if the axis is updated; their elements are created at the start. */
  most?: number;
}

const labelSize = 12;
/** Minimum gap between the labels of an x axis. */
const labelGap = 8;
/** Minimum gap between a label and the edge of the picture. */
const edge = 4;
/** Gap between the labels of a y axis and the data. */
const labelDistance = 10;

/** The width that the labels of a y axis take to the left of the data. */
export const roomForLabels = (ticks: readonly Tick[]) =>
  edge + labelDistance + Math.max(0, ...ticks.map(({ label }) => textWidth(label, labelSize)));

/**
 * One axis. Updates move its tick elements and hide spare ones; with `most`, they create no elements.
 */
export class Axis {
  readonly #group: G;
  readonly #style: AxisStyle;
  readonly #marks: Mark[] = [];
  #drawn = '';

  constructor(group: G, style: AxisStyle) {
    this.#group = group.addClass(`lw-axis-${style.side}`);
    this.#style = style;
    for (let i = 0; i < (style.most ?? 0); i++) this.#marks.push(this.#addMark());
  }

  /** Omits ticks of the x axis whose labels would touch. */
  update(ticks: readonly Tick[]): void {
    const { side, area } = this.#style;
    const shown = side === 'x' ? thinTicks(ticks, label => textWidth(label, labelSize) + labelGap) : ticks;
    const key = `${Object.values(area)} ${shown.map(tick => `${tick.at}=${tick.label}`)}`;
    if (key === this.#drawn) return;
    this.#drawn = key;
    for (let i = 0; i < Math.max(shown.length, this.#marks.length); i++) {
      this.#marks[i] ??= this.#addMark();
      this.#moveMark(this.#marks[i]!, shown[i]);
    }
  }

  #addMark(): Mark {
    const group = this.#group.group().attr('display', 'none');
    const upright = this.#style.side === 'x';
    const line: Dom = group.element('line', upright ? { y2: 5 } : {});
    const position = upright
      ? { x: 0, y: 20, anchor: 'middle' as const }
      : { x: -labelDistance, y: 4, anchor: 'end' as const };
    const label = addText(group, '', { ...position, part: 'muted', theme: this.#style.theme });
    return { group, line, label };
  }

  #moveMark({ group, line, label }: Mark, tick: Tick | undefined): void {
    group.attr('display', tick ? null : 'none');
    if (!tick) return;
    const { side, area, figureWidth, theme } = this.#style;
    const { left, top, width, height } = area;
    const [x, y] = side === 'y' ? [left, top + tick.at] : [left + tick.at, top + height];
    group.attr('transform', `translate(${round(x)} ${round(y)})`);
    const part = side === 'x' ? 'axis' : tick.label === '' ? 'minor' : 'grid';
    if (!line.hasClass(`lw-${part}`)) paint(line.attr('class', null), part, theme);
    setText(label, tick.label);
    if (side === 'y') {
      line.attr('x2', round(width));
      return;
    }
    const half = textWidth(tick.label, labelSize) / 2 + edge;
    label.attr('x', round(Math.max(half, Math.min(figureWidth - half, x)) - x));
  }
}

interface Mark {
  group: G;
  line: Dom;
  label: Dom;
}
