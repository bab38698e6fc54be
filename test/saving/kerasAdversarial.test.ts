// Corrupted and malicious Keras files: each loads, or is rejected with the name of the invalid part and changes nothing.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { strFromU8, strToU8, unzipSync, zipSync } from 'fflate';
import { backendInfo, layers, sequential, ValueError } from 'lstm-wasm';
import { loadKerasModel, loadKerasWeights, toKeras, toKerasWeights } from 'lstm-wasm/keras';
import { describe, expect, test } from 'vitest';
import { RandomGenerator } from '../../src/util/randomGenerator.ts';

const folder = fileURLToPath(new URL('keras/', import.meta.url));
const fixture = (name: string) => new Uint8Array(readFileSync(`${folder}${name}`));

/** The start of every error message: the call, and a part of the file. */
const messageStart =
  /^loadKeras(Model|Weights): (the file|config\.json|metadata\.json|model\.weights\.h5|model_config)/;

/** Checks that `load` succeeds, or fails with an error that names a part of the file. */
async function loadOrReject(load: () => Promise<unknown>): Promise<'loads' | 'rejected'> {
  try {
    await load();
    return 'loads';
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    expect(error.message).toMatch(messageStart);
    expect(error.message.length).toBeLessThan(800);
    return 'rejected';
  }
}

/** A corrupted copy: truncated, or with flipped bits, changed numbers or moved bytes. */
function corrupt(bytes: Uint8Array, random: RandomGenerator, targets: readonly number[]): Uint8Array {
  const copy = bytes.slice();
  const at = () => targets[random.below(targets.length)]!;
  switch (random.below(5)) {
    case 0:
      return copy.slice(0, random.below(copy.length));
    case 1:
      for (let n = random.below(4); n >= 0; n--) copy[at()]! ^= 1 << random.below(8);
      return copy;
    case 2: {
      const from = at();
      const value = [0, 1, 127, 255][random.below(4)]!;
      copy.fill(value, from, from + [1, 2, 4, 8][random.below(4)]!);
      return copy;
    }
    case 3: {
      const from = at();
      for (let n = random.below(8); n >= 0; n--) copy[Math.min(from + n, copy.length - 1)] = random.below(256);
      return copy;
    }
    default: {
      const from = at();
      copy.copyWithin(at(), from, from + random.below(64));
      return copy;
    }
  }
}

/** The positions of all bytes outside of long runs of zeros. */
const significantPositions = (bytes: Uint8Array) =>
  [...bytes.keys()].filter(n => bytes.subarray(Math.max(0, n - 7), n + 1).some(Boolean));

const smallModel = () =>
  sequential({
    layers: [layers.lstm({ units: 3, inputShape: [4, 2] }), layers.leakyReLU(), layers.dense({ units: 2 })],
  });
const bits = (model: ReturnType<typeof smallModel>) =>
  model.getWeights().flatMap(weight => [...new Uint32Array(weight.dataSync().slice().buffer)]);

