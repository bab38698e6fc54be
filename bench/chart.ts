/**
 * The chart of a run: for some workloads, everybody's time as a multiple of ours, as bars on a log scale that start at
 * one. Who is slower points to the right, who is faster to the left.
 */

import { type G, SVG, type Svg } from '@svgdotjs/svg.js';
import { type Area, Axis, logScale, logTicks, type Scale } from '../src/plot/axes.ts';
import '../src/plot/node.ts'; // brings a document to draw in
import { round } from '../src/plot/points.ts';
import { serialize } from '../src/plot/serialize.ts';
import { addText } from '../src/plot/text.ts';
import { fontFamily, type Part, paint } from '../src/plot/theme.ts';
import { digits, ownTime, ratio } from './report.js';

type Report = import('./report.js').Report;
type Row = import('./measure.js').Row;

/** What is shown, column by column; a run that has not measured one does without. */
const columns: [workload: string, kind: Row['kind']][][] = [
  [
    ['seed', 'train'],
    ['32', 'train'],
    ['128', 'train'],
    ['2x128', 'train'],
    ['512', 'train'],
  ],
  [
    ['seed', 'predict'],
    ['128', 'predict'],
    ['512', 'predict'],
    ['stream', 'step'],
    ['start', 'start'],
  ],
];
/** The names of our own. */
const ours: Record<string, string> = {
  strict: 'ours, strict',
  relaxed: 'ours, relaxed',
  turbo: 'ours, turbo',
  'lstm-wasm': 'ours',
};
const titles: Partial<Record<Row['kind'], string>> = {
  train: ', a step of training',
  predict: ', a prediction',
  start: 'Import to first step, above an empty process',
};

const theme = 'light';
const side = 24;
const top = 92;
const columnWidth = 440;
const labelWidth = 122;
const valueWidth = 112;
const rowHeight = 16;
const groupGap = 34;
const axisHeight = 40;

export function drawBenchmark(report: Report): string {
  const shown = columns
    .map(column =>
      column.flatMap(([name, kind]) => report.rows.filter(row => row.workload === name && row.kind === kind)),
    )
    .filter(rows => rows.length > 0);
  const ratios = shown.flat().flatMap(row => row.results.map(({ min }) => min / (ownTime(row) ?? min)));
  const scale = logScale(
    [Math.min(0.5, ...ratios), Math.max(2, ...ratios)],
    [0, columnWidth - labelWidth - valueWidth],
  );
  const width = 2 * side + Math.max(1, shown.length) * columnWidth - side;
  const height = top + Math.max(0, ...shown.map(heightOf)) + axisHeight;

  const svg = addRoot(width, height, report);
  for (const [n, rows] of shown.entries()) drawColumn(svg, rows, side + n * columnWidth, scale, heightOf(rows));
  return serialize(svg.node);
}

const heightOf = (rows: readonly Row[]) =>
  rows.reduce((sum, { results }) => sum + groupGap + results.length * rowHeight, 0);

function addRoot(width: number, height: number, { machine }: Report): Svg {
  const title = 'How long it takes, as a multiple of our relaxed build';
  const svg = SVG().size(width, height).viewbox(0, 0, width, height).addClass('lw-plot').addClass(`lw-${theme}`);
  svg.attr({ 'font-family': fontFamily, role: 'img', 'aria-label': title });
  paint(svg.rect(width, height).attr('rx', 8), 'background', theme);
  addText(svg, title, { x: side, y: 34, part: 'title', theme, size: 17, weight: 600 });
  const setting = `${machine.cpu}, Node ${machine.node}, one thread, ${machine.date}; log scale, shortest of many samples`;
  addText(svg, setting, { x: side, y: 56, part: 'muted', theme });
  let x = side;
  for (const [part, label] of [
    ['prediction', 'this package'],
    ['axis', 'slower'],
    ['target', 'faster'],
  ] as const) {
    addBar(svg.group(), part, x, x + 22, 74);
    addText(svg, label, { x: x + 29, y: 78, part: 'text', theme });
    x += 29 + 7 * label.length + 18;
  }
  return svg;
}

/** Its groups, over a grid and an axis of their own. */
function drawColumn(svg: Svg, rows: readonly Row[], left: number, scale: Scale, height: number): void {
  const area: Area = { left: left + labelWidth, top, width: columnWidth - labelWidth - valueWidth, height };
  const ticks = logTicks(scale).filter(({ label }) => label !== '');
  const grid = svg.group().attr('shape-rendering', 'crispEdges');
  const axis = new Axis(svg.group().attr('shape-rendering', 'crispEdges'), 'x', area, theme);
  axis.update(ticks.map(({ at, label }) => ({ at, label: `${label}x` })));
  const one = round(area.left + scale(1));

  let y = top;
  for (const row of rows) {
    const title = row.kind === 'start' ? titles.start : row.title + (titles[row.kind] ?? '');
    addText(svg, title ?? '', { x: left, y: y + 22, part: 'text', theme, weight: 600 });
    y += groupGap - 4;
    const end = y + row.results.length * rowHeight;
    for (const { at } of ticks) paint(grid.line(area.left + at, y, area.left + at, end), 'grid', theme);
    paint(grid.line(one, y, one, end), 'prediction', theme);
    for (const { name, min } of row.results) {
      const times = min / (ownTime(row) ?? min);
      drawResult(svg.group(), { name, ms: min, times }, left, y + rowHeight / 2, one, round(area.left + scale(times)));
      y += rowHeight;
    }
    y += 4;
  }
}

interface Bar {
  name: string;
  ms: number;
  /** How many times our relaxed build's. */
  times: number;
}

/** Name, bar from `one` to `end`, and what it says in numbers. */
function drawResult(group: G, { name, ms, times }: Bar, left: number, y: number, one: number, end: number): void {
  const own = name in ours;
  addText(group, ours[name] ?? name, { x: left, y: y + 4, part: own ? 'mark' : 'text', theme });
  if (times !== 1) addBar(group, own ? 'prediction' : times < 1 ? 'target' : 'axis', one, end, y);
  const values = times === 1 ? duration(ms) : `${ratio(times)} · ${duration(ms)}`;
  addText(group, values, { x: Math.max(one, end) + 6, y: y + 4, part: own ? 'mark' : 'muted', theme });
}

function duration(ms: number): string {
  if (ms < 0.1) return `${digits(1000 * ms)} µs`;
  return ms < 1000 ? `${digits(ms)} ms` : `${digits(ms / 1000)} s`;
}

/** A thick line, since the parts of a plot that have these colours are lines. */
function addBar(group: G, part: Part, from: number, to: number, y: number): void {
  paint(group.line(from, y, to, y).attr('stroke-width', rowHeight - 6), part, theme);
}
