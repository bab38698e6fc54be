/**
 * The chart of a run: for some workloads, the times as multiples of ours, as bars on a log scale that start at 1. Bars of
 * slower libraries point to the right, those of faster ones to the left.
 */

import { benchmarkChart } from '../src/plot/node.ts';
import { digits, ownTime, ratio } from './report.js';

type Report = import('./report.js').Report;
type Row = import('./measure.js').Row;

/** The rows of the chart by column. Rows that a run did not measure are left out. */
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
/** Labels of our own builds. */
const ours: Record<string, string> = {
  strict: 'ours, strict',
  relaxed: 'ours, relaxed',
  turbo: 'ours, turbo',
  'lstm-wasm': 'ours',
};
const titles: Partial<Record<Row['kind'], string>> = {
  train: ', training step',
  predict: ', prediction',
  start: 'Import to first step, minus an empty process',
};

export function drawBenchmark(report: Report): string {
  const onSeveral = report.rivals.filter(({ threads = 1 }) => threads > 1).map(({ name }) => name);
  const onOneThread = (row: Row): Row => ({
    ...row,
    results: row.results.filter(({ name }) => !onSeveral.includes(name)),
  });
  const rowsByColumn = columns
    .map(column =>
      column.flatMap(([name, kind]) =>
        report.rows.filter(row => row.workload === name && row.kind === kind).map(onOneThread),
      ),
    )
    .filter(rows => rows.length > 0);
  const rows = rowsByColumn.flat();
  const { machine } = report;
  const chart = benchmarkChart({
    title: 'Time relative to our relaxed build',
    subtitle: `${machine.cpu}, Node ${machine.node}, one thread each, ${machine.date}; log scale, minimum of many samples`,
    legend: ['this package', 'slower', 'faster'],
    own: Object.values(ours),
    unit: 'x',
    base: 1,
    groups: rowsByColumn.flatMap((rows, column) =>
      rows.map(row => ({ title: titleOf(row), bars: row.results.map(({ name }) => ours[name] ?? name), column })),
    ),
  });
  return chart.update({ values: rows.map(timesOf), labels: rows.map(labelsOf) }).toSVG();
}

const titleOf = (row: Row) => (row.kind === 'start' ? titles.start! : row.title + (titles[row.kind] ?? ''));

/** Times relative to our relaxed build. */
const timesOf = (row: Row) => row.results.map(({ min }) => min / (ownTime(row) ?? min));

function labelsOf(row: Row): string[] {
  const times = timesOf(row);
  return row.results.map(({ min }, n) => (times[n] === 1 ? duration(min) : `${ratio(times[n]!)} · ${duration(min)}`));
}

function duration(ms: number): string {
  if (ms < 0.1) return `${digits(1000 * ms)} µs`;
  return ms < 1000 ? `${digits(ms)} ms` : `${digits(ms / 1000)} s`;
}
