/** The base of every chart: the `<svg>` element with its background, title and container. */

import { type Dom, getWindow, SVG, type Svg } from '@svgdotjs/svg.js';
import { fail, show } from '../util/errors.ts';
import { checkName } from '../util/options.ts';
import { checkSize, checkText } from './checks.ts';
import { serialize } from './serialize.ts';
import { addText, setText, textWidth } from './text.ts';
import { fontFamily, paint, styleSheet, type Theme, themes } from './theme.ts';

/** The options of every chart. */
export interface FigureOptions {
  /** The element to which the chart is appended, or its CSS selector. Default: none. */
  container?: Element | string;
  /** The width in pixels. */
  width?: number;
  title?: string;
  /** Default light; `auto` follows the system setting of the reader. */
  theme?: Theme;
}
export const figureOptions = ['container', 'width', 'title', 'theme'] as const;

/** The checked options. */
export interface Setting {
  width: number;
  title: string;
  theme: Theme;
  container: Element | null;
}

/** The margin at the left and right edge. */
export const side = 24;
/** The baseline of the title. */
export const titleLine = 34;
const titleStyle = { size: 17, weight: 600 };
const captionSize = 13;
/**
 * The gap between the title and a caption on the same line, and the maximum width of the caption as a fraction of the
 * line.
 */
const [captionGap, captionShare] = [12, 0.4];

export function checkFigure(call: string, options: FigureOptions, defaultWidth = 720): Setting {
  const width = checkSize(call, 'width', options.width ?? defaultWidth, 240);
  const theme = checkName(call, 'theme', options.theme ?? 'light', themes);
  const title = checkText(call, 'title', options.title ?? '');
  const container = findContainer(call, options.container);
  if (!getWindow()) fail(call, 'needs a document to draw in, which this host, such as a worker, does not have');
  return { width, title, theme, container };
}

export class Figure {
  readonly svg: Svg;
  readonly theme: Theme;
  readonly #container: Element | null;
  readonly #title: string;
  readonly #heading: Dom | null;
  readonly #width: number;

  /** @param names a description for screen readers, which follows the title */
  constructor({ width, title, theme, container }: Setting, height: number, names: readonly string[], css = '') {
    this.theme = theme;
    this.#width = width;
    this.#container = container;
    this.#title = title;
    this.svg = SVG().size(width, height).viewbox(0, 0, width, height).addClass('lw-plot').addClass(`lw-${theme}`);
    this.svg.attr({ 'font-family': fontFamily, role: 'img' });
    this.name(names);
    const style = styleSheet(theme) + css;
    if (style) this.svg.element('style').words(style);
    paint(this.svg.rect(width, height).attr('rx', 8), 'background', theme);
    const heading = { x: side, y: titleLine, part: 'title' as const, theme, ...titleStyle, room: width - 2 * side };
    this.#heading = title ? addText(this.svg, title, heading) : null;
  }

  /**
   * Adds an empty caption on a baseline, right-aligned unless `anchor` is set. On the baseline of the title, it reduces
   * the width of the title.
   *
   * @param taken the pixels at the left end of the line that are already in use
   * @returns a function that changes its text; undefined keeps the text
   */
  addCaption(y: number, taken = 0, anchor: 'start' | 'end' = 'end'): (words: string | undefined) => void {
    const all = this.#width - 2 * side;
    const style = { size: captionSize, room: all - taken };
    const x = anchor === 'end' ? this.#width - side : side;
    const text = addText(this.svg, '', { ...style, x, y, anchor, part: 'text', theme: this.theme });
    return words => {
      if (words === undefined) return;
      if (y === titleLine && this.#heading) {
        const wanted = words === '' ? 0 : textWidth(words, captionSize) + captionGap;
        const room = all - Math.min(wanted, captionShare * all);
        setText(this.#heading, this.#title, { ...titleStyle, room });
        style.room = all - Math.min(room, textWidth(this.#title, titleStyle.size, titleStyle.weight)) - captionGap;
      }
      setText(text, words, style);
    };
  }

  /** Sets the description for screen readers. */
  name(names: readonly string[]): void {
    const label = [this.#title, ...names].filter(Boolean).join(', ');
    if (this.svg.attr('aria-label') !== label) this.svg.attr('aria-label', label);
  }

  /** Adds the chart to its container. Call it last, because a page lays out every change of a visible element. */
  attach(): void {
    if (this.#container) this.svg.addTo(this.#container as HTMLElement);
  }

  toSVG(): string {
    return serialize(this.svg.node);
  }

  remove(): void {
    this.svg.remove();
  }
}

/** The first element that matches a selector; null for an invalid selector. */
function select(selector: string): Element | null {
  try {
    return globalThis.document?.querySelector(selector) ?? null;
  } catch {
    return null;
  }
}

function findContainer(call: string, container: unknown): Element | null {
  if (container === undefined) return null;
  const found = typeof container === 'string' ? select(container) : container;
  if (typeof (found as Element | null)?.appendChild !== 'function') {
    fail(call, `container must be an element or the selector of one in the page, got ${show(container)}`);
  }
  return found as Element;
}
