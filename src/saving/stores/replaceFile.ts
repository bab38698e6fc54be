/** Replaces files atomically in Node: if the process is killed, the file has either its old or its new content. */

import { show } from '../../util/errors.ts';
import { nodeModule } from './nodeFiles.ts';

type Files = typeof import('node:fs/promises');
type Paths = typeof import('node:path');

const files = async (): Promise<Files> => (await nodeModule<Files>('node:fs/promises'))!;
const paths = async (): Promise<Paths> => (await nodeModule<Paths>('node:path'))!;

/** The file to replace: its path after following links, and its mode, or null if it does not exist. */
export interface Target {
  readonly path: string;
  readonly mode: number | null;
}

/** Follows links. Throws if the path is not a regular file, but a folder or a FIFO for example. */
export async function targetOf(path: string): Promise<Target> {
  const { readlink, realpath, stat } = await files();
  const { dirname, resolve } = await paths();
  const found = await stat(path).catch(error => (isAbsent(error) ? null : Promise.reject(error)));
  if (found?.isFile()) return { path: await realpath(path), mode: found.mode & 0o7777 };
  if (found) {
    const kind = found.isDirectory() ? 'folder' : found.isFIFO() ? 'FIFO' : 'device';
    throw new Error(`the ${kind} ${show(path)}`);
  }
  const link = await readlink(path).catch(() => null);
  return link === null ? { path, mode: null } : targetOf(resolve(await realpath(dirname(path)), link));
}

/**
 * Writes a new file and flushes it to disk; removes it on failure.
 *
 * @param mode null for the default mode of the process
 */
export async function writeNew(path: string, bytes: Uint8Array | string, mode: number | null): Promise<void> {
  const { open, rm } = await files();
  const file = await open(path, 'wx', mode ?? undefined);
  try {
    try {
      // Some file systems do not support modes
      if (mode !== null) await file.chmod(mode).catch(() => {});
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    await rm(path, { force: true }).catch(() => {});
    throw error;
  }
}

/**
 * Replaces a file atomically. Keeps its mode and links to it.
 *
 * @param wanted called last, before the replacement; if it returns false, nothing is replaced
 * @returns whether it was replaced
 */
export async function replaceFile(
  path: string,
  bytes: Uint8Array | string,
  wanted: () => Promise<boolean> = async () => true,
): Promise<boolean> {
  const { rename, rm } = await files();
  const target = await targetOf(path);
  const temporary = uniqueName(target.path, TEMPORARY);
  const write = () => writeNew(temporary, bytes, target.mode);
  const move = () => rename(temporary, target.path);
  await write();
  let replaced = false;
  try {
    if (await wanted()) {
      // On a shared disk, a process on another host may have removed it as a leftover
      await move().catch(error => (isAbsent(error) ? write().then(move) : Promise.reject(error)));
      replaced = true;
    }
  } finally {
    if (!replaced) await rm(temporary, { force: true }).catch(() => {});
  }
  if (replaced) await syncFolder(target.path);
  return replaced;
}

/** Throws if a file could not be replaced; removes temporary files of killed processes next to it. */
export async function checkReplaceable(path: string): Promise<void> {
  const { rm } = await files();
  const target = await targetOf(path);
  const temporary = uniqueName(target.path, TEMPORARY);
  await writeNew(temporary, '', target.mode);
  await rm(temporary);
  await removeTemporary(path);
}

/** Flushes the folder entry to disk. Some systems do not support this and need no flush. */
async function syncFolder(path: string): Promise<void> {
  const { open } = await files();
  const { dirname } = await paths();
  const folder = await open(dirname(path), 'r').catch(() => null);
  await folder?.sync().catch(() => {});
  await folder?.close();
}

const isAbsent = (error: { code?: unknown }): boolean => error.code === 'ENOENT';

// ---------------------------------------------------------------------------------- temporary files of killed processes

const TEMPORARY = '.tmp';

/** A unique name that contains the id of this process. */
export function uniqueName(path: string, ending: string): string {
  const [random] = crypto.getRandomValues(new Uint32Array(1));
  return `${path}.${process.pid}-${random!.toString(16).padStart(8, '0')}${ending}`;
}

/** The files named by `uniqueName` whose process no longer runs. */
export async function abandonedFiles(path: string, ending: string): Promise<string[]> {
  const { readdir, stat } = await files();
  const { basename, dirname, join } = await paths();
  const folder = dirname(path);
  const start = `${basename(path)}.`;
  const found: string[] = [];
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.startsWith(start) || !name.endsWith(ending)) continue;
    const [, pid] = /^(\d+)-[0-9a-f]{8}$/.exec(name.slice(start.length, -ending.length)) ?? [];
    const file = join(folder, name);
    const about = pid ? await stat(file).catch(() => null) : null;
    if (about && hasEnded(Number(pid), about.mtimeMs)) found.push(file);
  }
  return found;
}

/** Removes the temporary files next to a file whose process no longer runs. */
export async function removeTemporary(path: string): Promise<void> {
  const { rm } = await files();
  const target = await targetOf(path);
  for (const file of await abandonedFiles(target.path, TEMPORARY)) await rm(file, { force: true }).catch(() => {});
}

/** The age in milliseconds after which a temporary file counts as abandoned: its process id may have been reused. */
const ABANDONED_AGE = 60_000;

/** Whether the process that wrote a file has ended. In a container, the next process often has the same id. */
function hasEnded(pid: number, written: number): boolean {
  if (written < Date.now() - ABANDONED_AGE) return true;
  if (pid === process.pid) return written < Date.now() - process.uptime() * 1000;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as { code?: unknown }).code === 'ESRCH';
  }
}
