/** Heat maps of the gates and states of a recurrent layer, one field for each unit and time step of a sequence. */

import type { Container, Rect } from '@svgdotjs/svg.js';
import { limitArgumentsInTable, rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkCount, checkName, checkOptions } from '../util/options.ts';
import { type Area, Axis, roomForLabels } from './axes.ts';
import { type CellKind, kinds } from './cellPlans.ts';
import { checkNumbers, checkSize, checkText } from './checks.ts';
import { type ColourMap, colourMapCss, colourMapOf, colours, levelOf, setLevel } from './colourMaps.ts';
import { checkFigure, Figure, type FigureOptions, figureOptions, type Setting, side } from './figure.ts';
import { round } from './pathData.ts';
import type { Plot } from './plot.ts';
import { addText, textWidth } from './text.ts';
import { paint, type Theme } from './theme.ts';
import { countTicks, linearScale, type Tick } from './ticks.ts';

export interface GateHeatmapOptions extends FigureOptions {
  /** The type of the layer, which determines the panels; default lstm. */
  kind?: CellKind;
  /** The number of units. */
  units: number;
  /** The number of time steps. */
  steps: number;
  /** The height in pixels; default 440, or more if the panels of a narrow chart need more rows. */
  height?: number;
}
const gateHeatmapOptions = [...figureOptions, 'kind', 'units', 'steps', 'height'] as const;

/** The names of the panels: gates i, f, o, z, r, candidates g and n, cell state c, output h. */
export type GateName = 'i' | 'f' | 'o' | 'g' | 'c' | 'h' | 'z' | 'r' | 'n';

/** The values of one sequence, [T, U] in row-major order; absent panels do not change. */
export type GateData = { [name in GateName]?: ArrayLike<number> } & {
  /** A short text at the upper right; without it, the previous caption stays. */
  caption?: string;
};

/** The titles of the panels. */
const titles: Record<GateName, string> = {
  i: 'input gate',
  f: 'forget gate',
  o: 'output gate',
  g: 'candidate',
  c: 'cell state',
  h: 'output',
  z: 'update gate',
  r: 'reset gate',
  n: 'candidate',
};
const panelsOf: Record<CellKind, { names: GateName[]; columns: number }> = {
  lstm: { names: ['i', 'f', 'g', 'o', 'c', 'h'], columns: 3 },
  gru: { names: ['z', 'r', 'n', 'h'], columns: 2 },
  rnn: { names: ['h'], columns: 1 },
};

/** The maximum number of fields; more would make a file that is too large to open. */
const mostFields = 100_000;
const [gutter, head, rowGap, foot] = [22, 24, 20, 54];
/** The minimum width for the labels of the units. */
const leastLeft = 52;
const scaleWidth = 90;
const captionRoom = 170;

/** A live heat map; `update` changes the colours of its fields. */
export function gateHeatmap(options: GateHeatmapOptions): Plot<GateData> {
  rejectExtraArguments('gateHeatmap', 1, arguments);
  const call = 'gateHeatmap';
  const given = checkOptions<GateHeatmapOptions>(call, options, gateHeatmapOptions);
  const kind = checkName(call, 'kind', given.kind ?? 'lstm', kinds);
  const units = checkCount(call, 'units', given.units);
  const steps = checkCount(call, 'steps', given.steps);
  const { names } = panelsOf[kind];
  const fields = names.length * units * steps;
  if (fields > mostFields) fail(call, `units x steps must be at most ${mostFields} fields, got ${fields}`);
  const setting = checkFigure(call, given);
  const asked = given.height === undefined ? undefined : checkSize(call, 'height', given.height, 200);
  const words = [`gates and states of ${units} units over ${steps} time steps`];
  const maps = (['gate', 'state'] as const).filter(map => names.some(name => colourMapOf(name) === map));
  const header = layOutHeader(setting, maps);
  const needed = (panel: number) =>
    header.bottom + foot + rowsOf(kind, setting.width) * (head + panel + rowGap) - rowGap;
  const height = Math.max(asked ?? Math.max(440, needed(72)), needed(16));
  const figure = new Figure(setting, height, words, colourMapCss(setting.theme));
  const caption = addHeader(figure, header);
  const areas = layOut(kind, setting.width, height, header.bottom, units);
  const grid = { units, steps, figureWidth: setting.width, theme: setting.theme };
  const drawn = new Map(names.map((name, n) => [name, new Panel(figure.svg, name, areas[n]!, grid)]));
  addAxisNames(figure, areas);
  figure.attach();

  const plot: Plot<GateData> = limitArgumentsInTable(call, {
    node: figure.svg.node,
    update(data) {
      const { caption: words, ...values } = checkGates(`${call}.update`, data, names, units, steps);
      for (const [name, numbers] of Object.entries(values)) drawn.get(name as GateName)!.show(numbers);
      caption(words);
      return plot;
    },
    toSVG: () => figure.toSVG(),
    remove: () => figure.remove(),
  });
  return plot;
}

