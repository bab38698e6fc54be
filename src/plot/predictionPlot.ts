/** Plots the predictions of a sequence model next to the targets and other lines. */

import { limitArgumentsInTable, rejectExtraArguments } from '../util/arguments.ts';
import { checkOptions } from '../util/options.ts';
import { checkDomain, checkPair, checkText } from './checks.ts';
import { LineChart, type LineChartOptions, lineChartOptions } from './lineChart.ts';
import { checkLines, extentOf, type Line, type LineData, type LineSet, type Positions, xDomainOf } from './lineData.ts';
import { LinePaths, lineText } from './linePaths.ts';
import { type LineStyle, styleOf } from './lineStyles.ts';
import type { Plot } from './plot.ts';
import { linearScale, linearTicks, roomyScale, type Scale, ticksOf } from './ticks.ts';

/** The values of each line, by name. NaN marks a missing value and leaves a gap. */
export type PredictionData =
  | {
      /** The x positions of the values: numbers, `Date`s or ISO dates; default 0, 1, 2 ... */
      time?: Positions;
      target?: LineData;
      prediction?: LineData;
      /** Drawn thin and grey if the option `input` names it; otherwise a line like the others. */
      input?: LineData;
      /** A short text at the upper right; without it, the previous caption stays. */
      caption?: string;
      /** Any other line. */
      [line: string]: LineData | Positions | string | undefined;
    }
  | Readonly<Record<string, LineData>>;

export interface PredictionOptions extends LineChartOptions {
  /** The range of the y axis; values outside are clipped. Default: the range of all values. */
  yDomain?: [number, number];
  /** The names of the lines `target` and `prediction` in the legend. */
  labels?: [string, string];
}
export const predictionOptions = [...lineChartOptions, 'yDomain', 'labels'] as const;

export interface LivePredictionOptions extends PredictionOptions {
  /** The name of the line `input` in the legend. The line is thin and grey, below the others. */
  input?: string;
}

/**
 * A live chart of target and prediction, or of any named lines; every `update` replaces the data.
 *
 * Without `yDomain`, the y axis covers all values with a small margin. It widens when an update exceeds it and never
 * narrows, so that a live chart does not jump; create a new plot to start over.
 */
export function predictionPlot(options: LivePredictionOptions = {}): Plot<PredictionData> {
  rejectExtraArguments('predictionPlot', 1, arguments);
  const call = 'predictionPlot';
  const { input, ...rest } = checkOptions<LivePredictionOptions>(call, options, [...predictionOptions, 'input']);
  const inputLabel = input === undefined ? undefined : checkText(call, 'input', input);
  const drawing = new PredictionDrawing(call, rest, { inputLabel });
  const { chart } = drawing;
  const paths = new LinePaths(chart.addDataArea(), chart.theme);
  chart.attach();

  const plot: Plot<PredictionData> = limitArgumentsInTable(call, {
    node: chart.svg.node,
    update(data) {
      const set = checkLines(`${call}.update`, data, 'time');
      chart.show(drawing.legendOf(set.lines), set.caption);
      const [x, y] = drawing.drawAxes(set);
      const { lines, styles } = drawing.layersOf(set.lines);
      paths.show(
        styles,
        lines.map(line => lineText(line, x, y, chart.area.width)),
      );
      return plot;
    },
    toSVG: () => chart.toSVG(),
    remove: () => chart.remove(),
  });
  return plot;
}

type Named = Pick<Line, 'name'>;

/** The line chart with its scales and line styles, shared by the live plot and the animation. */
export class PredictionDrawing {
  readonly chart: LineChart;
  readonly #labels: [string, string];
  readonly #inputLabel: string | undefined;
  readonly #yDomain: [number, number] | undefined;
  /** The lowest and the highest value so far. */
  #seen: [number, number] | null = null;

  constructor(
    call: string,
    options: PredictionOptions,
    { footer = 0, inputLabel }: { footer?: number; inputLabel?: string | undefined } = {},
  ) {
    const { labels, yDomain } = options;
    this.#labels = checkPair(call, 'labels', labels ?? ['target', 'prediction']);
    this.#yDomain = yDomain === undefined ? undefined : checkDomain(call, 'yDomain', yDomain);
    this.#inputLabel = inputLabel;
    this.chart = new LineChart(call, { xLabel: 'time', ...options }, footer);
    const defaultNames = ['target', 'prediction', ...(inputLabel === undefined ? [] : ['input'])];
    this.chart.show(this.legendOf(defaultNames.map(name => ({ name }))));
    this.drawAxes({ lines: [], kind: 'count' });
  }

  /** The input comes last in the legend. */
  legendOf(lines: readonly Named[]): LineStyle[] {
    const styles = this.#stylesOf(lines);
    const isInput = (_: LineStyle, n: number) => this.#isInput(lines[n]!.name);
    return [...styles.filter((line, n) => !isInput(line, n)), ...styles.filter(isInput)];
  }

  /** Lines and their styles in drawing order: the input is drawn first, below the others. */
  layersOf(lines: readonly Line[]): { lines: Line[]; styles: LineStyle[] } {
    const layers = [...lines].sort((a, b) => Number(this.#isInput(b.name)) - Number(this.#isInput(a.name)));
    return { lines: layers, styles: this.#stylesOf(layers) };
  }

  drawAxes({ lines, kind }: Pick<LineSet, 'lines' | 'kind'>): [x: Scale, y: Scale] {
    const { chart } = this;
    const values = extentOf(lines.map(line => line.values));
    const seen = this.#seen ?? values;
    if (seen && values) this.#seen = [Math.min(seen[0], values[0]), Math.max(seen[1], values[1])];
    const down: [number, number] = [chart.area.height, 0];
    const y = this.#yDomain ? linearScale(this.#yDomain, down) : roomyScale(this.#seen ?? [0, 1], down, chart.ticksUp);
    chart.drawY(linearTicks(y, chart.ticksUp));
    const x = linearScale(xDomainOf(lines, kind), [0, chart.area.width]);
    chart.drawX(ticksOf(kind, x, chart.ticksAcross));
    return [x, y];
  }

  #isInput(name: string): boolean {
    return this.#inputLabel !== undefined && name === 'input';
  }

  /** Target and prediction have fixed styles; the other lines take the remaining styles in order. */
  #stylesOf(lines: readonly Named[]): LineStyle[] {
    const own = ['target', 'prediction'];
    const free = own.map((_, n) => n).filter(n => !lines.some(({ name }) => name === own[n]));
    let next = own.length;
    return lines.map(({ name }) => {
      if (this.#isInput(name)) return { label: this.#inputLabel!, part: 'axis', width: 1.25 };
      const n = own.includes(name) ? own.indexOf(name) : (free.shift() ?? next++);
      return { label: this.#labels[own.indexOf(name)] ?? name, ...styleOf(n), width: 2.5 };
    });
  }
}
