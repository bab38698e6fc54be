/** Stores: where engines keep the data and the results of tasks. */

import { nodeModule } from '../saving/stores/nodeFiles.ts';
import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkText } from '../util/options.ts';
import type { Store } from './engine.ts';
import { isHash } from './hash.ts';

/** A store in the memory of this process. It forgets bytes that were released as often as they were put. */
export function memoryStore(): Store {
  rejectExtraArguments('memoryStore', 0, arguments);
  const kept = new Map<string, { readonly bytes: Uint8Array; users: number }>();
  return {
    get: async hash => kept.get(hash)?.bytes,
    has: async hash => kept.has(hash),
    async put(hash, bytes) {
      const found = kept.get(checkKey('store.put', hash));
      if (found) found.users++;
      else kept.set(hash, { bytes, users: 1 });
    },
    async release(hash) {
      const found = kept.get(hash);
      if (found && --found.users === 0) kept.delete(hash);
    },
  };
}

/**
 * A store in a folder, in Node. Several processes may share it, also over a network file system. Nothing is ever removed:
 * delete the folder when its results are no longer needed.
 *
 * @param path made if it does not exist
 */
export function folderStore(path: string | URL): Store {
  const call = 'folderStore';
  rejectExtraArguments(call, 1, arguments);
  const folder = path instanceof URL ? path : checkText(call, 'path', path);
  if (folder instanceof URL && folder.protocol !== 'file:') {
    fail(call, `path must be a path or a file: URL, got ${show(folder.href)}`);
  }
  const open = async () => {
    const files = await nodeModule<typeof import('node:fs/promises')>('node:fs/promises');
    const paths = await nodeModule<typeof import('node:path')>('node:path');
    const urls = await nodeModule<typeof import('node:url')>('node:url');
    if (!files || !paths || !urls) fail(call, 'path needs Node; in a browser, use memoryStore()');
    const root = folder instanceof URL ? urls.fileURLToPath(folder) : folder;
    // As in .git: folders with many thousands of files are slow on some file systems
    const fileOf = (hash: string) => paths.join(root, hash.slice(0, 2), hash.slice(2));
    return { files, paths, fileOf };
  };
  const isAbsent = (error: unknown) => (error as { code?: unknown }).code === 'ENOENT';
  return {
    async get(hash) {
      const { files, fileOf } = await open();
      return files.readFile(fileOf(checkKey('store.get', hash))).catch(error => {
        if (isAbsent(error)) return undefined;
        throw error;
      });
    },
    async has(hash) {
      const { files, fileOf } = await open();
      return files.access(fileOf(checkKey('store.has', hash))).then(
        () => true,
        error => {
          if (isAbsent(error)) return false;
          throw error;
        },
      );
    },
    async put(hash, bytes) {
      const { files, paths, fileOf } = await open();
      const file = fileOf(checkKey('store.put', hash));
      const there = await files.access(file).then(
        () => true,
        () => false,
      );
      if (there) return;
      await files.mkdir(paths.dirname(file), { recursive: true });
      // Renamed when complete, so that no other process ever reads a part
      const part = `${file}.${crypto.randomUUID()}.part`;
      try {
        await files.writeFile(part, bytes);
        await files.rename(part, file);
      } catch (error) {
        await files.rm(part, { force: true });
        throw error;
      }
    },
  };
}

function checkKey(call: string, hash: unknown): string {
  return isHash(hash) ? hash : fail(call, `hash must be a SHA-256 in hexadecimal, got ${show(hash)}`);
}

/** Checks a store that the user has given. A text is the path of a folder. */
export function checkStore(call: string, name: string, value: unknown): Store {
  if (typeof value === 'string' || value instanceof URL) return folderStore(value);
  const store = value as Partial<Store> | null;
  if (typeof store?.get === 'function' && typeof store.put === 'function') return store as Store;
  return fail(call, `${name} must be a path, or a store with get and put, got ${show(value)}`);
}

/** Whether a store has bytes. */
export const isStored = async (store: Store, hash: string): Promise<boolean> =>
  store.has ? store.has(hash) : (await store.get(hash)) !== undefined;
