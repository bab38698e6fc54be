/** The command `lstm-wasm`, as built. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';

const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'lstm-wasm-command-'));
const run = (...words: string[]) =>
  spawnSync(process.execPath, [cli, ...words], { cwd: folder, encoding: 'utf8', timeout: 60_000 });

const rows = Array.from({ length: 360 }, (_, n) => {
  const time = new Date(Date.UTC(2024, 0, 1, n)).toISOString().slice(0, 16);
  return `${time},${(10 + 3 * Math.sin((2 * Math.PI * n) / 24) + Math.sin(n * n)).toFixed(3)}`;
});
writeFileSync(join(folder, 'load.csv'), `date,load\n${rows.join('\n')}\n`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('forecast writes a forecast, its chart and the model, and prints the errors', { timeout: 60_000 }, () => {
  const { status, stdout, stderr } = run('forecast', 'load.csv', '--value', 'load', '--horizon', '6', '--out', 'out');
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(stdout).toMatch(/MASE +sMAPE +coverage of 80 % intervals\nnetwork .*\nseasonal naive .*\nnaive /);
  const lines = readFileSync(join(folder, 'out/forecast.csv'), 'utf8').trim().split('\n');
  expect(lines[0]).toBe('time,forecast,0.1,0.9');
  expect(lines[1]).toMatch(/^2024-01-16T00:00:00,/);
  expect(lines).toHaveLength(7);
  expect(readFileSync(join(folder, 'out/forecast.svg'), 'utf8')).toMatch(/^<svg/);
  expect(existsSync(join(folder, 'out/model/model.json'))).toBe(true);
});

it.each([
  [1, "value must be a column of the table, got 'laod'", ['load.csv', '--value', 'laod', '--horizon', '6']],
  [1, "cannot read 'absent.csv': no such file", ['absent.csv', '--horizon', '6']],
  [2, "unknown option '--horizn'; did you mean '--horizon'?", ['load.csv', '--horizn', '6']],
])('forecast exits with %i and one sentence: %s', (code, message, words) => {
  const { status, stderr } = run('forecast', ...words);
  expect(status).toBe(code);
  expect(stderr).toContain(message);
  expect(stderr.trim().split('\n')).toHaveLength(1);
});
