/** The task files of a worker: those of one folder. A queue names them, it never ships code. */

import { realpathSync } from 'node:fs';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { show } from '../../util/errors.ts';

/** A task that this worker cannot run; another one might. */
export class RefusedTask extends Error {
  override readonly name = 'RefusedTask';
}

/**
 * The address of a task file.
 *
 * @param folder undefined if the worker has none
 * @param name a path inside the folder, with slashes
 */
export function resolveTaskFile(folder: string | undefined, name: string | undefined): string {
  if (folder === undefined) throw new RefusedTask('this worker has no task files; start it with --folder');
  const isSafe = name && !/[\\:\0]/.test(name) && !isAbsolute(name) && !name.split('/').includes('..');
  if (!isSafe) throw new RefusedTask(`a task file must be a name inside the folder of the worker, got ${show(name)}`);
  let path: string;
  const home = realpathSync(folder);
  try {
    path = realpathSync(resolve(home, name));
  } catch {
    throw new RefusedTask(`the folder of this worker has no task file ${show(name)}`);
  }
  // A link that leads out of the folder
  const inside = relative(home, path);
  if (inside === '' || inside.split(sep)[0] === '..' || isAbsolute(inside)) {
    throw new RefusedTask(
      `the task file ${show(name)} must be inside the folder of the worker, it is a link to elsewhere`,
    );
  }
  return pathToFileURL(path).href;
}
