/** Files in Node. What reads and writes them is loaded when it is needed, so that browsers never see it. */

import { fail, reasonOf, show } from '../util/errors.ts';

type Files = typeof import('node:fs/promises');

interface Host {
  getBuiltinModule?(name: string): unknown;
}

/** A module of Node's; null elsewhere. No bundler sees the name, and none packs it for a browser. */
export async function nodeModule<T>(name: string): Promise<T | null> {
  const found = (globalThis as { process?: Host }).process?.getBuiltinModule?.(name);
  if (found) return found as T;
  return import(/* @vite-ignore */ /* webpackIgnore: true */ name).catch(() => null) as Promise<T | null>;
}

const files = async (): Promise<Files> => (await nodeModule<Files>('node:fs/promises'))!;

const inNode = (): boolean => typeof process === 'object' && typeof process?.versions?.node === 'string';

/** The path of a file, given as such or as a URL; refused where there are no files. */
export function checkFile(call: string, name: string, value: unknown, instead: string): string {
  const path = value instanceof URL && value.protocol === 'file:' ? pathOf(value) : value;
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    fail(call, `${name} must be a path or a file: URL, got ${show(value)}`);
  }
  if (!inNode()) fail(call, `${name} must be absent in a browser, which has no files; ${instead}`);
  return path;
}

/** As Node does it; drive letters stand after a slash. */
const pathOf = ({ pathname }: URL): string => decodeURIComponent(pathname).replace(/^\/(?=[A-Za-z]:)/, '');

/** Where a path was given: the call, and the name of the argument. */
export interface FileArgument {
  readonly call: string;
  readonly name: string;
}

/** The bytes of a file; null where there is none. */
export async function readWhole({ call, name }: FileArgument, path: string): Promise<Uint8Array | null> {
  const { readFile } = await files();
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return null;
    return fail(call, `${name} must be a file that can be read, got ${reasonOf(error)}`);
  }
}
