/** Plots the residuals of forecasts over the steps of their horizon. */

import { limitArgumentsInTable, rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkOptions } from '../util/options.ts';
import type { Band } from './bands.ts';
import { checkLength, checkNumbers, checkText } from './checks.ts';
import { checkForecasts, type ForecastLines } from './forecastData.ts';
import {
  bandLegend,
  checkList,
  type Drawn,
  ForecastDrawing,
  type ForecastPlotOptions,
  styles,
} from './forecastPlot.ts';
import { type LineChartOptions, lineChartOptions } from './lineChart.ts';
import type { Line } from './lineData.ts';
import type { LineStyle } from './lineStyles.ts';
import type { Plot } from './plot.ts';

export interface ResidualPlotOptions extends LineChartOptions {
  /** The range of the y axis; values outside are clipped. Default: the range of all values. */
  yDomain?: [number, number];
}
const residualOptions = [...lineChartOptions, 'yDomain'] as const;

/** The data of `residualPlot`: residuals, or forecasts with `actual`. */
export interface ResidualPlotData {
  /** Actual minus predicted values: a row for each forecast, with a number for each step. NaN is skipped. */
  residuals?: readonly ArrayLike<number>[];
  /** Forecasts with the values that followed, such as `forecasts` of a backtest. */
  forecasts?: readonly ForecastLines[];
  /** A short text at the upper right; without it, the previous caption stays. */
  caption?: string;
}

/** The shares of the residuals in the bands. */
const shares = [0.8, 0.5];

/** A live chart of the residuals over the horizon: their median, the middle 80 % and 50 %, and the mean absolute error. */
export function residualPlot(options: ResidualPlotOptions = {}): Plot<ResidualPlotData> {
  rejectExtraArguments('residualPlot', 1, arguments);
  const call = 'residualPlot';
  const given: ForecastPlotOptions = options;
  const drawing = new ForecastDrawing(call, given, {
    xLabel: 'step of the horizon',
    hasZero: true,
    known: residualOptions,
  });
  drawing.draw({ set: { lines: [], kind: 'count', caption: undefined }, lines: [], bands: [], legend: lineStyles() });
  drawing.chart.attach();

  const plot: Plot<ResidualPlotData> = limitArgumentsInTable(call, {
    node: drawing.chart.svg.node,
    update(data) {
      drawing.draw(checkData(`${call}.update`, data));
      return plot;
    },
    toSVG: () => drawing.chart.toSVG(),
    remove: () => drawing.chart.remove(),
  });
  return plot;
}

const lineStyles = (): LineStyle[] => [
  { label: 'mean absolute error', ...styles.actual },
  { label: 'median of actual − predicted', ...styles.forecast },
];

function checkData(call: string, data: unknown): Drawn {
  const given = checkOptions<ResidualPlotData>(call, data, ['residuals', 'forecasts', 'caption']);
  const caption = given.caption === undefined ? undefined : checkText(call, 'caption', given.caption);
  if ((given.residuals === undefined) === (given.forecasts === undefined)) {
    fail(call, `data must have either residuals or forecasts, got ${given.residuals ? 'both' : 'none'}`);
  }
  const rows = given.residuals === undefined ? residualsOf(call, given.forecasts) : checkRows(call, given.residuals);
  const at = Array.from(rows[0]!, (_, n) => n + 1);
  const steps = at.map((_, n) => {
    const known = rows.map(row => row[n]!).filter(Number.isFinite);
    return Float64Array.from(known).sort();
  });
  const quantiles = (level: number) => steps.map(sorted => quantileOf(sorted, level));
  const absolute = steps.map(sorted => sorted.reduce((sum, value) => sum + Math.abs(value), 0) / sorted.length);
  const line = (name: string, values: number[]): Line => ({ name, at, values });
  const lines = [line('error', absolute), line('median', quantiles(0.5))];
  const bands = shares.map(
    (share): Band => ({
      label: `middle ${100 * share} %`,
      at,
      lower: quantiles((1 - share) / 2),
      upper: quantiles((1 + share) / 2),
    }),
  );
  return {
    set: { lines, kind: 'count', caption },
    lines: lineStyles().map((style, n) => ({ ...style, line: lines[n]! })),
    bands,
    legend: [...lineStyles(), ...bandLegend(bands)],
  };
}

function checkRows(call: string, value: unknown): ArrayLike<number>[] {
  if (!Array.isArray(value) || value.length === 0) {
    fail(call, `residuals must be an array of at least one row, got ${show(value)}`);
  }
  const rows = Array.from(value as unknown[], (row, n) => checkNumbers(call, `residuals[${n}]`, row));
  checkSteps(call, 'residuals', rows);
  return rows;
}

function residualsOf(call: string, value: unknown): ArrayLike<number>[] {
  const { read } = checkForecasts(call, checkList(call, 'forecasts', value), {}, 0);
  const rows = read.map(({ centre, actual }, n) => {
    if (!actual) fail(call, `forecasts[${n}].actual must have the values that followed, got undefined`);
    return Array.from(actual, (value, step) => value - centre.values[step]!);
  });
  checkSteps(call, 'forecasts', rows);
  return rows;
}

function checkSteps(call: string, name: string, rows: readonly ArrayLike<number>[]): void {
  const { length } = rows[0]!;
  if (length === 0) fail(call, `${name}[0] must have at least one step, got none`);
  for (const [n, row] of rows.entries()) checkLength(call, `${name}[${n}]`, row, `${name}[0]`, length);
}

/** A quantile of sorted values, by linear interpolation; NaN without values. */
function quantileOf(sorted: ArrayLike<number>, level: number): number {
  const at = level * (sorted.length - 1);
  const below = Math.floor(at);
  const [low = Number.NaN, high = low] = [sorted[below], sorted[below + 1]];
  return low + (high - low) * (at - below);
}
