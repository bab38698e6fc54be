/** Text elements. Documents in Node have no fonts, so text widths are estimated rather than measured. */

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
  /** The maximum width in pixels. Longer text is set in a smaller font, and then cut with an ellipsis. */
  room?: number;
}

const [defaultSize, defaultWeight] = [12, 400];

/**
 * Adds a `<text>` element. The method `text()` of svg.js needs computed styles, which documents in Node do not have.
 */
export function addText(parent: Container, content: string, style: TextStyle): Dom {
  const { x, y, part, theme, weight = defaultWeight, anchor = 'start' } = style;
  const { words, size } = fitText(content, style);
  const text: Dom = parent.element('text', { x, y, 'font-size': size });
  if (weight !== defaultWeight) text.attr('font-weight', weight);
  if (anchor !== 'start') text.attr('text-anchor', anchor);
  text.node.appendChild(text.node.ownerDocument.createTextNode(words));
  return paint(text, part, theme);
}

/**
 * Changes the text of an element of `addText`, only if it differs, because each write to a live tree costs a layout.
 *
 * @param style its `room` limits the width, if set
 */
export function setText(text: Dom, content: string, style?: Pick<TextStyle, 'size' | 'weight' | 'room'>): void {
  const { words, size } = style ? fitText(content, style) : { words: content, size: undefined };
  const node = text.node.firstChild as Text;
  if (node.data !== words) node.data = words;
  if (size !== undefined && text.attr('font-size') !== size) text.attr('font-size', size);
}

/** The smallest font size, as a fraction of the requested one. */
const smallest = 0.75;

/** Shrinks the font and cuts the text until it fits into its room. */
function fitText(content: string, { size = defaultSize, weight, room = Infinity }: Partial<TextStyle>) {
  const wide = textWidth(content, size, weight);
  if (wide <= room) return { words: content, size };
  const fitting = Math.max(smallest * size, (size * room) / wide);
  const small = Math.floor(fitting * 10) / 10;
  let words = content;
  const letters = [...content];
  while (letters.length > 0 && textWidth(words, small, weight) > room) {
    letters.pop();
    words = `${letters.join('').trimEnd()}…`;
  }
  return { words, size: small };
}

/**
 * An upper bound for the width of a text in common sans-serif fonts: most widths are those of DejaVu and Verdana, the
 * widest of these fonts.
 */
export function textWidth(content: string, size: number, weight = defaultWeight): number {
  let width = 0;
  for (const letter of content) width += letterWidth(letter);
  return Math.ceil(width * size * (weight > defaultWeight ? 1.15 : 1));
}

/** Widths as fractions of the font size. */
const widths = new Map<string, number>();
for (const [width, letters] of [
  [0.4, " !'(),-./:;IJ[\\]fijlt|⁰¹²³⁴⁵⁶⁷⁸⁹"],
  [0.55, '"*?_`rsz°⁻–'],
  [0.88, '#&+<=>^w~−×∞'],
  [1.05, '%@MWm…—'],
] as const) {
  for (const letter of letters) widths.set(letter, width);
}

function letterWidth(letter: string): number {
  const known = widths.get(letter);
  if (known !== undefined) return known;
  if (letter >= '\u2e80') return 1.3; // Chinese, Japanese, Korean and emoji
  if (letter >= '\u0250') return 0.9; // Greek, Cyrillic and others
  return /\p{Lu}/u.test(letter) ? 0.88 : 0.65;
}
