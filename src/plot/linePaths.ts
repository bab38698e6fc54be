/** The path elements of the lines of a chart, which updates reuse. */

import type { Container, Dom } from '@svgdotjs/svg.js';
import type { Line } from './lineData.ts';
import { addLine, type LineStyle, setStyle } from './lineStyles.ts';
import { decimate, type Point, pathText, project } from './pathData.ts';
import type { Theme } from './theme.ts';
import type { Scale } from './ticks.ts';

export class LinePaths {
  readonly #parent: Container;
  readonly #theme: Theme;
  readonly #paths: Dom[] = [];

  constructor(parent: Container, theme: Theme) {
    this.#parent = parent;
    this.#theme = theme;
  }

  /**
   * Shows exactly these lines. Creates elements only when there are more lines than ever before, and hides spare ones.
   */
  show(styles: readonly LineStyle[], texts: readonly string[]): void {
    for (let n = 0; n < Math.max(styles.length, this.#paths.length); n++) {
      this.#paths[n] ??= addLine(this.#parent, styles[n]!, this.#theme);
      const path = this.#paths[n]!;
      path.attr('display', n < styles.length ? null : 'none');
      if (n >= styles.length) continue;
      setStyle(path, styles[n]!, this.#theme).attr('d', texts[n]!);
    }
  }
}

/** The segments of a line in pixels, thinned to about two points per pixel of width. */
export function piecesOf({ at, values }: Line, x: Scale, y: Scale, width: number): Point[][] {
  const pieces = project(at, values, x, y);
  return values.length > 2 * width ? pieces.map(decimate) : pieces;
}

/** The `d` attribute of a line. */
export const lineText = (line: Line, x: Scale, y: Scale, width: number) => pathText(piecesOf(line, x, y, width));
