/** Sweeps of networks over BullMQ, with a real Redis server and worker processes: the study of local(), whatever is killed. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hasRedis, RedisServer } from '../redisServer.ts';
import { WorkerProcess } from '../workerProcess.ts';
import { run } from './runProgram.ts';

describe.skipIf(!hasRedis)('a sweep over BullMQ', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'lstm-wasm-queue-'));
  const workers: WorkerProcess[] = [];
  let server: RedisServer;
  let reference: string | null;
  beforeAll(async () => {
    [server, reference] = await Promise.all([RedisServer.start(), run(['', '1'])]);
  }, 60_000);
  const endWorkers = () => Promise.all(workers.splice(0).map(worker => worker.end('SIGKILL')));
  afterEach(endWorkers);
  afterAll(async () => {
    await server.remove();
    rmSync(folder, { recursive: true });
  });

  const start = async (count: number, queue: string) => {
    workers.push(...(await WorkerProcess.start(count, server.url, queue, '--lock', '0.5')));
  };

  it('gives the trials, values and models of local() with 1, 2 and 4 worker processes', async () => {
    for (const more of [1, 1, 2]) {
      await start(more, 'equal');
      await server.clear(); // no results of fewer workers
      expect(await run(['', server.url, 'equal'])).toBe(reference);
    }
    for (const { output } of workers) expect(output).not.toMatch(/failed|lost its worker/);
  });

  it('becomes the same study when the program, the workers and Redis are killed', async () => {
    const args = [join(folder, 'study.jsonl'), server.url, 'killed'];
    for (const lines of [3, 20]) {
      await start(2, 'killed');
      expect(await run(args, lines)).toBeNull();
      await Promise.all([endWorkers(), server.kill()]);
      await server.start();
    }
    await start(2, 'killed');
    expect(await run(args)).toBe(reference);
    const journal = readFileSync(args[0]!, 'utf8').trimEnd().split('\n');
    expect(journal.filter(line => JSON.parse(line).op_code === 4).length).toBe(24);
  });
});
