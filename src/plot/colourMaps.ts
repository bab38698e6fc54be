/**
 * Colour maps for values, readable with every kind of colour vision. `gate` maps 0 to 1 to increasing contrast with the
 * background; `state` maps -1 to 1 from blue over the background colour to red.
 */

import type { Element } from '@svgdotjs/svg.js';
import type { Theme } from './theme.ts';

export type ColourMap = 'gate' | 'state';

/** The map of a gate, a candidate, a state, an input or an output, by its name in the data of a picture. */
export const colourMapOf = (name: string): ColourMap => (/^[ifozr]$/.test(name) ? 'gate' : 'state');

/** The number of colours; odd, so that zero in `state` has the middle one. */
const count = 33;

const stops: Record<ColourMap, { light: string[]; dark: string[]; domain: [number, number] }> = {
  gate: {
    light: ['#f4f8e6', '#bfe3c6', '#5bb5b4', '#2d75a6', '#16285e'],
    dark: ['#151d2c', '#1f4a75', '#2a8a92', '#84cd9b', '#f6f7c4'],
    domain: [0, 1],
  },
  state: {
    light: ['#0b4f96', '#74acdb', '#f3f3f1', '#ee9180', '#b3202a'],
    dark: ['#a5cfff', '#2f6fb3', '#1c2229', '#b8473f', '#ffb3a7'],
    domain: [-1, 1],
  },
};

/** The index of the colour of a value; values beyond the ends are clipped, and NaN gives -1. */
export function levelOf(map: ColourMap, value: number): number {
  const [low, high] = stops[map].domain;
  if (Number.isNaN(value)) return -1;
  return Math.round(Math.max(0, Math.min(1, (value - low) / (high - low))) * (count - 1));
}

/** Sets the colour of an element; in theme `auto` also a class, for which a style sheet sets the dark colour. */
export function setLevel(element: Element, map: ColourMap, level: number, theme: Theme): void {
  element.attr('fill', level < 0 ? 'none' : colours(map, theme)[level]!);
  if (theme === 'auto') element.attr('class', level < 0 ? null : `lw-${map}-${level}`);
}

/** The colours of a map, from the lowest to the highest value. */
export function colours(map: ColourMap, theme: Theme): readonly string[] {
  return tables[map][theme === 'dark' ? 'dark' : 'light'];
}

/** The style sheet of the colour maps for theme `auto`; empty for other themes. */
export function colourMapCss(theme: Theme): string {
  if (theme !== 'auto') return '';
  const rules = (Object.keys(stops) as ColourMap[]).flatMap(map =>
    tables[map].dark.map((colour, level) => `.lw-auto .lw-${map}-${level}{fill:${colour}}`),
  );
  return `@media (prefers-color-scheme:dark){${rules.join('')}}`;
}

type Tables = Record<ColourMap, { light: string[]; dark: string[] }>;

// A call marked as pure, so that bundlers can drop it if no colour map is used
const tables = /* @__PURE__ */ (() =>
  Object.fromEntries(
    Object.entries(stops).map(([map, { light, dark }]) => [map, { light: table(light), dark: table(dark) }]),
  ) as Tables)();

function table(colours: readonly string[]): string[] {
  return Array.from({ length: count }, (_, level) => {
    const position = (level / (count - 1)) * (colours.length - 1);
    const below = Math.min(Math.floor(position), colours.length - 2);
    const [from, to] = [channels(colours[below]!), channels(colours[below + 1]!)];
    const mixed = from.map((value, n) => Math.round(value + (to[n]! - value) * (position - below)));
    return `#${mixed.map(value => value.toString(16).padStart(2, '0')).join('')}`;
  });
}

function channels(colour: string): number[] {
  return [1, 3, 5].map(at => Number.parseInt(colour.slice(at, at + 2), 16));
}
