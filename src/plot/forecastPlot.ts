/** Plots a forecast with its prediction intervals after the history of a series. */

import { limitArgumentsInTable, rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkCount, checkOptions, isPlain } from '../util/options.ts';
import { type Band, BandPaths, bandOpacity } from './bands.ts';
import { checkDomain, checkText, isList } from './checks.ts';
import { checkForecasts, type ForecastLines } from './forecastData.ts';
import { LineChart, type LineChartOptions, lineChartOptions } from './lineChart.ts';
import { extentOf, type Line, type LineData, type LineSet, xDomainOf } from './lineData.ts';
import { LinePaths, lineText } from './linePaths.ts';
import type { LineStyle } from './lineStyles.ts';
import type { Plot } from './plot.ts';
import { type SeriesData, withTimes } from './seriesTimes.ts';
import { linearScale, linearTicks, roomyScale, ticksOf } from './ticks.ts';

export interface ForecastPlotOptions extends LineChartOptions {
  /** The range of the y axis; values outside are clipped. Default: the range of all values. */
  yDomain?: [number, number];
  /** The number of values of the history that are drawn, the latest; default all. */
  historySteps?: number;
}

/** The data of `forecastPlot`. */
export interface ForecastPlotData {
  /** The values before the forecast, { time, values }, or a series with `start` and `frequency`. NaN leaves a gap. */
  history?: SeriesData;
  /** The forecast, such as one of `forecaster.predict`. */
  forecast: ForecastLines;
  /** What followed: values at the times of the forecast, or { time, values }. */
  actual?: LineData;
  /** A short text at the upper right; without it, the previous caption stays. */
  caption?: string;
}

export const forecastOptions = [...lineChartOptions, 'yDomain', 'historySteps'] as const;

/** Styles of the lines of forecasts. */
export const styles = {
  history: { part: 'wire', width: 1.5 },
  actual: { part: 'target', width: 1.75, dash: '7 4' },
  forecast: { part: 'prediction', width: 2.5 },
} as const satisfies Record<string, Omit<LineStyle, 'label'>>;

/** A live chart of the history, a forecast with its prediction intervals, and the values that followed. */
export function forecastPlot(options: ForecastPlotOptions = {}): Plot<ForecastPlotData> {
  rejectExtraArguments('forecastPlot', 1, arguments);
  const call = 'forecastPlot';
  const drawing = new ForecastDrawing(call, options);
  drawing.draw({ set: { lines: [], kind: 'count', caption: undefined }, lines: [], bands: [], legend: emptyLegend() });
  drawing.chart.attach();

  const plot: Plot<ForecastPlotData> = limitArgumentsInTable(call, {
    node: drawing.chart.svg.node,
    update(data) {
      drawing.draw(checkData(`${call}.update`, data, drawing.historySteps));
      return plot;
    },
    toSVG: () => drawing.chart.toSVG(),
    remove: () => drawing.chart.remove(),
  });
  return plot;
}

// A function, because bundlers keep constants that spread properties
const emptyLegend = (): LineStyle[] => [
  { label: 'history', ...styles.history },
  { label: 'forecast', ...styles.forecast },
];

/** Lines and bands with their styles, in drawing order. */
export interface Drawn {
  set: LineSet;
  lines: (LineStyle & { line: Line })[];
  bands: Band[];
  legend: LineStyle[];
}

/** A line chart with bands below its lines. */
export class ForecastDrawing {
  readonly chart: LineChart;
  readonly historySteps: number;
  readonly #bands: BandPaths;
  readonly #lines: LinePaths;
  readonly #yDomain: [number, number] | undefined;
  readonly #hasZero: boolean;

  /** @param setting the default label of the x axis, and whether the y axis includes zero */
  constructor(
    call: string,
    options: ForecastPlotOptions,
    { xLabel = '', hasZero = false, known = forecastOptions as readonly string[] } = {},
  ) {
    const given = checkOptions<ForecastPlotOptions>(call, options, known);
    const { historySteps, yDomain, ...rest } = given;
    this.historySteps = historySteps === undefined ? Infinity : checkCount(call, 'historySteps', historySteps);
    this.#yDomain = yDomain === undefined ? undefined : checkDomain(call, 'yDomain', yDomain);
    this.#hasZero = hasZero;
    this.chart = new LineChart(call, { xLabel, ...rest });
    const area = this.chart.addDataArea();
    this.#bands = new BandPaths(area, this.chart.theme);
    this.#lines = new LinePaths(area, this.chart.theme);
  }

