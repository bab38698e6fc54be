/**
 * The header of a chart: the legend, in one or more rows, and a caption, right-aligned in the last row or, if it does
 * not fit, in a further row.
 */

import type { Container, Dom, G } from '@svgdotjs/svg.js';
import { side } from './figure.ts';
import { addLine, type LineStyle, setStyle } from './lineStyles.ts';
import { addText, setText, textWidth } from './text.ts';
import type { Theme } from './theme.ts';

const size = 13;
const rowHeight = 20;
/** The length of a line sample, the distance from its start to the text, and the gap between two entries. */
const [sampleLength, sampleRoom, entryGap] = [28, 37, 18];
/**
 * The minimum width of the caption, about 25 letters such as "step 500, cost 0.00312", so that it does not move when
 * its text changes.
 */
const captionRoom = 190;

interface Entry {
  group: G;
  sample: Dom;
  words: Dom;
}

export class Header {
  /** The baseline of the caption. */
  captionLine: number;
  readonly #width: number;
  readonly #firstLine: number;
  readonly #theme: Theme;
  readonly #legend: G;
  readonly #entries: Entry[] = [];
  readonly #note: Dom;
  readonly #caption: Dom;
  #words = '';
  /** The x position of the next entry. */
  #end: [x: number, y: number];

  /** @param width the width of the figure */
  constructor(parent: Container, width: number, firstLine: number, theme: Theme) {
    this.#width = width;
    this.#firstLine = firstLine;
    this.#theme = theme;
    this.#end = [side, firstLine];
    this.captionLine = firstLine;
    this.#legend = parent.group().addClass('lw-legend');
    this.#note = addText(parent, '', { x: side, y: firstLine, part: 'muted', theme, size });
    this.#caption = this.addCaption(parent, '', width - side - 4, firstLine);
  }

  /** Shows the legend of these lines, followed by a note. */
  show(styles: readonly LineStyle[], note: string): void {
    this.#end = [side, this.#firstLine];
    for (let n = 0; n < Math.max(styles.length, this.#entries.length); n++) {
      this.#entries[n] ??= this.#addEntry();
      this.#showEntry(this.#entries[n]!, styles[n]);
    }
    const [x, y] = this.#take(note === '' ? -entryGap : textWidth(note, size));
    this.#note.attr({ x, y });
    setText(this.#note, note);
    this.setCaption(this.#words);
  }

  setCaption(content: string): void {
    this.#words = content;
    const [x, y] = this.#end;
    const below = x + Math.max(captionRoom, textWidth(content, size)) > this.#width;
    this.captionLine = y + (below ? rowHeight : 0);
    this.#caption.attr('y', this.captionLine);
    setText(this.#caption, content, { size, room: this.#captionRoom });
  }

  /** Reserves space for the longest of several captions, which `addCaption` draws. */
  reserve(captions: readonly string[]): void {
    this.setCaption(captions.reduce((a, b) => (textWidth(a, size) > textWidth(b, size) ? a : b), ''));
    setText(this.#caption, '');
  }

  addCaption(parent: Container, content: string, x: number, y: number): Dom {
    const style = { part: 'text' as const, theme: this.#theme, size, anchor: 'end' as const, room: this.#captionRoom };
    return addText(parent, content, { ...style, x, y });
  }

  get #captionRoom(): number {
    return this.#width - 2 * side;
  }

  /** Reserves a width and returns its x position; starts a new row when the current one is full. */
  #take(room: number): [x: number, y: number] {
    const [x, y] = this.#end;
    const fits = x === side || x + room <= this.#width - side;
    const at: [number, number] = fits ? [x, y] : [side, y + rowHeight];
    this.#end = [at[0] + room + entryGap, at[1]];
    return at;
  }

  #addEntry(): Entry {
    const group = this.#legend.group().attr('display', 'none');
    const sample = addLine(group, { part: 'target', width: 1 }, this.#theme);
    return { group, sample, words: addText(group, '', { x: 0, y: 0, part: 'text', theme: this.#theme, size }) };
  }

  #showEntry({ group, sample, words }: Entry, style: LineStyle | undefined): void {
    group.attr('display', style ? null : 'none');
    if (!style) return;
    const room = this.#width - 2 * side - sampleRoom;
    const [x, y] = this.#take(sampleRoom + Math.min(room, textWidth(style.label, size)));
    setStyle(sample, style, this.#theme);
    const inset = Math.max(0, (style.width - 3) / 2); // the round caps of bands are wide
    sample.attr('d', `M${x + 1 + inset},${y - size / 3} ${x + sampleLength - inset},${y - size / 3}`);
    words.attr({ x: x + sampleRoom, y });
    setText(words, style.label, { size, room });
  }
}
