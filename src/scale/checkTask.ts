/** Checks of tasks and of the options of their run, for all engines. */

import { checkSignal } from '../training/options.ts';
import { fail, show } from '../util/errors.ts';
import { checkOptions } from '../util/options.ts';
import type { RunOptions, Task } from './engine.ts';
import { isHash } from './hash.ts';

/** A task for error messages. */
export function describe({ kind, file, input, seed }: Task): string {
  const text = JSON.stringify({ ...(file !== undefined && { file }), input, seed });
  return `the task '${kind}' with ${text.length > 500 ? `${text.slice(0, 497)}...` : text}`;
}

/** Checks a task, which may come from another machine. */
export function checkTask(call: string, task: unknown): asserts task is Task {
  const { id, kind, blobs } = (task ?? {}) as Partial<Task>;
  if (!isHash(id) || typeof kind !== 'string' || typeof blobs !== 'object') {
    fail(call, `task must be the result of makeTask, got ${show(task)}`);
  }
}

/** Checks the options of `engine.run`. */
export function checkRunOptions(call: string, options: unknown): RunOptions {
  const known = checkOptions<RunOptions>(call, options, ['signal', 'onProgress']);
  const signal = checkSignal(call, known.signal ?? null);
  const { onProgress } = known;
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    fail(call, `onProgress must be a function, got ${show(onProgress)}`);
  }
  return { ...(signal && { signal }), ...(onProgress && { onProgress }) };
}
