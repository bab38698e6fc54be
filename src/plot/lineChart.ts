/**
 * The base of all line charts: header (title, legend, caption), axes and data area.
 *
 *     title
 *     -- target  - - prediction            caption
 *      1 |
 *      0 |            data area
 *     -1 |__________________________________
 *        0        1        2        3
 *                                      x label
 */

import type { Container, Dom, G } from '@svgdotjs/svg.js';
import { type Area, Axis, roomForLabels } from './axes.ts';
import { checkSize, checkText } from './checks.ts';
import { checkFigure, Figure, type FigureOptions, figureOptions, side } from './figure.ts';
import { Header } from './header.ts';
import type { LineStyle } from './lineStyles.ts';
import { round } from './pathData.ts';
import { addText, setText } from './text.ts';
import { paint } from './theme.ts';
import { mostLogTicks, mostTicks, type Tick } from './ticks.ts';

/** The options of every line chart. */
export interface LineChartOptions extends FigureOptions {
  /** The height in pixels; default 360. */
  height?: number;
  /** The label of the x axis. */
  xLabel?: string;
}
export const lineChartOptions = [...figureOptions, 'height', 'xLabel'] as const;

/** How far the data area extends beyond its axes, so that lines along the axes and round line caps are not clipped. */
const overhang = { x: 5, y: 2 };
/** The minimum width for the labels of the y axis. */
const leastLeft = 58;
const leastHeight = 24;

export class LineChart extends Figure {
  /** The data area. It changes when the legend needs another row or the labels of the y axis become longer. */
  readonly area: Area;
  readonly header: Header;
  readonly #height: number;
  readonly #width: number;
  readonly #bottom: number;
  readonly #x: Axis;
  readonly #y: Axis;
  readonly #base: Dom;
  readonly #xLabel: Dom;
  readonly #clip: { path: Dom; rect: Dom };
  readonly #groups: { group: G; clipped: boolean }[] = [];
  #left = leastLeft;
  #laidOut = '';

  /** @param footer extra pixels below the axis labels */
  constructor(call: string, options: LineChartOptions, footer = 0) {
    const setting = checkFigure(call, options);
    const height = checkSize(call, 'height', options.height ?? 360, 160);
    const xLabel = checkText(call, 'xLabel', options.xLabel ?? '');
    super(setting, height, []);
    const { theme, svg } = this;
    this.#width = setting.width;
    this.#height = height;
    this.#bottom = (xLabel ? 54 : 36) + footer;
    this.area = { left: 0, top: 0, width: 0, height: 0 };
    this.header = new Header(svg, setting.width, setting.title ? 58 : 32, theme);
    // Draws the base line over the grid, and the data over both.
    const axis = { area: this.area, figureWidth: setting.width, theme };
    const most = Math.max(mostLogTicks, mostTicks(ticksUp(height)));
    this.#y = new Axis(this.#addAxisGroup(), { ...axis, side: 'y', most });
    this.#x = new Axis(this.#addAxisGroup(), { ...axis, side: 'x', most: mostTicks(ticksAcross(setting.width)) });
    this.#base = paint(svg.element('line', { 'shape-rendering': 'crispEdges' }) as Dom, 'axis', theme);
    this.#xLabel = addText(svg, '', { x: 0, y: 0, anchor: 'end', part: 'muted', theme });
    const path: Dom = svg.defs().element('clipPath');
    this.#clip = { path, rect: (path as unknown as Container).element('rect') };
    this.setXLabel(xLabel);
    this.#layOut();
  }

  /** Shows the legend of these lines; call it before drawing the axes, whose position depends on its height. */
  show(styles: readonly LineStyle[], caption?: string, note = ''): void {
    this.name(styles.map(line => line.label));
    this.header.show(styles, note);
    if (caption !== undefined) this.header.setCaption(caption);
    this.#layOut();
  }

  /** Reserves space for the longest of several captions. */
  reserve(captions: readonly string[]): void {
    this.header.reserve(captions);
    this.#layOut();
  }

  setXLabel(label: string): void {
    setText(this.#xLabel, label, { room: this.#width - 2 * side });
  }

  /** The approximate number of ticks that fit along the axes. */
  get ticksAcross(): number {
    return ticksAcross(this.area.width);
  }
  get ticksUp(): number {
    return ticksUp(this.area.height);
  }

  /** Call it before `drawX`: the y labels decide the remaining width. */
  drawY(ticks: readonly Tick[]): void {
    this.#left = Math.max(leastLeft, roomForLabels(ticks));
    this.#layOut();
    this.#y.update(ticks);
  }

  drawX(ticks: readonly Tick[]): void {
    this.#x.update(ticks);
  }

  /** A group whose origin is the upper left corner of the data area; `clipped` clips it to that area. */
  addDataArea(parent: Container = this.svg, clipped = true): G {
    const group = parent.group();
    if (clipped) group.addClass('lw-data');
    this.#groups.push({ group, clipped });
    this.#moveGroups();
    return group;
  }

  /**
   * A group translated to a rectangle and clipped to it. Uses a clip path and not a nested `<svg>`, because Chromium
   * runs animations in a nested `<svg>` on a separate clock.
   */
  addWindow(parent: Container, { left, top, width, height }: Area): G {
    const id = clipId(width, height);
    this.svg.defs().element('clipPath', { id }).element('rect', { width, height });
    return parent.group().attr({ transform: `translate(${left} ${top})`, 'clip-path': `url(#${id})` });
  }

  addStyle(css: string): void {
    if (css) this.svg.put(this.svg.element('style').words(css), 0);
  }

  #addAxisGroup(): G {
    return this.svg.group().attr('shape-rendering', 'crispEdges');
  }

  /** Resizes the data area to the space that header, axes and footer leave. */
  #layOut(): void {
    const top = this.header.captionLine + 22;
    const key = `${this.#left} ${top}`;
    if (key === this.#laidOut) return;
    this.#laidOut = key;
    const left = this.#left;
    const width = this.#width - left - side - 4;
    const height = Math.max(leastHeight, this.#height - top - this.#bottom);
    Object.assign(this.area, { left, top, width, height });
    this.#base.attr({ x1: left, x2: left + width, y1: top + height, y2: top + height });
    this.#xLabel.attr({ x: left + width, y: top + height + 40 });
    this.#moveGroups();
  }

  #moveGroups(): void {
    const { left, top, width, height } = this.area;
    const id = clipId(width, height);
    this.#clip.path.attr('id', id);
    const size = { width: width + 2 * overhang.x, height: height + 2 * overhang.y };
    this.#clip.rect.attr({ x: -overhang.x, y: -overhang.y, ...size });
    for (const { group, clipped } of this.#groups) {
      group.attr('transform', `translate(${left} ${top})`);
      if (clipped) group.attr('clip-path', `url(#${id})`);
    }
  }
}

const ticksAcross = (width: number) => Math.max(2, width / 90);
const ticksUp = (height: number) => Math.max(2, height / 44);

/** The id contains the size, so that two pictures in one page that share an id share the same clip path. */
const clipId = (width: number, height: number) => `lw-clip-${round(width)}-${round(height)}`;
