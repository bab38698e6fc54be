/** `npm run tables` as a command, with the built package, made-up data sets and short trainings. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeTablesData } from '../bench/tablesData.ts';

const tables = fileURLToPath(new URL('../../bench/tables/', import.meta.url));
const results = () => ['results.json', 'results.md'].map(name => readFileSync(tables + name, 'utf8'));
let folder = '';

/** Runs the command; without TABLES_DATA unless `data` is given. */
function run(args: string[], data?: string) {
  const { TABLES_DATA: _, ...env } = process.env;
  return spawnSync(process.execPath, [`${tables}index.js`, ...args], {
    encoding: 'utf8',
    env: data === undefined ? env : { ...env, TABLES_DATA: data },
  });
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tables-'));
  writeTablesData(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('npm run tables trains all rows in their short form, and writes no results', { timeout: 120_000 }, () => {
  const before = results();
  const { stdout, stderr, status } = run(['--short', '--data', folder]);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  const tasks = [...stdout.matchAll(/^\| ([A-Z][^|]*?) \| (OWA|MSIS|MSE|NLL|training)/gm)].map(([, task]) => task);
  expect(tasks).toEqual([
    'Embedded Reber grammar',
    'Adding problem, 30 steps',
    'JSB Chorales',
    'ETTh1, 96 hours',
    'M4 Hourly',
    'M4 Hourly',
    'M4 Weekly',
  ]);
  expect(results()).toEqual(before);
});

test('npm run tables leaves out rows without a data set, and fails if none is left', { timeout: 60_000 }, () => {
  const some = run(['--short', '--only', 'm4weekly,jsb'], folder);
  expect(some.stdout).toContain('| M4 Weekly |');
  expect(some.status).toBe(0);
  const none = run(['--short', '--only', 'jsb']);
  expect(none.stderr).toBe('tables: left out jsb: --data must be a folder with jsb.json, got undefined\n');
  expect(none.status).toBe(1);
});

test('npm run tables rejects unknown rows and settings that are no numbers', { timeout: 60_000 }, () => {
  const rows = run(['--only', 'm4daily']);
  expect(rows.stderr).toBe(
    'tables: --only must list some of reber, adding, jsb, etth1, m4hourly, m4weekly, got m4daily\n',
  );
  const settings = run(['--only', 'jsb', '--validation', '--set', 'units=many']);
  expect(settings.stderr).toBe('tables: --set must be name=number, got units=many\n');
  expect([rows.status, settings.status]).toEqual([1, 1]);
});