describe('randomly corrupted files', () => {
  test.each([
    ['lstm-2.15.keras', 400, 1],
    ['many-latest.keras', 250, 2],
    ['legacy.h5', 650, 3],
  ])('loadKerasModel loads or rejects every corrupted copy of %s', async (name, count, seed) => {
    const whole = fixture(name);
    const random = new RandomGenerator(seed);
    const targets = significantPositions(whole);
    const found = { loads: 0, rejected: 0 };
    for (let n = 0; n < count; n++) found[await loadOrReject(() => loadKerasModel(corrupt(whole, random, targets)))]++;
    expect(found.rejected).toBeGreaterThan(count / 4);
  });

  test.each([
    ['lstm.weights.h5', 1000, 4, (bytes: Uint8Array) => bytes],
    ['lstm-2.15.keras', 125, 5, (bytes: Uint8Array) => bytes],
    // The newer layout of HDF5.
    ['many-latest.keras', 400, 6, (bytes: Uint8Array) => unzipSync(bytes)['model.weights.h5']!],
    ['deep-latest.keras', 125, 7, (bytes: Uint8Array) => unzipSync(bytes)['model.weights.h5']!],
  ] as const)('loadKerasWeights loads or rejects every corrupted copy of %s', async (name, count, seed, take) => {
    const whole = take(fixture(name));
    const random = new RandomGenerator(seed);
    const targets = significantPositions(whole);
    const model = name.startsWith('lstm') ? smallModel() : await loadKerasModel(fixture(name));
    const zeros = model.getWeights().map(weight => weight.mul(0));
    const found = { loads: 0, rejected: 0 };
    for (let n = 0; n < count; n++) {
      model.setWeights(zeros);
      const result = await loadOrReject(() => loadKerasWeights(model, corrupt(whole, random, targets)));
      found[result]++;
      if (result === 'rejected' && n % 10 === 0) expect(bits(model).every(bit => bit << 1 === 0)).toBe(true);
    }
    expect(found.rejected).toBeGreaterThan(count / 10);
    await loadOrReject(() => loadKerasWeights(model, whole));
  });

  test('configurations with changed values load or are rejected', async () => {
    const entries = unzipSync(fixture('many-latest.keras'));
    const config = strFromU8(entries['config.json']!);
    const random = new RandomGenerator(8);
    const values = ['null', '-1', '1e9', '1e999', '"x"', '[]', '{}', 'true', '[[[]]]', '0.5', '{"class_name":"LSTM"}'];
    const places = [...config.matchAll(/: ("[^"]*"|[\d.]+|true|false|null|\{|\[)/g)];
    const found = { loads: 0, rejected: 0 };
    const count = 400;
    for (let n = 0; n < count; n++) {
      const { index, 0: whole, 1: value } = places[random.below(places.length)]!;
      const end = index + whole.length;
      const changed =
        value === '{' || value === '['
          ? `${config.slice(0, end)}${value === '{' ? '"__proto__": {"x": 1}, ' : '{}, '}${config.slice(end)}`
          : `${config.slice(0, index)}: ${values[random.below(values.length)]}${config.slice(end)}`;
      const file = zipSync({ ...entries, 'config.json': strToU8(changed) }, { level: 0 });
      found[await loadOrReject(() => loadKerasModel(file))]++;
    }
    expect(found.rejected).toBeGreaterThan(count / 5);
    expect(found.loads).toBeGreaterThan(count / 15);
    expect(({} as { x?: number }).x).toBeUndefined();
  });
});

/** A .keras file with a changed configuration. */
function withConfig(change: (model: Plain) => unknown, name = 'lstm-2.15.keras') {
  const entries = unzipSync(fixture(name));
  const model = JSON.parse(strFromU8(entries['config.json']!));
  const changed = change(model) ?? model;
  return zipSync({
    ...entries,
    'config.json': strToU8(typeof changed === 'string' ? changed : JSON.stringify(changed)),
  });
}

// biome-ignore lint/suspicious/noExplicitAny: untyped JSON data
type Plain = any;

/** Changes one value, and returns nothing. */
function set(target: Plain, name: string, value: unknown): void {
  target[name] = value;
}

const invalidConfigs: [string, (model: Plain) => unknown, RegExp][] = [
  [
    'an unknown model class',
    model => set(model, 'class_name', 'Graph'),
    /config.json: class_name must be 'Sequential' or 'Functional', got 'Graph'/,
  ],
  [
    'a functional model without an input',
    model => set(model, 'class_name', 'Functional'),
    /config.json.config.input_layers: must have at least one layer, got none/,
  ],
  ['an unknown layer class', model => set(model.config.layers[1], 'class_name', 'Conv2D'), /unknown class 'Conv2D'/],
  [
    'a layer class registered by a user',
    model => set(model.config.layers[1], 'registered_name', 'mine>LSTM'),
    /must be a Keras class/,
  ],
  [
    'mixed precision',
    model => set(model.config.layers[1].config.dtype.config, 'name', 'mixed_float16'),
    /must be float32/,
  ],
  ['an unknown activation', model => set(model.config.layers[4].config, 'activation', 'exponential'), /activation/],
  [
    'an activity regularizer',
    model => set(model.config.layers[1].config, 'activity_regularizer', { class_name: 'L2', config: {} }),
    /unknown option 'activity_regularizer'/,
  ],
  [
    'zeros for masked outputs',
    model => set(model.config.layers[1].config, 'zero_output_for_mask', true),
    /unknown option 'zero_output_for_mask'/,
  ],
  [
    'a number of units that differs from the weights',
    model => set(model.config.layers[1].config, 'units', 1e9),
    /model.weights.h5/,
  ],
  [
    'a deeply nested configuration',
    () => `{"class_name": "Sequential", "config": {"name": ${'['.repeat(1e5)}${']'.repeat(1e5)}}}`,
    /nested at most 100 levels deep|must be JSON/,
  ],
  ['an empty list of layers', model => set(model.config, 'layers', []), /config.layers: must contain a layer/],
  [
    'more than 4096 layers',
    model => set(model.config, 'layers', Array(5000).fill(model.config.layers[4])),
    /at most 4096/,
  ],
  [
    'a constraint on two axes',
    model => set(model.config.layers[1].config.kernel_constraint.config, 'axis', [0, 1]),
    /axis/,
  ],
];

test.each(invalidConfigs)('loadKerasModel rejects %s', async (_name, change, message) => {
  await expect(loadKerasModel(withConfig(change))).rejects.toThrow(message);
  expect(await loadOrReject(() => loadKerasModel(withConfig(change)))).toBe('rejected');
});

test('bidirectional layers whose directions do not fit together are rejected', async () => {
  const both = (change: (backward: Plain) => void) =>
    withConfig(model => void change(model.config.layers[2].config.backward_layer), 'many-latest.keras');
  const changes: [change: (layer: Plain) => void, message: RegExp][] = [
    [layer => set(layer.config, 'units', 3), /backwardLayer must have the units of layer/],
    [layer => set(layer.config, 'go_backwards', false), /backwardLayer must have the opposite goBackwards/],
    [layer => set(layer, 'class_name', 'LSTM'), /unknown option 'reset_after'/],
  ];
  for (const [change, message] of changes) await expect(loadKerasModel(both(change))).rejects.toThrow(message);
  const unmerged = withConfig(model => set(model.config.layers[2].config, 'merge_mode', null), 'many-latest.keras');
  await expect(loadKerasModel(unmerged)).rejects.toThrow(
    /a layer of a sequential model must have one output, got 2 of 'both'/,
  );
});

describe('archives', () => {
  const entries = unzipSync(fixture('lstm-2.15.keras'));

  test('entries larger than the model needs are not decompressed', async () => {
    const bomb = zipSync({ ...entries, 'model.weights.h5': new Uint8Array(2 ** 26) });
    await expect(loadKerasModel(bomb)).rejects.toThrow(
      /^loadKerasModel: model.weights.h5: must be at most \d+ bytes long/,
    );
    const config = zipSync({ ...entries, 'config.json': new Uint8Array(2 ** 25) });
    await expect(loadKerasModel(config)).rejects.toThrow(
      /^loadKerasModel: config.json: must be at most 16777216 bytes/,
    );
  });

  test('an entry compressed too well for weights is rejected, even for a model of that size', async () => {
    const config = JSON.parse(strFromU8(entries['config.json']!));
    config.config.layers.at(-1).config.units = 1e8;
    const bomb = zipSync({
      ...entries,
      'config.json': strToU8(JSON.stringify(config)),
      'model.weights.h5': new Uint8Array(2 ** 26),
    });
    expect(bomb.length).toBeLessThan(2 ** 17);
    await expect(loadKerasModel(bomb)).rejects.toThrow(
      /^loadKerasModel: model.weights.h5: must be at most 34\d+ bytes/,
    );
  });

  test('a configuration with too many small values is rejected before it is parsed', async () => {
    const config = strToU8(`[${'{},'.repeat(3 * 2 ** 20)}{}]`);
    await expect(loadKerasModel(zipSync({ ...entries, 'config.json': config }))).rejects.toThrow(
      /^loadKerasModel: config.json: must have at most 1000000 values/,
    );
  });

  test('an archive without a Keras model is described in the error', async () => {
    const saved = zipSync({
      'model/saved_model.pb': new Uint8Array(9),
      'model/variables/variables.index': strToU8('x'),
    });
    await expect(loadKerasModel(saved)).rejects.toThrow(/got a SavedModel of TensorFlow; load it in Keras and save/);
    const outer = zipSync({ 'models/best.h5': fixture('legacy.h5') });
    await expect(loadKerasModel(outer)).rejects.toThrow(
      /got an archive of 'models\/best.h5'; unpack it and load that file/,
    );
  });

  test('an incomplete download is reported as incomplete', async () => {
    const whole = fixture('lstm.keras');
    await expect(loadKerasModel(whole.slice(0, -100))).rejects.toThrow(/got a truncated one; download it again/);
    for (const name of ['legacy.h5', 'lstm.weights.h5']) {
      const { length } = fixture(name);
      await expect(loadKerasModel(fixture(name).slice(0, length / 2))).rejects.toThrow(
        `loadKerasModel: the file: must be ${length} bytes long, got ${length / 2}; download it again`,
      );
    }
    const latest = unzipSync(fixture('many-latest.keras'))['model.weights.h5']!;
    await expect(loadKerasModel(latest.slice(0, 1000))).rejects.toThrow(/got 1000; download it again/);
  });

  test('an archive with a missing or corrupted part is rejected', async () => {
    for (const name of ['config.json', 'model.weights.h5']) {
      const { [name]: _, ...others } = entries;
      await expect(loadKerasModel(zipSync(others))).rejects.toThrow(`loadKerasModel: ${name}: must be in the archive`);
    }
    const stored = zipSync(entries, { level: 0 });
    const text = new TextDecoder('latin1').decode(stored);
    stored[text.indexOf('SNOD')]!++;
    await expect(loadKerasModel(stored)).rejects.toThrow('model.weights.h5: is damaged: its checksum does not match');
  });

  test('an unknown Keras version is rejected', async () => {
    for (const version of ['"4.0.0"', '7', '"x"', 'null']) {
      const metadata = strToU8(`{ "keras_version": ${version} }`);
      await expect(loadKerasModel(zipSync({ ...entries, 'metadata.json': metadata }))).rejects.toThrow(
        /^loadKerasModel: metadata.json: keras_version must be/,
      );
    }
  });
});

test('Keras 1 files are rejected with advice', async () => {
  const advice =
    /must be a Keras 2 or Keras 3 model, got a Keras 1 model; load it with Keras 2.0 to 2.3 and save it again$/;
  for (const name of ['keras1.h5', 'keras1-no-version.h5']) {
    await expect(loadKerasModel(fixture(name))).rejects.toThrow(advice);
  }
  await expect(loadKerasWeights(smallModel(), fixture('keras1.h5'))).rejects.toThrow(advice);
});

describe('HDF5 files with many references to the same bytes', () => {
  async function expectRejectedSoon(bytes: Uint8Array, message: RegExp) {
    const start = performance.now();
    await expect(loadKerasWeights(smallModel(), bytes)).rejects.toThrow(message);
    expect(performance.now() - start).toBeLessThan(3000);
  }

  test('40,000 links that share a name of 600,000 letters are rejected within 3 seconds', async () => {
    const [links, letters, nodes] = [10_000, 600_000, 4];
    const [header, heap, tree] = [128, 256, 512];
    const symbols = tree + 96 + 16 * nodes;
    const name = symbols + 72 + 40 * links;
    const bytes = Buffer.alloc(name + letters + 16);
    const address = (at: number, value: number) => bytes.writeBigUInt64LE(BigInt(value), at);
    bytes.set([0x89, 0x48, 0x44, 0x46, 13, 10, 26, 10, 0, 0, 0, 0, 0, 8, 8]);
    address(64, header);
    bytes.set([1, 0, 1], header); // one message of 24 bytes: a symbol table
    bytes.set([24], header + 8);
    bytes.set([0x11, 0, 16], header + 16);
    address(header + 24, tree);
    address(header + 32, heap);
    bytes.write('HEAP', heap);
    address(heap + 8, letters);
    address(heap + 24, name);
    bytes.write('TREE', tree);
    bytes.writeUInt16LE(nodes, tree + 6);
    for (let n = 0; n < nodes; n++) address(tree + 32 + 16 * n, symbols);
    bytes.write('SNOD', symbols);
    bytes.writeUInt16LE(links, symbols + 6);
    for (let n = 0; n < links; n++) address(symbols + 16 + 40 * n, header);
    bytes.fill('a', name, name + letters - 1);
    await expectRejectedSoon(bytes, /the file: must not refer to the same bytes repeatedly$/);
  });

  test.each([
    ['a path of 30,000 names that ends where it began', 'circle.h5.gz', /must have the 5 weights of the model, got 0$/],
    ['a path of 30,000 names with backslashes', 'backslashes.h5.gz', /repeatedly$|must be a group/],
  ])('%s is rejected within 3 seconds', async (_, name, message) => {
    await expectRejectedSoon(gunzipSync(fixture(name)), message);
  });
});

test('invalid arguments are rejected', async () => {
  await expect(loadKerasModel('x' as never)).rejects.toThrow(/bytes must be a Uint8Array/);
  await expect(loadKerasModel(new Uint8Array(0))).rejects.toThrow(/the file: must be an HDF5 file/);
  await expect(loadKerasModel(fixture('lstm.weights.h5'))).rejects.toThrow(/load weights alone with loadKerasWeights/);
  await expect(loadKerasWeights({} as never, new Uint8Array(0))).rejects.toThrow(
    /model must be made with sequential\(\) or model\(\)/,
  );
  await expect(toKeras(sequential())).rejects.toThrow(/model must have a layer/);
  await expect(toKerasWeights({} as never)).rejects.toThrow(/model must be made with sequential\(\) or model\(\)/);
  const model = smallModel();
  model.dispose();
  await expect(toKeras(model)).rejects.toThrow(ValueError);
  expect(backendInfo().memoryBytes).toBeLessThan(2 ** 28);
});