interface Grid {
  units: number;
  steps: number;
  figureWidth: number;
  theme: Theme;
}

/** The fields of one gate or state. */
class Panel {
  readonly #map: ColourMap;
  readonly #theme: Theme;
  readonly #cells: Rect[] = [];
  readonly #levels: Int8Array;

  constructor(
    parent: Container,
    name: GateName,
    { area, outer }: PanelLayout,
    { units, steps, figureWidth, theme }: Grid,
  ) {
    this.#map = colourMapOf(name);
    this.#theme = theme;
    this.#levels = new Int8Array(units * steps).fill(-1);
    const heading = addText(parent, '', { x: area.left, y: area.top - 8, part: 'text', theme, size: 13 });
    heading.element('tspan', { 'font-style': 'italic', 'font-weight': 600 }).words(name);
    heading.element('tspan', { dx: 7 }).words(titles[name]);
    const axis = (side: 'x' | 'y') =>
      new Axis(parent.group().attr('shape-rendering', 'crispEdges'), { side, area, figureWidth, theme });
    if (outer.bottom) axis('x').update(fieldTicks(steps, area.width, 60, 30));
    if (outer.left) axis('y').update(fieldTicks(units, area.height, 30, 13));
    const border = parent.rect(area.width, area.height).attr({ x: area.left, y: area.top, fill: 'none' });
    paint(border.attr('shape-rendering', 'crispEdges'), 'grid', theme);
    const group = parent.group().attr({ 'shape-rendering': 'crispEdges', class: `lw-panel lw-panel-${name}` });
    group.attr('transform', `translate(${area.left} ${area.top})`);
    // Fields have integer edges, because fields that share a pixel would show seams.
    const [xs, ys] = [edges(steps, area.width), edges(units, area.height)];
    for (let step = 0; step < steps; step++) {
      for (let unit = 0; unit < units; unit++) {
        const [x, y] = [xs[step]!, ys[unit]!];
        const cell = group.rect(xs[step + 1]! - x, ys[unit + 1]! - y).attr({ x, y, fill: 'none' });
        this.#cells.push(cell);
      }
    }
  }

