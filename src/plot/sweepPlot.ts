/**
 * Plots a sweep: the best value so far above, and below a panel for each parameter with the values of the trials.
 */

import type { Dom, G } from '@svgdotjs/svg.js';
import { checkSpace, type Distribution, type Space } from '../scale/search/space.ts';
import { limitArgumentsInTable, rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkBoolean, checkName, checkOptions, isPlain } from '../util/options.ts';
import { type Area, Axis } from './axes.ts';
import { checkDomain, checkText } from './checks.ts';
import { checkFigure, Figure, type FigureOptions, figureOptions, side } from './figure.ts';
import { Header } from './header.ts';
import { LinePaths } from './linePaths.ts';
import type { LineStyle } from './lineStyles.ts';
import { type Point, pathText, round } from './pathData.ts';
import type { Plot } from './plot.ts';
import { addText } from './text.ts';
import { paint } from './theme.ts';
import {
  countTicks,
  linearScale,
  linearTicks,
  logScale,
  logTicks,
  mostLogTicks,
  mostTicks,
  roomyScale,
  type Scale,
  type Tick,
  thinLogTicks,
} from './ticks.ts';

export interface SweepPlotOptions extends FigureOptions {
  /** The search space of the sweep; each parameter has a panel. */
  space: Space;
  /** Draws the values on a log scale, if all are above 0; default false. */
  log?: boolean;
  /** The range of the values; default: that of all trials. Trials outside of it are not shown. */
  yDomain?: [number, number];
}

/** A trial of a sweep, as `study.trials` has it. */
export interface PlottedTrial {
  readonly number: number;
  readonly params: Readonly<Record<string, null | boolean | number | string>>;
  readonly value: number | null;
  readonly state: string;
}

/** The data of `sweepPlot`: a study, or some of its fields. */
export interface SweepPlotData {
  readonly trials: readonly PlottedTrial[];
  /** Default 'minimize'. */
  readonly direction?: 'minimize' | 'maximize';
  /** A short text at the upper right; default: the best value and its trial. */
  readonly caption?: string;
  /** Other fields of a study are not used. */
  readonly name?: unknown;
  readonly best?: unknown;
  readonly model?: unknown;
}

const [topHeight, panelHeight, gap, footer, labelRoom] = [170, 120, 34, 52, 58];
const mostColumns = 3;
/** Pixels between two ticks of the axes. */
const leastTick = 44;
/** Trials are drawn as dots of this diameter. */
const dot = 5;
const styles: readonly LineStyle[] = [
  { label: 'best so far', part: 'target', width: 2 },
  { label: 'complete', part: 'prediction', width: dot },
  { label: 'pruned', part: 'sixth', width: dot, opacity: 0.6 },
];

