/** A grid of dots as text: braille characters of 2 x 4 dots each, or one plain character for each dot. */

/** The bit of each dot in a Unicode braille character, by column and row. */
const bits = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
];
const braille = 0x2800;

export class Dots {
  readonly width: number;
  readonly height: number;
  readonly #columns: number;
  readonly #dots: Uint8Array;

  /** A grid of `columns` x `rows` characters with `across` x `down` dots each. */
  constructor(
    columns: number,
    rows: number,
    readonly across: 1 | 2,
    readonly down: 1 | 4,
  ) {
    this.#columns = columns;
    this.width = columns * across;
    this.height = rows * down;
    this.#dots = new Uint8Array(columns * rows);
  }

  set(x: number, y: number): void {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return;
    const letter = Math.floor(y / this.down) * this.#columns + Math.floor(x / this.across);
    this.#dots[letter]! |= bits[x % this.across]![y % this.down]!;
  }

  /** Draws a line between two dots; a dashed line fills three of every five columns. */
  line(x0: number, y0: number, x1: number, y1: number, dashed: boolean): void {
    const count = Math.max(1, Math.abs(x1 - x0), Math.abs(y1 - y0));
    for (let n = 0; n <= count; n++) {
      const x = Math.round(x0 + ((x1 - x0) * n) / count);
      if (!dashed || x % 5 < 3) this.set(x, Math.round(y0 + ((y1 - y0) * n) / count));
    }
  }

  /** The bits of the dots in one character. */
  at(column: number, row: number): number {
    return this.#dots[row * this.#columns + column]!;
  }

  static letter(dots: number): string {
    return String.fromCharCode(braille + dots);
  }
}