  show(values: ArrayLike<number>): void {
    for (let n = 0; n < this.#cells.length; n++) {
      const level = levelOf(this.#map, values[n]!);
      if (level === this.#levels[n]) continue;
      this.#levels[n] = level;
      setLevel(this.#cells[n]!, this.#map, level, this.#theme);
    }
  }
}

const edges = (count: number, length: number) =>
  Array.from({ length: count + 1 }, (_, n) => Math.round((n / count) * length));

/** Ticks in the middle of fields, about `apart` pixels apart and at least `least`. */
function fieldTicks(count: number, length: number, apart: number, least: number): Tick[] {
  const half = length / count / 2;
  if (count === 1) return [{ at: round(half), label: '0' }];
  const scale = linearScale([0, count - 1], [half, length - half]);
  const ticks = countTicks(scale, Math.max(2, length / apart));
  const every = Math.ceil(least / (ticks[1]!.at - ticks[0]!.at));
  return ticks.filter((_, n) => n % every === 0);
}

interface PanelLayout {
  area: Area;
  /** Whether the panel is in the first column and in the last row, which have axes. */
  outer: { left: boolean; bottom: boolean };
}

const columnsOf = (kind: CellKind, width: number) =>
  Math.min(panelsOf[kind].columns, width >= 520 ? 3 : width >= 360 ? 2 : 1);
const rowsOf = (kind: CellKind, width: number) => panelsOf[kind].names.length / columnsOf(kind, width);

function layOut(kind: CellKind, width: number, height: number, top: number, units: number): PanelLayout[] {
  const left = Math.max(leastLeft, roomForLabels([{ at: 0, label: units.toLocaleString('en') }]));
  const { names } = panelsOf[kind];
  const [columns, rows] = [columnsOf(kind, width), rowsOf(kind, width)];
  const across = Math.floor((width - left - side - (columns - 1) * gutter) / columns);
  const down = Math.floor((height - top - foot - rows * head - (rows - 1) * rowGap) / rows);
  return names.map((_, n) => {
    const [column, row] = [n % columns, Math.floor(n / columns)];
    return {
      area: {
        left: left + column * (across + gutter),
        top: top + head + row * (down + head + rowGap),
        width: across,
        height: down,
      },
      outer: { left: column === 0, bottom: row === rows - 1 },
    };
  });
}

type Header = ReturnType<typeof layOutHeader>;

/** Places the colour scales and the caption, in several rows if the chart is narrow. */
function layOutHeader({ width, title }: Setting, maps: readonly ColourMap[]) {
  let line = title ? 58 : 32;
  let x = side;
  const scales = maps.map(map => {
    if (x > side && x + entryWidth(map) > width - side / 2) [x, line] = [side, line + 22];
    const entry = { map, x, y: line };
    x += entryWidth(map) + 26;
    return entry;
  });
  const below = x + captionRoom > width;
  if (below) line += 22;
  return { scales, line, taken: below ? 0 : x - side, bottom: line + 10 };
}

/** @returns a function that changes the caption */
function addHeader(figure: Figure, { scales, line, taken }: Header): (words: string | undefined) => void {
  for (const { map, x, y } of scales) addScale(figure, map, x, y, figure.theme);
  return figure.addCaption(line, taken, taken > 0 ? 'end' : 'start');
}

const scaleName = { gate: 'gates', state: 'states' };
const lowEnd = { gate: '0', state: '−1' };
const highEnd = '1';
/** The widths of the name, the lower end, the colours and the upper end of a colour scale, with gaps. */
const partsOf = (map: ColourMap) =>
  [textWidth(scaleName[map], 13) + 8, textWidth(lowEnd[map], 13) + 6, scaleWidth + 6, textWidth(highEnd, 13)] as const;
const entryWidth = (map: ColourMap) => partsOf(map).reduce((sum, width) => sum + width, 0);

/** Draws a colour scale with its name and its ends. */
function addScale(figure: Figure, map: ColourMap, x: number, y: number, theme: Theme): void {
  const group = figure.svg.group().addClass('lw-legend');
  const [nameWidth, lowWidth, barWidth] = partsOf(map);
  const style = { y, part: 'text' as const, theme, size: 13 };
  const [low, start] = [x + nameWidth, x + nameWidth + lowWidth];
  addText(group, scaleName[map], { ...style, x });
  addText(group, lowEnd[map], { ...style, x: low, part: 'muted' });
  const bar = group.group().attr('shape-rendering', 'crispEdges');
  const count = colours(map, theme).length;
  const ends = edges(count, scaleWidth);
  for (let level = 0; level < count; level++) {
    const part = bar.rect(ends[level + 1]! - ends[level]!, 11).attr({ x: start + ends[level]!, y: y - 10 });
    setLevel(part, map, level, theme);
  }
  addText(group, highEnd, { ...style, x: start + barWidth, part: 'muted' });
}

function addAxisNames({ svg, theme }: Figure, panels: readonly PanelLayout[]): void {
  const style = { part: 'muted' as const, theme, anchor: 'end' as const };
  const first = panels[0]!.area;
  const last = panels.at(-1)!.area;
  addText(svg, 'unit', { ...style, x: first.left - 10, y: first.top - 8 });
  addText(svg, 'time step', { ...style, x: last.left + last.width, y: last.top + last.height + 40 });
}

function checkGates(call: string, data: unknown, names: readonly GateName[], units: number, steps: number) {
  const given = checkOptions<GateData>(call, data, [...names, 'caption']);
  for (const name of names) {
    if (given[name] === undefined) continue;
    const values = checkNumbers(call, name, given[name]);
    if (values.length !== units * steps) {
      fail(call, `${name} must have steps x units (${steps} x ${units}) numbers, got ${show(values.length)}`);
    }
  }
  if (given.caption !== undefined) checkText(call, 'caption', given.caption);
  return given as { [name in GateName]?: ArrayLike<number> } & { caption?: string };
}
