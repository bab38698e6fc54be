/** The paper of every picture: the `<svg>` itself, its background and title, and the container it is put into. */

import { type Dom, getWindow, SVG, type Svg } from '@svgdotjs/svg.js';
import { fail, show } from '../util/errors.ts';
import { checkName } from '../util/options.ts';
import { checkSize, checkText } from './checks.ts';
import { serialize } from './serialize.ts';
import { addText, setText, textWidth } from './text.ts';
import { fontFamily, paint, styleSheet, type Theme, themes } from './theme.ts';

/** The options every picture has. */
export interface FigureOptions {
  /** An element, or a CSS selector of one, that the picture is appended to; without it the picture stays by itself. */
  container?: Element | string;
  width?: number;
  title?: string;
  /** `auto` follows the reader's system. */
  theme?: Theme;
}
export const figureOptions = ['container', 'width', 'title', 'theme'] as const;

/** The options as checked, before anything is drawn. */
export interface Setting {
  width: number;
  title: string;
  theme: Theme;
  container: Element | null;
}

/** The distance of what is drawn from the edge. */
export const side = 24;
/** The base line of the title. */
export const titleLine = 34;
const titleStyle = { size: 17, weight: 600 };
const captionSize = 13;
/**
 * The gap between the title and a caption on the same line, and the largest share of the line that the caption takes.
 */
const [captionGap, captionShare] = [12, 0.4];

export function checkFigure(call: string, options: FigureOptions, usual = 720): Setting {
  const width = checkSize(call, 'width', options.width ?? usual, 240);
  const theme = checkName(call, 'theme', options.theme ?? 'light', themes);
  const title = checkText(call, 'title', options.title ?? '');
  const container = findContainer(call, options.container);
  if (!getWindow()) fail(call, 'needs a document to draw in, and this host, such as a worker, has none');
  return { width, title, theme, container };
}

export class Figure {
  readonly svg: Svg;
  readonly theme: Theme;
  readonly #container: Element | null;
  readonly #title: string;
  readonly #heading: Dom | null;
  readonly #width: number;

  /** @param names what the picture is of, for those who cannot see it; the title stands before them */
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
   * Adds an empty caption on a base line, right-aligned unless `anchor` is set. On the base line of the title, it
   * reduces the width of the title.
   *
   * @param taken pixels at the left end of the line that are in use already
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

  /** Describes the picture for screen readers. */
  name(names: readonly string[]): void {
    const label = [this.#title, ...names].filter(Boolean).join(', ');
    if (this.svg.attr('aria-label') !== label) this.svg.attr('aria-label', label);
  }

  /** Puts the drawing into its container: at the end, since a page lays out every change of what it shows. */
  place(): void {
    if (this.#container) this.svg.addTo(this.#container as HTMLElement);
  }

  toSVG(): string {
    return serialize(this.svg.node);
  }

  remove(): void {
    this.svg.remove();
  }
}

/** What is no selector at all finds nothing. */
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
