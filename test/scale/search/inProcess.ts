/** An engine without threads, for tests of what runs on engines. */

import { type Engine, type RunOptions, type Store, type Task, TaskError } from '../../../src/scale/engine.ts';
import { runTask } from '../../../src/scale/runTask.ts';
import { memoryStore } from '../../../src/scale/stores.ts';

export interface InProcessOptions {
  slots?: number;
  store?: Store;
  /** Called before a task runs, with the number of tasks that have run. Time passes while it waits. */
  before?: (task: Task, count: number) => Promise<void> | void;
}

export interface InProcess extends Engine {
  /** All tasks that have run. */
  readonly tasks: Task[];
  /** The most tasks that ran at once. */
  readonly most: () => number;
}

export function inProcess({ slots = 1, store = memoryStore(), before }: InProcessOptions = {}): InProcess {
  const waiting: (() => void)[] = [];
  const tasks: Task[] = [];
  let [free, most] = [slots, 0];
  return {
    slots,
    store,
    tasks,
    most: () => most,
    async run(task: Task, { signal }: RunOptions = {}) {
      if (free > 0) free--;
      else await new Promise<void>(resolve => waiting.push(resolve));
      most = Math.max(most, slots - free);
      try {
        signal?.throwIfAborted();
        tasks.push(task);
        await before?.(task, tasks.length);
        signal?.throwIfAborted();
        return await runTask(task, store, signal ? { signal } : {}).catch((error: unknown) => {
          if (signal?.aborted) throw error;
          throw new TaskError(error instanceof Error ? error.message : String(error), task, { cause: error });
        });
      } finally {
        const next = waiting.shift();
        if (next) next();
        else free++;
      }
    },
    close: async () => {},
  };
}
