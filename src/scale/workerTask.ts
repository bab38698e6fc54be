/** Tasks for workers in other folders and on other machines. */

import type { Task } from './engine.ts';

/** A task whose file is named as in the folder of a worker: by the last part of its address. */
export function forWorker(task: Task): Task {
  const { file } = task;
  if (!file?.startsWith('file:')) return task;
  return { ...task, file: decodeURIComponent(new URL(file).pathname.split('/').at(-1)!) };
}
