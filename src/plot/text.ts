/** Text without measuring: a document in Node has no fonts, so positions must not depend on `getBBox`. */

import type { Container, Dom } from '@svgdotjs/svg.js';
import { type Part, paint, type Theme } from './theme.ts';

export interface TextStyle {
  x: number;
  y: number;
  part: Part;
  theme: Theme;
  size?: number;
  weight?: number;
  anchor?: 'start' | 'middle' | 'end';
}

/**
 * A plain `<text>` element. svg.js's own `text()` asks for computed styles, which a document in Node does not have.
 */
export function addText(parent: Container, content: string, style: TextStyle): Dom {
  const { x, y, part, theme, size = 12, weight = 400, anchor = 'start' } = style;
  const text: Dom = parent.element('text', { x, y, 'font-size': size });
  if (weight !== 400) text.attr('font-weight', weight);
  if (anchor !== 'start') text.attr('text-anchor', anchor);
  text.node.appendChild(text.node.ownerDocument.createTextNode(content));
  return paint(text, part, theme);
}

/** Changes the words of what `addText` made, and only where they differ: writing to a live tree costs a layout. */
export function setText(text: Dom, content: string): void {
  const words = text.node.firstChild as Text;
  if (words.data !== content) words.data = content;
}

/** A generous guess at the width of a text: sans-serif letters are a little over half as wide as the font is high. */
export const textWidth = (content: string, size: number) => Math.ceil(content.length * size * 0.52);
