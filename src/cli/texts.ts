/** What the command prints. */

import type { Series } from '../forecast/index.ts';
import { show } from '../util/errors.ts';

/** A value for the network and for each baseline. */
export interface Sources<T = unknown> {
  model: T;
  naive: T;
  seasonalNaive: T;
}

export type Scores = Sources<{ mae: number; mase: number; smape: number; coverage: number }>;

const names: Sources<string> = { model: 'network', naive: 'naive', seasonalNaive: 'seasonal naive' };
const about = { naive: 'the last value', seasonalNaive: 'the last season' };
const order = ['model', 'seasonalNaive', 'naive'] as const;

/** One series, or how many and how long they are. */
export function describeList(file: string, list: readonly Series[]): string {
  const [first] = list;
  if (list.length === 1) return describeSeries(file, first!);
  const lengths = list.map(({ values }) => values.length);
  const [least, most] = [Math.min(...lengths), Math.max(...lengths)];
  const step = stepText(first!);
  const count = least === most ? least : `${least} to ${most}`;
  return `${file}: ${list.length} series of ${count} values${step ? `; frequency: ${step}` : ', in equal steps'}`;
}

const stepText = ({ frequency }: Series) =>
  typeof frequency === 'object' ? `${frequency.every} ${frequency.unit}s` : frequency;

function describeSeries(file: string, series: Series): string {
  const { id, start, values } = series;
  const known = Array.from(values).filter(value => !Number.isNaN(value)).length;
  const missing = known === values.length ? '' : `, ${values.length - known} missing`;
  const step = stepText(series);
  const times = start && step ? `; frequency: ${step}, start: ${String(start)}` : ', in equal steps';
  return `${file}: ${values.length} values${id === undefined ? '' : ` of ${show(id)}`}${missing}${times}`;
}

/** MASE cannot be computed for a series without seasonal changes; the absolute error orders forecasts as well. */
const metricOf = (scores: Scores) =>
  order.every(name => Number.isFinite(scores[name].mase)) ? ('mase' as const) : ('mae' as const);

const bestBaseline = (scores: Scores): 'naive' | 'seasonalNaive' => {
  const metric = metricOf(scores);
  return scores.naive[metric] < scores.seasonalNaive[metric] ? 'naive' : 'seasonalNaive';
};

/** The forecast with the lowest error; the network only if it is better than both baselines. */
export function bestOf(scores: Scores): keyof Sources {
  const metric = metricOf(scores);
  const baseline = bestBaseline(scores);
  return scores.model[metric] < scores[baseline][metric] ? 'model' : baseline;
}

export function table(scores: Scores, levels: readonly number[]): string {
  const nominal = Number((100 * (levels.at(-1)! - levels[0]!)).toPrecision(6));
  const heads = ['MASE', 'sMAPE', `coverage of ${nominal} % intervals`];
  const line = (name: string, cells: readonly string[]) =>
    name.padEnd(16) + cells.map((cell, n) => cell.padStart(n < 2 ? 8 : heads[2]!.length + 3)).join('');
  const number = (value: number) => (Number.isFinite(value) ? value.toFixed(2) : '-');
  const rows = order.map(name => {
    const { mase, smape, coverage } = scores[name];
    return line(names[name], [number(mase), number(smape), `${Math.round(100 * coverage)} %`]);
  });
  return [line('', heads), ...rows].join('\n');
}

export function verdict(scores: Scores, best: keyof Sources): string {
  const metric = metricOf(scores);
  const label = metric === 'mase' ? 'MASE' : 'mean absolute error';
  const error = (name: keyof Sources) => scores[name][metric].toFixed(metric === 'mase' ? 2 : 4);
  const baseline = bestBaseline(scores);
  const compared = `${label} ${error('model')} and ${error(baseline)}`;
  if (best === 'model') {
    return `The network is better than both baselines (${compared} of the better one).\nThe forecast is that of the network.`;
  }
  const reason = `The network is not better than the ${names[baseline]} forecast, which repeats ${about[baseline]} (${compared}).`;
  return `${reason}\nSo the forecast is the ${names[baseline]} one.`;
}
