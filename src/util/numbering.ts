/** Numbers in default names of layers and models, such as 'sequential_1'. */

import { type RunningTask, taskThread } from './taskThread.ts';

const counts = new Map<string, number>();
let lastTask: RunningTask | null = null;

/** Counts from 1 for each kind. Begins anew with each task of the thread, so that saved models do not depend on earlier ones. */
export function nextNumber(kind: string): number {
  const task = taskThread()?.task ?? null;
  if (task !== lastTask) counts.clear();
  lastTask = task;
  const count = (counts.get(kind) ?? 0) + 1;
  counts.set(kind, count);
  return count;
}
