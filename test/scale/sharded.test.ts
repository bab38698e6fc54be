/** Tasks in a folder, of which processes run shares. */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Engine } from 'lstm-wasm/scale';
import { afterAll, afterEach, expect, it } from 'vitest';
import { closeEngines, fileTask, open, put, samples, scale, wave } from './engines.ts';
import { taskFolder, WorkerProcess } from './workerProcess.ts';

const folder = mkdtempSync(join(tmpdir(), 'lstm-wasm-shards-'));
afterEach(closeEngines);
afterAll(() => rmSync(folder, { recursive: true }));

const runShard = (store: string, shard: string) =>
  WorkerProcess.spawn('--shard', shard, '--store', store, '--folder', taskFolder, '--concurrency', '1', '--verbose');
const written = async (store: string, count: number) => {
  const names = () =>
    readdirSync(store, { recursive: true, encoding: 'utf8' }).filter(name => /^tasks.*\.json$/.test(name));
  while (names().length < count) await new Promise(resolve => setTimeout(resolve, 20));
};

it('shards give the results of local(), and a program that is started again reads them', {
  timeout: 60_000,
}, async () => {
  const store = mkdtempSync(join(folder, 'equal-'));
  const here = open({ workers: 1 });
  const engine = scale.sharded(store);
  const data = await put(engine, samples);
  await put(here, samples);
  const tasks = await Promise.all(
    [3, 4, 5].map(units => fileTask('train', { params: { units } }, { blobs: { data } })),
  );
  const results = Promise.all(tasks.map(task => engine.run(task)));
  await written(store, 3);
  const shards = ['0/2', '1/2'].map(shard => runShard(store, shard));
  const found = await results;
  expect(found).toEqual(await Promise.all(tasks.map(task => here.run(task))));
  await shards[0]!.prints(/shard 0 of 2 is done: 2 tasks, 0 failed/);
  await shards[1]!.prints(/shard 1 of 2 is done: 1 tasks, 0 failed/);
  await engine.close();
  const again = scale.sharded(store);
  expect(await Promise.all(tasks.map(task => again.run(task)))).toEqual(found);
  await again.close();
});

it('fitEach writes the tasks of all series, and has the models of local()', { timeout: 60_000 }, async () => {
  const store = mkdtempSync(join(folder, 'fit-'));
  const series = [0, 1, 2].map(n => ({ id: `${n}`, values: wave(60, n) }));
  const fitWith = (engine: Engine) =>
    scale.fitEach(series, { horizon: 2, inputSteps: 8, units: 4, epochs: 1 }, { engine });
  const engine = scale.sharded(store);
  const fits = fitWith(engine);
  await written(store, 3);
  await Promise.all(['0/2', '1/2'].map(shard => runShard(store, shard).ended()));
  const models = (await fits).map(({ model, error }) => model ?? error);
  expect(models).toEqual((await fitWith(open({ workers: 1 }))).map(({ model }) => model));
  await engine.close();
});

it('a task that fails in a shard fails in the program, and with the exit code of the shard', {
  timeout: 60_000,
}, async () => {
  const store = mkdtempSync(join(folder, 'failed-'));
  const engine = scale.sharded(store);
  const result = engine.run(await fileTask('misbehave', { params: { how: 'throw' } })).catch(error => error);
  await written(store, 1);
  const shard = runShard(store, '0/1');
  expect(await result).toMatchObject({
    name: 'TaskError',
    message: expect.stringMatching(/^the loss has exploded; in the task 'file' with/),
  });
  await shard.prints(/0 tasks, 1 failed/);
  expect(await shard.ended()).toBe(1);
  await engine.close();
});

it.each([
  [['--shard', '2/2', '--store', folder], '--shard must be i/n with i from 0 to n - 1'],
  [['--shard', '0/2'], '--store must be given with --shard'],
  [['--shard', '0/2', '--store', folder, '--queue', 'a'], '--queue must not be used with --shard'],
  [['--quue', 'a'], "unknown option '--quue'; did you mean '--queue'?"],
  [['--lock', '-1'], '--lock'],
  [['--redis', 'http://a'], '--redis must be a URL such as'],
  [['--folder', '/absent'], "--folder must be a folder, got '/absent'"],
])('the worker command rejects %j with exit code 2', async (words, message) => {
  const worker = WorkerProcess.spawn(...words);
  await worker.prints(/\n/);
  expect(worker.output).toContain(message);
  expect(await worker.ended()).toBe(2);
});
