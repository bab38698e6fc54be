/** Task files in folders below that of a worker, and paths that leave it. */

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Engine, Json, Study } from 'lstm-wasm/scale';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { version } from '../../package.json' with { type: 'json' };
import type * as Bull from '../../src/scale/bullmq/index.ts';
import { resolveTaskFile, taskOfJob } from '../../src/scale/bullmq/taskFiles.ts';
import { makeTask } from '../../src/scale/task.ts';
import { forWorker } from '../../src/scale/workerTask.ts';
import { built, closeEngines, open, scale } from './engines.ts';
import { hasRedis, RedisServer } from './redisServer.ts';
import { WorkerProcess } from './workerProcess.ts';

const root = mkdtempSync(join(tmpdir(), 'lstm-wasm-tasks-'));
const folder = join(root, 'tasks');
const code = 'export default () => ({ value: 1 });\n';
beforeAll(() => {
  mkdirSync(join(folder, 'cells', 'deep'), { recursive: true });
  mkdirSync(join(root, 'elsewhere'));
  const files = [
    join(folder, 'top.js'),
    join(folder, 'cells', 'lstm.js'),
    join(folder, 'cells', 'deep', 'gru cell.js'),
  ];
  for (const file of [...files, join(root, 'elsewhere', 'secret.js')]) writeFileSync(file, code);
  symlinkSync(join(root, 'elsewhere'), join(folder, 'linked'));
  symlinkSync(join(root, 'elsewhere', 'secret.js'), join(folder, 'cells', 'link.js'));
  symlinkSync(join(folder, 'top.js'), join(folder, 'cells', 'inside.js'));
});
afterAll(() => rmSync(root, { recursive: true }));

const addressOf = (...parts: string[]) => pathToFileURL(join(folder, ...parts)).href;
const notInside = (got: string) => `a task file must be a name inside the folder of the worker, got ${got}`;
const linked = (name: string) =>
  `the task file '${name}' must be inside the folder of the worker, it is a link to elsewhere`;
const absent = (name: string) => `the folder of this worker has no task file '${name}'`;

it('a worker finds task files in folders below its own, by name and by the path of the program', async () => {
  expect(resolveTaskFile(folder, 'cells/lstm.js')).toBe(addressOf('cells', 'lstm.js'));
  expect(resolveTaskFile(folder, 'cells/deep/gru cell.js')).toBe(addressOf('cells', 'deep', 'gru cell.js'));
  expect(resolveTaskFile(folder, 'cells/inside.js')).toBe(addressOf('top.js'));
  expect(() => resolveTaskFile(folder, 'lstm.js')).toThrow(absent('lstm.js'));
  for (const parts of [['top.js'], ['cells', 'lstm.js'], ['cells', 'deep', 'gru cell.js']]) {
    const task = await makeTask({ kind: 'file', file: addressOf(...parts), input: {}, seed: 1 });
    const data = JSON.parse(JSON.stringify({ task: forWorker(task), version })) as unknown;
    expect(await taskOfJob(data, folder)).toEqual(task);
  }
});

it('the path of a program has no drive of Windows', async () => {
  const task = await makeTask({ kind: 'file', file: addressOf('cells', 'lstm.js'), input: {}, seed: 1 });
  expect(forWorker({ ...task, file: 'file:///C:/tasks/cells/lstm.js' }).file).toBe('tasks/cells/lstm.js');
});

it.each([
  ['../elsewhere/secret.js', notInside("'../elsewhere/secret.js'")],
  ['cells/../../elsewhere/secret.js', notInside("'cells/../../elsewhere/secret.js'")],
  ['..', notInside("'..'")],
  ['/etc/passwd', notInside("'/etc/passwd'")],
  ['file:///etc/passwd', notInside("'file:///etc/passwd'")],
  ['..\\elsewhere\\secret.js', notInside(String.raw`'..\elsewhere\secret.js'`)],
  ['linked/secret.js', linked('linked/secret.js')],
  ['cells/link.js', linked('cells/link.js')],
  ['%2e%2e/elsewhere/secret.js', absent('%2e%2e/elsewhere/secret.js')],
  ['..%2felsewhere%2fsecret.js', absent('..%2felsewhere%2fsecret.js')],
  ['cells%2flstm.js', absent('cells%2flstm.js')],
])('a worker refuses the task file %s with one sentence', (name, message) => {
  const messageOf = (isPath: boolean) => {
    try {
      return resolveTaskFile(folder, name, isPath);
    } catch (error) {
      return (error as Error).message;
    }
  };
  expect(messageOf(false)).toBe(message);
  expect(messageOf(true)).toMatch(/^(?:a task file must be|the task file .* must be|the folder of this worker has no)/);
});

describe.skipIf(!hasRedis)('a worker process with task files in a folder below', { timeout: 60_000 }, () => {
  let server: RedisServer;
  let worker: WorkerProcess;
  let engine: Engine;
  beforeAll(async () => {
    server = await RedisServer.start();
    const own = ['--redis', server.url, '--folder', fileURLToPath(new URL('.', import.meta.url)), '--concurrency', '2'];
    worker = WorkerProcess.spawn(...own);
    const { bullmq }: typeof Bull = await built('bullmq');
    engine = bullmq({ connection: server.url });
    await worker.prints(/ready/);
  });
  afterEach(closeEngines);
  afterAll(async () => {
    await engine.close();
    await worker.end('SIGKILL');
    await server.remove();
  });

  const { asha, choice, float, int, sweep } = scale;
  const study = (given: Engine, task: string | URL): Promise<Study> =>
    sweep({
      engine: given,
      task,
      space: { rate: float(1e-4, 1, { log: true }), units: int(2, 12), cell: choice(['lstm', 'gru']) },
      trials: 12,
      pruner: asha({ reductionFactor: 2, maxResource: 12 }),
    });

  it('runs a sweep whose task has an address or a name, with the trials of local()', async () => {
    const address = new URL('tasks/curve.js', import.meta.url);
    const expected = (await study(open({ workers: 1 }), address)).trials;
    expect((await study(engine, address)).trials).toEqual(expected);
    expect((await study(engine, 'tasks/curve.js')).trials).toEqual(expected);
    expect(expected.map(({ state }) => state)).toContain('complete');
  });

  it('refuses a name that leaves its folder, and says so to the program', async () => {
    const task = await makeTask({ kind: 'file', file: '../facade/fit.js', input: {} as Json, seed: 1 });
    const message = `${notInside("'../facade/fit.js'")}; in the task 'file' with {`;
    await expect(engine.run(task)).rejects.toThrow(message);
  });
});
