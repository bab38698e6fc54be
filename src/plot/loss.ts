/** The cost over the steps of a training run. */

import type { Circle } from '@svgdotjs/svg.js';
import { noMore } from '../arguments.ts';
import { checkBoolean, checkOptions } from '../options.ts';
import { countTicks, linearScale, linearTicks, logScale, logTicks, type Scale } from './axes.ts';
import { checkDomain, checkNumbers, checkPositions, checkText, extent } from './check.ts';
import { Frame, type FrameOptions, frameOptions } from './frame.ts';
import type { Plot } from './plot.ts';
import { decimate, type Point, pointsText, project, round } from './points.ts';
import { paint } from './theme.ts';

export interface LossOptions extends FrameOptions {
  /** Powers of ten on the y axis. A cost of zero or below has no place there and is left out. */
  log?: boolean;
  /** What the line is called. */
  label?: string;
  /** The ends of the x axis; those of the data when absent. A live chart stands still with a fixed one. */
  xDomain?: [number, number];
}
const lossOptions = [...frameOptions, 'log', 'label', 'xDomain'] as const;

export interface LossData {
  /** The step of each cost; 0, 1, 2 ... when absent. */
  steps?: ArrayLike<number>;
  losses: ArrayLike<number>;
  /** A few words at the upper right; the last step and its cost when absent. */
  caption?: string;
}

/** A live chart of the cost; every `update` takes the whole run so far. */
export function lossPlot(options: LossOptions = {}): Plot<LossData> {
  noMore('lossPlot', 1, arguments);
  const call = 'lossPlot';
  const given = checkOptions<LossOptions>(call, options, lossOptions);
  const log = checkBoolean(call, 'log', given.log ?? true);
  const label = checkText(call, 'label', given.label ?? 'cost');
  const xDomain = given.xDomain === undefined ? undefined : checkDomain(call, 'xDomain', given.xDomain);
  const series = { label: log ? `${label}, log scale` : label, part: 'prediction' as const, width: 1.5 };
  const frame = new Frame(call, { xLabel: 'step', ...given }, [series], { movingY: true });
  const area = frame.addDataArea();
  const line = frame.addLine(area, series);
  // Outside of what is clipped: at the lowest cost of all, half of the mark lies below the axis.
  const place = frame.svg.group().attr('transform', area.attr('transform'));
  const mark = paint(place.circle(8), 'mark', frame.theme).attr('display', 'none');

  const plot: Plot<LossData> = {
    node: frame.svg.node,
    update(data) {
      const { steps, losses, caption } = checkLosses(`${call}.update`, data);
      const x = linearScale(xDomain ?? stepDomain(steps), [0, frame.area.width]);
      const y = costScale(losses, log, frame.area.height);
      drawAxes(frame, x, y, log);
      const points = project(steps, losses, x, y);
      line.plot(pointsText(points.length > 2 * frame.area.width ? decimate(points) : points));
      placeMark(mark, points.at(-1), frame.area.width);
      frame.setCaption(caption ?? lastCost(steps, losses, label));
      return plot;
    },
    toSVG: () => frame.toSVG(),
    remove: () => frame.remove(),
  };
  drawAxes(frame, linearScale(xDomain ?? [0, 1], [0, frame.area.width]), costScale([], log, frame.area.height), log);
  return plot;
}

function checkLosses(call: string, data: unknown) {
  const given = checkOptions<LossData>(call, data, ['steps', 'losses', 'caption']);
  const losses = checkNumbers(call, 'losses', given.losses);
  const steps = checkPositions(call, 'steps', given.steps, 'losses', losses.length);
  const caption = given.caption === undefined ? undefined : checkText(call, 'caption', given.caption);
  return { losses, steps, caption };
}

/** From the first step to the last; after one step the axis already runs to where the next will be. */
function stepDomain(steps: ArrayLike<number>): [number, number] {
  const [first, last] = extent(steps);
  return [first, Math.max(last, first + 1)];
}

/** The scale that holds every cost that can be drawn; a plain one stands on zero. */
function costScale(losses: ArrayLike<number>, log: boolean, height: number): Scale {
  const drawn = Array.from(losses).filter(loss => Number.isFinite(loss) && (!log || loss > 0));
  const [low, high] = drawn.length ? extent(drawn) : [0.01, 1];
  if (log) return logScale([low, high], [height, 0]);
  return linearScale([Math.min(0, low), Math.max(0, high)], [height, 0]).nice();
}

function drawAxes(frame: Frame, x: Scale, y: Scale, log: boolean): void {
  const ticks = x.domain().every(Number.isInteger) ? countTicks : linearTicks;
  frame.drawAxes(ticks(x, frame.ticksAcross), log ? logTicks(y) : linearTicks(y, frame.ticksUp));
}

function placeMark(mark: Circle, point: Point | undefined, width: number): void {
  const shown = point !== undefined && point[0] >= 0 && point[0] <= width && point[1] >= 0;
  mark.attr('display', shown ? null : 'none');
  if (shown) mark.attr({ cx: round(point[0]), cy: round(point[1]) });
}

/** "cost 0.00312 at step 500" */
function lastCost(steps: ArrayLike<number>, losses: ArrayLike<number>, label: string): string {
  const last = losses.length - 1;
  return last < 0 ? '' : `${label} ${Number(losses[last]!.toPrecision(3))} at step ${steps[last]}`;
}
