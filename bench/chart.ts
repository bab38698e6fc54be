/**
 * The chart of a run: for some workloads, everybody's time as a multiple of ours, as bars on a log scale that start at
 * one. Who is slower points to the right, who is faster to the left.
 */

import { benchmarkChart } from '../src/plot/node.ts';
import { digits, ownTime, ratio } from './report.js';

type Report = import('./report.js').Report;
type Row = import('./measure.js').Row;

/** What is shown, column by column; a run that has not measured one does without. */
const columns: [workload: string, kind: Row['kind']][][] = [
  [
    ['seed', 'train'],
    ['32', 'train'],
    ['128', 'train'],
    ['2x128', 'train'],
    ['512', 'train'],
  ],
  [
    ['seed', 'predict'],
    ['128', 'predict'],
    ['512', 'predict'],
    ['stream', 'step'],
    ['start', 'start'],
  ],
];
/** The names of our own. */
const ours: Record<string, string> = {
  strict: 'ours, strict',
  relaxed: 'ours, relaxed',
  turbo: 'ours, turbo',
  'lstm-wasm': 'ours',
};
const titles: Partial<Record<Row['kind'], string>> = {
  train: ', a step of training',
  predict: ', a prediction',
  start: 'Import to first step, above an empty process',
};

export function drawBenchmark(report: Report): string {
  const shown = columns
    .map(column =>
      column.flatMap(([name, kind]) => report.rows.filter(row => row.workload === name && row.kind === kind)),
    )
    .filter(rows => rows.length > 0);
  const rows = shown.flat();
  const { machine } = report;
  const chart = benchmarkChart({
    title: 'How long it takes, as a multiple of our relaxed build',
    subtitle: `${machine.cpu}, Node ${machine.node}, one thread, ${machine.date}; log scale, shortest of many samples`,
    legend: ['this package', 'slower', 'faster'],
    own: Object.values(ours),
    unit: 'x',
    base: 1,
    groups: shown.flatMap((rows, column) =>
      rows.map(row => ({ title: titleOf(row), bars: row.results.map(({ name }) => ours[name] ?? name), column })),
    ),
  });
  return chart.update({ values: rows.map(timesOf), labels: rows.map(labelsOf) }).toSVG();
}

const titleOf = (row: Row) => (row.kind === 'start' ? titles.start! : row.title + (titles[row.kind] ?? ''));

/** How many times our relaxed build's. */
const timesOf = (row: Row) => row.results.map(({ min }) => min / (ownTime(row) ?? min));

function labelsOf(row: Row): string[] {
  const times = timesOf(row);
  return row.results.map(({ min }, n) => (times[n] === 1 ? duration(min) : `${ratio(times[n]!)} · ${duration(min)}`));
}

function duration(ms: number): string {
  if (ms < 0.1) return `${digits(1000 * ms)} µs`;
  return ms < 1000 ? `${digits(ms)} ms` : `${digits(ms / 1000)} s`;
}
