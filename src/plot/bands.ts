/** Bands between two lines, such as prediction intervals. */

import type { Container, Dom } from '@svgdotjs/svg.js';
import { type Point, project, round } from './pathData.ts';
import { paint, type Theme } from './theme.ts';
import type { Scale } from './ticks.ts';

/** A band from `lower` to `upper`. */
export interface Band {
  label: string;
  at: ArrayLike<number>;
  lower: ArrayLike<number>;
  upper: ArrayLike<number>;
}

/** The opacity of each of several bands that lie in each other. */
export const bandOpacity = 0.22;
/** Half the width of a band of one step, in pixels. */
const halfStep = 3;

/** The path elements of bands, which updates reuse. */
export class BandPaths {
  readonly #parent: Container;
  readonly #theme: Theme;
  readonly #paths: Dom[] = [];

  constructor(parent: Container, theme: Theme) {
    this.#parent = parent;
    this.#theme = theme;
  }

  show(bands: readonly Band[], x: Scale, y: Scale): void {
    for (let n = 0; n < Math.max(bands.length, this.#paths.length); n++) {
      this.#paths[n] ??= paint(
        this.#parent.element('path', { d: '', 'fill-opacity': bandOpacity }),
        'mark',
        this.#theme,
      );
      this.#paths[n]!.attr(n < bands.length ? { display: null, d: bandText(bands[n]!, x, y) } : { display: 'none' });
    }
  }
}

/** The `d` attribute of a band; steps where an end is not a number leave a gap. */
function bandText({ at, lower, upper }: Band, x: Scale, y: Scale): string {
  const both = Array.from(lower, (value, n) => value + upper[n]!);
  const known = (values: ArrayLike<number>) =>
    project(
      at,
      Array.from(both, (sum, n) => (Number.isNaN(sum) ? Number.NaN : values[n]!)),
      x,
      y,
    );
  const [below, above] = [known(lower), known(upper)];
  return above.map((piece, n) => polygon(widened(piece), widened(below[n]!))).join('');
}

const widened = (piece: readonly Point[]): readonly Point[] => {
  const [x, y] = piece[0]!;
  return piece.length > 1
    ? piece
    : [
        [x - halfStep, y],
        [x + halfStep, y],
      ];
};

const polygon = (above: readonly Point[], below: readonly Point[]): string =>
  `M${[...above, ...[...below].reverse()].map(([x, y]) => `${round(x)},${round(y)}`).join(' ')}Z`;
