/** Tasks for workers in other folders and on other machines. */

import type { Task } from './engine.ts';

/**
 * A task whose file has no address of this machine but the path, such as 'home/me/tasks/train.js'. A worker looks in its
 * folder for the longest end of it.
 */
export function forWorker(task: Task): Task {
  const { file } = task;
  if (!file?.startsWith('file:')) return task;
  const parts = decodeURIComponent(new URL(file).pathname).split('/');
  // After a drive of Windows, or a folder that a worker would refuse
  return { ...task, file: parts.slice(parts.findLastIndex(part => part === '' || /[\\:]/.test(part)) + 1).join('/') };
}
