/** The engine over BullMQ, with a real Redis server and workers in this process whose tasks are tiny. */

import { once } from 'node:events';
import { connect as connectTo, createServer, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { StoreError, WorkerStore } from '../../src/scale/bullmq/blobs.ts';
import { checkConnection } from '../../src/scale/bullmq/connectionOptions.ts';
import { type BullmqOptions, bullmq } from '../../src/scale/bullmq/index.ts';
import { RefusedTask, resolveTaskFile } from '../../src/scale/bullmq/taskFiles.ts';
import { connectWorker, startWorker } from '../../src/scale/bullmq/worker.ts';
import type { Engine, Json, Task } from '../../src/scale/engine.ts';
import { memoryStore } from '../../src/scale/stores.ts';
import { makeTask } from '../../src/scale/task.ts';
import { freePort, hasRedis, RedisServer } from './redisServer.ts';

const taskOf = (seed: number, input: Json = {}): Promise<Task> => makeTask({ kind: 'fit', input, seed });
const doubled: Engine['run'] = async ({ seed }) => ({ value: 2 * seed, blobs: {} });
const fast = { connect: 1, reconnect: 2, poll: 0.2 };
const failureOf = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => expect.fail('must be rejected'),
    error => error,
  );

describe.skipIf(!hasRedis)('bullmq', () => {
  let server: RedisServer;
  const servers: RedisServer[] = [];
  const closing: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterEach(async () => {
    await Promise.all(closing.splice(0).map(close => close()));
    await Promise.all(servers.splice(0).map(other => other.remove()));
  });
  afterAll(() => server.remove());

  const another = async (...words: string[]) => {
    servers.push(await RedisServer.start(...words));
    return servers.at(-1)!;
  };
  const connect = (options: Partial<BullmqOptions> = {}): Engine => {
    const engine = bullmq({ connection: server.url, timeouts: fast, ...options });
    closing.push(() => engine.close());
    return engine;
  };
  const work = async (queue: string, run: Engine['run'], url = server.url) => {
    const address = checkConnection('worker', 'redis', url);
    const settings = { address, queue, concurrency: 2, folder: undefined, lock: 500, connect: 1000, isVerbose: false };
    const { link, packages } = await connectWorker(settings);
    const lines: string[] = [];
    const store = new WorkerStore(memoryStore(), 1000);
    const engine: Engine = { run, slots: 2, store, close: async () => {} };
    const worker = startWorker(settings, link, packages, { engine, store, log: line => lines.push(line) });
    closing.push(() => {
      worker.stop(0);
      return worker.ended;
    });
    return lines;
  };

  it('gives results in the order of the calls, and runs equal tasks once', async () => {
    const ran: number[] = [];
    await work('order', async task => {
      ran.push(task.seed);
      return doubled(task);
    });
    const [one, other] = [connect({ queue: 'order' }), connect({ queue: 'order' })];
    const tasks = await Promise.all([1, 2, 3, 4, 5, 1].map(seed => taskOf(seed)));
    const found = await Promise.all([one, other].map(engine => Promise.all(tasks.map(task => engine.run(task)))));
    for (const results of found) expect(results.map(({ value }) => value)).toEqual([2, 4, 6, 8, 10, 2]);
    expect(ran.sort()).toEqual([1, 2, 3, 4, 5]);
    expect((await connect({ queue: 'order' }).run(tasks[0]!)).value).toBe(2);
    expect(ran).toHaveLength(5);
  });

  it('passes reports on in order', async () => {
    await work('progress', async (task, options) => {
      for (let step = 1; step <= 3; step++) {
        options?.onProgress?.({ step });
        await new Promise(resolve => setTimeout(resolve, 520));
      }
      return doubled(task);
    });
    const steps: Json[] = [];
    await connect({ queue: 'progress' }).run(await taskOf(1), { onProgress: step => steps.push(step) });
    expect(steps).toEqual([{ step: 1 }, { step: 2 }, { step: 3 }]);
  });

  it('a failed task is run again by the next call', async () => {
    let runs = 0;
    await work('failure', async task => {
      if (runs++ === 0) throw new Error('units must be positive');
      return doubled(task);
    });
    const engine = connect({ queue: 'failure' });
    const task = await taskOf(4, { units: -1 });
    const error = await failureOf(engine.run(task));
    expect(error).toMatchObject({ name: 'TaskError', task });
    expect(error.message).toBe(`units must be positive; in the task 'fit' with {"input":{"units":-1},"seed":4}`);
    expect((await engine.run(task)).value).toBe(8);
  });

  it('a failure of the store is retried', async () => {
    let runs = 0;
    const lines = await work('store', async task => {
      if (runs++ === 0) throw new StoreError('the store cannot read x: timeout');
      return doubled(task);
    });
    expect((await connect({ queue: 'store' }).run(await taskOf(2))).value).toBe(4);
    expect(lines.join()).toMatch(/failed and is run again later: the store cannot read x: timeout/);
  });

  it('a task of another version is refused, and runs where the version is right', async () => {
    const lines = await work('version', doubled);
    const engine = connect({ queue: 'version' });
    const task = await taskOf(3);
    const wrong = { ...task, id: 'a'.repeat(64) };
    const refused = failureOf(engine.run(wrong));
    expect((await engine.run(task)).value).toBe(6);
    await vi.waitFor(() => expect(lines.join()).toMatch(/the kernels of this worker differ from those of the program/));
    await engine.close();
    expect((await refused).message).toMatch(/closed/);
  });

  it('a result whose bytes are gone is computed again', async () => {
    let runs = 0;
    const hash = 'b'.repeat(64);
    await work('bytes', async () => ({ value: ++runs, blobs: { model: hash } }));
    const store = memoryStore();
    await store.put(hash, new Uint8Array(1));
    const task = await taskOf(1);
    const runWith = (kept: typeof store) => connect({ queue: 'bytes', store: kept }).run(task);
    expect((await runWith(store)).value).toBe(1);
    expect((await runWith(store)).value).toBe(1);
    expect((await runWith(memoryStore())).value).toBe(2);
  });

  it('a task whose job has vanished is sent again', async () => {
    const engine = connect({ queue: 'vanished' });
    const result = engine.run(await taskOf(7));
    await vi.waitFor(async () => expect(await server.send('LLEN bull:vanished:wait')).toBe(':1\r\n'));
    await server.clear();
    await work('vanished', doubled);
    expect((await result).value).toBe(14);
  });

  it('an aborted task leaves the queue, but not for another caller', async () => {
    const engine = connect({ queue: 'abort' });
    const [first, second] = [new AbortController(), new AbortController()];
    const task = await taskOf(5);
    const calls = [first, second].map(({ signal }) => failureOf(engine.run(task, { signal })));
    await vi.waitFor(async () => expect(await server.send('LLEN bull:abort:wait')).toBe(':1\r\n'));
    first.abort(new Error('first'));
    expect((await calls[0]!).message).toBe('first');
    expect(await server.send('LLEN bull:abort:wait')).toBe(':1\r\n');
    second.abort(new Error('second'));
    expect((await calls[1]!).message).toBe('second');
    await vi.waitFor(async () => expect(await server.send('LLEN bull:abort:wait')).toBe(':0\r\n'));
  });

  it('keeps bytes in Redis for as long as results', async () => {
    const { store } = connect({ keep: { days: 1 } });
    const hash = 'c'.repeat(64);
    expect(await store.get(hash)).toBeUndefined();
    await store.put(hash, Uint8Array.of(0, 255, 10, 13));
    expect(await store.get(hash)).toEqual(Uint8Array.of(0, 255, 10, 13));
    expect(await store.has!(hash)).toBe(true);
    const seconds = Number((await server.send(`TTL lstm:blob:${hash}`)).slice(1));
    expect(seconds).toBeGreaterThan(86_300);
    expect(seconds).toBeLessThanOrEqual(86_400);
  });

  describe('failures of Redis', () => {
    const runIn = async (url: string) => failureOf(connect({ connection: url }).run(await taskOf(1)));

    it('away at the start: rejects after the time to connect', async () => {
      const port = await freePort();
      const engine = connect({ connection: { port } });
      const message = `bullmq: Redis at 127.0.0.1:${port} cannot be reached; gave up after 1 s (ECONNREFUSED)`;
      expect((await failureOf(engine.run(await taskOf(1)))).message).toBe(message);
      expect((await failureOf(engine.store.get('d'.repeat(64)))).message).toBe(message);
    });

    it('away in the middle: rejects after the time to reconnect, and works when it is back', async () => {
      const other = await another();
      const engine = connect({ connection: other.url });
      const task = await taskOf(6);
      const result = failureOf(engine.run(task));
      await vi.waitFor(async () => expect(await other.send('LLEN bull:lstm:wait')).toBe(':1\r\n'));
      await other.kill();
      const advice = 'tasks in its queue are kept, and running the same program again reads their results';
      expect((await result).message).toBe(
        `bullmq: Redis at 127.0.0.1:${other.port} has been away for 2 s (ECONNREFUSED); ${advice}`,
      );
      await other.start();
      await work('lstm', doubled, other.url);
      expect((await engine.run(task)).value).toBe(12);
    });

    it('wrong or missing password: rejects at once', async () => {
      const { port } = await another('--requirepass', 'secret');
      expect((await runIn(`redis://:wrong@127.0.0.1:${port}`)).message).toMatch(
        /^bullmq: Redis at 127\.0\.0\.1:\d+ refuses the password \(WRONGPASS .*\)$/,
      );
      expect((await runIn(`redis://127.0.0.1:${port}`)).message).toMatch(/needs a password \(NOAUTH .*\)$/);
      const engine = connect({ connection: `redis://:secret@127.0.0.1:${port}`, queue: 'secret' });
      await work('secret', doubled, `redis://:secret@127.0.0.1:${port}`);
      expect((await engine.run(await taskOf(1))).value).toBe(2);
    });

    it('full: rejects after the time to reconnect, and goes on when there is memory', async () => {
      const other = await another('--maxmemory', '1mb', '--maxmemory-policy', 'noeviction');
      const engine = connect({ connection: other.url });
      expect((await failureOf(engine.run(await taskOf(1)))).message).toBe(
        `bullmq: Redis at 127.0.0.1:${other.port} is full for more than 2 s; ` +
          'raise its maxmemory, keep fewer results or pass a store',
      );
      const result = engine.run(await taskOf(2));
      await new Promise(resolve => setTimeout(resolve, 300));
      await other.send('CONFIG SET maxmemory 0');
      await work('lstm', doubled, other.url);
      expect((await result).value).toBe(4);
    });

    it('an older server: rejects at once', async () => {
      // The real server, whose answers have an older version of the same length
      const sockets: Socket[] = [];
      const proxy = createServer(client => {
        const upstream = connectTo(server.port, '127.0.0.1');
        sockets.push(client, upstream);
        client.pipe(upstream);
        upstream.on('data', data => {
          client.write(String(data).replace(/redis_version:\d/, 'redis_version:4'));
        });
        for (const socket of [client, upstream]) socket.on('error', () => {});
      }).listen(0, '127.0.0.1');
      closing.push(async () => {
        for (const socket of sockets) socket.destroy();
        proxy.close();
      });
      await once(proxy, 'listening');
      const { port } = proxy.address() as { port: number };
      const { message } = await runIn(`redis://127.0.0.1:${port}`);
      expect(message).toMatch(/^bullmq: Redis at 127\.0\.0\.1:\d+ must have version 5\.0\.0 or later, got 4\.\d/);
    });
  });
});

