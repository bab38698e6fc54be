// Functional models in the files of Keras. Keras itself does not run here: make_fixtures.py writes the files in
// test/saving/keras, and walk.py reads ours; both follow the Keras source.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import * as lw from 'lstm-wasm';
import { type FunctionalModel, input, type LayersModel, layers, model, sequential } from 'lstm-wasm';
import { loadKerasModel, loadKerasWeights, toKeras, toKerasWeights } from 'lstm-wasm/keras';
import { beforeAll, describe, expect, test } from 'vitest';
import { sizeOf } from '../../src/util/shapes.ts';
import type { Library } from '../tfjs/build.ts';
import { graphs } from './graphs.ts';

const folder = fileURLToPath(new URL('keras/', import.meta.url));
const fixture = (name: string) => new Uint8Array(readFileSync(`${folder}${name}`));

const bitsIn = (tensors: lw.Tensor[]) =>
  tensors.map(tensor => [tensor.shape, [...new Uint32Array(tensor.dataSync().slice().buffer)]]);
const bitsOf = (model: LayersModel) => bitsIn(model.getWeights());

/** The predictions for two samples, as bits. */
function predictionsOf(model: LayersModel) {
  const x = model.inputs.map(({ shape }) => {
    const sizes = shape.map(n => n ?? 2);
    return lw.tensor(
      Float32Array.from({ length: sizeOf(sizes) }, (_, n) => Math.sin(n)),
      sizes,
    );
  });
  const y = model.predict<lw.Tensor | lw.Tensor[]>(x.length === 1 ? x[0]! : x);
  return bitsIn([y].flat());
}

/** The graph of graph.keras and graph.h5, with the weights sin(0), sin(1), ... in order. */
function expectedGraph(): FunctionalModel {
  const dense = (name: string) => layers.dense({ units: 2, name });
  const p = input({ shape: [2], name: 'p' });
  const d1 = dense('d1');
  const line = model({ inputs: p, outputs: dense('d2').apply(d1.apply(d1.apply(p))), name: 'line' });
  const [a, a2] = ['a', 'a2'].map(name => input({ shape: [4, 2], name }));
  const [h, c] = ['h', 'c'].map(name => input({ shape: [2], name }));
  const shared = layers.lstm({ units: 2, name: 'shared' });
  const first = shared.apply(a!);
  const second = shared.apply(a2!, { initialState: [dense('k').apply(h!), c!] });
  const outputs = [dense('out').apply(line.apply(first)), line.apply(second)];
  const graph = model({ inputs: [a!, a2!, h!, c!], outputs, name: 'graph' });
  let next = 0;
  graph.setWeights(
    graph.getWeights().map(({ shape }) => {
      return lw.tensor(
        Float32Array.from({ length: sizeOf(shape as number[]) }, () => Math.sin(next++)),
        shape as number[],
      );
    }),
  );
  return graph;
}

describe.each(['graph.keras', 'graph.h5'])('%s', name => {
  test('a graph with a shared layer, initial states and a nested model loads with its weights', async () => {
    const found = await loadKerasModel<FunctionalModel>(fixture(name));
    const expected = expectedGraph();
    expect(found.className).toBe('Functional');
    expect(found.layers.map(layer => layer.name)).toEqual(['a', 'h', 'shared', 'a2', 'k', 'c', 'line', 'out']);
    expect(found.inputNames).toEqual(['a', 'a2', 'h', 'c']);
    expect(found.outputNames).toEqual(expected.outputNames);
    expect(bitsOf(found)).toEqual(bitsOf(expected));
    expect(predictionsOf(found)).toEqual(predictionsOf(expected));
  });

  test('its weights load into a model of the same layers', async () => {
    const expected = expectedGraph();
    const other = expectedGraph();
    other.setWeights(other.getWeights().map(weight => weight.mul(2)));
    await loadKerasWeights(other, fixture(name));
    expect(bitsOf(other)).toEqual(bitsOf(expected));
  });
});

test('a layer that is frozen in the file is frozen in the model', async () => {
  const found = await loadKerasModel<FunctionalModel>(fixture('graph.h5'));
  const line = found.getLayer('line') as FunctionalModel;
  expect(line.layers.map(({ name, trainable }) => [name, trainable])).toEqual([
    ['p', true],
    ['d1', false],
    ['d2', true],
  ]);
});

const python = '/usr/bin/python3';
let skipReason = '';
beforeAll(() => {
  try {
    execFileSync(python, ['-c', 'import h5py'], { stdio: 'ignore' });
  } catch {
    skipReason = 'needs python3-h5py';
  }
});

