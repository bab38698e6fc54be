/** Benchmark results: bars on a log scale, one group for each workload. */

import { limitArgumentsInTable, rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkNumber, checkOptions } from '../util/options.ts';
import { BarColumn } from './barColumn.ts';
import { checkGroups, checkTexts, checkValues, type WorkloadGroup } from './benchmarkData.ts';
import { checkText } from './checks.ts';
import { checkFigure, Figure, type FigureOptions, figureOptions, side, titleLine } from './figure.ts';
import type { Plot } from './plot.ts';
import { addText, textWidth } from './text.ts';
import { type Part, paint } from './theme.ts';

export interface BenchmarkOptions extends FigureOptions {
  /** The workloads, each with the names of its bars. */
  groups: readonly WorkloadGroup[];
  /** The unit of the values; default ms. */
  unit?: string;
  /** The names of the bars to highlight in blue. */
  own?: readonly string[];
  /** The value at which bars start, such as 1 for ratios; smaller values point left, in red. Default: the left end. */
  base?: number;
  /** The meaning of the colours blue, grey and, with a base, red. Default: no legend. */
  legend?: readonly string[];
  /** A line of small text below the title. */
  subtitle?: string;
}
const benchmarkOptions = [...figureOptions, 'groups', 'unit', 'own', 'base', 'legend', 'subtitle'] as const;

export interface BenchmarkData {
  /** A list for each group with a positive number for each bar; NaN for a missing value. */
  values: readonly ArrayLike<number>[];
  /** The label of each bar; default: its value and unit. */
  labels?: readonly (readonly string[])[];
  /** A short text at the upper right; without it, the previous caption stays. */
  caption?: string;
}

const axisHeight = 40;
const legendParts: readonly Part[] = ['prediction', 'axis', 'target'];

/** A live bar chart; `update` sets the values. Its height depends on the number of bars. */
export function benchmarkChart(options: BenchmarkOptions): Plot<BenchmarkData> {
  rejectExtraArguments('benchmarkChart', 1, arguments);
  const call = 'benchmarkChart';
  const given = checkOptions<BenchmarkOptions>(call, options, benchmarkOptions);
  const groups = checkGroups(call, given.groups);
  const unit = checkText(call, 'unit', given.unit ?? 'ms');
  const own = checkTexts(call, 'own', given.own ?? []);
  const base = given.base === undefined ? undefined : checkNumber(call, 'base', given.base, { above: 0 });
  const legend = checkTexts(call, 'legend', given.legend ?? []);
  if (legend.length > legendParts.length) fail(call, `legend must have at most 3 strings, got ${show(legend)}`);
  const subtitle = checkText(call, 'subtitle', given.subtitle ?? '');
  const count = Math.max(...groups.map(({ column }) => column)) + 1;
  const setting = checkFigure(call, given, count > 1 ? 904 : 720);
  const { width, theme, title } = setting;

  const lines = [title && titleLine, subtitle && (title ? 56 : 32)].filter(Number) as number[];
  const legendLine = legend.length > 0 ? (lines.at(-1) ?? 10) + 22 : undefined;
  const top = (legendLine ?? lines.at(-1) ?? 10) + 14;
  const columnWidth = (width - side) / count;
  // Names have the same width in every column, so that equal values have bars of equal length.
  const needed = Math.max(40, ...groups.flatMap(({ bars }) => bars.map(name => textWidth(name, 12) + 14)));
  const names = Math.min(needed, 0.4 * (columnWidth - side));
  const style = { top, width: columnWidth - side, names, unit, own, base, theme, figureWidth: width };
  const columns = Array.from({ length: count }, (_, column) => {
    const mine = groups.filter(group => group.column === column);
    return new BarColumn(mine, { ...style, left: side + column * columnWidth });
  });
  const height = top + Math.max(...columns.map(column => column.height)) + axisHeight;
  const figure = new Figure(
    setting,
    height,
    groups.map(group => group.title),
  );
  const { svg } = figure;
  const room = width - 2 * side;
  const small = { part: 'muted' as const, theme, room: title ? room : 0.65 * room };
  if (subtitle) addText(svg, subtitle, { x: side, y: lines.at(-1)!, ...small });
  const legendEnd = legendLine ? addLegend(figure, legend, legendLine, room) : side;
  const taken = title ? 0 : subtitle ? textWidth(subtitle, 12) + 12 : legendEnd - side;
  const caption = figure.addCaption(lines[0] ?? legendLine ?? 20, Math.min(taken, 0.65 * room));
  for (const column of columns) column.draw(svg);
  figure.attach();

  const plot: Plot<BenchmarkData> = limitArgumentsInTable(call, {
    node: svg.node,
    update(data) {
      const { values, labels, caption: words } = checkBenchmark(`${call}.update`, data, groups);
      const drawn = values.flatMap(list => Array.from(list)).filter(isDrawn);
      // Without a base, the axis starts below the smallest value, so that its bar is visible.
      const low = Math.min(base ? base / 2 : Infinity, ...drawn.map(value => (base ? value : 0.8 * value)));
      const high = Math.max(base ? base * 2 : 0, ...drawn);
      const domain: [number, number] = drawn.length > 0 || base ? [low, high] : [1, 10];
      for (const [column, bars] of columns.entries()) {
        const mine = <T>(list: readonly T[]) => list.filter((_, n) => groups[n]!.column === column);
        bars.update(domain, mine(values), labels && mine(labels));
      }
      caption(words);
      return plot;
    },
    toSVG: () => figure.toSVG(),
    remove: () => figure.remove(),
  });
  return plot.update({ values: groups.map(({ bars }) => bars.map(() => Number.NaN)) });
}

/** Whether a log scale can show the value. */
const isDrawn = (value: number) => value > 0 && value < Infinity;

/** @returns the x position of the end of the legend */
function addLegend({ svg, theme }: Figure, legend: readonly string[], y: number, room: number): number {
  const group = svg.group().addClass('lw-legend');
  // Each entry may use an equal part of the line, plus the unused width of the entries before it.
  let x = side;
  for (const [n, label] of legend.entries()) {
    paint(group.line(x, y - 4, x + 22, y - 4).attr('stroke-width', 10), legendParts[n]!, theme);
    const left = side + ((n + 1) * room) / legend.length - x - 29;
    addText(group, label, { x: x + 29, y, part: 'text', theme, room: left });
    x += 29 + Math.min(left, textWidth(label, 12)) + 20;
  }
  return x;
}

function checkBenchmark(call: string, data: unknown, groups: readonly WorkloadGroup[]) {
  const given = checkOptions<BenchmarkData>(call, data, ['values', 'labels', 'caption']);
  const values = checkValues(call, given.values, groups);
  const { labels, caption } = given;
  if (labels !== undefined) {
    if (!Array.isArray(labels) || labels.length !== groups.length) {
      fail(call, `labels must be a list for each of ${groups.length} groups, got ${show(labels)}`);
    }
    for (const [n, list] of labels.entries()) {
      const texts = checkTexts(call, `labels[${n}]`, list);
      const { length } = groups[n]!.bars;
      if (texts.length !== length)
        fail(call, `labels[${n}] must be as long as its bars (${length}), got ${texts.length}`);
    }
  }
  if (caption !== undefined) checkText(call, 'caption', caption);
  return { values, labels, caption };
}
