/** Plots losses and metrics over the steps or epochs of a training run. */

import { limitArgumentsInTable, rejectExtraArguments } from '../util/arguments.ts';
import { checkBoolean, checkOptions, isPlain } from '../util/options.ts';
import { checkDomain, checkText } from './checks.ts';
import { day } from './dates.ts';
import { LineChart, type LineChartOptions, lineChartOptions } from './lineChart.ts';
import { checkLines, extentOf, type Line, type LineData, type LineSet, type Positions, xDomainOf } from './lineData.ts';
import { LinePaths, piecesOf } from './linePaths.ts';
import { type LineStyle, styleOf } from './lineStyles.ts';
import { pathText } from './pathData.ts';
import type { Plot } from './plot.ts';
import { linearScale, linearTicks, logScale, logTicks, type Scale, ticksOf } from './ticks.ts';

export interface LossOptions extends LineChartOptions {
  /** Use a log scale for the y axis, which omits losses of zero or below. */
  log?: boolean;
  /** The name of the line `losses` in the legend. */
  label?: string;
  /** The domain of the x axis, which keeps the axis of a live chart fixed; default: the range of the data. */
  xDomain?: [number, number];
}
const lossOptions = [...lineChartOptions, 'log', 'label', 'xDomain'] as const;

/**
 * The whole run so far: `losses` by step, or named lines, such as `history.history`, or the result of `fit`.
 * NaN leaves a gap.
 */
export type LossData =
  | {
      /** The x positions of the values: numbers, `Date`s or ISO dates. Default: steps from 0, or epochs from 1. */
      steps?: Positions;
      losses?: ArrayLike<number>;
      /** A short text at the upper right; default: the last values. */
      caption?: string;
      /** Any other line. */
      [line: string]: LineData | Positions | string | undefined;
    }
  | Readonly<Record<string, ArrayLike<number>>>
  | { history: Readonly<Record<string, ArrayLike<number>>>; epoch?: readonly number[]; caption?: string };

/** A live chart of losses; `update` takes the whole run so far. */
export function lossPlot(options: LossOptions = {}): Plot<LossData> {
  rejectExtraArguments('lossPlot', 1, arguments);
  const call = 'lossPlot';
  const given = checkOptions<LossOptions>(call, options, lossOptions);
  const log = checkBoolean(call, 'log', given.log ?? true);
  const label = checkText(call, 'label', given.label ?? 'cost');
  const xDomain = given.xDomain === undefined ? undefined : checkDomain(call, 'xDomain', given.xDomain);
  const chart = new LineChart(call, { xLabel: 'step', ...given });
  const paths = new LinePaths(chart.addDataArea(), chart.theme);
  // Not in the clipped group, because half of the mark at the lowest loss is below the axis.
  const marks = new LinePaths(chart.addDataArea(chart.svg, false), chart.theme);
  const labelOf = ({ name }: Line) => (name === 'losses' ? label : name);

  const draw = (set: Pick<LineSet, 'lines' | 'kind'>): void => {
    const { lines, kind } = set;
    const y = lossScale(lines, log, chart.area.height);
    chart.drawY(log ? logTicks(y) : linearTicks(y, chart.ticksUp));
    const { width } = chart.area;
    const x = linearScale(xDomain ?? stepDomain(lines, kind), [0, width]);
    const fraction = xDomain !== undefined && !xDomain.every(Number.isInteger);
    chart.drawX(ticksOf(kind === 'count' && fraction ? 'number' : kind, x, chart.ticksAcross));
    const styles = lines.map((line, n) => ({ label: labelOf(line), ...lossStyle(n), width: 1.5 }));
    const pieces = lines.map(line => piecesOf(line, x, y, width));
    paths.show(styles, pieces.map(pathText));
    const ends = pieces.map(all => all.at(-1)?.at(-1)).map(point => (point ? pathText([[point]]) : ''));
    marks.show(
      styles.map(line => ({ ...line, width: 8, dash: undefined })),
      ends,
    );
  };

  const plot: Plot<LossData> = limitArgumentsInTable(call, {
    node: chart.svg.node,
    update(data) {
      const { byStep, ...set } = checkLosses(`${call}.update`, data);
      const word = byStep ? 'step' : 'epoch';
      if (given.xLabel === undefined) chart.setXLabel(set.kind === 'date' ? '' : word);
      chart.show(
        legendOf(set.lines.map(labelOf)),
        set.caption ?? lastLosses(set, labelOf, word),
        log ? 'log scale' : '',
      );
      draw(set);
      return plot;
    },
    toSVG: () => chart.toSVG(),
    remove: () => chart.remove(),
  });
  chart.show(legendOf([label]), undefined, log ? 'log scale' : '');
  draw({ lines: [], kind: 'count' });
  chart.attach();
  return plot;
}

const legendOf = (labels: readonly string[]): LineStyle[] =>
  labels.map((label, n) => ({ label, ...lossStyle(n), width: 1.5 }));

/** Blue for the first line and red for the second. */
const lossStyle = (n: number) => ({ ...styleOf(n), part: styleOf(n < 2 ? 1 - n : n).part });

/** Steps count from 0, like the iterations of a loop, and epochs from 1, as `fit` prints them. */
function checkLosses(call: string, data: unknown): LineSet & { byStep: boolean } {
  const { history, epoch, caption } = (data ?? {}) as Record<string, unknown>;
  if (isPlain(history) && !('values' in history)) {
    const steps = Array.isArray(epoch) ? epoch.map(number => Number(number) + 1) : undefined;
    return { ...checkLines(call, { ...history, steps, caption }, 'steps', 1), byStep: false };
  }
  const byStep = isPlain(data) && ('losses' in data || Object.keys(data).length === 0);
  return { ...checkLines(call, data, 'steps', byStep ? 0 : 1), byStep };
}

/** From the first step to the last; after one step, to the next one. */
function stepDomain(lines: readonly Line[], kind: LineSet['kind']): [number, number] {
  const [first, last] = xDomainOf(lines, kind);
  return [first, Math.max(last, first + (kind === 'date' ? day : 1))];
}

/** The y scale of all losses that can be drawn; a linear scale includes zero. */
function lossScale(lines: readonly Line[], log: boolean, height: number): Scale {
  const drawn = (values: ArrayLike<number>) => (log ? Array.from(values).filter(value => value > 0) : values);
  const [low, high] = extentOf(lines.map(({ values }) => drawn(values))) ?? [0.01, 1];
  if (log) return logScale([low, high], [height, 0]);
  return linearScale([Math.min(0, low), Math.max(0, high)], [height, 0]).nice();
}

/** The default caption, of at most two lines: "loss 0.00312, val_loss 0.0046 at epoch 30". */
function lastLosses({ lines, kind }: LineSet, labelOf: (line: Line) => string, word: string): string {
  const [first] = lines;
  const last = (first?.values.length ?? 0) - 1;
  if (!first || last < 0) return '';
  const shownLines = lines.slice(0, 2).filter(({ values }) => values.length > last);
  const values = shownLines.map(line => `${labelOf(line)} ${Number(line.values[last]!.toPrecision(3))}`);
  const at = first.at[last]!;
  return `${values.join(', ')} ${kind === 'date' ? `on ${new Date(at).toISOString().slice(0, 10)}` : `at ${word} ${at}`}`;
}
