import { expect, test } from 'vitest';
import { lossPlot } from '../../src/plot/node.ts';
import { decimate, type Point, pathText, round } from '../../src/plot/points.ts';
import { countTicks, linearScale, linearTicks, logScale, logTicks, thinLogTicks } from '../../src/plot/ticks.ts';

const labels = (ticks: readonly { label: string }[]) => ticks.map(tick => tick.label).filter(Boolean);
const logLabels = (low: number, high: number) => labels(logTicks(logScale([low, high], [300, 0])));

test('decimation keeps the ends and the extremes of every column, in order', () => {
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

test('decimation leaves short lists as they are', () => {
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
  const line = /class="lw-prediction"[^>]*points="([^"]*)"/.exec(svg.slice(svg.indexOf('lw-data')))![1]!;
  const lowest = Math.min(...line.split(' ').map(point => Number(point.split(',')[1])));
  const next = Math.min(
    ...line
      .split(' ')
      .map(point => Number(point.split(',')[1]))
      .filter(y => y !== lowest),
  );
  expect(next - lowest).toBeGreaterThan(100);
});

test('points are written with two decimals at most, and a single one as a dot', () => {
  expect(
    pointsText([
      [1 / 3, 2 / 3],
      [1, -1e-9],
    ]),
  ).toBe('0.33,0.67 1,0');
  expect(pointsText([[1, 2]])).toBe('1,2 1,2');
  expect(pointsText([])).toBe('');
  expect(Object.is(round(-0.001), 0)).toBe(true);
});

test('the ticks of the log axis: powers of ten, 2 and 5 over a short range, exponents where zeros are many', () => {
  expect(logLabels(0.003, 0.6)).toEqual(['0.01', '0.1', '1']);
  expect(logLabels(0.021, 0.18)).toEqual(['0.02', '0.05', '0.1', '0.2']);
  expect(logLabels(2e-7, 3)).toEqual(['10⁻⁶', '10⁻⁵', '10⁻⁴', '0.001', '0.01', '0.1', '1']);
  expect(logLabels(0.5, 0.5)).toEqual(['0.5', '1']);
  expect(logLabels(1e-30, 1e30).length).toBeLessThan(10);
  expect(logLabels(1e300, Number.MAX_VALUE).length).toBeGreaterThan(1);
});

test('the ticks of the linear axis: round values with a true minus; counts are whole', () => {
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
});

test('where labels have no room, powers of ten are left, and then every second of them', () => {
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
