/** What a worker accepts: tasks of the same version and kernels, and task files of its own folder. */

import { realpathSync } from 'node:fs';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { version } from '../../../package.json' with { type: 'json' };
import { reasonOf, show } from '../../util/errors.ts';
import { isPlain } from '../../util/options.ts';
import type { Task } from '../engine.ts';
import { makeTask } from '../task.ts';
import type { JobData } from './job.ts';

/** A task that this worker cannot run; another one might. */
export class RefusedTask extends Error {
  override readonly name = 'RefusedTask';
}

/**
 * The address of a task file.
 *
 * @param folder undefined if the worker has none
 * @param name a path inside the folder, with slashes
 * @param isPath whether the name is a path on the machine of the program, of which the longest end counts that is inside the
 * folder: 'tasks/a/train.js' may be 'a/train.js' or 'train.js' there
 */
export function resolveTaskFile(folder: string | undefined, name: string | undefined, isPath = false): string {
  if (folder === undefined) throw new RefusedTask('this worker has no task files; start it with --folder');
  const parts = name?.split('/') ?? [];
  const isSafe = name && !/[\\:\0]/.test(name) && !isAbsolute(name) && !parts.includes('..');
  if (!isSafe) throw new RefusedTask(`a task file must be a name inside the folder of the worker, got ${show(name)}`);
  const home = realpathSync(folder);
  for (let first = 0; first < (isPath ? parts.length : 1); first++) {
    const path = realPath(resolve(home, ...parts.slice(first)));
    if (path === undefined) continue;
    // A link that leads out of the folder
    const inside = relative(home, path);
    if (inside === '' || inside.split(sep)[0] === '..' || isAbsolute(inside)) {
      throw new RefusedTask(
        `the task file ${show(name)} must be inside the folder of the worker, it is a link to elsewhere`,
      );
    }
    return pathToFileURL(path).href;
  }
  throw new RefusedTask(`the folder of this worker has no task file ${show(isPath ? parts.at(-1) : name)}`);
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

/** The task of a job, as this process runs it; it has the id that the program has computed, or is refused. */
export async function taskOfJob(data: unknown, folder: string | undefined): Promise<Task> {
  const { task, version: wanted } = (isPlain(data) ? data : {}) as Partial<JobData>;
  if (!isPlain(task)) throw new RefusedTask('the job has no task of lstm-wasm');
  if (wanted !== version) throw new RefusedTask(`the task needs lstm-wasm ${wanted}, this worker has ${version}`);
  const { kind, input, seed, blobs, fileHash } = task;
  const file = kind === 'file' ? resolveTaskFile(folder, task.file, task.fileHash !== undefined) : undefined;
  let own: Task;
  try {
    own = await makeTask({
      kind,
      input,
      seed,
      blobs,
      ...(file !== undefined && { file: fileHash ? file : task.file }),
    });
  } catch (error) {
    throw new RefusedTask(reasonOf(error));
  }
  if (own.fileHash !== fileHash) {
    throw new RefusedTask(`the task file ${show(task.file)} of this worker differs from that of the program`);
  }
  if (own.id !== task.id) throw new RefusedTask('the kernels of this worker differ from those of the program');
  return file === undefined ? own : { ...own, file };
}
