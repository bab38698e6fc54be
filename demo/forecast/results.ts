/** The results of a forecast as text: the comparison with the baselines, and the file of the forecast. */

import type { Forecast } from 'lstm-wasm/forecast';
import type { Report } from './thread.ts';

const names = { model: 'LSTM', seasonalNaive: 'Seasonal naive', naive: 'Naive' } as const;
type Name = keyof typeof names;

export interface ErrorRow {
  readonly name: string;
  readonly mae: string;
  readonly mase: string;
  readonly smape: string;
}

/** A row for each forecast; without a season, both baselines are the same and one of them is left out. */
export function errorRows({ scores }: Report, season: number): ErrorRow[] {
  return namesFor(season).map(name => {
    const { mae, mase, smape } = scores[name];
    return { name: names[name], mae: digits(mae), mase: digits(mase), smape: `${digits(smape)} %` };
  });
}

/** Compares the mean absolute error with that of the better baseline, and the intervals with what they should contain. */
export function verdict({ scores, nominalCoverage }: Report, season: number): string {
  const baselines = namesFor(season).filter(name => name !== 'model');
  const best = baselines.reduce((a, b) => (errorOf(scores[b]) < errorOf(scores[a]) ? b : a));
  const [own, other] = [errorOf(scores.model), errorOf(scores[best])];
  const comparison = compare(own, other, `${names[best].toLowerCase()} forecast`);
  const { coverage } = scores.model;
  if (nominalCoverage === null || coverage === undefined || Number.isNaN(coverage)) return comparison;
  const [nominal, found] = [nominalCoverage, coverage].map(share => Math.round(100 * share));
  return `${comparison} Its ${nominal} % intervals contain ${found} % of the held-out values.`;
}

function compare(own: number, other: number, name: string): string {
  if (!Number.isFinite(own + other)) return 'The errors cannot be computed.';
  if (other === 0) return `The ${name} is exact on the held-out end: use it for this series.`;
  const percent = Math.round(100 * Math.abs(1 - own / other));
  if (own < other) return `The mean absolute error of the LSTM is ${percent} % below that of the ${name}.`;
  return `The mean absolute error of the LSTM is ${percent} % above that of the ${name}: use the baseline for this series.`;
}

const namesFor = (season: number): Name[] => (season > 1 ? ['model', 'seasonalNaive', 'naive'] : ['model', 'naive']);
const errorOf = ({ mae = Number.NaN }: { mae?: number }) => mae;

/** The forecast as a CSV file. */
export function forecastCsv(column: string, { time, median, quantiles }: Forecast): string {
  const levels = Object.keys(quantiles).filter(level => level !== '0.5');
  const header = ['time', column, ...levels.map(level => `${column} quantile ${level}`)];
  const rows = Array.from(time as ArrayLike<string | number>, (at, n) => [
    at,
    median[n]!,
    ...levels.map(level => quantiles[level]![n]!),
  ]);
  return [header, ...rows]
    .map(row => row.map(cell).join(','))
    .join('\r\n')
    .concat('\r\n');
}

function cell(value: string | number): string {
  const text = typeof value === 'number' ? String(Number(value.toPrecision(9))) : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function digits(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '–';
  const text = Number(value.toPrecision(3));
  return Math.abs(text) < 1e-4 && text !== 0
    ? text.toExponential()
    : text.toLocaleString('en', { maximumFractionDigits: 6 });
}

/** What was read of a file, in a sentence. */
export function summaryOf(column: string, count: number, missing: number, range: readonly string[] | null): string {
  const parts = [
    `${count.toLocaleString('en')} values of ${column}`,
    ...(range ? [`${range.join(' to ')}`] : []),
    ...(missing > 0 ? [`${missing.toLocaleString('en')} missing`] : []),
  ];
  return `${parts.join(', ')}.`;
}
