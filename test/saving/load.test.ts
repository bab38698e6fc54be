// Saving and loading models in Node through files, servers, local storage and memory, and what is rejected.

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as lw from 'lstm-wasm';
import { backendInfo, io, layers, loadLayersModel, modelFromJSON, sequential, train, ValueError } from 'lstm-wasm';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { RandomGenerator } from '../../src/util/randomGenerator.ts';
import { transferred } from '../transferred.ts';

// biome-ignore lint/suspicious/noExplicitAny: untyped JSON data
type Any = any;

const folder = await mkdtemp(join(tmpdir(), 'lstm-wasm-saving-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(() => vi.unstubAllGlobals());

const x = [[[0.1], [0.2], [0.3]]];

function trained(): lw.Sequential {
  const model = sequential({
    layers: [
      layers.lstm({ units: 2, inputShape: [3, 1], name: 'one', dropout: 0.1 }),
      layers.dense({ units: 1, name: 'two' }),
    ],
  });
  model.compile({ optimizer: train.adam(0.01), loss: 'mse', metrics: ['mae'] });
  model.trainOnBatch(x, [[1]]);
  return model;
}

async function artifactsOf(model = trained(), options: lw.SaveOptions = { includeOptimizer: true }): Promise<Any> {
  let found: Any;
  const handler = io.withSaveHandler(artifacts => {
    found = artifacts;
    return { modelArtifactsInfo: {} } as never;
  });
  await model.save(handler, options);
  return found;
}

const predicts = (model: lw.Sequential) => Array.from(model.predict(x).dataSync());
const nextLoss = (model: lw.Sequential) => model.trainOnBatch(x, [[2]]);

async function expectSame(loaded: lw.Sequential, model: lw.Sequential): Promise<void> {
  expect(predicts(loaded)).toEqual(predicts(model));
  expect(nextLoss(loaded)).toEqual(nextLoss(model));
  expect(predicts(loaded)).toEqual(predicts(model));
}

describe('file://', () => {
  test('file:// saves a folder with model.json and weights.bin, as TF.js does', async () => {
    const model = trained();
    const home = join(folder, 'deep', 'model');
    const { modelArtifactsInfo: info } = await model.save(`file://${home}`, { includeOptimizer: true });
    expect((await readdir(home)).sort()).toEqual(['model.json', 'weights.bin']);
    const json = JSON.parse(await readFile(join(home, 'model.json'), 'utf8'));
    expect(json).toMatchObject({ format: 'layers-model', convertedBy: null });
    expect(json.weightsManifest[0].paths).toEqual(['./weights.bin']);
    expect(info.weightDataBytes).toBe((await readFile(join(home, 'weights.bin'))).length);
    expect(info.dateSaved).toBeInstanceOf(Date);
    const loaded = await loadLayersModel(`file://${home}`);
    const second = await loadLayersModel(`file://${home}/model.json`, { strict: true });
    expect(predicts(second)).toEqual(predicts(model));
    await expectSame(loaded, model);
    expect(json.trainingConfig.loss).toBe('mean_squared_error');
    await loaded.save(`file://${home}`); // over itself, without the optimizer
    expect((await loadLayersModel(io.fileSystem(home))).optimizer).toBe(null);
  });

  test('weights in several groups of shards load in order, and invalid manifests are rejected', async () => {
    const model = trained();
    const { weightSpecs, weightData, ...rest } = await artifactsOf(model);
    const home = join(folder, 'shards');
    await mkdir(join(home, 'sub'), { recursive: true });
    const sizeOf = (specs: Any[]) =>
      specs.reduce((n, { shape }) => n + 4 * shape.reduce((a: number, b: number) => a * b, 1), 0);
    const first = weightSpecs.slice(0, 2);
    const cut = sizeOf(first);
    await writeFile(join(home, 'a.bin'), new Uint8Array(weightData.slice(0, 7)));
    await writeFile(join(home, 'sub', 'b.bin'), new Uint8Array(weightData.slice(7, cut)));
    await writeFile(join(home, 'c.bin'), new Uint8Array(weightData.slice(cut)));
    const weightsManifest = [
      { paths: ['a.bin', 'sub/b.bin'], weights: first },
      { paths: ['./c.bin'], weights: weightSpecs.slice(2) },
    ];
    const write = (json: Any) =>
      writeFile(join(home, 'model.json'), typeof json === 'string' ? json : JSON.stringify(json));
    await write({ ...rest, weightsManifest });
    await expectSame(await loadLayersModel(`file://${home}`), model);

    const refused = async (json: Any, message: RegExp | string) => {
      await write(json);
      const loading = loadLayersModel(`file://${home}`);
      await expect(loading).rejects.toThrow(message);
      await expect(loading).rejects.toThrow(ValueError);
    };
    const at = (path: string) => ({ ...rest, weightsManifest: [{ paths: [path], weights: weightSpecs }] });
    for (const path of [
      '../shards/c.bin',
      '/etc/passwd',
      'sub/../../x',
      '..',
      'C:/x',
      'sub\\x',
      'file:///etc/passwd',
      '',
    ]) {
      await refused(at(path), 'weightsManifest[0].paths[0]: must stay in the folder of model.json');
    }
    await writeFile(join(home, 'model.json'), ' '.repeat(2 ** 24 + 1));
    await expect(loadLayersModel(`file://${home}`)).rejects.toThrow(/model\.json: must be at most 16777216 bytes long/);
    await refused(at('gone.bin'), /must be a saved model, got ENOENT/);
    await refused(at('sub'), /which is no file|bytes/);
    await refused(at('a.bin'), /a\.bin: must have the \d+ bytes that weightsManifest requires, got 7/);
    await writeFile(join(home, 'a.bin'), 'version https://git-lfs.github.com/spec/v1\noid sha256:0\n');
    await refused(at('a.bin'), /a\.bin: must have the \d+ bytes .*, got a Git LFS pointer .*; run git lfs pull/);
    await writeFile(join(home, 'a.bin'), '');
    await refused(at('a.bin'), /a\.bin: must have the \d+ bytes .*, got an empty file/);
    await refused('{"modelTopology":', /model\.json: must be JSON/);
    await refused('[]', /model\.json: must be an object/);
    await refused({ ...rest, weightsManifest: { paths: 1 } }, 'weightsManifest: must be a list');
    await refused(
      { ...rest, weightsManifest: [{ paths: [3], weights: [] }] },
      'weightsManifest[0].paths[0]: must be a string',
    );
    await refused('['.repeat(100_000), /model\.json: must be JSON/);
    await rm(join(home, 'model.json'));
    await expect(loadLayersModel(`file://${home}`)).rejects.toThrow(/got ENOENT/);
  });

  test('a folder that cannot be written is rejected by name, and no file is left', async () => {
    await writeFile(join(folder, 'taken'), 'a file');
    await expect(trained().save(`file://${folder}/taken`)).rejects.toThrow(
      /^model.save: file:.*taken: must be a writable folder/,
    );
    await mkdir(join(folder, 'half', 'model.json'), { recursive: true });
    await expect(trained().save(`file://${folder}/half`)).rejects.toThrow(ValueError);
    expect(await readdir(join(folder, 'half'))).toEqual(['model.json']);
    await mkdir(join(folder, 'other', 'weights.bin'), { recursive: true });
    await expect(trained().save(`file://${folder}/other`)).rejects.toThrow(
      /must be a writable folder, got the folder '.*'$/,
    );
    expect(await readdir(join(folder, 'other'))).toEqual(['weights.bin']);
  });
});

describe('a server', () => {
  const serve = async (model: lw.Sequential, change = (bytes: Uint8Array): Uint8Array => bytes) => {
    const { weightSpecs, weightData, ...rest } = await artifactsOf(model);
    const json = JSON.stringify({ ...rest, weightsManifest: [{ paths: ['a.bin', 'b.bin'], weights: weightSpecs }] });
    const half = weightData.byteLength >> 1;
    const files: Record<string, BodyInit> = {
      'model.json': json,
      'a.bin': change(new Uint8Array(weightData, 0, half)) as BodyInit,
      'b.bin': new Uint8Array(weightData, half),
    };
    const requested: string[] = [];
    const fetchFunc = async (url: Any) => {
      requested.push(url);
      const name = String(url).split('?')[0]!.split('/').at(-1)!;
      return name in files ? new Response(files[name]) : new Response('no', { status: 404 });
    };
    return { fetchFunc, requested };
  };

  test('loadLayersModel requests model.json, then the shards next to it, with the same query', async () => {
    const model = trained();
    const { fetchFunc, requested } = await serve(model);
    const shares: number[] = [];
    const url = 'https://example.org/models/model.json?key=1';
    const loaded = await loadLayersModel(url, {
      fetchFunc,
      onProgress: share => shares.push(share),
      streamWeights: true,
    });
    expect(requested).toEqual([
      url,
      'https://example.org/models/a.bin?key=1',
      'https://example.org/models/b.bin?key=1',
    ]);
    expect(shares[0]).toBe(0);
    expect(shares.at(-1)).toBe(1);
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    await expectSame(loaded, model);
  });

  test('weightPathPrefix and weightUrlConverter change the URLs of the shards', async () => {
    const { fetchFunc, requested } = await serve(trained());
    await loadLayersModel('model.json', { fetchFunc, weightPathPrefix: 'https://w/' });
    await loadLayersModel(io.http('sub/model.json', { fetchFunc, weightUrlConverter: async name => `/moved/${name}` }));
    await loadLayersModel('model.json', { fetchFunc });
    expect(requested.filter(name => name.endsWith('a.bin'))).toEqual(['https://w/a.bin', '/moved/a.bin', './a.bin']);
  });

  test('missing, endless and short responses are rejected', async () => {
    const { fetchFunc } = await serve(trained());
    await expect(loadLayersModel('http://x/other.json', { fetchFunc })).rejects.toThrow(
      /must be reachable, got HTTP status 404/,
    );
    await expect(loadLayersModel('model.json')).rejects.toThrow(
      /reachable, got .*; for a file in Node, use file:\/\/path/,
    );
    const endless = await serve(trained());
    const stream = () => new ReadableStream({ pull: controller => controller.enqueue(new Uint8Array(1 << 16)) });
    const never = async (url: Any) => (url.endsWith('.json') ? endless.fetchFunc(url) : new Response(stream()));
    await expect(loadLayersModel('http://x/model.json', { fetchFunc: never })).rejects.toThrow(
      /must have the \d+ bytes that weightsManifest requires, got more/,
    );
    const short = await serve(trained(), bytes => bytes.subarray(1));
    await expect(loadLayersModel('http://x/model.json', { fetchFunc: short.fetchFunc })).rejects.toThrow(/got \d+$/);
    await expect(loadLayersModel('model.json', { fetchFunc: 1 as never })).rejects.toThrow(
      'fetchFunc must be a function',
    );
    await expect(loadLayersModel('model.json', { fetchFnc: 1 } as never)).rejects.toThrow("did you mean 'fetchFunc'");
  });

  test('no weights outside of the folder are requested, in any encoding of the path', async () => {
    const { weightSpecs, weightData: _, ...rest } = await artifactsOf();
    const outside = [
      '../x',
      '..%2fx',
      '%2e%2e/x',
      '%252e%252e/x',
      '.\t./x',
      '//host/x',
      '%2f%2fhost/x',
      'https:x',
      'https%3ax',
    ];
    for (const path of [...outside, '..\\x', '..%5cx', ' /x', '/x', '']) {
      const requested: string[] = [];
      const json = JSON.stringify({ ...rest, weightsManifest: [{ paths: [path], weights: weightSpecs }] });
      const fetchFunc = async (url: Any) => {
        requested.push(url);
        return new Response(json);
      };
      await expect(loadLayersModel('http://h/models/model.json', { fetchFunc }), path).rejects.toThrow(
        'weightsManifest[0].paths[0]: must stay in the folder of model.json',
      );
      expect(requested).toEqual(['http://h/models/model.json']);
    }
  });

  test('a response is read only up to the maximum length of a model.json', async () => {
    let sent = 0;
    const pull = (controller: ReadableStreamDefaultController) => {
      sent += 2 ** 20;
      controller.enqueue(new Uint8Array(2 ** 20).fill(32));
    };
    const fetchFunc = async () => new Response(new ReadableStream({ pull }));
    await expect(loadLayersModel('http://h/model.json', { fetchFunc })).rejects.toThrow(
      'http://h/model.json: must be at most 16777216 bytes long, got 17825792',
    );
    expect(sent).toBeLessThan(2 ** 25);
  });

  test('with strict: false, surplus bytes after the weights are ignored', async () => {
    const model = trained();
    const { fetchFunc, requested } = await serve(model, bytes => bytes);
    const longer = async (url: Any) => {
      const found = await fetchFunc(url);
      return String(url).endsWith('b.bin') ? new Response(new Blob([await found.blob(), 'spare'])) : found;
    };
    await expect(loadLayersModel('http://h/model.json', { fetchFunc: longer })).rejects.toThrow('got more');
    const loaded = await loadLayersModel('http://h/model.json', { fetchFunc: longer, strict: false });
    expect(predicts(loaded)).toEqual(predicts(model));
    expect(requested.length).toBeGreaterThan(4);
  });

  test.each([0x7b, 0x5b])('weights whose first byte is %i are not taken for JSON', async first => {
    const { fetchFunc } = await serve(trained(), bytes => bytes);
    const longer = async (url: Any) => {
      const found = await fetchFunc(url);
      if (!String(url).endsWith('.bin')) return found;
      const bytes = new Uint8Array(await found.arrayBuffer());
      bytes[0] = first;
      return new Response(new Blob([bytes, 'spare']));
    };
    await expect(loadLayersModel('http://h/model.json', { fetchFunc: longer })).rejects.toThrow('got more');
  });

  test('io.http uploads a form whose files io.browserFiles can load', async () => {
    const sent: FormData[] = [];
    const fetchFunc = async (_url: Any, init: Any) => {
      sent.push(init.body);
      return new Response('ok');
    };
    const result = await trained().save(io.http('https://example.org/upload', { fetchFunc }));
    expect(result.responses).toHaveLength(1);
    expect([...sent[0]!.keys()]).toEqual(['model.json', 'model.weights.bin']);
    const files = [sent[0]!.get('model.json'), sent[0]!.get('model.weights.bin')] as File[];
    expect(predicts(await loadLayersModel(io.browserFiles(files)))).toHaveLength(1);
    await expect(loadLayersModel(io.browserFiles([files[0]!, files[0]!]))).rejects.toThrow(
      /must be one of the selected files, but 'model.weights.bin' is missing/,
    );
    await expect(loadLayersModel(io.browserFiles([...files, files[0]!]))).rejects.toThrow(
      /model.json: must be a weight file that model.json lists/,
    );
    const alone = await loadLayersModel(io.browserFiles([files[0]!]));
    expect(alone.getWeights()).toHaveLength(5);
  });
});

/** The local storage of a page, with space for `room` characters. */
class Store {
  readonly items = new Map<string, string>();
  constructor(readonly room = Number.POSITIVE_INFINITY) {}
  get length() {
    return this.items.size;
  }
  key(n: number) {
    return [...this.items.keys()][n] ?? null;
  }
  getItem(key: string) {
    return this.items.get(key) ?? null;
  }
  removeItem(key: string) {
    this.items.delete(key);
  }
  setItem(key: string, value: string) {
    const others = [...this.items].filter(([name]) => name !== key);
    if (others.reduce((sum, [, item]) => sum + item.length, value.length) > this.room) throw new Error('quota');
    this.items.set(key, value);
  }
}

describe('localstorage://', () => {
  test('models in local storage are saved, listed, copied, moved and removed', async () => {
    const store = new Store();
    vi.stubGlobal('localStorage', store);
    const model = trained();
    await model.save('localstorage://my/model', { includeOptimizer: true });
    expect([...store.items.keys()].sort()).toEqual(
      ['info', 'model_metadata', 'model_topology', 'weight_data', 'weight_specs'].map(
        key => `tensorflowjs_models/my/model/${key}`,
      ),
    );
    expect(Object.keys(await io.listModels())).toEqual(['localstorage://my/model']);
    await io.copyModel('localstorage://my/model', 'localstorage://b');
    await io.moveModel('localstorage://my/model', 'localstorage://c');
    expect(Object.keys(await io.listModels()).sort()).toEqual(['localstorage://b', 'localstorage://c']);
    await expectSame(await loadLayersModel('localstorage://c'), model);
    expect((await io.removeModel('localstorage://b')).weightDataBytes).toBeGreaterThan(0);
    await expect(io.removeModel('localstorage://b')).rejects.toThrow(
      'io.removeModel: localstorage://b must be a saved model, got none',
    );
    await expect(loadLayersModel('localstorage://b')).rejects.toThrow('must be a saved model, got none');
    for (const [suffix, value] of [
      ['weight_data', '*'],
      ['weight_specs', '{'],
      ['model_topology', '7'],
      ['model_metadata', '[]'],
    ]) {
      await io.copyModel('localstorage://c', 'localstorage://d');
      store.setItem(`tensorflowjs_models/d/${suffix}`, value!);
      await expect(loadLayersModel('localstorage://d')).rejects.toThrow(
        `loadLayersModel: tensorflowjs_models/d/${suffix}: must be`,
      );
    }
    store.removeItem('tensorflowjs_models/d/weight_data');
    await expect(loadLayersModel('localstorage://d')).rejects.toThrow(ValueError);
  });

  test('local storage keeps the previous model if the new one does not fit', async () => {
    const store = new Store(12_000);
    vi.stubGlobal('localStorage', store);
    await trained().save('localstorage://a');
    const before = new Map(store.items);
    const large = sequential({ layers: [layers.dense({ units: 90, inputShape: [40] })] });
    await expect(large.save('localstorage://a')).rejects.toThrow(
      /^model.save: localstorage:\/\/a needs space for \d+ characters, got quota/,
    );
    expect(store.items).toEqual(before);
  });

  test('localstorage://, indexeddb:// and downloads:// are rejected in Node', async () => {
    vi.stubGlobal('localStorage', undefined);
    await expect(trained().save('localstorage://a')).rejects.toThrow('needs a browser page with local storage');
    await expect(trained().save('indexeddb://a')).rejects.toThrow('needs a browser page with IndexedDB');
    await expect(trained().save('downloads://a')).rejects.toThrow('needs a browser page');
    expect(await io.listModels()).toEqual({});
  });
});

describe('arguments', () => {
  const cases: [string, () => Promise<unknown>, string][] = [
    [
      'no target',
      () => trained().save(undefined as never),
      'model.save: target must be a URL or a handler with a save method',
    ],
    ['an unknown scheme', () => trained().save('ftp://x'), 'the URL must begin with file://'],
    ['no scheme', () => trained().save('model'), 'the URL must begin with file://'],
    ['no name', () => trained().save('localstorage://'), "the URL must have a name after 'localstorage://'"],
    ['a handler that loads', () => trained().save({ load: () => ({}) }), 'a handler with a save method'],
    [
      'an unknown option',
      () => trained().save('file:///tmp/x', { includeOptimiser: true } as never),
      "did you mean 'includeOptimizer'",
    ],
    [
      'an option of another kind',
      () => trained().save('file:///tmp/x', { trainableOnly: 1 as never }),
      'trainableOnly must be true or false',
    ],
    ['no source', () => loadLayersModel(null as never), 'source must be a URL or a handler with a load method'],
    [
      'a source that only saves',
      () => loadLayersModel('downloads://x'),
      'source must be a URL that models can be loaded from',
    ],
    ['an unknown source', () => loadLayersModel('ftp://x'), 'the URL must begin with file://'],
    ['no artifacts', () => loadLayersModel({ load: () => null as never }), 'artifacts: must be an object, got null'],
    ['nothing to remove', () => io.removeModel('file://x'), 'url must begin with localstorage:// or indexeddb://'],
    [
      'a copy onto itself',
      () => io.copyModel('localstorage://x', 'localstorage://x'),
      'targetUrl must differ from sourceUrl',
    ],
    ['no files', async () => io.browserFiles([]), 'files must be a list of files, model.json first'],
    [
      'a detached array as files',
      async () => io.browserFiles(transferred(new Float32Array(2)) as never),
      'files must be a list of files',
    ],
    ['no function', async () => io.withSaveHandler(1 as never), 'handler must be a function'],
    ['no memory', async () => io.fromMemory(null as never), 'artifacts must be an object'],
    [
      'a disposed model',
      async () => {
        const model = trained();
        model.dispose();
        await model.save('file:///tmp/x');
      },
      'after dispose()',
    ],
    [
      'circular metadata',
      async () => {
        const one: Any = {};
        one.one = one;
        trained().setUserDefinedMetadata(one);
      },
      'nested at most 100 levels deep',
    ],
  ];
  test.each(cases)('%s is rejected with a ValueError', async (_name, call, message) => {
    const done = call();
    await expect(done).rejects.toThrow(message);
    await expect(done).rejects.toThrow(ValueError);
  });
});

test('a failed load draws no random numbers', async () => {
  const artifacts = await artifactsOf();
  lw.setRandomSeed(3);
  const expected = lw.randomNormal([2]).arraySync();
  lw.setRandomSeed(3);
  const failing = () => {
    throw new Error('no more');
  };
  await expect(loadLayersModel(io.fromMemory(artifacts), { onProgress: failing })).rejects.toThrow('no more');
  artifacts.weightData = artifacts.weightData.slice(4);
  await expect(loadLayersModel(io.fromMemory(artifacts))).rejects.toThrow(lw.ValueError);
  expect(lw.randomNormal([2]).arraySync()).toEqual(expected);
});

test('modelFromJSON reads the output of toJSON', async () => {
  const model = trained();
  for (const json of [model.toJSON(), model.toJSON(null, false), { modelTopology: model.toJSON(null, false) }]) {
    expect((await modelFromJSON(json as string)).toJSON()).toEqual(model.toJSON());
  }
  expect((await lw.models.modelFromJSON({ model_config: model.toJSON(null, false) })).toJSON()).toEqual(model.toJSON());
  await expect(modelFromJSON('{')).rejects.toThrow('modelFromJSON: json: must be JSON');
  expect((await modelFromJSON({ modelTopology: model.toJSON(null, false), weightsManifest: [] })).toJSON()).toEqual(
    model.toJSON(),
  );
});

test('trainableOnly omits frozen weights, and strict: false loads the others', async () => {
  const model = trained();
  model.layers[0]!.trainable = false;
  const artifacts = await artifactsOf(model, { trainableOnly: true });
  expect(artifacts.weightSpecs.map(({ name }: Any) => name)).toEqual(['two/kernel', 'two/bias']);
  await expect(loadLayersModel(io.fromMemory(artifacts))).rejects.toThrow(
    "weightSpecs: must have every weight of the model, but 3 are missing: 'one/kernel'",
  );
  const loaded = await loadLayersModel(io.fromMemory(artifacts), { strict: false });
  expect(loaded.layers[1]!.getWeights()[0]!.dataSync()).toEqual(model.layers[1]!.getWeights()[0]!.dataSync());
  artifacts.weightSpecs[1].name = 'elsewhere/bias';
  const partly = await loadLayersModel(io.fromMemory(artifacts), { strict: false });
  expect(partly.layers[1]!.getWeights()[0]!.dataSync()).toEqual(model.layers[1]!.getWeights()[0]!.dataSync());
  expect(partly.layers[1]!.getWeights()[1]!.dataSync()).toEqual(new Float32Array(1));
});

test('weight names that include a cell, as converters write them, are found', async () => {
  const artifacts = await artifactsOf(undefined, {});
  for (const spec of artifacts.weightSpecs.slice(0, 3)) spec.name = spec.name.replace('one/', 'one/lstm_cell/');
  expect((await loadLayersModel(io.fromMemory(artifacts))).layers[0]!.name).toBe('one');
});

test('quantized weights are read', async () => {
  const model = sequential({ layers: [layers.dense({ units: 3, inputShape: [2], name: 'd', useBias: false })] });
  const { modelTopology } = await artifactsOf(model, {});
  const load = async (quantization: object, values: Uint8Array | Uint16Array) => {
    const weightSpecs = [{ name: 'd/kernel', shape: [2, 3], dtype: 'float32', quantization }] as Any;
    const loaded = await loadLayersModel(
      io.fromMemory({ modelTopology, weightSpecs, weightData: values.buffer as ArrayBuffer }),
    );
    return [...loaded.getWeights()[0]!.dataSync()];
  };
  const levels = [0, 1, 2, 100, 200, 255];
  const expected = levels.map(n => Math.fround(n * 0.1 - 5));
  expect(await load({ dtype: 'uint8', scale: 0.1, min: -5 }, Uint8Array.from(levels))).toEqual(expected);
  expect(await load({ dtype: 'uint16', scale: 0.1, min: -5 }, Uint16Array.from(levels))).toEqual(expected);
  const halves = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff, 0x8000, 0x3555);
  expect(await load({ dtype: 'float16' }, halves)).toEqual([1, -2, 2 ** -24, 65504, -0, 1365 / 4096]);
  await expect(load({ dtype: 'uint8', min: 0 }, Uint8Array.from(levels))).rejects.toThrow(
    'weightSpecs[0].quantization.scale: must be a finite number',
  );
  await expect(load({ dtype: 'uint4' }, Uint8Array.from(levels))).rejects.toThrow(
    'weightSpecs[0].quantization.dtype: must be',
  );
});

// ------------------------------------------------------------------------------------------------------------ hostile

describe('invalid artifacts', () => {
  const spoiled: [string, (artifacts: Any) => void, RegExp][] = [
    [
      'a huge shape',
      a => (a.weightSpecs[0].shape = [2 ** 30, 2 ** 30]),
      /weightSpecs\[0\]\.shape: must be the shape of a weight/,
    ],
    [
      'a large shape',
      a => (a.weightSpecs[0].shape = [2 ** 20, 2 ** 20]),
      /weightData: must have the \d+ bytes that weightSpecs requires/,
    ],
    ['a negative size', a => (a.weightSpecs[0].shape = [-1, 8]), /weightSpecs\[0\]\.shape\[0\]: must be an integer/],
    ['a size that is no number', a => (a.weightSpecs[1].shape = ['2', 8]), /weightSpecs\[1\]\.shape\[0\]/],
    [
      'a shape with 0 and huge sizes',
      a => (a.weightSpecs[0].shape = [0, 2 ** 52, 2 ** 52, 2 ** 52]),
      /weightData: must have/,
    ],
    ['another shape of that size', a => (a.weightSpecs[1].shape = [8, 2]), /weightSpecs\[1\]\.shape: must be \[2, 8\]/],
    ['many axes', a => (a.weightSpecs[1].shape = Array(1000).fill(1)), /must have at most 8 axes/],
    ['a dtype of that size', a => (a.weightSpecs[0].dtype = 'int32'), /weightSpecs\[0\]\.dtype: must be 'float32'/],
    ['another dtype', a => (a.weightSpecs[0].dtype = 'complex64'), /weightSpecs\[0\]\.dtype: must be 'float32' or/],
    ['a dtype of all objects', a => (a.weightSpecs[0].dtype = 'toString'), /weightSpecs\[0\]\.dtype/],
    ['no name', a => delete a.weightSpecs[0].name, /weightSpecs\[0\]\.name: must be a string/],
    ['a name twice', a => (a.weightSpecs[1].name = a.weightSpecs[0].name), /weightSpecs\[1\]\.name: must be unique/],
    [
      'a name twice, by a cell',
      a => (a.weightSpecs[1].name = 'one/cell/kernel'),
      /weightSpecs\[1\]\.name: must be unique/,
    ],
    [
      'an unknown name',
      a => (a.weightSpecs[0].name = '__proto__'),
      /weightSpecs\[0\]\.name: must be the name of a weight/,
    ],
    [
      'a missing weight',
      a => (a.weightData = a.weightData.slice(4 * a.weightSpecs.shift().shape[1])),
      /weightSpecs: must have every weight/,
    ],
    ['too few bytes', a => (a.weightData = a.weightData.slice(1)), /weightData: must have the \d+ bytes/],
    ['too many bytes', a => (a.weightData = [a.weightData, new ArrayBuffer(1)]), /weightData: must have the \d+ bytes/],
    ['no list', a => (a.weightSpecs = 'abc'), /weightSpecs: must be a list/],
    ['no bytes', a => (a.weightData = 'abc'), /weightData: must be an ArrayBuffer/],
    ['no topology', a => delete a.modelTopology, /modelTopology: must be an object/],
    ['a circular topology', a => (a.modelTopology.config.self = a.modelTopology), /nested at most 100 levels deep/],
    [
      'a topology with two cycles',
      a => {
        a.modelTopology.config.a = a.modelTopology;
        a.modelTopology.config.b = a.modelTopology;
      },
      /at most/,
    ],
    [
      'a lattice',
      a => {
        let inner: Any = {};
        for (let n = 0; n < 60; n++) inner = [inner, inner];
        a.modelTopology.x = inner;
      },
      /at most 1000000 values/,
    ],
    ['circular training data', a => (a.userDefinedMetadata.lstmWasm.self = a), /nested at most/],
    [
      'no optimizer',
      a => delete a.userDefinedMetadata.lstmWasm.optimizer,
      /userDefinedMetadata\.lstmWasm\.optimizer: must be/,
    ],
    [
      'an unknown optimizer',
      a => (a.userDefinedMetadata.lstmWasm.optimizer.className = 'constructor'),
      /optimizer: unknown class 'constructor'/,
    ],
    [
      'an unknown loss',
      a => (a.userDefinedMetadata.lstmWasm.loss = 'valueOf'),
      /lstmWasm: compile: unknown loss 'valueOf'/,
    ],
    [
      'other counts',
      a => (a.userDefinedMetadata.lstmWasm.batches = 7),
      /batches: must equal the weight 'iter', 1, got 7/,
    ],
    ['counters', a => (a.userDefinedMetadata.lstmWasm.counters = [1]), /counters: must be a list of 2 numbers/],
    [
      'seeds',
      a => (a.userDefinedMetadata.lstmWasm.dropoutSeeds[0] = [-1]),
      /dropoutSeeds\[0\]\[0\]: must be an integer/,
    ],
    [
      'seeds of other layers',
      a => a.userDefinedMetadata.lstmWasm.dropoutSeeds.pop(),
      /must have a list for each of the 2 layers/,
    ],
    ['no metadata', a => (a.userDefinedMetadata = 3), /userDefinedMetadata: must be an object/],
    [
      'another order of slots',
      a => ([a.weightSpecs[6], a.weightSpecs[11]] = [a.weightSpecs[11], a.weightSpecs[6]]),
      /weightSpecs: must have 'one\/kernel\/m'/,
    ],
    [
      'a slot too few',
      a => (a.weightData = a.weightData.slice(0, -4 * a.weightSpecs.pop().shape[0])),
      /the weights of the optimizer after 'iter' must be 2 for each of 5/,
    ],
  ];
  const theirs: [string, (artifacts: Any) => void, RegExp][] = [
    ['no class', a => (a.trainingConfig.optimizer_config = 7), /trainingConfig\.optimizer_config: must be/],
    ['weights of losses', a => (a.trainingConfig.loss_weights = [1]), /trainingConfig\.loss_weights: must be absent/],
    ['two losses', a => (a.trainingConfig.loss = ['mse', 'mse']), /trainingConfig\.loss: must be one name, got 2/],
    ['no iterations', a => (a.weightSpecs[5].dtype = 'float32'), /the first weight of the optimizer must be 'iter'/],
    [
      'negative iterations',
      a =>
        new Int32Array(a.weightData.slice(0)).length && new DataView(a.weightData).setInt32(offsetOfIter(a), -1, true),
      /weightSpecs \(iter\): must be an integer/,
    ],
    [
      'a list in a metric',
      a => (a.trainingConfig.metrics = [['mse']]),
      /trainingConfig\.metrics\[0\]: must be a string/,
    ],
  ];
  const offsetOfIter = (a: Any) =>
    4 *
    a.weightSpecs
      .slice(0, 5)
      .reduce((n: number, { shape }: Any) => n + shape.reduce((p: number, q: number) => p * q, 1), 0);

  const refused = async (change: (artifacts: Any) => void, message: RegExp, ofTfjs: boolean) => {
    const artifacts = await artifactsOf();
    if (ofTfjs) artifacts.generatedBy = 'TensorFlow.js tfjs-layers v4.22.0';
    change(artifacts);
    const { models } = backendInfo();
    const loading = loadLayersModel(io.fromMemory(artifacts));
    await expect(loading).rejects.toThrow(message);
    await expect(loading).rejects.toThrow(ValueError);
    expect(backendInfo().models).toBe(models);
  };
  test.each(spoiled)('loadLayersModel rejects %s', (_name, change, message) => refused(change, message, false));
  test.each(theirs)('loadLayersModel rejects a TF.js training configuration with %s', (_name, change, message) =>
    refused(change, message, true),
  );

  test('a huge count of batches loads at once', async () => {
    const artifacts = await artifactsOf();
    artifacts.generatedBy = 'TensorFlow.js';
    new DataView(artifacts.weightData).setInt32(offsetOfIter(artifacts), 2 ** 31 - 1, true);
    artifacts.trainingConfig.optimizer_config.config.beta2 = 1 - 2 ** -53;
    await loadLayersModel(io.fromMemory(artifacts));
  });
});

const CASES = 4000;

test(`each of ${CASES} corrupted files loads, or is rejected with the name of the invalid part`, {
  timeout: 60_000,
}, async () => {
  const random = new RandomGenerator(20);
  const originals = await Promise.all([artifactsOf(), artifactsOf(undefined, {})]);
  const replacements = [
    null,
    -1,
    0.5,
    2 ** 31,
    2 ** 53,
    1e308,
    '',
    'x',
    '__proto__',
    [],
    {},
    true,
    [[]],
    'constructor',
    1e-320,
  ];
  const { models } = backendInfo();
  let loads = 0;
  for (let n = 0; n < CASES; n++) {
    const { weightData, weightSpecs, ...rest } = originals[random.below(2)]!;
    const manifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
    let text = JSON.stringify({ ...rest, weightsManifest: manifest });
    let bytes = new Uint8Array(weightData.slice(0));
    const kind = random.below(6);
    const at = random.below(text.length);
    if (kind === 0) text = text.slice(0, at);
    else if (kind === 1) text = text.slice(0, at) + String.fromCharCode(32 + random.below(95)) + text.slice(at + 1);
    else if (kind === 2) {
      const numbers = [...text.matchAll(/-?\d+(\.\d+)?(e-?\d+)?/g)];
      const one = numbers[random.below(numbers.length)]!;
      const value = JSON.stringify(replacements[random.below(replacements.length)]);
      text = text.slice(0, one.index) + value + text.slice(one.index + one[0].length);
    } else if (kind === 3) {
      const from = random.below(text.length);
      text = text.slice(0, at) + text.slice(from, from + random.below(60)) + text.slice(at + random.below(60));
    } else if (kind === 4) bytes = bytes.slice(0, random.below(bytes.length));
    else text = JSON.stringify(mutate(JSON.parse(text), random, replacements));
    if (bytes.length > 0) bytes[random.below(bytes.length)] = random.below(256);
    const files = io.browserFiles([new File([text], 'model.json'), new File([bytes], 'weights.bin')]);
    try {
      const model = await loadLayersModel(files, { strict: random.below(4) > 0 });
      loads++;
      expect(model.layers.length).toBeGreaterThan(0);
      model.dispose();
    } catch (error) {
      if (!(error instanceof ValueError)) throw new Error(`case ${n}: ${text}`, { cause: error });
      expect(error.message).toMatch(/^loadLayersModel: [\w.[\]() -]+: /);
    }
  }
  expect(backendInfo().models).toBe(models);
  expect(loads).toBeGreaterThan(CASES / 40);
});

/** Removes, replaces or copies a random field of a tree. */
function mutate(tree: Any, random: RandomGenerator, replacements: readonly unknown[]): Any {
  const homes: [Any, string][] = [];
  const visit = (node: Any) => {
    if (node === null || typeof node !== 'object') return;
    for (const key of Object.keys(node)) {
      homes.push([node, key]);
      visit(node[key]);
    }
  };
  visit(tree);
  const [node, key] = homes[random.below(homes.length)]!;
  const choice = random.below(3);
  if (choice === 0) delete node[key];
  else if (choice === 1) node[key] = replacements[random.below(replacements.length)];
  else {
    const [other, name] = homes[random.below(homes.length)]!;
    node[key] = structuredClone(other[name]);
  }
  return tree;
}
