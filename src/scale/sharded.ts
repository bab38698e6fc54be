/** An engine without a queue: a folder of tasks that other processes run in shares. */

import { version } from '../../package.json' with { type: 'json' };
import { nodeModule } from '../saving/stores/nodeFiles.ts';
import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkText } from '../util/options.ts';
import { checkRunOptions, checkTask, describe } from './checkTask.ts';
import { type Engine, type Result, type RunOptions, type Store, type Task, TaskError } from './engine.ts';
import { storedResult } from './local.ts';
import { folderStore } from './stores.ts';
import { forWorker } from './workerTask.ts';

/** Milliseconds between two looks at a task; longer while many tasks wait. */
const POLL = 1000;
const POLL_PER_TASK = 2;

/**
 * An engine for clusters that start numbered processes, such as indexed jobs of Kubernetes. It writes its tasks to a folder
 * that all machines share, and waits for the results; `npx lstm-wasm worker --shard 3/16 --store folder` runs every sixteenth
 * of them. The program may be ended meanwhile: started again, it reads the results that are there.
 */
export function sharded(folder: string): Engine {
  rejectExtraArguments('sharded', 1, arguments);
  return new ShardedEngine(checkText('sharded', 'folder', folder));
}

class ShardedEngine implements Engine {
  /** All tasks are written before the first of them runs. */
  readonly slots = Number.MAX_SAFE_INTEGER;
  readonly store: Store;
  readonly #closing = new AbortController();
  #waiting = 0;

  constructor(readonly folder: string) {
    this.store = folderStore(folder);
  }

  async run(task: Task, given?: RunOptions): Promise<Result> {
    const call = 'engine.run';
    rejectExtraArguments(call, 2, arguments);
    checkTask(call, task);
    const { signal } = checkRunOptions(call, given);
    const signals = signal ? [signal, this.#closing.signal] : [this.#closing.signal];
    const ended = AbortSignal.any(signals);
    ended.throwIfAborted();
    const files = await this.#files(task);
    this.#waiting++;
    try {
      for (;;) {
        const result = await storedResult(this.store, task);
        if (result) return result;
        const failure = await files.failure();
        if (failure !== undefined) throw new TaskError(`${failure}; in ${describe(task)}`, task);
        await files.write();
        await sleep(Math.max(POLL, POLL_PER_TASK * this.#waiting), ended);
      }
    } finally {
      this.#waiting--;
    }
  }

  async close(): Promise<void> {
    rejectExtraArguments('engine.close', 0, arguments);
    this.#closing.abort(new Error('engine.close: the engine was closed before the task was complete'));
  }

  async #files(task: Task) {
    const fs = await nodeModule<typeof import('node:fs/promises')>('node:fs/promises');
    if (!fs) return fail('sharded', `folder needs Node, got ${show(this.folder)}`);
    const tasks = `${this.folder}/tasks`;
    const file = `${tasks}/${task.id}`;
    let isWritten = false;
    return {
      /** Why the task has failed; undefined if it has not. */
      failure: () => fs.readFile(`${file}.failed`, 'utf8').catch(() => undefined),
      async write() {
        if (isWritten) return;
        await fs.mkdir(tasks, { recursive: true });
        const part = `${file}.${crypto.randomUUID()}.part`;
        await fs.writeFile(part, JSON.stringify({ task: forWorker(task), version }));
        await fs.rename(part, `${file}.json`);
        isWritten = true;
      },
    };
  }
}

const sleep = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    signal.addEventListener('abort', stop, { once: true });
  });
