/** Files in Node. Its modules are imported on demand, so that bundles for browsers do not contain them. */

import { fail, reasonOf, show } from '../../util/errors.ts';

type Files = typeof import('node:fs/promises');

interface Host {
  getBuiltinModule?(name: string): unknown;
}

/** A Node module; null on other hosts. The name is dynamic, so that bundlers do not resolve it. */
export async function nodeModule<T>(name: string): Promise<T | null> {
  const found = (globalThis as { process?: Host }).process?.getBuiltinModule?.(name);
  if (found) return found as T;
  return import(/* @vite-ignore */ /* webpackIgnore: true */ name).catch(() => null) as Promise<T | null>;
}

const files = async (): Promise<Files> => (await nodeModule<Files>('node:fs/promises'))!;

const inNode = (): boolean => typeof process === 'object' && typeof process?.versions?.node === 'string';

/** The path of a file, given as a path or a file: URL. Throws in browsers. */
export function checkFile(call: string, name: string, value: unknown, instead: string): string {
  const path = value instanceof URL && value.protocol === 'file:' ? pathOf(value) : value;
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    fail(call, `${name} must be a path or a file: URL, got ${show(value)}`);
  }
  if (!inNode()) fail(call, `${name} needs Node; in a browser, ${instead}`);
  return path;
}

/** Decodes a file: URL as Node does, without the slash before a drive letter. */
const pathOf = ({ pathname }: URL): string => decodeURIComponent(pathname).replace(/^\/(?=[A-Za-z]:)/, '');

/** The argument that a path was passed as, for error messages. */
export interface FileArgument {
  readonly call: string;
  readonly name: string;
}

/** The bytes of a file; null if it does not exist. */
export async function readWhole({ call, name }: FileArgument, path: string): Promise<Uint8Array | null> {
  const { readFile } = await files();
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return null;
    return fail(call, `${name} must be a readable file, got ${reasonOf(error)}`);
  }
}
