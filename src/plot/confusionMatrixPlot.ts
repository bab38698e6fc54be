/** Plots a confusion matrix: counts, and their shares of the samples of each actual class. */

import type { Dom, G, Rect } from '@svgdotjs/svg.js';
import { limitArgumentsInTable, rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkOptions } from '../util/options.ts';
import { checkText, isList } from './checks.ts';
import { checkFigure, Figure, type FigureOptions, figureOptions, type Setting, side } from './figure.ts';
import { round } from './pathData.ts';
import type { Plot } from './plot.ts';
import { addText, setText, textWidth } from './text.ts';
import { paint, styleSheet } from './theme.ts';

export interface ConfusionMatrixOptions extends FigureOptions {
  /** The names of the classes, in the order of rows and columns. */
  classes: readonly (string | number)[];
}

/** The data of `confusionMatrixPlot`. */
export interface ConfusionMatrixData {
  /** The counts, [C, C], such as the result of `confusionMatrix`: row a, column b has class a predicted as class b. */
  matrix: readonly ArrayLike<number>[] | ArrayLike<number> | { dataSync(): ArrayLike<number> };
  /** A short text at the upper right; without it, the previous caption stays. */
  caption?: string;
}

/** More classes would leave no room for numbers. */
const mostClasses = 40;
/** The colour of a share of 1 is this opaque, so that texts are readable on every colour of both themes. */
const mostOpacity = 0.55;
const [labelSize, countSize, shareSize] = [13, 15, 11];
const [mostCell, leastCell, mostHeight] = [130, 18, 62];
/** The smallest cells with room for a share below the count. */
const shareRoom = { width: 44, height: 38 };
const gap = 2;

/** A live picture of a confusion matrix. Correct predictions are blue and errors red, the stronger the larger their share. */
export function confusionMatrixPlot(options: ConfusionMatrixOptions): Plot<ConfusionMatrixData> {
  rejectExtraArguments('confusionMatrixPlot', 1, arguments);
  const call = 'confusionMatrixPlot';
  const given = checkOptions<ConfusionMatrixOptions>(call, options, [...figureOptions, 'classes']);
  const classes = checkClasses(call, given.classes);
  const setting = checkFigure(call, given, 560);
  const layout = layOut(setting, classes);
  const figure = new Figure(
    setting,
    layout.height,
    [`confusion matrix of ${classes.join(', ')}`],
    styleSheet(setting.theme, ['error']),
  );
  const caption = figure.addCaption(layout.captionLine, layout.taken);
  addLabels(figure, layout, classes);
  const cells = addCells(figure, layout, classes.length);
  figure.attach();

  const plot: Plot<ConfusionMatrixData> = limitArgumentsInTable(call, {
    node: figure.svg.node,
    update(data) {
      const { counts, words } = checkData(`${call}.update`, data, classes.length);
      caption(words);
      for (const [n, cell] of cells.entries()) showCell(cell, counts, n, classes.length, layout);
      return plot;
    },
    toSVG: () => figure.toSVG(),
    remove: () => figure.remove(),
  });
  return plot;
}

interface Layout {
  left: number;
  top: number;
  width: number;
  height: number;
  cell: { width: number; height: number };
  captionLine: number;
  /** The width of the heading in the line of the caption. */
  taken: number;
}

const headings = ['actual', 'predicted'] as const;

function layOut({ width, title }: Setting, classes: readonly string[]): Layout {
  const C = classes.length;
  const captionLine = title ? 58 : 32;
  const top = captionLine + 14;
  const longest = Math.max(textWidth(headings[0], labelSize), ...classes.map(name => textWidth(name, labelSize)));
  const left = side + Math.min(longest, Math.round(width * 0.35)) + 10;
  const across = Math.min(mostCell, Math.floor((width - left - side) / C));
  const down = Math.min(mostHeight, Math.max(leastCell, Math.round(across * 0.7)));
  const height = top + C * down + 54;
  const taken = textWidth(headings[0], labelSize) + 12;
  return { left, top, width, height, cell: { width: across, height: down }, captionLine, taken };
}

function addLabels({ svg, theme }: Figure, layout: Layout, classes: readonly string[]): void {
  const { left, top, cell, captionLine } = layout;
  const style = { theme, size: labelSize };
  const [rowEnd, bottom] = [left - 10, top + classes.length * cell.height];
  addText(svg, headings[0], { ...style, x: rowEnd, y: captionLine, part: 'muted', anchor: 'end' });
  for (const [n, name] of classes.entries()) {
    const y = round(top + (n + 0.5) * cell.height + labelSize / 3);
    addText(svg, name, { ...style, x: rowEnd, y, part: 'text', anchor: 'end', room: rowEnd - side / 2 });
    const x = round(left + (n + 0.5) * cell.width);
    addText(svg, name, { ...style, x, y: bottom + 18, part: 'text', anchor: 'middle', room: cell.width - 4 });
  }
  const end = left + classes.length * cell.width - gap;
  addText(svg, headings[1], { ...style, x: end, y: bottom + 38, part: 'muted', anchor: 'end' });
}

