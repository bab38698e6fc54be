/** Makes tasks, and their ids. */

import { version } from '../../package.json' with { type: 'json' };
import { nodeModule } from '../saving/stores/nodeFiles.ts';
import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, reasonOf, show } from '../util/errors.ts';
import { checkName, checkOptions, isPlain } from '../util/options.ts';
import { checkSeed } from '../util/random.ts';
import { strictHash } from '../wasm/modules/hash.generated.ts';
import type { Json, Task } from './engine.ts';
import { canonicalJson, checkJson, isHash, sha256 } from './hash.ts';

/** The parts of a task that its caller chooses. */
export interface TaskParts {
  readonly kind: Task['kind'];
  /** Of kind 'file': the address of the module, or its name in the folder of workers on other machines. */
  readonly file?: string | URL;
  readonly input: Json;
  readonly seed: number;
  /** The SHA-256 of bytes in the store of the engine, by name. Default: none. */
  readonly blobs?: { readonly [name: string]: string };
}

const kinds = ['file', 'fit', 'predict', 'backtest'] as const;

/**
 * Makes a task. Its id is the SHA-256 of the canonical JSON of its parts, of the kernels and of the version of this package. A
 * file with an address counts by its content: the id is the same in another folder, and another one after a change of the file.
 * The modules that it imports do not count. A file is read once in a process.
 */
export async function makeTask(parts: TaskParts): Promise<Task> {
  const call = 'makeTask';
  rejectExtraArguments(call, 1, arguments);
  const given = checkOptions<TaskParts>(call, parts, ['kind', 'file', 'input', 'seed', 'blobs']);
  const kind = checkName(call, 'kind', given.kind, kinds);
  const input = checkJson(call, 'input', given.input);
  const seed = checkSeed(call, given.seed);
  const blobs = checkBlobs(call, given.blobs ?? {});
  const isFile = kind === 'file';
  if (!isFile && given.file !== undefined)
    fail(call, `file must be absent for the kind '${kind}', got ${show(given.file)}`);
  const file = isFile ? checkTaskFile(call, given.file) : undefined;
  const fileHash = file !== undefined && isAddress(file) ? await hashOfFile(call, file) : undefined;
  const code = isFile ? (fileHash ?? `name:${file}`) : undefined;
  const kernels = `strict ${strictHash}`;
  const id = await sha256(canonicalJson(call, 'task', { kind, code, input, seed, blobs, kernels, version }));
  return { id, kind, ...(isFile && { file }), ...(fileHash && { fileHash }), input, seed, blobs };
}

/** Whether a text is an address, such as 'file:///tasks/train.js', and not a name. */
export const isAddress = (file: string): boolean => /^[a-z][a-z\d+.-]+:/i.test(file);

function checkTaskFile(call: string, file: unknown): string {
  if (file instanceof URL) return file.href;
  if (typeof file === 'string' && file !== '') return file;
  return fail(
    call,
    `file must be the address of a module, such as new URL('./train.js', import.meta.url), got ${show(file)}`,
  );
}

function checkBlobs(call: string, blobs: unknown): { [name: string]: string } {
  if (!isPlain(blobs)) fail(call, `blobs must be an object by name, got ${show(blobs)}`);
  for (const [name, hash] of Object.entries(blobs)) {
    if (!isHash(hash)) fail(call, `blobs.${name} must be a SHA-256 in hexadecimal, got ${show(hash)}`);
  }
  return { ...(blobs as { [name: string]: string }) };
}

const fileHashes = new Map<string, Promise<string>>();

function hashOfFile(call: string, address: string): Promise<string> {
  const known = fileHashes.get(address);
  if (known) return known;
  const found = readFile(address).then(sha256, error =>
    fail(call, `file must be a module that can be read, got ${show(address)} (${reasonOf(error)})`),
  );
  fileHashes.set(address, found);
  found.catch(() => fileHashes.delete(address));
  return found;
}

async function readFile(address: string): Promise<Uint8Array> {
  const files = address.startsWith('file:')
    ? await nodeModule<typeof import('node:fs/promises')>('node:fs/promises')
    : null;
  if (files) return files.readFile(new URL(address));
  const response = await fetch(address);
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
