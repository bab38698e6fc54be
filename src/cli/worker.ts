/** The command `lstm-wasm worker`. */

import { statSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { redisStore, WorkerStore } from '../scale/bullmq/blobs.ts';
import { connectWorker, startWorker } from '../scale/bullmq/worker.ts';
import type { Store } from '../scale/engine.ts';
import { local } from '../scale/local.ts';
import { runShard } from '../scale/runShard.ts';
import { checkStore, folderStore } from '../scale/stores.ts';
import { reasonOf, show } from '../util/errors.ts';
import { CommandError, UsageError } from './usage.ts';
import { type QueueCommand, readWorkerCommand, workerHelp } from './workerUsage.ts';

/** Bytes of data and models that a worker keeps in memory. */
const MOST_CACHED = 256 * 2 ** 20;

const log = (line: string) => void process.stdout.write(`lstm-wasm worker: ${line}\n`);

/** @param words those after 'worker' */
export async function runWorker(words: string[]): Promise<void> {
  const command = readWorkerCommand(words, process.env);
  process.stdout.on('error', () => undefined); // training continues if the log is closed
  if (!command) {
    process.stdout.write(workerHelp);
    return;
  }
  checkFolder('--folder', command.folder);
  if ('index' in command) {
    checkFolder('--store', command.store);
    const { done, failed } = await runShard(command, log);
    log(`shard ${command.index} of ${command.count} is done: ${done} tasks, ${failed} failed`);
    if (failed > 0) process.exitCode = 1;
    return;
  }
  await takeFromQueue(command);
}

async function takeFromQueue(command: QueueCommand): Promise<void> {
  const { address, queue, concurrency, grace, keepSeconds } = command;
  const given = command.store === undefined ? undefined : await openStore(command.store);
  const { link, packages } = await connectWorker(command);
  const store = new WorkerStore(given ?? redisStore(async () => link, keepSeconds), MOST_CACHED);
  const engine = local({ workers: concurrency, cache: store });
  const worker = startWorker(command, link, packages, { engine, store, log });
  const stop = (signal: NodeJS.Signals) => {
    log(`${signal}: takes no more tasks; those that run have ${grace / 1000} s, a second signal returns them at once`);
    worker.stop(grace);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  log(`ready: queue ${show(queue)} of Redis at ${address.name}, ${concurrency} tasks at a time`);
  try {
    const finished = await worker.ended;
    log(`stopped after ${finished} tasks`);
  } finally {
    process.off('SIGTERM', stop);
    process.off('SIGINT', stop);
    await engine.close();
  }
}

/** @param where a folder, or a module */
async function openStore(where: string): Promise<Store> {
  if (!/\.m?js$/.test(where)) return folderStore(where);
  try {
    const { default: store } = (await import(pathToFileURL(where).href)) as { default?: unknown };
    return checkStore('--store', 'the default export', store);
  } catch (error) {
    throw new CommandError(`cannot use the store ${show(where)}: ${reasonOf(error)}`);
  }
}

function checkFolder(option: string, path: string | undefined): void {
  if (path === undefined || statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new UsageError(`${option} must be a folder, got ${show(path)}`);
}