interface Cell {
  rect: Rect;
  count: Dom;
  share: Dom | null;
  /** The baselines of a count with and without a share below it. */
  baselines: [withShare: number, alone: number];
}

function addCells(figure: Figure, { left, top, cell }: Layout, C: number): Cell[] {
  const { svg, theme } = figure;
  const group: G = svg.group().addClass('lw-cells');
  const hasShare = cell.width >= shareRoom.width && cell.height >= shareRoom.height;
  return Array.from({ length: C * C }, (_, n) => {
    const [x, y] = [left + (n % C) * cell.width, top + Math.floor(n / C) * cell.height];
    const box = { x, y, width: cell.width - gap, height: cell.height - gap };
    paint(group.rect(box.width, box.height).attr({ x, y, rx: 3, fill: 'none', 'stroke-width': 1 }), 'grid', theme);
    const rect = group.rect(box.width, box.height).attr({ x, y, rx: 3, 'fill-opacity': 0 });
    paint(rect, n % (C + 1) === 0 ? 'mark' : 'error', theme);
    const [middle, centre] = [x + box.width / 2, y + box.height / 2];
    const style = { x: round(middle), theme, anchor: 'middle' as const };
    const baselines: Cell['baselines'] = [round(centre), round(centre + countSize / 3)];
    const count = addText(group, '', { ...style, y: baselines[1], part: 'title', size: countSize });
    const below = { ...style, y: round(centre + shareSize + 4), part: 'text' as const, size: shareSize };
    return { rect, count, share: hasShare ? addText(group, '', below) : null, baselines };
  });
}

function showCell(cell: Cell, counts: ArrayLike<number>, n: number, C: number, layout: Layout): void {
  const { rect, count, share, baselines } = cell;
  const row = Math.floor(n / C);
  let total = 0;
  for (let c = 0; c < C; c++) total += counts[row * C + c]!;
  const part = total === 0 ? 0 : counts[n]! / total;
  // The square root makes rare errors visible.
  rect.attr('fill-opacity', round(mostOpacity * (n % (C + 1) === 0 ? part : Math.sqrt(part))));
  const size = layout.cell.height < 24 ? 12 : countSize;
  setText(count, counts[n]!.toLocaleString('en'), { size, room: layout.cell.width - gap - 4 });
  const isZero = counts[n] === 0;
  count.attr({ y: share && !isZero ? baselines[0] : baselines[1], 'fill-opacity': isZero ? 0.45 : 1 });
  if (share) setText(share, isZero ? '' : percent(part));
}

/** A share that is not 0 or 1 never reads so: 0.2 % is "< 1 %". */
function percent(share: number): string {
  if (share < 0.01) return '< 1 %';
  if (share < 1 && share > 0.99) return '> 99 %';
  return `${Math.round(100 * share)} %`;
}

function checkClasses(call: string, value: unknown): string[] {
  const list = Array.isArray(value) ? Array.from(value as unknown[]) : [];
  if (list.length === 0 || !list.every(item => typeof item === 'string' || Number.isFinite(item))) {
    fail(call, `classes must be an array of at least one name, got ${show(value)}`);
  }
  if (list.length > mostClasses) fail(call, `classes must be at most ${mostClasses}, got ${list.length}`);
  return list.map(String);
}

function checkData(call: string, data: unknown, C: number) {
  const { matrix, caption } = checkOptions<ConfusionMatrixData>(call, data, ['matrix', 'caption']);
  const hasNumbers = typeof (matrix as { dataSync?: unknown } | undefined)?.dataSync === 'function';
  const list: unknown = hasNumbers ? (matrix as { dataSync(): ArrayLike<number> }).dataSync() : matrix;
  if (!isList(list)) fail(call, `matrix must be a tensor or an array of counts, got ${show(matrix)}`);
  const items = Array.from(list as ArrayLike<unknown>);
  const isNested = items.length > 0 && items.every(isList);
  if (isNested && !items.every(row => (row as ArrayLike<unknown>).length === C)) {
    fail(call, `matrix must have ${C} columns, one for each class, got ${show(matrix)}`);
  }
  const counts = isNested ? items.flatMap(row => Array.from(row as ArrayLike<unknown>)) : items;
  if (counts.length !== C * C) fail(call, `matrix must have ${C} x ${C} counts, got ${counts.length}`);
  const wrong = counts.findIndex(count => !Number.isFinite(count) || (count as number) < 0);
  if (wrong >= 0) fail(call, `matrix must have counts of at least 0, got ${show(counts[wrong])}`);
  const words = caption === undefined ? undefined : checkText(call, 'caption', caption);
  return { counts: counts as number[], words };
}
