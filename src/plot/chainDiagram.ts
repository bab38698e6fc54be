/** Diagram of a recurrent layer unrolled over time: a chain of cells, of which the middle one shows its inside. */

import type { Container } from '@svgdotjs/svg.js';
import { limitArgumentsInTable, rejectExtraArguments } from '../util/arguments.ts';
import { fail } from '../util/errors.ts';
import { checkBoolean, checkCount, checkName, checkOptions } from '../util/options.ts';
import { type CellKind, type CellPlan, cellHeight, cellPlans, kinds, nodeRadius, stem, withEnds } from './cellPlans.ts';
import { checkLength, checkNumbers, checkText, checkValue } from './checks.ts';
import { colourMapCss } from './colourMaps.ts';
import { drawBody, drawCell, drawLabel, drawLegend, drawNode, legendWidth, Value } from './diagramParts.ts';
import { drawWire } from './diagramWire.ts';
import { checkFigure, Figure, type FigureOptions, figureOptions, side, titleLine } from './figure.ts';
import { type Point, round } from './pathData.ts';
import type { Plot } from './plot.ts';
import { addText } from './text.ts';
import type { Theme } from './theme.ts';

export interface ChainDiagramOptions extends FigureOptions {
  /** The type of the cells; default lstm. */
  kind?: CellKind;
  /** The number of cells, at most 9; default 3. */
  steps?: number;
  /** Whether to explain the shapes in a line at the bottom; default true. */
  legend?: boolean;
}
const chainDiagramOptions = [...figureOptions, 'kind', 'steps', 'legend'] as const;

/** The values of one unit; absent values do not change. */
export type ChainData = {
  /** A number for each cell: inputs, outputs and, for lstm, cell states. */
  [name in 'x' | 'h' | 'c']?: ArrayLike<number>;
} & {
  /** The gates and candidates of the open cell; which ones exist depends on its type. */
  [name in 'i' | 'f' | 'g' | 'o' | 'z' | 'r' | 'n']?: number;
} & {
  /** A short text at the upper right; without it, the previous caption stays. */
  caption?: string;
};

const closedWidth = 250;
const gap = 80;
/** The length of the wires before the first and after the last cell. */
const ends = 50;
const footer = 70;

/**
 * Draws a chain of cells with inputs at the bottom and outputs at the top. Its height depends on its width. `update`
 * writes values, with the colours of `gateHeatmap`.
 */