/** A live picture of a sweep. `update` takes the study, or the trials that have ended so far. */
export function sweepPlot(options: SweepPlotOptions): Plot<SweepPlotData> {
  rejectExtraArguments('sweepPlot', 1, arguments);
  const call = 'sweepPlot';
  const given = checkOptions<SweepPlotOptions>(call, options, [...figureOptions, 'space', 'log', 'yDomain']);
  const space = checkSpace(call, given.space);
  const log = checkBoolean(call, 'log', given.log ?? false);
  const yDomain = given.yDomain === undefined ? undefined : checkDomain(call, 'yDomain', given.yDomain);
  const setting = checkFigure(call, given);
  const names = Object.keys(space);
  const columns = names.length === 4 ? 2 : Math.min(mostColumns, names.length);
  const rows = Math.ceil(names.length / columns);
  const top = (setting.title ? 58 : 32) + 22;
  const height = top + topHeight + footer + rows * (panelHeight + footer);
  const figure = new Figure(setting, height, [`sweep over ${names.join(', ')}`]);
  const header = new Header(figure.svg, setting.width, setting.title ? 58 : 32, setting.theme);

  const whole = setting.width - labelRoom - side - 4;
  const width = (whole - (columns - 1) * gap) / columns;
  const history = new Panel(figure, { left: labelRoom, top, width: whole, height: topHeight }, 'trial', true);
  const panels = names.map((name, n) => {
    const column = n % columns;
    const area = {
      left: labelRoom + column * (width + gap),
      top: top + topHeight + footer + Math.floor(n / columns) * (panelHeight + footer),
      width,
      height: panelHeight,
    };
    const item = space[name]!;
    return new Panel(figure, area, name, column === 0, item.kind === 'choice' ? item.choices.length : 0);
  });

  const draw = (shown: Shown) => {
    header.show(styles, log ? 'log scale' : '');
    header.setCaption(shown.caption);
    const { trials, best } = shown;
    const values = trials.map(({ value }) => value);
    const isLog = log && values.every(value => value > 0) && (yDomain === undefined || yDomain[0] > 0);
    const [low, high] = yDomain ?? (values.length > 0 ? [Math.min(...values), Math.max(...values)] : [0, 1]);
    const yOf = (pixels: number): Scale =>
      isLog ? logScale([low, high], [pixels, 0]) : roomyScale([low, high], [pixels, 0], pixels / leastTick);
    const last = Math.max(1, ...trials.map(({ number }) => number));
    const dots = (xOf: (trial: Ended) => number | null, y: Scale) =>
      (['complete', 'pruned'] as const).map(state =>
        trials
          .filter(trial => trial.state === state && trial.value >= low && trial.value <= high)
          .flatMap((trial): Point[][] => {
            const x = xOf(trial);
            return x === null ? [] : [[[x, y(trial.value)]]];
          }),
      );

    const yTop = yOf(topHeight);
    const x = linearScale([0, last], [0, whole]);
    const steps = best.flatMap(([number, value], n): Point[] => {
      const end = best[n + 1]?.[0] ?? last;
      return [
        [x(number), yTop(value)],
        [x(end), yTop(value)],
      ];
    });
    const yTicks = (scale: Scale, pixels: number) =>
      isLog ? thinLogTicks(logTicks(scale), () => 16) : linearTicks(scale, pixels / leastTick);
    history.draw(countTicks(x, whole / (2 * leastTick)), yTicks(yTop, topHeight), [
      [steps],
      ...dots(trial => x(trial.number), yTop),
    ]);
    const y = yOf(panelHeight);
    for (const [n, panel] of panels.entries()) {
      const name = names[n]!;
      const { scale, ticks, at } = axisOf(space[name]!, width);
      panel.draw(ticks(scale), yTicks(y, panelHeight), [[], ...dots(trial => at(trial.params[name]), y)]);
    }
  };

  const plot: Plot<SweepPlotData> = limitArgumentsInTable(call, {
    node: figure.svg.node,
    update(data) {
      draw(checkData(`${call}.update`, data));
      return plot;
    },
    toSVG: () => figure.toSVG(),
    remove: () => figure.remove(),
  });
  draw({ trials: [], best: [], caption: '' });
  figure.attach();
  return plot;
}

/** Axes with dots. */
class Panel {
  readonly #x: Axis;
  readonly #y: Axis;
  readonly #paths: LinePaths;
  readonly #hasLabels: boolean;

  constructor(figure: Figure, area: Area, label: string, hasLabels: boolean, choices = 0) {
    const { svg, theme } = figure;
    const group = (): G => svg.group().attr('shape-rendering', 'crispEdges');
    const figureWidth = area.left + area.width + side;
    const { left, top, width, height } = area;
    const most = Math.max(mostLogTicks, mostTicks(width / leastTick), choices);
    this.#y = new Axis(group(), { side: 'y', area, figureWidth, theme, most });
    this.#x = new Axis(group(), { side: 'x', area, figureWidth, theme, most });
    const base: Dom = svg.element('line', { 'shape-rendering': 'crispEdges' });
    paint(base.attr({ x1: left, x2: left + width, y1: top + height, y2: top + height }), 'axis', theme);
    const style = { x: round(left + width), y: top + height + 38, part: 'muted', theme, anchor: 'end' } as const;
    addText(svg, label, { ...style, room: width });
    this.#paths = new LinePaths(svg.group().attr('transform', `translate(${round(left)} ${top})`), theme);
    this.#hasLabels = hasLabels;
  }

