/**
 * The colours of charts.
 *
 * Colours are presentation attributes, which every viewer supports; only the dark colours of theme `auto` need a style
 * sheet. The line colours are distinguishable with every kind of colour vision, and the dashes (lineStyles.ts) make
 * lines distinguishable without colour.
 */

import type { Dom, Element } from '@svgdotjs/svg.js';

export type Theme = 'light' | 'dark' | 'auto';
export const themes = ['light', 'dark', 'auto'] as const;

export const fontFamily = "-apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";

const light = {
  background: '#ffffff',
  title: '#1b1f24',
  text: '#3d444d',
  muted: '#6a737d',
  grid: '#e7eaee',
  minor: '#f3f5f7',
  axis: '#aab2bb',
  target: '#dc3f3a',
  prediction: '#1663b0',
  third: '#d67700',
  fourth: '#56105e',
  fifth: '#0a4d3a',
  sixth: '#828d98',
  cell: '#e9f3ec',
  layer: '#ffdf80',
  operation: '#f8b4c8',
  vector: '#d7e6f6',
  wire: '#3d444d',
  ink: '#1b1f24',
};
const dark: typeof light = {
  background: '#0f141a',
  title: '#f0f3f6',
  text: '#c4ccd5',
  muted: '#8f99a4',
  grid: '#252c35',
  minor: '#1a2028',
  axis: '#56606b',
  target: '#ff6f66',
  prediction: '#78b8ff',
  third: '#ffd951',
  fourth: '#ac3fdd',
  fifth: '#d8f3ea',
  sixth: '#6c7883',
  cell: '#18261f',
  layer: '#e0b64a',
  operation: '#e08fa8',
  vector: '#223d5c',
  wire: '#c4ccd5',
  ink: '#14181d',
};

/** The parts of a chart, and the attribute that has their colour. */
const parts = {
  background: 'fill',
  title: 'fill',
  text: 'fill',
  muted: 'fill',
  grid: 'stroke',
  minor: 'stroke',
  axis: 'stroke',
  target: 'stroke',
  prediction: 'stroke',
  third: 'stroke',
  fourth: 'stroke',
  fifth: 'stroke',
  sixth: 'stroke',
  track: 'fill',
  progress: 'fill',
  mark: 'fill',
  error: 'fill',
  cell: 'fill',
  layer: 'fill',
  operation: 'fill',
  vector: 'fill',
  wire: 'stroke',
  arrow: 'fill',
  bridge: 'stroke',
  outline: 'stroke',
  ink: 'fill',
} as const;
export type Part = keyof typeof parts;

/** Parts with the colour of another part. */
const borrowed: Partial<Record<Part, keyof typeof light>> = {
  track: 'grid',
  progress: 'axis',
  mark: 'prediction',
  error: 'target',
  arrow: 'wire',
  bridge: 'cell',
  outline: 'axis',
};

/** The colour values, for tests. */
export const palettes = { light, dark };

const colour = (palette: typeof light, part: Part) => palette[borrowed[part] ?? (part as keyof typeof light)];

/** Sets the colour and the class of a part; a page can restyle the class. */
export function paint<E extends Dom | Element>(element: E, part: Part, theme: Theme): E {
  element.addClass(`lw-${part}`);
  element.attr(parts[part], colour(theme === 'dark' ? dark : light, part));
  return element;
}

/** Parts of one kind of chart, which alone has their rules in its style sheet. */
const ofSingleCharts: readonly Part[] = ['error'];

/**
 * The style sheet of a theme; scoped by class, because a style sheet in an inline SVG applies to the whole page.
 *
 * @param only default: the parts that all charts share
 */
export function styleSheet(theme: Theme, only?: readonly Part[]): string {
  if (theme !== 'auto') return '';
  const all = Object.keys(parts) as Part[];
  const rules = (only ?? all.filter(part => !ofSingleCharts.includes(part))).map(
    part => `.lw-auto .lw-${part}{${parts[part]}:${colour(dark, part)}}`,
  );
  return `@media (prefers-color-scheme:dark){${rules.join('')}}`;
}
