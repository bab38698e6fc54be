/** Diagram of a recurrent cell and, optionally, of the values in one unit. */

import { limitArgumentsInTable, rejectExtraArguments } from '../util/arguments.ts';
import { checkBoolean, checkName, checkOptions } from '../util/options.ts';
import { type CellKind, cellHeight, cellPlans, cellWidth, kinds, nodeRadius, reach, stem } from './cellPlans.ts';
import { checkText, checkValue } from './checks.ts';
import { colourMapCss } from './colourMaps.ts';
import { drawCell, drawLabel, drawLegend, drawNode, legendWidth, Value } from './diagramParts.ts';
import { checkFigure, Figure, type FigureOptions, figureOptions, side, titleLine } from './figure.ts';
import { round } from './pathData.ts';
import type { Plot } from './plot.ts';

export interface CellDiagramOptions extends FigureOptions {
  /** The type of the cell; default lstm. */
  kind?: CellKind;
  /** Whether to explain the shapes in a line at the bottom; default true. */
  legend?: boolean;
}
const cellDiagramOptions = [...figureOptions, 'kind', 'legend'] as const;

/** The names of the values that a diagram can show. */
export type CellValue = 'x' | 'h' | 'c' | 'previousH' | 'previousC' | 'i' | 'f' | 'g' | 'o' | 'z' | 'r' | 'n';

/** Values of one unit at one time step; absent values do not change. Which values exist depends on the type of the cell. */
export type CellData = { [name in CellValue]?: number } & {
  /** A short text at the upper right; without it, the previous caption stays. */
  caption?: string;
};

/** The width for the letters at the ends of the wires. */
const margin = 66;
const [innerWidth, innerHeight] = [cellWidth + 2 * (reach + margin), cellHeight + 2 * (stem + nodeRadius)];
const footer = 62;

/**
 * Draws a cell in the notation of C. Olah, "Understanding LSTM Networks" (2015). Its height depends on its width; equal
 * widths have equal scales. `update` writes values next to their letters, with the colours of `gateHeatmap`.
 */
export function cellDiagram(options: CellDiagramOptions = {}): Plot<CellData> {
  rejectExtraArguments('cellDiagram', 1, arguments);
  const call = 'cellDiagram';
  const given = checkOptions<CellDiagramOptions>(call, options, cellDiagramOptions);
  const kind = checkName(call, 'kind', given.kind ?? 'lstm', kinds);
  const legend = checkBoolean(call, 'legend', given.legend ?? true);
  const setting = checkFigure(call, given);
  const { width, title, theme } = setting;
  const plan = cellPlans[kind];
  const scale = round((width - 2 * side) / innerWidth);
  const top = title ? 58 : side;
  const height = Math.round(top + scale * (innerHeight + (legend ? footer : 0)) + side);
  const figure = new Figure(setting, height, [`${plan.title} cell`], colourMapCss(theme));

  const drawing = figure.svg.group();
  const left = (width - scale * plan.width) / 2;
  drawing.attr('transform', `translate(${round(left)} ${round(top + scale * (stem + nodeRadius))}) scale(${scale})`);
  drawCell(drawing, plan, theme);
  const values = new Map<string, Value[]>();
  const add = (name: string, value: Value) => values.set(name, [...(values.get(name) ?? []), value]);
  for (const label of [...plan.labels, ...plan.states]) add(label.name, drawLabel(drawing, label, theme));
  const [lower, upper] = [cellHeight + stem, -stem];
  drawNode(drawing, 'x', 't', [plan.input, lower], theme);
  drawNode(drawing, 'h', 't', [plan.output, upper], theme);
  add('x', new Value(drawing, 'x', [plan.input + nodeRadius + 9, lower + 5], 'start', theme));
  add('h', new Value(drawing, 'h', [plan.output - nodeRadius - 9, upper + 5], 'end', theme));
  if (legend) {
    const foot = drawing.group();
    foot.attr('transform', `translate(${(plan.width - legendWidth) / 2} ${cellHeight + stem + nodeRadius + 46})`);
    drawLegend(foot, theme);
  }
  const caption = figure.addCaption(titleLine);
  figure.attach();

  const plot: Plot<CellData> = limitArgumentsInTable(call, {
    node: figure.svg.node,
    update(data) {
      const { caption: words, ...numbers } = checkCellData(`${call}.update`, data, [...values.keys()]);
      for (const [name, number] of Object.entries(numbers)) {
        for (const value of values.get(name)!) value.show(number);
      }
      caption(words);
      return plot;
    },
    toSVG: () => figure.toSVG(),
    remove: () => figure.remove(),
  });
  return plot;
}

function checkCellData(call: string, data: unknown, known: readonly string[]): Partial<CellData> {
  const given = checkOptions<CellData>(call, data, [...known, 'caption']);
  for (const [name, value] of Object.entries(given)) {
    if (name === 'caption') checkText(call, name, value);
    else checkValue(call, name, value);
  }
  return given;
}
