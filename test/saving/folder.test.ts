// Saving over a model in a folder: the folder always holds one complete model, and no leftover files at the end.

import { spawnSync } from 'node:child_process';
import { chmod, lstat, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fill, layers, loadLayersModel, type Sequential, sequential } from 'lstm-wasm';
import { afterAll, expect, test } from 'vitest';

const folder = await mkdtemp(join(tmpdir(), 'lstm-wasm-folder-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A model whose weights all equal the number in its metadata. */
function numbered(n: number): Sequential {
  const model = sequential({ layers: [layers.dense({ units: 40, inputShape: [30] })] });
  model.setWeights(model.getWeights().map(({ shape }) => fill(shape, n)));
  model.setUserDefinedMetadata({ n });
  return model;
}

/** The number of the model in a folder; fails if the model is not complete. */
async function numberIn(directory: string): Promise<number> {
  const loaded = await loadLayersModel(`file://${directory}`);
  const { n } = loaded.getUserDefinedMetadata() as { n: number };
  expect(loaded.getWeights().every(weight => weight.dataSync().every(value => value === n))).toBe(true);
  return n;
}

test('concurrent saves to one folder never mix two models, and concurrent loads read one of them', async () => {
  const directory = join(folder, 'busy');
  const models = [0, 1, 2, 3].map(numbered);
  await models[0]!.save(`file://${directory}`);
  let saving = true;
  let loadCount = 0;
  const load = async () => {
    for (; saving; loadCount++) expect(await numberIn(directory)).toBeLessThan(4);
  };
  const loading = [load(), load()];
  for (let round = 0; round < 5; round++) await Promise.all(models.map(model => model.save(`file://${directory}`)));
  saving = false;
  await Promise.all(loading);
  expect(loadCount).toBeGreaterThan(2);
  expect(await numberIn(directory)).toBe(3);
  expect((await readdir(directory)).sort()).toEqual(['model.json', 'weights.bin']);
});

test('a save removes the temporary files of killed processes, and no others', async () => {
  const directory = join(folder, 'left');
  await numbered(1).save(`file://${directory}`);
  const { pid } = spawnSync(process.execPath, ['--version']);
  const stray = [`weights.${pid}-0123abcd.bin`, `weights.bin.${pid}-0123abcd.tmp`, `model.json.${pid}-89abcdef.tmp`];
  for (const name of [...stray, 'weights.1.bin', `other.json.${pid}-0123abcd.tmp`])
    await writeFile(join(directory, name), '');
  // Left by a process that was killed before it stored the weights under their usual name
  const json = await readFile(join(directory, 'model.json'), 'utf8');
  await rename(join(directory, 'weights.bin'), join(directory, stray[0]!));
  await writeFile(join(directory, 'model.json'), json.replace('weights.bin', stray[0]!));
  expect(await numberIn(directory)).toBe(1);
  await numbered(2).save(`file://${directory}`);
  const left = ['model.json', `other.json.${pid}-0123abcd.tmp`, 'weights.1.bin', 'weights.bin'];
  expect((await readdir(directory)).sort()).toEqual(left);
  expect(await numberIn(directory)).toBe(2);
});

test('a save keeps the modes of the files it replaces, and links to them', async () => {
  const [directory, kept] = [join(folder, 'linked'), join(folder, 'kept.bin')];
  await numbered(1).save(`file://${directory}`);
  await rename(join(directory, 'weights.bin'), kept);
  await symlink('../kept.bin', join(directory, 'weights.bin'));
  for (const file of [kept, join(directory, 'model.json')]) await chmod(file, 0o600);
  await numbered(2).save(`file://${directory}`);
  expect((await lstat(join(directory, 'weights.bin'))).isSymbolicLink()).toBe(true);
  for (const file of [kept, join(directory, 'model.json')]) expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await numberIn(directory)).toBe(2);
});
