/** Where journals are kept: files in Node, and what the user provides. */

import { checkFile, nodeModule } from '../../saving/stores/nodeFiles.ts';
import { fail, reasonOf, show } from '../../util/errors.ts';
import { isWholeLine } from './journalFormat.ts';

/** Keeps the text of a journal, for pages for example. */
export interface JournalStore {
  /** The whole text; empty for a new journal. */
  read(): Promise<string> | string;
  /** Appends whole lines, all of them or none. */
  append(lines: string): Promise<void> | void;
}

export interface JournalText {
  /** Calls `compose` with the lines that are new since the last call, and appends the lines that it returns. */
  update(compose: (news: string) => string): Promise<void>;
}

export function checkJournal(call: string, value: unknown): JournalText | null {
  if (value === undefined || value === null) return null;
  const { read, append } = value as Partial<JournalStore>;
  if (typeof read === 'function' && typeof append === 'function') return storeText(call, value as JournalStore);
  if (typeof value !== 'string' && !(value instanceof URL)) {
    fail(call, `journal must be a path, or a store with read and append, got ${show(value)}`);
  }
  return fileText(call, checkFile(call, 'journal', value, 'pass a store with read and append'));
}

function storeText(call: string, store: JournalStore): JournalText {
  let isRead = false;
  return {
    async update(compose) {
      const news = isRead ? '' : await store.read();
      if (news !== '' && !news.endsWith('\n'))
        fail(call, `journal must end with a whole line, got ${show(news.slice(-40))}`);
      isRead = true;
      const lines = compose(news);
      if (lines !== '') await store.append(lines);
    },
  };
}

/** Optuna takes the same lock for each line that it appends: a file that must not exist. */
const LOCK = '.lock';
/** Milliseconds after which the lock is that of a process that was killed. */
const STALE = 30_000;

type Files = typeof import('node:fs/promises');

function fileText(call: string, path: string): JournalText {
  let known = 0;
  return {
    async update(compose) {
      const files = (await nodeModule<Files>('node:fs/promises'))!;
      const refuse = (error: unknown) =>
        fail(call, `journal must be a file that can be written, got ${reasonOf(error)}`);
      const unlock = await lock(files, path + LOCK).catch(refuse);
      try {
        const file = await files.open(path, 'a+').catch(refuse);
        try {
          const { size } = await file.stat();
          if (size < known) fail(call, `journal must keep its lines, but ${show(path)} has become shorter`);
          const { bytesRead, buffer } = await file.read(Buffer.alloc(size - known), 0, size - known, known);
          const text = buffer.toString('utf8', 0, bytesRead);
          const end = text.lastIndexOf('\n') + 1;
          // A process was killed while it wrote: only its last line may be incomplete
          const isComplete = end < text.length && isWholeLine(text.slice(end));
          const news = isComplete ? `${text}\n` : text.slice(0, end);
          if (end < text.length && !isComplete) await file.truncate(known + Buffer.byteLength(news));
          const lines = compose(news);
          if (isComplete || lines !== '') {
            await file.appendFile(isComplete ? `\n${lines}` : lines);
            await file.datasync();
          }
          known += Buffer.byteLength(news) + Buffer.byteLength(lines);
        } finally {
          await file.close();
        }
      } finally {
        await unlock();
      }
    },
  };
}

/** @returns a function that removes the lock */
async function lock(files: Files, path: string): Promise<() => Promise<void>> {
  const os = (await nodeModule<typeof import('node:os')>('node:os'))!;
  const owner = `lstm-wasm ${process.pid} ${os.hostname()}`;
  for (let wait = 1; ; wait = Math.min(2 * wait, 100)) {
    try {
      await files.writeFile(path, owner, { flag: 'wx' });
      return () => files.rm(path, { force: true });
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'EEXIST') throw error;
    }
    if (!(await isLeft(files, path, os.hostname()))) {
      await new Promise(resolve => setTimeout(resolve, wait));
      continue;
    }
    // Moved first, because another process may have replaced it by its own meanwhile
    const moved = `${path}.${crypto.randomUUID()}`;
    const isMoved = await files.rename(path, moved).then(
      () => true,
      () => false,
    );
    if (!isMoved) continue;
    if (await isLeft(files, moved, os.hostname())) await files.rm(moved, { force: true });
    else await files.rename(moved, path);
  }
}

/** Whether a lock is that of a process that has ended: one of this host without its process, or one that is old. */
async function isLeft(files: Files, path: string, host: string): Promise<boolean> {
  const found = await files.lstat(path).catch(() => null);
  if (!found) return false;
  if (Date.now() - found.mtimeMs > STALE) return true;
  const [, pid, on] = (await files.readFile(path, 'utf8').catch(() => '')).match(/^lstm-wasm (\d+) (.*)$/) ?? [];
  if (on !== host) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as { code?: unknown }).code === 'ESRCH';
  }
}
