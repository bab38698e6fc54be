/** Plots the forecasts of a backtest, from several origins, with the series. */

import { limitArgumentsInTable, rejectExtraArguments } from '../util/arguments.ts';
import { checkOptions } from '../util/options.ts';
import { checkText } from './checks.ts';
import { checkForecasts, type ForecastLines } from './forecastData.ts';
import {
  bandLegend,
  checkList,
  type Drawn,
  ForecastDrawing,
  type ForecastPlotOptions,
  lastSteps,
  lengthOf,
  styles,
} from './forecastPlot.ts';
import type { Line } from './lineData.ts';
import type { LineStyle } from './lineStyles.ts';
import type { Plot } from './plot.ts';
import { type SeriesData, withTimes } from './seriesTimes.ts';

/** The data of `backtestPlot`. */
export interface BacktestPlotData {
  /** The whole series: values, { time, values }, or one with `start` and `frequency`. Default: the values that the forecasts have as `actual`. */
  actual?: SeriesData;
  /** The forecasts from all origins, of one series; each has its times. */
  forecasts: readonly ForecastLines[];
  /** A short text at the upper right; without it, the previous caption stays. */
  caption?: string;
}

/** A live chart of several forecasts with their widest prediction intervals, and of the series. */
export function backtestPlot(options: ForecastPlotOptions = {}): Plot<BacktestPlotData> {
  rejectExtraArguments('backtestPlot', 1, arguments);
  const call = 'backtestPlot';
  const drawing = new ForecastDrawing(call, options);
  const legend: LineStyle[] = [actualStyle(), { label: 'forecast', ...styles.forecast }];
  drawing.draw({ set: { lines: [], kind: 'count', caption: undefined }, lines: [], bands: [], legend });
  drawing.chart.attach();

  const plot: Plot<BacktestPlotData> = limitArgumentsInTable(call, {
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

const actualStyle = (): LineStyle => ({ label: 'actual', ...styles.history });

function checkData(call: string, data: unknown, historySteps: number): Drawn {
  const given = checkOptions<BacktestPlotData>(call, data, ['actual', 'forecasts', 'caption']);
  const caption = given.caption === undefined ? undefined : checkText(call, 'caption', given.caption);
  const forecasts = checkList(call, 'forecasts', given.forecasts);
  const whole = withTimes(call, 'actual', given.actual);
  const actual = lastSteps(whole, historySteps);
  const others = actual === undefined ? {} : { actual };
  const { set, read } = checkForecasts(call, forecasts, others, lengthOf(whole));
  const own = read.flatMap(({ centre, actual: values }): Line[] =>
    values && given.actual === undefined ? [{ name: 'actual', at: centre.at, values }] : [],
  );
  const series = [...set.lines.filter(({ name }) => name === 'actual'), ...own];
  const lines: Drawn['lines'] = [
    ...series.map(line => ({ ...actualStyle(), line })),
    ...read.map(({ centre, centreLabel }) => ({ label: centreLabel, ...styles.forecast, line: centre })),
  ];
  const widest = read.flatMap(({ bands }) => bands.slice(0, 1));
  const legend = lines.filter((line, n) => lines.findIndex(({ label }) => label === line.label) === n);
  const labels = widest.filter((band, n) => widest.findIndex(({ label }) => label === band.label) === n);
  // Every forecast has one band, so all bands have the opacity of the first.
  const entries = labels.flatMap(band => bandLegend([band]));
  return { set: { ...set, caption }, lines, bands: widest, legend: [...legend, ...entries] };
}
