/** Line styles: the lines of a chart differ in colour, lightness and dashes. */

import type { Container, Dom } from '@svgdotjs/svg.js';
import { type Part, paint, type Theme } from './theme.ts';

/** A line of the chart, as the legend shows it. */
export interface Series {
  label: string;
  part: Part;
  width: number;
  dash?: string | undefined;
}

const parts: readonly Part[] = ['target', 'prediction', 'third', 'fourth', 'fifth', 'sixth'];
/** One fewer than the colours, so that no style repeats within the first thirty lines. */
const dashes: readonly (string | undefined)[] = [undefined, '5 6', '1 5', '12 7', '12 6 1 6'];

/** The style of the n-th line. */
export const lookOf = (n: number): Pick<Series, 'part' | 'dash'> => ({
  part: parts[n % parts.length]!,
  dash: dashes[n % dashes.length],
});

/** A path whose `d` attribute and style can be updated. */
export function addLine(parent: Container, series: Omit<Series, 'label'>, theme: Theme): Dom {
  const line: Dom = parent.element('path', { d: '', fill: 'none' });
  line.attr({ 'stroke-linejoin': 'round', 'stroke-linecap': 'round' });
  return dress(line, series, theme);
}

/** Sets the style of a line. */
export function dress(line: Dom, { part, width, dash }: Omit<Series, 'label'>, theme: Theme): Dom {
  if (!line.hasClass(`lw-${part}`)) paint(line.attr('class', null), part, theme);
  if (line.attr('stroke-width') !== width) line.attr('stroke-width', width);
  if (line.attr('stroke-dasharray') !== dash) line.attr('stroke-dasharray', dash ?? null);
  return line;
}
