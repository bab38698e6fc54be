/** Tasks and their ids, packed data and stores. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { built, scale, sha256 } from './engines.ts';

const { folderStore, fromBytes, local, makeTask, memoryStore, packData, putData, runTask, unpackData } = scale;
const { version } = await built('index');

const folder = mkdtempSync(join(tmpdir(), 'lstm-wasm-'));
afterAll(() => rmSync(folder, { recursive: true }));

const kernels = `strict ${sha256(readFileSync(fileURLToPath(new URL('../../dist/kernels.wasm', import.meta.url))))}`;
const hash = sha256('data');
const file = join(folder, 'task.js');
writeFileSync(file, 'export default () => ({ value: 1 });');

it('the id is the SHA-256 of the canonical JSON of all parts, the kernels and the version', async () => {
  const { id } = await makeTask({
    kind: 'fit',
    input: { b: [1, 0.1], a: { '10': 'é', '9': null } },
    seed: 7,
    blobs: { series: hash },
  });
  const text = `{"blobs":{"series":"${hash}"},"input":{"a":{"10":"é","9":null},"b":[1,0.1]},"kernels":"${kernels}","kind":"fit","seed":7,"version":"${version}"}`;
  expect(id).toBe(sha256(text));
});

it('every part changes the id, and the order of keys and undefined fields do not', async () => {
  const parts = { kind: 'fit', input: { a: 1, b: 2 }, seed: 1, blobs: { series: hash } } as const;
  const idOf = async (more: object) => (await makeTask({ ...parts, ...more })).id;
  const others = [{}, { kind: 'predict' }, { input: { a: 1, b: 3 } }, { seed: 2 }, { blobs: {} }];
  const named = [
    { kind: 'file', file: 'a.js' },
    { kind: 'file', file: 'b.js' },
  ];
  const ids = await Promise.all([...others, ...named].map(idOf));
  expect(new Set(ids).size).toBe(ids.length);
  expect(await idOf({ input: { b: 2, a: 1, c: undefined } })).toBe(ids[0]);
});

it('a file with an address counts by its content, one with a name by its name', async () => {
  const make = (given: string | URL) => makeTask({ kind: 'file', file: given, input: null, seed: 1 });
  const copy = join(folder, 'copy.js');
  writeFileSync(copy, readFileSync(file));
  const changed = join(folder, 'changed.js');
  writeFileSync(changed, 'export default () => ({ value: 2 });');
  const [one, two, three] = await Promise.all([file, copy, changed].map(path => make(pathToFileURL(path))));
  expect(one).toMatchObject({ file: pathToFileURL(file).href, fileHash: sha256(readFileSync(file)) });
  expect(two!.id).toBe(one!.id);
  expect(three!.id).not.toBe(one!.id);
  expect((await make(pathToFileURL(file).href)).id).toBe(one!.id);
  expect(await make('task.js')).not.toHaveProperty('fileHash');
});

it('packed data comes back as it was, and equal data gives equal bytes', () => {
  const data = {
    text: 'ü\u0000',
    numbers: [1, -0, 0.1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    arrays: [
      new Float32Array([1, Number.NaN]),
      new Float64Array(3),
      Uint8Array.of(1, 2, 3).subarray(1),
      new Int16Array(0),
    ],
    buffer: Uint8Array.of(7).buffer,
    when: new Date(1e12),
    nothing: null,
    yes: true,
    $array: ['Float32Array', 0, 4],
    nested: { $number: 'NaN', list: [[], {}] },
  };
  const bytes = packData(data);
  const back = unpackData(bytes) as typeof data;
  expect(back).toStrictEqual({ ...data, arrays: [...data.arrays.slice(0, 2), Uint8Array.of(2, 3), data.arrays[3]] });
  expect(Object.is(back.numbers[1], -0)).toBe(true);
  const { text, ...rest } = data;
  expect(packData({ ...rest, text, none: undefined })).toEqual(bytes);
  expect(unpackData(Buffer.concat([Buffer.alloc(3), bytes]).subarray(3))).toEqual(back); // at an odd address
});

it.each<[string, () => unknown]>([
  ['packData: value.f must be plain data or a typed array, got function f', () => packData({ f() {} })],
  ['packData: value[1] must be plain data or a typed array, got undefined', () => packData([1, undefined])],
  ['packData: value.big must be plain data or a typed array, got 1n', () => packData({ big: 1n })],
  ['unpackData: bytes must be packed data, got other bytes', () => unpackData(Uint8Array.of(9, 0, 0, 0, 1))],
  [
    'unpackData: bytes must be packed data, got other bytes',
    () => unpackData(packData(new Float32Array(4)).subarray(0, -2)),
  ],
  ['unpackData: bytes must be a Uint8Array or an ArrayBuffer, got 1', () => unpackData(1 as never)],
  ['fromBytes: bytes must be those of a model, got other data', () => fromBytes(packData({ a: 1 }))],
  ['local: workers must be an integer of at least 1, got 0', () => local({ workers: 0 })],
  ['local: cache must be a path, or a store with get and put, got 1', () => local({ cache: 1 as never })],
  ["local: unknown option 'threads'; known: 'workers', 'cache'", () => local({ threads: 2 } as never)],
  ["folderStore: path must be a non-empty string, got ''", () => folderStore('')],
  ["folderStore: path must be a path or a file: URL, got 'https://a/'", () => folderStore(new URL('https://a/'))],
  [
    "makeTask: unknown kind 'train'; known: 'file', 'fit', 'predict', 'backtest'",
    () => makeTask({ kind: 'train' as never, input: 1, seed: 1 }),
  ],
  [
    'makeTask: seed must be an integer from 0 to 2^53 - 1, got undefined',
    () => makeTask({ kind: 'fit', input: 1 } as never),
  ],
  [
    'makeTask: input.a must be plain data, as in JSON, got NaN',
    () => makeTask({ kind: 'fit', input: { a: Number.NaN }, seed: 1 }),
  ],
  [
    "makeTask: blobs.a must be a SHA-256 in hexadecimal, got 'x'",
    () => makeTask({ kind: 'fit', input: 1, seed: 1, blobs: { a: 'x' } }),
  ],
  [
    "makeTask: file must be absent for the kind 'fit', got 'a.js'",
    () => makeTask({ kind: 'fit', file: 'a.js', input: 1, seed: 1 }),
  ],
  [
    "makeTask: file must be the address of a module, such as new URL('./train.js', import.meta.url), got undefined",
    () => makeTask({ kind: 'file', input: 1, seed: 1 }),
  ],
  ['engine.run: task must be the result of makeTask, got { kind }', () => local().run({ kind: 'fit' } as never)],
  ['runTask: task must be the result of makeTask, got null', () => runTask(null as never, memoryStore())],
  ['putData: store must be a path, or a store with get and put, got null', () => putData(null as never, 1)],
])('rejects: %s', async (message, call) => {
  const run = async () => call();
  await expect(run()).rejects.toThrow(expect.objectContaining({ name: 'ValueError', message }));
});

it('a store in memory forgets bytes that were released as often as they were put', async () => {
  const store = memoryStore();
  const bytes = Uint8Array.of(1);
  await store.put(hash, bytes);
  await store.put(hash, bytes);
  await store.release!(hash);
  expect(await store.get(hash)).toEqual(bytes);
  await store.release!(hash);
  expect([await store.get(hash), await store.has!(hash)]).toEqual([undefined, false]);
  await expect(store.put('x', bytes)).rejects.toThrow("store.put: hash must be a SHA-256 in hexadecimal, got 'x'");
});

it('a folder is shared by processes, and never holds a part of a file under its name', async () => {
  const path = join(folder, 'shared');
  const store = folderStore(path);
  expect(await store.get(hash)).toBeUndefined();
  const program = `
    import { folderStore } from ${JSON.stringify(new URL('../../dist/scale.js', import.meta.url).href)};
    const store = folderStore(${JSON.stringify(path)});
    for (let n = 0; n < 20; n++) await store.put('${hash}', new Uint8Array(1e6).fill(5));`;
  const other = execFileSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' });
  expect(other).toBe('');
  await Promise.all(Array.from({ length: 5 }, () => store.put(hash, new Uint8Array(1e6).fill(5))));
  expect((await store.get(hash))!.length).toBe(1e6);
  expect(await store.has!(hash)).toBe(true);
  expect(readdirSync(join(path, hash.slice(0, 2)))).toEqual([hash.slice(2)]);
  await expect(folderStore(file).put(hash, Uint8Array.of(1))).rejects.toThrow(/ENOTDIR|EEXIST/);
});