it.each([
  ["bullmq: unknown option 'queu'; did you mean 'queue'?", { connection: 'redis://x', queu: 'a' }],
  ["bullmq: queue must have no colon, got 'a:b'", { connection: 'redis://x', queue: 'a:b' }],
  ['bullmq: connection must be a URL or an object with options of ioredis, got undefined', {}],
  ['bullmq: connection.port must be an integer from 1 to 65535, got 0', { connection: { port: 0 } }],
  ['bullmq: slots must be an integer of at least 1, got 0', { connection: {}, slots: 0 }],
  [
    'bullmq: timeouts.poll must be a finite number above 0 and at most 1000000, got 0',
    { connection: {}, timeouts: { poll: 0 } },
  ],
])('rejects options: %s', (message, options) => {
  expect(() => bullmq(options as unknown as BullmqOptions)).toThrow(message);
});

it.each(['../train.js', '/etc/passwd', 'a/../../b.js', 'C:\\a.js', 'file:///etc/passwd', '', 'absent.js'])(
  'a worker refuses the task file %o',
  name => {
    const folder = new URL('tasks', import.meta.url).pathname;
    expect(() => resolveTaskFile(folder, name)).toThrow(RefusedTask);
    expect(resolveTaskFile(folder, 'train.js')).toBe(new URL('tasks/train.js', import.meta.url).href);
  },
);

it('a worker without a folder refuses task files', () => {
  expect(() => resolveTaskFile(undefined, 'train.js')).toThrow('start it with --folder');
});
