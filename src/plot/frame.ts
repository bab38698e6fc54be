/**
 * What all charts share: the drawing itself, its header (title, legend, caption), axes and the area for the data.
 *
 *     title
 *     -- target  - - prediction            caption
 *      1 |
 *      0 |            data area
 *     -1 |__________________________________
 *        0        1        2        3
 *                                      x label
 */

import type { Container, Dom, G, Polyline } from '@svgdotjs/svg.js';
import { type Area, Axis, mostLogTicks, mostTicks, type Tick } from './axes.ts';
import { checkSize, checkText } from './check.ts';
import { checkSheet, Sheet, type SheetOptions, sheetOptions, side } from './sheet.ts';
import { addText, setText, textWidth } from './text.ts';
import { type Part, paint } from './theme.ts';

/** The options every chart of lines has. */
export interface FrameOptions extends SheetOptions {
  height?: number;
  xLabel?: string;
}
export const frameOptions = [...sheetOptions, 'height', 'xLabel'] as const;

/** A line of the chart, as the legend shows it. */
export interface Series {
  label: string;
  part: Part;
  width: number;
  dash?: string;
}

const headerSize = 13;
/** How far the data area reaches beyond its axes to the left and right, so that round line ends are not cut. */
const overhang = 5;
/** About 25 letters, such as "step 500, cost 0.00312". */
const captionRoom = 190;

export class Frame extends Sheet {
  readonly area: Area;
  readonly x: Axis;
  readonly y: Axis;
  readonly #caption: Dom;
  /** The base line of the caption: that of the legend, or the next where a narrow chart has no room for both. */
  readonly captionLine: number;
  readonly #legendLine: number;

  constructor(call: string, options: FrameOptions, series: readonly Series[], { footer = 0, movingY = false } = {}) {
    const setting = checkSheet(call, options);
    const { width, title } = setting;
    const height = checkSize(call, 'height', options.height ?? 360, 160);
    const xLabel = checkText(call, 'xLabel', options.xLabel ?? '');
    super(
      setting,
      height,
      series.map(line => line.label),
    );
    this.#legendLine = title ? 58 : 32;
    this.captionLine = this.#legendLine + (legendWidth(series) + captionRoom > width ? 20 : 0);
    const top = this.captionLine + 22;
    const bottom = (xLabel ? 54 : 36) + footer;
    this.area = { left: 58, top, width: width - 58 - side - 4, height: height - top - bottom };

    this.#addLegend(series);
    this.#caption = this.addCaption(this.svg, '');
    [this.y, this.x] = this.#addAxes(movingY);
    if (xLabel) this.#addXLabel(xLabel);
    this.place();
  }

  /** Text at the right end of the header, in the line of the legend. */
  addCaption(parent: Container, content: string, x = this.area.left + this.area.width, y = this.captionLine): Dom {
    return addText(parent, content, { x, y, part: 'text', theme: this.theme, size: headerSize, anchor: 'end' });
  }

  setCaption(content: string | undefined): void {
    if (content !== undefined) setText(this.#caption, content);
  }

  /** A group whose origin is the upper left corner of the data area and which clips what lies outside. */
  addDataArea(parent: Container = this.svg): G {
    return this.addWindow(parent, this.area, overhang).addClass('lw-data');
  }

  /**
   * A group moved to a rectangle and clipped by it. Clipped by path and not by a nested `<svg>`, because Chromium runs
   * the animations in a nested one by a clock of its own. The path is named by its size: where two pictures in one page
   * come to use the same name, they mean the same path.
   */
  addWindow(parent: Container, { left, top, width, height }: Area, overhang = 0): G {
    const id = `lw-clip-${Math.round(width)}-${Math.round(height)}-${overhang}`;
    if (!this.svg.findOne(`#${id}`)) {
      const clip = this.svg.defs().element('clipPath', { id });
      clip.element('rect', { x: -overhang, width: width + 2 * overhang, height });
    }
    return parent.group().attr({ transform: `translate(${left} ${top})`, 'clip-path': `url(#${id})` });
  }

  addLine(parent: Container, { part, width, dash }: Series): Polyline {
    const line = parent.polyline().attr({ fill: 'none', 'stroke-width': width });
    line.attr({ 'stroke-linejoin': 'round', 'stroke-linecap': 'round', 'stroke-dasharray': dash ?? null });
    return paint(line, part, this.theme);
  }

  addStyle(css: string): void {
    if (css) this.svg.put(this.svg.element('style').words(css), 0);
  }

  /** About how many ticks the axes have room for. */
  get ticksAcross(): number {
    return Math.max(2, this.area.width / 90);
  }
  get ticksUp(): number {
    return Math.max(2, this.area.height / 44);
  }

  drawAxes(x: readonly Tick[], y: readonly Tick[]): void {
    this.x.update(x);
    this.y.update(y);
  }

  #addLegend(series: readonly Series[]): void {
    const group = this.svg.group().addClass('lw-legend');
    let x = side;
    for (const line of series) {
      const y = this.#legendLine - headerSize / 3;
      this.addLine(group, line).plot(`${x + 1},${y} ${x + 28},${y}`);
      const text = { x: x + 37, y: this.#legendLine, part: 'text' as const, theme: this.theme, size: headerSize };
      addText(group, line.label, text);
      x += entryWidth(line);
    }
  }

  /** The base line is drawn over the grid, and both lie under the data. */
  #addAxes(movingY: boolean): [Axis, Axis] {
    const { left, top, width, height } = this.area;
    const most = movingY ? Math.max(mostLogTicks, mostTicks(this.ticksUp)) : 0;
    const y = new Axis(this.#addAxisGroup(), 'y', this.area, this.theme, most);
    const x = new Axis(this.#addAxisGroup(), 'x', this.area, this.theme, mostTicks(this.ticksAcross));
    const base = this.svg.line(left, top + height, left + width, top + height).attr('shape-rendering', 'crispEdges');
    paint(base, 'axis', this.theme);
    return [y, x];
  }

  #addAxisGroup(): G {
    return this.svg.group().attr('shape-rendering', 'crispEdges');
  }

  #addXLabel(label: string): void {
    const { left, top, width, height } = this.area;
    const position = { x: left + width, y: top + height + 40, anchor: 'end' as const };
    addText(this.svg, label, { ...position, part: 'muted', theme: this.theme });
  }
}

const entryWidth = ({ label }: Series) => 37 + textWidth(label, headerSize) + 18;
const legendWidth = (series: readonly Series[]) => series.reduce((sum, line) => sum + entryWidth(line), side);
