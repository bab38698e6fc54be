/** The command `lstm-wasm`, as built. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

const table = (name: string, head: string, lines: readonly string[]) =>
  writeFileSync(join(folder, name), `${head}\n${lines.join('\n')}\n`);
const dayAt = (n: number) => new Date(Date.UTC(2024, 0, 1 + n)).toISOString().slice(0, 10);
const read = (path: string) => readFileSync(join(folder, path), 'utf8');

it('forecast repeats the last season if the network is not better', { timeout: 60_000 }, () => {
  const sold = [20, 21, 23, 22, 30, 41, 38];
  const lines = Array.from({ length: 140 }, (_, n) => `${dayAt(n)},${sold[n % 7]}`);
  table('weeks.csv', 'day,sold', lines);
  const { status, stdout, stderr } = run('forecast', 'weeks.csv', '--horizon', '7', '--out', 'weeks');
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(
    /The network is not better than the seasonal naive forecast, which repeats the last season \(/,
  );
  expect(stdout).toContain('So the forecast is the seasonal naive one.');
  const rows = Array.from({ length: 7 }, (_, n) => `${dayAt(140 + n)},${[1, 1, 1].map(() => sold[n]).join(',')}`);
  expect(read('weeks/forecast.csv').trim().split('\n').slice(1)).toEqual(rows);
});

it('forecast of the same file and seed writes the same bytes, and of another season others', {
  timeout: 120_000,
}, () => {
  for (const [out, ...more] of [['a'], ['b'], ['c', '--season', '12']]) {
    expect(run('forecast', 'load.csv', '--horizon', '4', '--out', out!, ...more).status).toBe(0);
  }
  const filesOf = (out: string) =>
    ['forecast.csv', 'forecast.svg', ...readdirSync(join(folder, out, 'model')).map(name => `model/${name}`)].map(
      name => [name, readFileSync(join(folder, out, name)).toString('hex')],
    );
  expect(filesOf('b')).toEqual(filesOf('a'));
  expect(filesOf('a').length).toBeGreaterThan(3);
  expect(read('c/forecast.csv')).not.toBe(read('a/forecast.csv'));
});

it('forecast with --id forecasts each series of a long table', { timeout: 60_000 }, () => {
  let state = 3;
  const random = () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
  const ids = ['a/b', 'south, "west"', 'a?b'].map(id => `"${id.replaceAll('"', '""')}"`);
  const lines = Array.from({ length: 100 * 3 }, (_, n) => {
    const day = Math.floor(n / 3);
    return `${dayAt(day)},${ids[n % 3]},${Math.round(20 + (day % 7 < 5 ? 0 : 15) + 8 * random())}`;
  });
  table('shops.csv', 'day,shop,sold', lines);
  const words = ['forecast', 'shops.csv', '--id', 'shop', '--horizon', '3', '--out', 'deep/shops'];
  const { status, stdout, stderr } = run(...words);
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toContain('shops.csv: 3 series of 100 values; frequency: day\n');
  expect(stdout).toContain('forecasts of 3 steps from the end of each series\n');
  expect(stdout).toMatch(/ in [0-3] of 3 series\.\nWrote forecast\.csv and the folders charts and model to /);
  const [head, ...rest] = read('deep/shops/forecast.csv').trim().split('\n');
  expect(head).toBe('id,time,forecast,0.1,0.9');
  const starts = ['a/b', ids[1], 'a?b'].flatMap(id => [100, 101, 102].map(n => `${id},${dayAt(n)},`));
  expect(starts.map(start => rest.filter(line => line.startsWith(start)).length)).toEqual(starts.map(() => 1));
  expect(rest).toHaveLength(9);
  expect(readdirSync(join(folder, 'deep/shops/charts')).sort()).toEqual(['a-b-2.svg', 'a-b.svg', 'south-west.svg']);
  expect(existsSync(join(folder, 'deep/shops/model/model.json'))).toBe(true);
});

it.each([
  ['/proc/x', /^lstm-wasm: cannot write to '\/proc\/x': ENOENT: /],
  ['load.csv', /^lstm-wasm: cannot write to 'load\.csv': it is not a folder\n/],
  ['load.csv/x', /^lstm-wasm: cannot write to 'load\.csv\/x': ENOTDIR: /],
])('forecast fails before training if it cannot write to %s', (out, message) => {
  const { status, stdout, stderr } = run('forecast', 'load.csv', '--horizon', '6', '--out', out);
  expect(stderr).toMatch(message);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect([status, stdout]).toEqual([1, '']);
});

it.each([
  [1, "id must be a column of the table, got 'metre'", ['load.csv', '--id', 'metre', '--horizon', '6']],
  [2, "--season must be an integer of at least 1, got '0'", ['load.csv', '--season', '0', '--horizon', '6']],
  [1, 'the series must have at least 600 values for a horizon of 120, got 360', ['load.csv', '--horizon', '120']],
  [1, "value must be a column of the table, got 'laod'", ['load.csv', '--value', 'laod', '--horizon', '6']],
  [1, "cannot read 'absent.csv': no such file", ['absent.csv', '--horizon', '6']],
  [2, "unknown option '--horizn'; did you mean '--horizon'?", ['load.csv', '--horizn', '6']],
])('forecast exits with %i and one sentence: %s', (code, message, words) => {
  const { status, stderr } = run('forecast', ...words);
  expect(status).toBe(code);
  expect(stderr).toContain(message);
  expect(stderr.trim().split('\n')).toHaveLength(1);
});
