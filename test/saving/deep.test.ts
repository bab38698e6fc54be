// Deeply nested parts of a saved model other than its topology.

import { io, layers, loadLayersModel, sequential, ValueError } from 'lstm-wasm';
import { afterEach, expect, test, vi } from 'vitest';

afterEach(() => vi.unstubAllGlobals());

const deep = JSON.parse(`${'{"a":['.repeat(5000)}1${']}'.repeat(5000)}`);
const model = () => sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] });

test.each(['trainingConfig', 'userDefinedMetadata', 'weightSpecs', 'signature'])(
  'loadLayersModel rejects or ignores %s nested 5,000 levels deep',
  async part => {
    const artifacts = { modelTopology: model().toJSON(null, false) as object, [part]: deep };
    const loading = loadLayersModel(io.fromMemory(artifacts));
    if (part === 'trainingConfig' || part === 'userDefinedMetadata') await expect(loading).rejects.toThrow(ValueError);
    else expect((await loading).layers).toHaveLength(1);
  },
);

test('copyModel rejects a topology nested 5,000 levels deep', async () => {
  const items = new Map<string, string>();
  const storage = {
    get length() {
      return items.size;
    },
    key: (n: number) => [...items.keys()][n] ?? null,
    getItem: (key: string) => items.get(key) ?? null,
    removeItem: (key: string) => items.delete(key),
    setItem: (key: string, value: string) => items.set(key, value),
  };
  vi.stubGlobal('localStorage', storage);
  await model().save('localstorage://a');
  const key = 'tensorflowjs_models/a/model_topology';
  items.set(key, `${'{"a":['.repeat(5000)}1${']}'.repeat(5000)}`);
  await expect(io.copyModel('localstorage://a', 'localstorage://b')).rejects.toThrow(ValueError);
  expect([...items.keys()].filter(name => name.includes('/b/'))).toEqual([]);
});
