// The programs of bench/tables in their short form: small sizes, and music and measurements that are made up.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as lw from 'lstm-wasm';
import * as forecasting from 'lstm-wasm/forecast';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { adding } from '../../bench/tables/adding.js';
import { randomNumbers, readColumns, readPieces, readText, standardizeColumns } from '../../bench/tables/data.js';
import { etth1 } from '../../bench/tables/etth1.js';
import { jsb } from '../../bench/tables/jsb.js';
import { m4hourly, m4weekly } from '../../bench/tables/m4.js';
import { embeddedReber, reber } from '../../bench/tables/reber.js';
import { markdown, tableOf } from '../../bench/tables/report.js';
import { writeTablesData } from './tablesData.ts';

let folder = '';

beforeAll(() => {
  lw.configure({ threads: 1 });
  folder = mkdtempSync(join(tmpdir(), 'tables-'));
  writeTablesData(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the rows of the published tables learn in their short form', () => {
  test('an LSTM solves the embedded Reber grammar', { timeout: 60_000 }, async () => {
    const [result] = await reber.run(lw, { short: true });
    expect(result!.ours).toBeLessThanOrEqual(result!.bar);
    expect(result!.note).toMatch(/^solved in 1 of 1 trials/);
  });

  test('a GRU learns to add two marked numbers', { timeout: 60_000 }, async () => {
    const [result] = await adding.run(lw, { short: true });
    expect(result!.ours).toBeLessThan(0.02); // 0.167 without what was marked
  });

  test('a GRU learns which chord comes next', { timeout: 60_000 }, async () => {
    const losses: number[] = [];
    const log = (line: string) => losses.push(Number(line.match(/validation ([\d.]+)/)![1]));
    const [result] = await jsb.run(lw, { folder, short: true, log });
    expect(result!.ours).toBeCloseTo(Math.min(...losses), 3);
    expect(result!.ours).toBeLessThan(losses[0]! / 3);
  });

  test('a GRU over segments forecasts daily waves', { timeout: 60_000 }, async () => {
    const [result] = await etth1.run(lw, { folder, short: true });
    expect(result!.task).toBe('ETTh1, 96 hours');
    expect(result!.ours).toBeLessThan(0.25); // repeating the last value would have about 2
  });

  test('a forecaster has a lower OWA than Naive2 on hourly series, and intervals', { timeout: 60_000 }, async () => {
    const [point, intervals] = await m4hourly.run(lw, { folder, forecasting, short: true });
    expect(point!.measure).toBe('OWA, test set');
    expect(point!.ours).toBeLessThan(0.8);
    expect(intervals!.measure).toBe('MSIS of 95 % intervals, test set');
    expect(intervals!.ours).toBeLessThan(12);
    expect(Number(intervals!.note.match(/coverage ([\d.]+) %/)![1])).toBeGreaterThan(80);
  });

  test('a forecaster has a lower OWA than Naive2 on weekly series, also in the training part', async () => {
    for (const validation of [false, true]) {
      const [result, ...others] = await m4weekly.run(lw, { folder, forecasting, short: true, validation });
      expect(result!.measure).toBe(`OWA, ${validation ? 'held-back end of the training part' : 'test set'}`);
      expect(result!.ours).toBeLessThan(0.5);
      expect(others).toEqual([]);
    }
  });
});

test('a string of the embedded Reber grammar repeats its second symbol before the last', () => {
  const random = randomNumbers(1);
  for (let n = 0; n < 200; n++) {
    const { text, next } = embeddedReber(random);
    expect(text).toMatch(/^B([TP])B[TSXPV]+E\1E$/);
    expect(next).toHaveLength(text.length - 1);
    next.forEach((symbols, t) => {
      expect(symbols).toContain(text[t + 1]);
    });
  }
});

test('settings can be tried on the validation set only', async () => {
  await expect(reber.run(lw, { short: true, settings: { units: 4 } })).rejects.toThrow(
    'tables: --set must be used with --validation, so that no setting is chosen by the test set',
  );
  await expect(reber.run(lw, { validation: true, settings: { unit: 4 } })).rejects.toThrow(/got unit$/);
  await expect(m4weekly.run(lw, { folder, forecasting, validation: true, settings: { units: 4 } })).rejects.toThrow(
    'tables: --set must be absent for M4, whose settings are in m4.js, got units',
  );
});

test('the readers of the data sets name what is wrong', () => {
  expect(() => readText(undefined, 'jsb.json')).toThrow('tables: --data must be a folder with jsb.json, got undefined');
  const chords = [[60], []];
  expect(readPieces(JSON.stringify({ train: [chords], valid: [chords], test: [chords] })).valid).toEqual([chords]);
  expect(() => readPieces(JSON.stringify({ train: [chords], valid: [chords], test: [[[200], []]] }))).toThrow(
    "tables: 'test' must be a list of pieces of at least 2 chords of MIDI numbers from 21 to 108",
  );
  for (const line of ['2,4', '2,4,', '2,4,x']) {
    expect(() => readColumns(`date,a,b\n1,2,3\n${line}\n`)).toThrow(
      `tables: line 3 must have 2 numbers after the date, got ${line}`,
    );
  }
});

test('columns are standardized with their first rows', () => {
  const table = standardizeColumns(readColumns('date,a,b\n1,1,7\n2,3,7\n3,5,7\n'), 2);
  expect([...table.values]).toEqual([-1, 0, 1, 0, 3, 0]);
});

test('the table marks the figures that meet the bar', () => {
  const result = {
    task: 'T',
    measure: 'MSE',
    published: 'LSTM 2',
    source: 'S',
    bar: 2,
    ours: 1.23456,
    model: 'GRU(1)',
    parameters: 3,
    seed: '1',
    seconds: 4,
    note: 'N',
  };
  expect(tableOf([result]).split('\n').at(-1)).toBe(
    '| T | MSE | LSTM 2 (S) | 2 | **1.235** | GRU(1) | 3 | 1 | 4 | N |',
  );
  expect(tableOf([{ ...result, ours: 2.5 }])).toContain('| 2.5 |');
  const machine = { date: '2026-01-01', cpu: 'C', node: 'v20', version: '0.1.0' };
  expect(markdown({ reber: { machine, results: [result] } })).toContain(
    'Measured 2026-01-01 on C, Node v20, lstm-wasm 0.1.0.',
  );
});