export function chainDiagram(options: ChainDiagramOptions = {}): Plot<ChainData> {
  rejectExtraArguments('chainDiagram', 1, arguments);
  const call = 'chainDiagram';
  const given = checkOptions<ChainDiagramOptions>(call, options, chainDiagramOptions);
  const kind = checkName(call, 'kind', given.kind ?? 'lstm', kinds);
  const steps = checkSteps(call, given.steps ?? 3);
  const legend = checkBoolean(call, 'legend', given.legend ?? true);
  const setting = checkFigure(call, given, 960);
  const { width, title, theme } = setting;
  const plan = cellPlans[kind];
  const chainWidth = plan.width + (steps - 1) * (closedWidth + gap) + 2 * ends;
  const inner = Math.max(chainWidth, legendWidth);
  const scale = Math.floor(((width - 2 * side) / inner) * 1e4) / 1e4;
  const top = title ? 58 : side;
  const height = Math.round(top + scale * (cellHeight + 2 * (stem + nodeRadius) + (legend ? footer : 0)) + side);
  const figure = new Figure(setting, height, [`chain of ${plan.title} cells`], colourMapCss(theme));

  const drawing = figure.svg.group();
  drawing.attr('transform', `translate(${side} ${round(top + scale * (stem + nodeRadius))}) scale(${scale})`);
  const rows = new Map((kind === 'lstm' ? ['x', 'h', 'c'] : ['x', 'h']).map(name => [name, [] as Value[]]));
  const single = new Map<string, Value>();
  const open = Math.floor((steps - 1) / 2);
  let left = (inner - chainWidth) / 2 + ends;
  for (let step = 0; step < steps; step++) {
    const isOpen = step === open;
    const cell = drawing.group().attr('transform', `translate(${left} 0)`);
    const cellWidth = isOpen ? plan.width : closedWidth;
    // A wire between two cells is drawn with the first of them and ends at the border of the second.
    const behind = step === steps - 1 ? ends : gap;
    if (isOpen) drawCell(cell, withEnds(plan, 0, behind), theme);
    else drawClosed(cell, plan, behind, theme);
    if (step === 0) for (const y of plan.levels) drawStraight(cell, [-ends, y], [0, y], theme);
    const [below, above]: [Point, Point] = [
      [isOpen ? plan.input : closedWidth / 2, cellHeight + stem],
      [isOpen ? plan.output : closedWidth / 2, -stem],
    ];
    const index = indexOf(step - open);
    drawNode(cell, 'x', index, below, theme);
    drawNode(cell, 'h', index, above, theme);
    const beside = ([x, y]: Point): Point => [x + nodeRadius + 9, y + 5];
    rows.get('x')!.push(new Value(cell, 'x', beside(below), 'start', theme));
    rows.get('h')!.push(new Value(cell, 'h', beside(above), 'start', theme));
    const over: Point = [cellWidth + 8, plan.levels[0]! - 33];
    rows.get('c')?.push(drawLabel(cell, { name: 'c', letter: 'c', index, at: over, anchor: 'start' }, theme, true));
    if (isOpen) for (const label of plan.labels) single.set(label.name, drawLabel(cell, label, theme, true));
    left += cellWidth + gap;
  }
  if (legend) {
    const foot = drawing.group();
    foot.attr('transform', `translate(${(inner - legendWidth) / 2} ${cellHeight + stem + nodeRadius + 54})`);
    drawLegend(foot, theme);
  }
  const caption = figure.addCaption(title ? titleLine : side);
  figure.attach();

  const plot: Plot<ChainData> = limitArgumentsInTable(call, {
    node: figure.svg.node,
    update(data) {
      const given = checkChainData(`${call}.update`, data, steps, [...rows.keys()], [...single.keys()]);
      for (const [name, values] of rows) {
        const numbers = given[name as 'x'];
        if (numbers) for (const [step, value] of values.entries()) value.show(numbers[step]!);
      }
      for (const [name, value] of single) {
        const number = given[name as 'i'];
        if (number !== undefined) value.show(number);
      }
      caption(given.caption);
      return plot;
    },
    toSVG: () => figure.toSVG(),
    remove: () => figure.remove(),
  });
  return plot;
}

/** Draws a cell without its inside. */
function drawClosed(parent: Container, plan: CellPlan, behind: number, theme: Theme): void {
  drawBody(parent, closedWidth, theme);
  const middle = closedWidth / 2;
  const name = { x: middle, y: cellHeight / 2 + 14, part: 'text' as const, theme, size: 40, weight: 600 };
  addText(parent, plan.title, { ...name, anchor: 'middle' });
  drawStraight(parent, [middle, cellHeight + stem - nodeRadius], [middle, cellHeight], theme);
  drawStraight(parent, [middle, 0], [middle, nodeRadius - stem], theme);
  for (const y of plan.levels) drawStraight(parent, [closedWidth, y], [closedWidth + behind, y], theme);
}

const drawStraight = (parent: Container, from: Point, to: Point, theme: Theme) =>
  drawWire(parent, { points: [from, to], arrow: true }, theme);

function checkSteps(call: string, value: unknown): number {
  const steps = checkCount(call, 'steps', value);
  if (steps > 9) fail(call, `steps must be at most 9, got ${steps}`);
  return steps;
}

/** t, t−1, t+2 */
const indexOf = (step: number) => (step === 0 ? 't' : `t${step < 0 ? '−' : '+'}${Math.abs(step)}`);

function checkChainData(
  call: string,
  data: unknown,
  steps: number,
  rows: readonly string[],
  single: readonly string[],
): ChainData {
  const given = checkOptions<Record<string, unknown>>(call, data, [...rows, ...single, 'caption']);
  for (const name of rows) {
    if (given[name] === undefined) continue;
    checkLength(call, name, checkNumbers(call, name, given[name]), 'the chain', steps);
  }
  for (const name of single) if (given[name] !== undefined) checkValue(call, name, given[name]);
  if (given.caption !== undefined) checkText(call, 'caption', given.caption);
  return given as ChainData;
}
