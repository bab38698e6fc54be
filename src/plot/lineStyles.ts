/** Line styles: the lines of a chart differ in colour, lightness and dashes. */

import type { Container, Dom } from '@svgdotjs/svg.js';
import { type Part, paint, type Theme } from './theme.ts';

/** A line of the chart, as the legend shows it. */
export interface LineStyle {
  label: string;
  part: Part;
  width: number;
  dash?: string | undefined;
  /** Below 1 for bands; default 1. */
  opacity?: number | undefined;
}

const parts: readonly Part[] = ['target', 'prediction', 'third', 'fourth', 'fifth', 'sixth'];
/** One fewer than the colours, so that no style repeats within the first thirty lines. */
const dashes: readonly (string | undefined)[] = [undefined, '5 6', '1 5', '12 7', '12 6 1 6'];

/** The style of the n-th line. */
export const styleOf = (n: number): Pick<LineStyle, 'part' | 'dash'> => ({
  part: parts[n % parts.length]!,
  dash: dashes[n % dashes.length],
});

/** A path whose `d` attribute and style can be updated. */
export function addLine(parent: Container, style: Omit<LineStyle, 'label'>, theme: Theme): Dom {
  const line: Dom = parent.element('path', { d: '', fill: 'none' });
  line.attr({ 'stroke-linejoin': 'round', 'stroke-linecap': 'round' });
  return setStyle(line, style, theme);
}

/** Sets the style of a line. */
export function setStyle(line: Dom, { part, width, dash, opacity = 1 }: Omit<LineStyle, 'label'>, theme: Theme): Dom {
  if (!line.hasClass(`lw-${part}`)) paint(line.attr('class', null), part, theme);
  if (line.attr('stroke-width') !== width) line.attr('stroke-width', width);
  if (line.attr('stroke-dasharray') !== dash) line.attr('stroke-dasharray', dash ?? null);
  if ((line.attr('stroke-opacity') ?? 1) !== opacity) line.attr('stroke-opacity', opacity === 1 ? null : opacity);
  return line;
}
