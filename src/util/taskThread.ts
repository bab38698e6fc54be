/**
 * Threads that run tasks of `lstm-wasm/scale`. A task file imports a copy of this package of its own, so what the copies
 * of a thread share is a property of the global object.
 */

export interface RunningTask {
  readonly seed: number;
}

export interface TaskThread {
  /** The running task, or the last one; null before the first. */
  task: RunningTask | null;
}

const key = /* @__PURE__ */ Symbol.for('lstm-wasm.tasks');
const globals = globalThis as { [key]?: TaskThread };

/** The thread, if it runs tasks. */
export const taskThread = (): TaskThread | undefined => globals[key];

/** Makes this thread one that runs tasks: strict kernels are the default, and random numbers depend on the task only. */
export function becomeTaskThread(): TaskThread {
  globals[key] ??= { task: null };
  return globals[key];
}
