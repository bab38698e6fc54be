/** The engine over BullMQ, with a real Redis server and workers in this process whose tasks are tiny. */

import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WorkerStore } from '../../src/scale/bullmq/blobs.ts';
import { checkConnection } from '../../src/scale/bullmq/connectionOptions.ts';
import { type BullmqOptions, bullmq } from '../../src/scale/bullmq/index.ts';
import { connectWorker, type RunningWorker, startWorker } from '../../src/scale/bullmq/worker.ts';
import type { Engine, Result, RunOptions, Task } from '../../src/scale/engine.ts';
import { hasRedis, RedisServer } from './redisServer.ts';

const sha = (text: string) => createHash('sha256').update(text).digest('hex');
const taskOf = (n: number): Task => ({ id: sha(`task ${n}`), kind: 'fit', input: { n }, seed: n, blobs: {} });

describe.skipIf(!hasRedis)('bullmq', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.remove());

  const engineOf = (options: Partial<BullmqOptions> = {}) => bullmq({ connection: server.url, ...options });

  async function workerOf(queue: string, run: Engine['run'], concurrency = 2) {
    const address = checkConnection('worker', 'redis', server.url);
    const settings = { address, queue, concurrency, folder: undefined, lock: 30_000, connect: 1000, isVerbose: false };
    const { link, packages } = await connectWorker(settings);
    const lines: string[] = [];
    const engine: Engine = {
      run,
      slots: concurrency,
      store: { get: async () => undefined, put: async () => {} },
      close: async () => {},
    };
    const worker = startWorker(settings, link, packages, {
      engine,
      store: new WorkerStore(engine.store, 0),
      log: line => lines.push(line),
    });
    return { worker, lines };
  }

  it('runs tasks', async () => {
    const engine = engineOf({ queue: 'simple' });
    const { worker, lines } = await workerOf('simple', async task => ({ value: task.seed * 2, blobs: {} }));
    const results = await Promise.all([1, 2, 3, 4, 5].map(n => engine.run(taskOf(n))));
    expect(results.map(({ value }) => value)).toEqual([2, 4, 6, 8, 10]);
    await engine.close();
    worker.stop(1000);
    expect(await worker.ended).toBe(5);
    expect(lines).toEqual([]);
  });
});