  /** @param lines the pieces of each line, in the order of the styles */
  draw(x: readonly Tick[], y: readonly Tick[], lines: readonly (readonly (readonly Point[])[])[]): void {
    this.#x.update(x);
    this.#y.update(this.#hasLabels ? y : y.map(({ at, label }) => ({ at, label: label === '' ? '' : ' ' })));
    // The line of the best value is above the dots
    const order = [2, 1, 0];
    this.#paths.show(
      order.map(n => styles[n]!),
      order.map(n => pathText((lines[n] ?? []).filter(piece => piece.length > 0))),
    );
  }
}

/** The axis of a parameter: choices have places beside each other. */
function axisOf(distribution: Distribution, width: number) {
  if (distribution.kind === 'choice') {
    const { choices } = distribution;
    const scale = linearScale([-0.5, choices.length - 0.5], [0, width]);
    const ticks = () => choices.map((value, n) => ({ at: round(scale(n)), label: String(value) }));
    return {
      scale,
      ticks,
      at: (value: unknown) => (choices.includes(value as never) ? scale(choices.indexOf(value as never)) : null),
    };
  }
  const { low, high, log, kind } = distribution;
  const isLog = log && low < high;
  const scale = isLog
    ? logScale([low, high], [0, width])
    : roomyScale([low, high], [0, width], width / (2 * leastTick));
  const ticks = (of: Scale): readonly Tick[] =>
    isLog
      ? thinLogTicks(logTicks(of), label => 7 * label.length + 8)
      : (kind === 'int' ? countTicks : linearTicks)(of, width / (1.5 * leastTick));
  return { scale, ticks, at: (value: unknown) => (typeof value === 'number' ? scale(value) : null) };
}

/** A trial that has a value. */
type Ended = PlottedTrial & { readonly value: number };

interface Shown {
  readonly trials: readonly Ended[];
  /** The numbers of the trials that were the best until then, with their values. */
  readonly best: readonly (readonly [number: number, value: number])[];
  readonly caption: string;
}

function checkData(call: string, data: unknown): Shown {
  const known = ['trials', 'direction', 'caption', 'name', 'best', 'model'];
  const given = checkOptions<SweepPlotData>(call, data, known);
  const direction = checkName(call, 'direction', given.direction ?? 'minimize', ['minimize', 'maximize']);
  if (!Array.isArray(given.trials)) fail(call, `trials must be those of a study, got ${show(given.trials)}`);
  const trials: Ended[] = [];
  for (const [n, trial] of (given.trials as PlottedTrial[]).entries()) {
    if (!isPlain(trial) || !Number.isInteger(trial.number) || !isPlain(trial.params)) {
      fail(call, `trials[${n}] must be a trial of a study, got ${show(trial)}`);
    }
    if (Number.isFinite(trial.value)) trials.push(trial as Ended);
  }
  trials.sort((a, b) => a.number - b.number);
  const sign = direction === 'minimize' ? 1 : -1;
  const best: [number, number][] = [];
  for (const { number, value, state } of trials) {
    if (state === 'complete' && (best.length === 0 || sign * value < sign * best.at(-1)![1]))
      best.push([number, value]);
  }
  const [number, value] = best.at(-1) ?? [];
  const words = value === undefined ? '' : `best ${Number(value.toPrecision(4))} of trial ${number}`;
  return { trials, best, caption: given.caption === undefined ? words : checkText(call, 'caption', given.caption) };
}