/** What the Keras loader would find in a file, according to walk.py. */
function walk(bytes: Uint8Array) {
  const directory = mkdtempSync(`${tmpdir()}/keras-`);
  try {
    writeFileSync(`${directory}/model.keras`, bytes);
    return JSON.parse(execFileSync(python, [`${folder}walk.py`, `${directory}/model.keras`], { encoding: 'utf8' }));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const all: Record<string, (lib: Library) => Library> = {
  ...graphs,
  'the graph of graph.keras': () => expectedGraph() as Library,
  'attention layers': () => {
    const [q, v] = [input({ shape: [4, 3], name: 'q' }), input({ shape: [5, 3], name: 'v' })];
    const heads = layers.multiHeadAttention({ numHeads: 2, keyDim: 2, useCausalMask: true, name: 'heads' });
    const luong = layers.attention({ returnAttentionScores: true, useScale: true, name: 'luong' });
    const [context, scores] = luong.apply([heads.apply([q, q]), heads.apply([q, v])]);
    const two = layers.bidirectional({ layer: layers.gru({ units: 2, name: 'gru' }), mergeMode: null, name: 'two' });
    return model({ inputs: [q, v], outputs: [context!, scores!, ...two.apply(v)], name: 'attention' }) as Library;
  },
};

const booleans = (name: string, steps = 4) => input({ shape: [steps], name });
Object.assign(all, {
  'masks that calls are given': () => {
    const [x, m] = [input({ shape: [4, 3], name: 'x' }), booleans('m')];
    const [v, w] = [input({ shape: [5, 3], name: 'v' }), booleans('w', 5)];
    const wide = layers.timeDistributed({ layer: layers.dense({ units: 3, name: 'wide' }), name: 'each' });
    const seq = layers.lstm({ units: 3, returnSequences: true, name: 'lstm_A' }).apply(wide.apply(x, { mask: m }));
    const heads = layers.multiHeadAttention({ numHeads: 2, keyDim: 2, name: 'heads' });
    const [h, k] = [heads.apply([x, v], { mask: [null, w] }), heads.apply([v, v], { mask: [null, w] })];
    const luong = layers.attention({ name: 'luong' }).apply([k, x], { mask: [null, m] });
    const last = layers.gru({ units: 3, name: 'gru' });
    const outputs = [last.apply(luong, { mask: w }), last.apply(h), last.apply(seq)];
    return model({ inputs: [x, m, v, w], outputs, name: 'given' }) as Library;
  },
  'a masking layer over one of two equal layers': () => {
    const [x, z] = [input({ shape: [4, 3], name: 'x' }), input({ shape: [4, 3], name: 'z' })];
    const dense = (name: string) => layers.dense({ units: 3, name });
    const masked = layers.masking({ name: 'masking' }).apply(dense('below').apply(x));
    const first = layers.lstm({ units: 2, name: 'first' }).apply(masked);
    const twice = dense('other').apply(dense('another').apply(z));
    const second = layers.lstm({ units: 2, name: 'second' }).apply(twice);
    const sum = layers.add({ name: 'sum' }).apply([second, first]);
    return model({ inputs: [x, z], outputs: dense('last').apply(sum), name: 'branches' }) as Library;
  },
  'merged masks over shared layers': () => {
    const [x, z] = [input({ shape: [4, 3], name: 'x' }), input({ shape: [4, 3], name: 'z' })];
    const dense = (name: string) => layers.dense({ units: 3, name });
    const [a, b] = [dense('a'), dense('b')];
    const masked = [a.apply(x), b.apply(z)].map((y, n) => layers.masking({ name: `m${n}` }).apply(y));
    const sum = layers.add({ name: 'sum' }).apply([...masked, masked[0]!]);
    const wide = layers
      .concatenate({ name: 'wide' })
      .apply([sum, dense('c').apply(dense('d').apply(dense('e').apply(z)))]);
    const last = layers.lstm({ units: 2, name: 'last' }).apply(wide);
    const other = layers.gru({ units: 2, name: 'other' }).apply(sum);
    return model({ inputs: [x, z], outputs: [last, other], name: 'merged' }) as Library;
  },
} satisfies typeof all);

test('toKeras refuses masks that Keras has no argument for', async () => {
  const x = input({ shape: [4, 3], name: 'x' });
  const m = booleans('m');
  const masked = layers.masking({ name: 'masking' }).apply(x);
  const heads = layers.multiHeadAttention({ numHeads: 1, keyDim: 2, name: 'heads' });
  const last = layers.gru({ units: 2, name: 'gru' });
  const refused: [lw.SymbolicTensor, string][] = [
    [
      layers.dense({ units: 2, name: 'wide' }).apply(x, { mask: m }),
      'toKeras: wide.calls[0]: the call must not be given a mask: only recurrent, timeDistributed, batchNormalization, globalAveragePooling1d and attention layers take masks in Keras, got a Dense layer',
    ],
    [
      last.apply(masked, { mask: [null] }),
      'toKeras: gru.calls[0]: must not remove the mask of an input, because Keras then uses that mask',
    ],
    [
      heads.apply([x, x], { mask: [m, null] }),
      'toKeras: heads.calls[0]: must not be given a mask of the query, which Keras does not pass on',
    ],
    [
      layers.multiHeadAttention({ numHeads: 1, keyDim: 2, name: 'heads' }).apply([x, masked], { mask: [m, null] }),
      'toKeras: heads.calls[0]: must not remove the mask of an input, because Keras then uses that mask',
    ],
  ];
  for (const [outputs, message] of refused) {
    const inputs = message.includes('gru') ? x : [x, m];
    await expect(toKeras(model({ inputs, outputs }))).rejects.toThrow(message);
  }
});

describe.each(Object.entries(all))('%s', (_name, build) => {
  const make = () => build(lw as unknown as Library) as unknown as LayersModel;

  test('toKeras and loadKerasModel keep the structure, the weights and the predictions bit for bit', async () => {
    const first = make();
    const again = await loadKerasModel<LayersModel>(await toKeras(first));
    expect(again.className).toBe(first.className);
    expect(again.getConfig()).toEqual(first.getConfig());
    expect(bitsOf(again)).toEqual(bitsOf(first));
    expect(predictionsOf(again)).toEqual(predictionsOf(first));
  });

  test('toKerasWeights and loadKerasWeights keep the weights bit for bit', async () => {
    const [first, second] = [make(), make()];
    await loadKerasWeights(second, await toKerasWeights(first));
    expect(bitsOf(second)).toEqual(bitsOf(first));
  });

  test('toKeras writes the weights of each layer where the Keras loader expects them', async context => {
    if (skipReason) return context.skip(skipReason);
    const first = make();
    const { variables, layers: names } = walk(await toKeras(first)) as {
      variables: { shape: number[]; bits: number[] }[];
      layers: string[];
    };
    const found = variables.map(({ shape, bits }) => [shape, bits]);
    // Keras visits the backward layer of a bidirectional layer first
    const isOrdered = !JSON.stringify(first.getConfig()).includes('"Bidirectional"');
    const inOrder = (list: unknown[]) => (isOrdered ? list : list.map(each => JSON.stringify(each)).sort());
    const expected = names.flatMap(name => bitsIn(first.getLayer(name).getWeights()));
    expect(inOrder(found)).toEqual(inOrder(expected));
  });
});

test('toKeras counts the calls of nested functional models as Keras 3 does', async () => {
  const bytes = await toKeras(expectedGraph());
  const { config } = walkConfig(bytes);
  expect(config.input_layers).toEqual(['a', 'a2', 'h', 'c'].map(name => [name, 0, 0]));
  expect(config.output_layers).toEqual([
    ['out', 0, 0],
    ['line', 2, 0],
  ]);
  const tensorOf = (name: string, call: number, shape: (number | null)[]) => ({
    class_name: '__keras_tensor__',
    config: { shape, dtype: 'float32', keras_history: [name, call, 0] },
  });
  const nodesOf = (name: string) => config.layers.find((layer: { name: string }) => layer.name === name).inbound_nodes;
  expect(nodesOf('out')).toEqual([{ args: [tensorOf('line', 0, [null, 2])], kwargs: {} }]);
  expect(nodesOf('shared')[1]).toEqual({
    args: [tensorOf('a2', 0, [null, 4, 2])],
    kwargs: { initial_state: [tensorOf('k', 0, [null, 2]), tensorOf('c', 0, [null, 2])] },
  });
});

/** The configuration in config.json, in an archive without compression. */
function walkConfig(bytes: Uint8Array) {
  const text = new TextDecoder('latin1').decode(bytes);
  const from = text.indexOf('config.json') + 'config.json'.length;
  return JSON.parse(text.slice(from, text.indexOf('PK\u0003\u0004', from)));
}

test('weights of a file with other layers are rejected', async () => {
  const other = sequential({ layers: [layers.dense({ units: 2, inputShape: [2] })] });
  await expect(loadKerasWeights(other, fixture('graph.h5'))).rejects.toThrow(
    /must have the 2 weights of the model, got 11/,
  );
});

test('toKeras writes the masks of globalAveragePooling1d calls, and loadKerasModel reads them', async () => {
  const x = input({ shape: [3, 2], name: 'x' });
  const given = input({ shape: [3], name: 'given' });
  const mean = () => layers.globalAveragePooling1d();
  const masked = layers.masking({ maskValue: Math.fround(Math.sin(2)) }).apply(x);
  const net = model({ inputs: [x, given], outputs: [mean().apply(x, { mask: given }), mean().apply(masked)] });
  const copy = await loadKerasModel(await toKeras(net));
  expect(predictionsOf(copy)).toEqual(predictionsOf(net));
});