  draw({ set, lines, bands, legend }: Drawn): void {
    const { chart } = this;
    chart.show(legend, set.caption);
    const lists = [...lines.map(({ line }) => line.values), ...bands.flatMap(({ lower, upper }) => [lower, upper])];
    const range = extentOf(this.#hasZero ? [...lists, [0]] : lists) ?? [0, 1];
    const down: [number, number] = [chart.area.height, 0];
    const y = this.#yDomain ? linearScale(this.#yDomain, down) : roomyScale(range, down, chart.ticksUp);
    chart.drawY(linearTicks(y, chart.ticksUp));
    const drawn = lines.map(({ line }) => line);
    const x = linearScale(xDomainOf(drawn, set.kind), [0, chart.area.width]);
    chart.drawX(ticksOf(set.kind, x, chart.ticksAcross));
    this.#bands.show(bands, x, y);
    this.#lines.show(
      lines,
      drawn.map(line => lineText(line, x, y, chart.area.width)),
    );
  }
}

/** The entry of a band in the legend: a thick line with the opacity that bands have where they lie in each other. */
export const bandLegend = (bands: readonly Band[]): LineStyle[] =>
  bands.map(({ label }, n) => ({ label, part: 'prediction', width: 10, opacity: 1 - (1 - bandOpacity) ** (n + 1) }));

function checkData(call: string, data: unknown, historySteps: number): Drawn {
  const given = checkOptions<ForecastPlotData>(call, data, ['history', 'forecast', 'actual', 'caption']);
  const caption = given.caption === undefined ? undefined : checkText(call, 'caption', given.caption);
  const before = withTimes(call, 'history', given.history);
  const history = lastSteps(before, historySteps);
  const next = lengthOf(before);
  const others: Record<string, unknown> = history === undefined ? {} : { history };
  if (given.actual !== undefined) {
    const own = given.forecast as { time?: unknown } | undefined;
    const time = own?.time ?? Array.from({ length: lengthOf(given.actual) }, (_, n) => next + n);
    others.actual = isList(given.actual) ? { time, values: given.actual } : given.actual;
  }
  const { set, read } = checkForecasts(call, { forecast: given.forecast }, others, next);
  const { centre, centreLabel, bands } = read[0]!;
  const lines = set.lines.map(line => {
    const style = styles[line.name as keyof typeof styles];
    return { label: line === centre ? centreLabel : line.name, ...style, line };
  });
  const onTop = [...lines].sort((a, b) => Number(a.line.name === 'actual') - Number(b.line.name === 'actual'));
  return { set: { ...set, caption }, lines: onTop, bands, legend: [...lines, ...bandLegend(bands)] };
}

/** The number of values of a line that may be invalid. */
export function lengthOf(line: unknown): number {
  const values: unknown = isPlain(line) && !isList(line) ? (line as { values?: unknown }).values : line;
  return isList(values) ? (values as ArrayLike<unknown>).length : 0;
}

/** The last steps of a line, which keep their positions. */
export function lastSteps(line: unknown, steps: number): unknown {
  const count = lengthOf(line);
  if (steps >= count) return line;
  const { time, values } = isList(line) ? { values: line } : (line as { time?: unknown; values: unknown });
  const from = count - steps;
  const at = isList(time) ? Array.from(time as ArrayLike<unknown>).slice(from) : undefined;
  const positions = at ?? Array.from({ length: steps }, (_, n) => from + n);
  return { time: positions, values: Array.from(values as ArrayLike<unknown>).slice(from) };
}

/** Checks a list of forecasts, and gives each a name that no other line has. */
export function checkList(call: string, name: string, value: unknown): Record<string, unknown> {
  if (!Array.isArray(value) || value.length === 0) {
    fail(call, `${name} must be an array of at least one forecast, got ${show(value)}`);
  }
  return Object.fromEntries(Array.from(value as unknown[], (item, n) => [`${name}[${n}]`, item]));
}
