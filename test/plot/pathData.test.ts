import { expect, test } from 'vitest';
import { lossPlot } from '../../src/plot/node.ts';
import { decimate, type Point, pathText, round } from '../../src/plot/pathData.ts';
import {
  countTicks,
  dateTicks,
  linearScale,
  linearTicks,
  logScale,
  logTicks,
  thinLogTicks,
} from '../../src/plot/ticks.ts';

const labels = (ticks: readonly { label: string }[]) => ticks.map(tick => tick.label).filter(Boolean);
const logLabels = (low: number, high: number) => labels(logTicks(logScale([low, high], [300, 0])));

test('decimate keeps the ends and the extremes of every column, in order', () => {
  const points: Point[] = Array.from({ length: 10_000 }, (_, i) => [i / 100, Math.sin(i * i) * (1 + (i % 977))]);
  const kept = decimate(points);
  expect(kept.length).toBeLessThanOrEqual(2 * 100 + 2);
  expect(kept[0]).toBe(points[0]);
  expect(kept.at(-1)).toBe(points.at(-1));
  for (let column = 0; column < 100; column++) {
    const heights = (list: Point[]) => list.filter(([x]) => Math.floor(x) === column).map(([, y]) => y);
    expect(Math.min(...heights(kept))).toBe(Math.min(...heights(points)));
    expect(Math.max(...heights(kept))).toBe(Math.max(...heights(points)));
  }
  expect(kept.every((point, i) => i === 0 || point[0] > kept[i - 1]![0])).toBe(true);
});

test('decimate does not change short lists', () => {
  expect(decimate([])).toEqual([]);
  expect(decimate([[3, 4]])).toEqual([[3, 4]]);
  expect(
    decimate([
      [0, 1],
      [1, 2],
      [2, 0],
    ]),
  ).toEqual([
    [0, 1],
    [1, 2],
    [2, 0],
  ]);
});

test('a spike among 100,000 losses is in the picture, and the file stays small', () => {
  const losses = Array.from({ length: 100_000 }, (_, i) => 0.1 + 0.01 * Math.sin(i * i));
  losses[54_321] = 9;
  const svg = lossPlot().update({ losses }).toSVG();
  expect(svg.length).toBeLessThan(32_000);
  const line = /class="lw-prediction" d="M([^"]*)"/.exec(svg.slice(svg.indexOf('lw-data')))![1]!;
  const lowest = Math.min(...line.split(' ').map(point => Number(point.split(',')[1])));
  const next = Math.min(
    ...line
      .split(' ')
      .map(point => Number(point.split(',')[1]))
      .filter(y => y !== lowest),
  );
  expect(next - lowest).toBeGreaterThan(100);
});

test('points have at most two decimals, single points are dots, and gaps split a line', () => {
  const third: Point = [1 / 3, 2 / 3];
  expect(pathText([[third, [1, -1e-9]]])).toBe('M0.33,0.67 1,0');
  expect(pathText([[[1, 2]], [third, [4, 5]]])).toBe('M1,2 1,2M0.33,0.67 4,5');
  expect(pathText([])).toBe('');
  expect(Object.is(round(-0.001), 0)).toBe(true);
});

test('a log axis has ticks at powers of ten, also at 2 and 5 over a short range, with exponents for long numbers', () => {
  expect(logLabels(0.003, 0.6)).toEqual(['0.01', '0.1', '1']);
  expect(logLabels(0.03, 4)).toEqual(['0.02', '0.05', '0.1', '0.2', '0.5', '1', '2', '5']);
  expect(logLabels(0.021, 0.18)).toEqual(['0.02', '0.05', '0.1', '0.2']);
  expect(logLabels(2e-7, 3)).toEqual(['10⁻⁶', '10⁻⁵', '10⁻⁴', '0.001', '0.01', '0.1', '1']);
  expect(logLabels(0.5, 0.5)).toEqual(['0.5', '0.6', '0.7', '0.8', '0.9', '1.0']);
  expect(logLabels(0.3, 0.45)).toEqual(['0.20', '0.25', '0.30', '0.35', '0.40', '0.45', '0.50']);
  expect(logLabels(0.31, 0.32)).toEqual(['0.310', '0.312', '0.314', '0.316', '0.318', '0.320']);
  expect(logLabels(3.1e-7, 3.2e-7)).toHaveLength(6);
  expect(logLabels(1e-30, 1e30).length).toBeLessThan(10);
  expect(logLabels(1e300, Number.MAX_VALUE).length).toBeGreaterThan(1);
});

test('a linear axis has ticks at round values with a minus sign, and integer ticks for counts', () => {
  expect(labels(linearTicks(linearScale([-1.2, 1.2], [300, 0]), 5))).toEqual(['−1.0', '−0.5', '0.0', '0.5', '1.0']);
  expect(labels(countTicks(linearScale([0, 3], [0, 600]), 7))).toEqual(['0', '1', '2', '3']);
  expect(labels(countTicks(linearScale([0, 20_000], [0, 600]), 3))).toEqual([
    '0',
    '5,000',
    '10,000',
    '15,000',
    '20,000',
  ]);
  expect(labels(linearTicks(linearScale([0, 1e6], [0, 300]), 3))).toEqual(['0', '5×10⁵', '10⁶']);
  expect(labels(linearTicks(linearScale([-5e-7, 0], [0, 300]), 3))).toEqual(['−4×10⁻⁷', '−2×10⁻⁷', '0']);
  expect(linearScale([4, 4], [0, 100])(4)).toBe(50);
  const close = labels(linearTicks(linearScale([30_000_000, 30_000_004], [0, 300]), 3));
  expect(close).toEqual(['30,000,000', '30,000,001', '30,000,002', '30,000,003', '30,000,004']);
});

test('a narrow log axis labels powers of ten only, then every second of them', () => {
  const thin = (low: number, high: number, size: number) =>
    labels(
      thinLogTicks(
        logTicks(logScale([low, high], [0, size])).filter(({ label }) => label),
        () => 40,
      ),
    );
  expect(thin(1, 100, 400)).toEqual(['1', '2', '5', '10', '20', '50', '100']);
  expect(thin(1, 100, 200)).toEqual(['1', '10', '100']);
  expect(thin(1e-3, 1e4, 200)).toEqual(['0.001', '0.1', '10', '1000']);
  expect(thin(1e-3, 1e4, 10)).toEqual(['0.001']);
});

test('date axes have ticks at round times, and the first label adds the year or the day', () => {
  const dates = (from: string, to: string, count = 4) =>
    labels(dateTicks(linearScale([Date.parse(from), Date.parse(to)], [0, 600]), count));
  expect(dates('2019-06-01', '2026-02-01')).toEqual(['2020', '2022', '2024', '2026']);
  expect(dates('2025-08-20', '2026-04-02', 8)).toEqual([
    'Sep 2025',
    'Oct',
    'Nov',
    'Dec',
    'Jan 2026',
    'Feb',
    'Mar',
    'Apr',
  ]);
  expect(dates('2026-02-26', '2026-03-02')).toEqual(['Feb 26, 2026', 'Feb 27', 'Feb 28', 'Mar 1', 'Mar 2']);
  expect(dates('2026-02-26T06:00Z', '2026-02-27T07:00Z')).toEqual([
    'Feb 26 06:00',
    '12:00',
    '18:00',
    'Feb 27',
    '06:00',
  ]);
  expect(dates('2026-02-26T06:00:01Z', '2026-02-26T06:00:04Z')).toEqual([
    'Feb 26 06:00:01',
    '06:00:02',
    '06:00:03',
    '06:00:04',
  ]);
});
