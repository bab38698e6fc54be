/** The unrolled chain: the same cell at every time step, the one in the middle open. */

import type { Container } from '@svgdotjs/svg.js';
import { fail } from '../errors.ts';
import { checkBoolean, checkCount, checkName, checkOptions } from '../options.ts';
import {
  type CellKind,
  type CellPlan,
  cellHeight,
  cellPlans,
  cellWidth,
  kinds,
  nodeRadius,
  reach,
  stem,
} from './cells.ts';
import { checkLength, checkNumbers, checkText } from './check.ts';
import { drawBody, drawCell, drawLegend, drawNode, legendWidth, Value } from './diagram.ts';
import type { Plot } from './plot.ts';
import { type Point, round } from './points.ts';
import { checkSheet, Sheet, type SheetOptions, sheetOptions, side } from './sheet.ts';
import { addText, setText } from './text.ts';
import type { Theme } from './theme.ts';
import { drawWire } from './wire.ts';

export interface ChainDiagramOptions extends SheetOptions {
  /** The cells of which layer; default lstm. */
  kind?: CellKind;
  /** How many cells; default 3. */
  steps?: number;
  /** Whether a line at the foot says what the shapes mean; default true. */
  legend?: boolean;
}
const chainDiagramOptions = [...sheetOptions, 'kind', 'steps', 'legend'] as const;

/** Inputs and outputs of one unit, a number for each cell. */
export interface ChainData {
  x?: ArrayLike<number>;
  h?: ArrayLike<number>;
  /** A few words at the upper right; the earlier ones stay when absent. */
  caption?: string;
}

const closedWidth = 250;
const gap = 2 * reach;
/** Beyond the first and the last cell, where the chain goes on. */
const ends = 50;
const footer = 70;

/** The chain of cells with the inputs below and the outputs above; its height follows from its width. */
export function chainDiagram(options: ChainDiagramOptions = {}): Plot<ChainData> {
  const call = 'chainDiagram';
  const given = checkOptions<ChainDiagramOptions>(call, options, chainDiagramOptions);
  const kind = checkName(call, 'kind', given.kind ?? 'lstm', kinds);
  const steps = checkSteps(call, given.steps ?? 3);
  const legend = checkBoolean(call, 'legend', given.legend ?? true);
  const setting = checkSheet(call, given, 960);
  const { width, title, theme } = setting;
  const plan = cellPlans[kind];
  const inner = cellWidth + (steps - 1) * (closedWidth + gap) + 2 * ends;
  const scale = Math.floor(((width - 2 * side) / inner) * 1e4) / 1e4;
  const top = title ? 58 : side;
  const height = Math.round(top + scale * (cellHeight + 2 * (stem + nodeRadius) + (legend ? footer : 0)) + side);
  const sheet = new Sheet(setting, height, [`chain of ${plan.title} cells`]);

  const place = sheet.svg.group();
  place.attr('transform', `translate(${side} ${round(top + scale * (stem + nodeRadius))}) scale(${scale})`);
  const values: { x: Value[]; h: Value[] } = { x: [], h: [] };
  const open = Math.floor((steps - 1) / 2);
  let left = ends;
  for (let step = 0; step < steps; step++) {
    const isOpen = step === open;
    const cell = place.group().attr('transform', `translate(${left} 0)`);
    if (isOpen) drawCell(cell, plan, theme);
    else drawClosed(cell, plan, theme);
    const [below, above]: [Point, Point] = [
      [isOpen ? plan.input : closedWidth / 2, cellHeight + stem],
      [isOpen ? plan.output : closedWidth / 2, -stem],
    ];
    const index = indexOf(step - open);
    drawNode(cell, 'x', index, below, theme);
    drawNode(cell, 'h', index, above, theme);
    values.x.push(new Value(cell, [below[0] + nodeRadius + 9, below[1] + 5], 'start', theme));
    values.h.push(new Value(cell, [above[0] + nodeRadius + 9, above[1] + 5], 'start', theme));
    left += (isOpen ? cellWidth : closedWidth) + gap;
  }
  if (legend) {
    const foot = place.group();
    foot.attr('transform', `translate(${(inner - legendWidth) / 2} ${cellHeight + stem + nodeRadius + 54})`);
    drawLegend(foot, theme);
  }
  const captionAt = { x: width - side, y: title ? 34 : side, anchor: 'end' as const };
  const caption = addText(sheet.svg, '', { ...captionAt, part: 'text', theme, size: 13 });
  sheet.place();

  const plot: Plot<ChainData> = {
    node: sheet.svg.node,
    update(data) {
      const { x, h, caption: words } = checkChainData(`${call}.update`, data, steps);
      values.x.forEach((value, step) => void (x && value.show(x[step]!)));
      values.h.forEach((value, step) => void (h && value.show(h[step]!)));
      if (words !== undefined) setText(caption, words);
      return plot;
    },
    toSVG: () => sheet.toSVG(),
    remove: () => sheet.remove(),
  };
  return plot;
}

/** A cell seen from outside. Its wires meet those of its neighbours half way, as those of the open one do. */
function drawClosed(parent: Container, plan: CellPlan, theme: Theme): void {
  drawBody(parent, closedWidth, theme);
  const middle = closedWidth / 2;
  const name = { x: middle, y: cellHeight / 2 + 14, part: 'text' as const, theme, size: 40, weight: 600 };
  addText(parent, plan.title, { ...name, anchor: 'middle' });
  drawWire(
    parent,
    {
      points: [
        [middle, cellHeight + stem - nodeRadius],
        [middle, cellHeight],
      ],
      arrow: true,
    },
    theme,
  );
  drawWire(
    parent,
    {
      points: [
        [middle, 0],
        [middle, nodeRadius - stem],
      ],
      arrow: true,
    },
    theme,
  );
  for (const y of plan.levels) {
    const [start, end] = [-reach, closedWidth + reach];
    drawWire(
      parent,
      {
        points: [
          [start, y],
          [0, y],
        ],
      },
      theme,
    );
    drawWire(
      parent,
      {
        points: [
          [closedWidth, y],
          [end, y],
        ],
        arrow: true,
      },
      theme,
    );
  }
}

function checkSteps(call: string, value: unknown): number {
  const steps = checkCount(call, 'steps', value);
  if (steps > 9) fail(call, `steps must be at most 9, got ${steps}`);
  return steps;
}

/** t, t−1, t+2 */
const indexOf = (step: number) => (step === 0 ? 't' : `t${step < 0 ? '−' : '+'}${Math.abs(step)}`);

function checkChainData(call: string, data: unknown, steps: number): ChainData {
  const given = checkOptions<ChainData>(call, data, ['x', 'h', 'caption']);
  for (const name of ['x', 'h'] as const) {
    if (given[name] === undefined) continue;
    checkLength(call, name, checkNumbers(call, name, given[name]), 'the chain', steps);
  }
  if (given.caption !== undefined) checkText(call, 'caption', given.caption);
  return given;
}
