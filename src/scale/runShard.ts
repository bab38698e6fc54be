/** Runs a share of the tasks in a folder, for `lstm-wasm worker --shard`. */

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { reasonOf } from '../util/errors.ts';
import { taskOfJob } from './bullmq/taskFiles.ts';
import { TaskError } from './engine.ts';
import { local } from './local.ts';

export interface Shard {
  readonly index: number;
  readonly count: number;
  /** The folder that `sharded` writes. */
  readonly store: string;
  /** The folder of task files. */
  readonly folder: string | undefined;
  readonly concurrency: number;
  readonly isVerbose: boolean;
}

/** Runs tasks `index`, `index + count` and so on, those whose results are not there. */
export async function runShard(shard: Shard, log: (line: string) => void): Promise<{ done: number; failed: number }> {
  const tasks = join(shard.store, 'tasks');
  mkdirSync(tasks, { recursive: true });
  const names = readdirSync(tasks).filter(name => /^[0-9a-f]{64}\.json$/.test(name));
  const own = names.sort().filter((_, n) => n % shard.count === shard.index);
  const engine = local({ workers: shard.concurrency, cache: shard.store });
  let [done, failed] = [0, 0];
  const run = async (name: string) => {
    const failure = join(tasks, name.replace('.json', '.failed'));
    try {
      const data: unknown = JSON.parse(readFileSync(join(tasks, name), 'utf8'));
      const task = await taskOfJob(data, shard.folder);
      await engine.run(task);
      rmSync(failure, { force: true });
      done++;
      if (shard.isVerbose) log(`task ${task.id} is done`);
    } catch (error) {
      const message = reasonOf(error instanceof TaskError ? (error.cause ?? error) : error);
      writeFileSync(failure, message);
      failed++;
      log(`task ${name.slice(0, 64)} failed: ${message}`);
    }
  };
  const work = async () => {
    for (let name = own.shift(); name; name = own.shift()) await run(name);
  };
  try {
    await Promise.all(Array.from({ length: shard.concurrency }, work));
  } finally {
    await engine.close();
  }
  return { done, failed };
}
