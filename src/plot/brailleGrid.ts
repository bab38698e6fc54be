/** A grid of dots that is written as text: braille letters of 2 x 4 dots each, or one plain letter for a dot. */

/** The bit of each dot in a letter of the braille block, by column and row. */
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

  /** A grid that fills `columns` x `rows` letters, each of `across` x `down` dots. */
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

  /** A line of dots between two of them; of a dashed one, three columns of every five. */
  line(x0: number, y0: number, x1: number, y1: number, dashed: boolean): void {
    const count = Math.max(1, Math.abs(x1 - x0), Math.abs(y1 - y0));
    for (let n = 0; n <= count; n++) {
      const x = Math.round(x0 + ((x1 - x0) * n) / count);
      if (!dashed || x % 5 < 3) this.set(x, Math.round(y0 + ((y1 - y0) * n) / count));
    }
  }

  /** The dots of one letter, 0 where there are none. */
  at(column: number, row: number): number {
    return this.#dots[row * this.#columns + column]!;
  }

  static letter(dots: number): string {
    return String.fromCharCode(braille + dots);
  }
}
