/** Worker processes of a queue, with a real Redis server: the same results whatever happens to them. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Engine, Result, Task } from 'lstm-wasm/scale';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type * as Bull from '../../src/scale/bullmq/index.ts';
import { closeEngines, fileTask, open, put, samples } from './engines.ts';
import { hasRedis, RedisServer } from './redisServer.ts';
import { WorkerProcess } from './workerProcess.ts';

const { bullmq }: typeof Bull = await import(/* @vite-ignore */ new URL('../../dist/bullmq.js', import.meta.url).href);

describe.skipIf(!hasRedis)('worker processes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lstm-wasm-workers-'));
  let server: RedisServer;
  const workers: WorkerProcess[] = [];
  const engines: Engine[] = [];
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterEach(async () => {
    await Promise.all([...engines.splice(0).map(engine => engine.close()), closeEngines()]);
    await Promise.all(workers.splice(0).map(worker => worker.end('SIGKILL')));
  });
  afterAll(async () => {
    await server.remove();
    rmSync(folder, { recursive: true });
  });

  const connect = (queue: string): Engine => {
    const timeouts = { connect: 5, reconnect: 20, poll: 0.5 };
    engines.push(bullmq({ connection: server.url, queue, timeouts }));
    return engines.at(-1)!;
  };
  const start = async (count: number, queue: string, ...words: string[]) => {
    workers.push(...(await WorkerProcess.start(count, server.url, queue, '--lock', '0.5', ...words)));
    return workers;
  };
  const trainTasks = async (engine: Engine): Promise<Task[]> => {
    const data = await put(engine, samples);
    return Promise.all([3, 4, 5, 6].map(units => fileTask('train', { params: { units } }, { blobs: { data } })));
  };
  const runAll = (engine: Engine, tasks: Task[]): Promise<Result[]> => Promise.all(tasks.map(task => engine.run(task)));
  /** Tasks that each take a while, and the numbers of those that were started, from `log`. */
  const slowTasks = (name: string, count: number, milliseconds: number) => {
    const log = join(folder, `${name}.log`);
    const tasks = Array.from({ length: count }, (_, n) => fileTask('slow', { params: { milliseconds, log, n } }));
    const started = () => {
      try {
        return readFileSync(log, 'utf8')
          .trim()
          .split('\n')
          .map(line => Number(line.split(' ')[0]));
      } catch {
        return [];
      }
    };
    return { tasks: Promise.all(tasks), started };
  };
  const until = async (condition: () => boolean) => {
    while (!condition()) await new Promise(resolve => setTimeout(resolve, 10));
  };
  const squares = (count: number) => Array.from({ length: count }, (_, n) => n * n);
  const valuesOf = (results: Result[]) => results.map(({ value }) => (value as { value: number }).value);

  it('1, 2 and 4 worker processes give the results of local()', async () => {
    const here = open({ workers: 1 });
    const expected = await runAll(here, await trainTasks(here));
    const engine = connect('equal');
    for (const more of [1, 1, 2]) {
      await start(more, 'equal');
      await server.clear(); // no results of fewer workers
      const found = await runAll(engine, await trainTasks(engine));
      expect(found).toEqual(expected);
      const { model } = found[0]!.blobs;
      expect(Buffer.from((await engine.store.get(model!))!)).toEqual(Buffer.from((await here.store.get(model!))!));
    }
  });

  it('a task whose worker is killed is run again by another one', async () => {
    const [first, second] = await start(2, 'kill');
    const { tasks, started } = slowTasks('kill', 4, 400);
    const results = runAll(connect('kill'), await tasks);
    await until(() => started().length === 2);
    await first!.end('SIGKILL');
    expect(valuesOf(await results)).toEqual(squares(4));
    expect(started().sort().length).toBe(5);
    expect(second!.output).toMatch(/task [0-9a-f]{64} has lost its worker and is run again/);
  });

  it('a task fails with its input when three workers have died', async () => {
    const engine = connect('deaths');
    const { tasks, started } = slowTasks('deaths', 1, 60_000);
    const [task] = await tasks;
    const failure = engine.run(task!).catch(error => error);
    for (const deaths of [1, 2, 3]) {
      const [worker] = await start(1, 'deaths');
      await until(() => started().length === deaths);
      await worker!.end('SIGKILL');
      workers.splice(0);
    }
    await start(1, 'deaths');
    expect(await failure).toMatchObject({
      name: 'TaskError',
      message: expect.stringMatching(/^its worker has died 3 times; in the task 'file' with .*"n":0/),
      task: { id: task!.id },
    });
  });

  it('nothing is lost when Redis is restarted while tasks run', async () => {
    await start(2, 'restart');
    const { tasks } = slowTasks('restart', 6, 300);
    const engine = connect('restart');
    const results = runAll(engine, await tasks);
    await new Promise(resolve => setTimeout(resolve, 450));
    await server.kill();
    await new Promise(resolve => setTimeout(resolve, 200));
    await server.start();
    expect(valuesOf(await results)).toEqual(squares(6));
    for (const { output } of workers) expect(output).toMatch(/is away; connecting again\n.* is back\n/);
  });

  it('the late result of a worker that was paused for longer than its lock is ignored', async () => {
    const [paused] = await start(1, 'paused');
    const { tasks, started } = slowTasks('paused', 1, 600);
    const engine = connect('paused');
    const results = runAll(engine, await tasks);
    await until(() => started().length === 1);
    paused!.child.kill('SIGSTOP');
    await start(1, 'paused');
    expect(valuesOf(await results)).toEqual([0]);
    paused!.child.kill('SIGCONT');
    await paused!.prints(/lock|Missing/);
    expect(started()).toEqual([0, 0]);
    const { tasks: more } = slowTasks('paused', 3, 10);
    expect(valuesOf(await runAll(engine, await more))).toEqual(squares(3));
  });

  it('SIGTERM lets running tasks finish, and takes no more', async () => {
    const [worker] = await start(1, 'term');
    const { tasks, started } = slowTasks('term', 2, 500);
    const results = runAll(connect('term'), await tasks);
    await until(() => started().length === 1);
    expect(await worker!.end('SIGTERM')).toBe(0);
    expect(worker!.output).toMatch(/stopped after 1 tasks\n$/);
    expect(started()).toHaveLength(1);
    await start(1, 'term');
    expect(valuesOf(await results)).toEqual(squares(2));
    expect(started()).toHaveLength(2);
  });

  it('SIGTERM returns tasks to the queue that do not finish in time', async () => {
    const [worker] = await start(1, 'grace', '--grace', '0');
    const { tasks, started } = slowTasks('grace', 1, 2600);
    const results = runAll(connect('grace'), await tasks);
    await until(() => started().length === 1);
    const before = performance.now();
    expect(await worker!.end('SIGTERM')).toBe(0);
    expect(performance.now() - before).toBeLessThan(2600);
    expect(worker!.output).toMatch(/stopped after 0 tasks\n$/);
    await start(1, 'grace');
    await until(() => started().length === 2);
    expect(valuesOf(await results)).toEqual([0]);
  });
});
