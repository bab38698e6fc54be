// Functional models in ONNX: their files, and their predictions in onnxruntime-web.

import { input, layers, model, ones, sequential, type Tensor } from 'lstm-wasm';
import { loadOnnxModel, type ToOnnxOptions, toOnnx } from 'lstm-wasm/onnx';
import { expect, test } from 'vitest';
import { loadOnnxRuntimeWeb } from '../../scripts/onnxruntime.js';
import type { FunctionalModel } from '../../src/index.ts';
import { readModel } from '../../src/onnx/proto.ts';
import { expectClose } from '../compare.ts';
import { describeRejections } from '../facade/invalidArguments.ts';
import { floats, modelOf, node } from './build.ts';
import { graphCases, inputsOf } from './graphModels.ts';
import { testGraphs } from './graphRuns.ts';

testGraphs(await loadOnnxRuntimeWeb());

test.each(Object.entries(graphCases))(
  'a graph that was exported predicts the same when loaded: %s',
  async (_, graphCase) => {
    const net = graphCase.make();
    for (const options of [{}, { states: true }] as const) {
      const bytes = toOnnx(net, options);
      if (graphCase.refused) {
        await expect(loadOnnxModel(bytes)).rejects.toThrow(graphCase.refused);
        continue;
      }
      const copy = await loadOnnxModel(bytes);
      for (const steps of graphCase.steps ?? [5, 2].map(n => net.inputs.map(() => n))) {
        const x = inputsOf(net, graphCase, 3, steps);
        const [got, expected] = [copy, net].map(each => [each.predict<Tensor | Tensor[]>(Object.values(x))].flat());
        expect(got!.map(({ shape }) => shape)).toEqual(expected!.map(({ shape }) => shape));
        for (const [n, y] of expected!.entries()) expectClose(got![n]!.dataSync(), y.dataSync(), { abs: 2e-6, rel: 0 });
      }
    }
  },
);

test.each(Object.entries(graphCases).filter(([, { refused }]) => !refused))(
  'a loaded graph has the parameters and the names of the exported one: %s',
  async (_, { make, addsWeights }) => {
    const net = make();
    const copy = await loadOnnxModel(toOnnx(net));
    if (addsWeights) expect(copy.countParams()).toBeGreaterThan(net.countParams());
    else expect(copy.countParams()).toBe(net.countParams());
    if (net.inputs.length > 1) expect(copy.inputNames).toEqual(net.inputNames);
  },
);

test('a loaded graph keeps the names of its outputs, and can be trained', async () => {
  const copy = await loadOnnxModel(toOnnx(graphCases['two inputs and two outputs']!.make()));
  expect(copy.outputNames).toEqual(['mean', 'spread']);
  copy.compile({ loss: 'meanSquaredError', optimizer: 'sgd' });
  const [series, context] = [ones([2, 4, 3]), ones([2, 3])];
  const y = { mean: ones([2, 2]), spread: ones([2, 1]) };
  const losses = [];
  for (let n = 0; n < 5; n++) losses.push([copy.trainOnBatch({ series, context }, y)].flat()[0] as number);
  expect(losses.at(-1)).toBeLessThan(losses[0]!);
});

const residual = (blocks: number) => {
  const nodes = Array.from({ length: blocks }, (_, n) => [
    node('MatMul', [`a${n}`, 'kernel'], [`b${n}`]),
    node('Add', [`a${n}`, `b${n}`], [n === blocks - 1 ? 'y' : `a${n + 1}`]),
  ]).flat();
  return loadOnnxModel(
    modelOf({
      node: [node('Relu', ['x'], ['a0']), ...nodes],
      initializer: [floats('kernel', [3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9])],
    }),
  );
};

test('a graph of up to 1000 layers on each other loads, and a deeper one is rejected', async () => {
  const deep = await residual(499);
  // The input, the activation, the sums, and one dense layer that is called in all blocks
  expect(deep.layers).toHaveLength(1 + 1 + 499 + 1);
  await expect(residual(600)).rejects.toThrow('the graph must have at most 1000 layers, got more');
});

const graphOf = (net: FunctionalModel, options?: ToOnnxOptions) => readModel('test', toOnnx(net, options)).graph!;
type Info = ReturnType<typeof graphOf>['input'][number];
const namesOf = (list: readonly { name: string }[]) => list.map(({ name }) => name);
const shapesOf = (list: readonly Info[]) =>
  Object.fromEntries(
    list.map(({ name, type }) => [
      name,
      type!.tensorType!.shape!.dim.map(({ dimValue, dimParam }) => dimParam ?? dimValue),
    ]),
  );

test('a functional chain has the file of the sequential model with the same layers', () => {
  const make = () => [
    layers.lstm({ units: 2, name: 'a', inputShape: [null, 3] }),
    layers.dense({ units: 1, name: 'b' }),
  ];
  const x = input({ shape: [null, 3] });
  const net = model({ inputs: x, outputs: make().reduce((y, layer) => layer.apply(y), x), name: 'chain' });
  const chain = sequential({ layers: make(), name: 'chain' });
  chain.setWeights(net.getWeights());
  expect(toOnnx(net)).toEqual(toOnnx(chain));
});

test('inputs and outputs have their names, and time axes that differ have names of their own', () => {
  const [x, y] = ['x', 'y'].map(name => input({ shape: [null, 3], name }));
  const z = input({ shape: [3], name: 'z' });
  const sums = layers.add({ name: 'sums' }).apply([x!, z]);
  const joined = layers.concatenate({ axis: 1, name: 'joined' }).apply([x!, y!]);
  const scores = layers.dot({ axes: 2, name: 'scores' }).apply([x!, y!]);
  const graph = graphOf(model({ inputs: [x!, y!, z], outputs: [sums, joined, scores] }));
  expect(shapesOf(graph.input)).toEqual({ x: ['batch', 'x_time', 3], y: ['batch', 'y_time', 3], z: ['batch', 3] });
  expect(shapesOf(graph.output)).toEqual({
    sums: ['batch', 'x_time', 3],
    joined: ['batch', 'joined_time', 3],
    scores: ['batch', 'x_time', 'y_time'],
  });
});

test('inputs that are merged share the name of their time axis, and layers that need a number of steps fix it', () => {
  const [x, y] = ['x', 'y'].map(name => input({ shape: [4, 3], name }));
  const merged = layers.maximum({ name: 'merged' }).apply([x!, y!]);
  const open = graphOf(model({ inputs: [x!, y!], outputs: merged }));
  expect(shapesOf([...open.input, ...open.output])).toEqual({
    x: ['batch', 'time', 3],
    y: ['batch', 'time', 3],
    output: ['batch', 'time', 3],
  });
  const flat = layers.flatten({ name: 'flat' }).apply(merged);
  const fixed = graphOf(model({ inputs: [x!, y!], outputs: [merged, flat] }));
  expect(shapesOf([...fixed.input, ...fixed.output])).toEqual({
    x: ['batch', 4, 3],
    y: ['batch', 4, 3],
    merged: ['batch', 4, 3],
    flat: ['batch', 12],
  });
});

test('the weights of a shared layer are written once', () => {
  const [x, y] = ['x', 'y'].map(name => input({ shape: [null, 3], name }));
  const shared = [
    layers.bidirectional({ layer: layers.gru({ units: 2, returnSequences: true }), name: 'both' }),
    layers.multiHeadAttention({ numHeads: 2, keyDim: 2, name: 'heads' }),
    layers.timeDistributed({ layer: layers.dense({ units: 2, name: 'each' }) }),
  ] as const;
  const apply = (z: typeof x) => {
    const hidden = shared[0].apply(z!);
    return shared[2].apply(shared[1].apply([hidden, hidden]));
  };
  const { initializer, node } = graphOf(model({ inputs: [x!, y!], outputs: [apply(x), apply(y)] }));
  const weights = initializer.filter(({ dataType, dims }) => dataType === 1 && dims.length > 0);
  expect(weights).toHaveLength(3 + 8 + 2);
  expect(node.filter(({ opType }) => opType === 'GRU')).toHaveLength(2);
  for (const { name } of weights) expect(node.filter(one => one.input.includes(name))).toHaveLength(2);
});

test('layers with initial states have no states in the file', () => {
  const [x, y] = ['x', 'y'].map(name => input({ shape: [null, 3], name }));
  const [, ...states] = layers.lstm({ units: 2, returnState: true, name: 'encoder' }).apply(x!);
  const decoded = layers.lstm({ units: 2, name: 'decoder' }).apply(y!, { initialState: states });
  const graph = graphOf(model({ inputs: [x!, y!], outputs: decoded }), { states: true });
  expect(namesOf(graph.input)).toEqual(['x', 'y', 'encoder_h', 'encoder_c']);
  expect(namesOf(graph.output)).toEqual(['output', 'encoder_h_out', 'encoder_c_out']);
});

const withDropout =
  (layer: ReturnType<typeof layers.dropout | typeof layers.lstm | typeof layers.timeDistributed>) => () => {
    const x = input({ shape: [null, 3] });
    toOnnx(model({ inputs: x, outputs: layer.apply(x, { training: true }) }));
  };

describeRejections('toOnnx', [
  [
    'a dropout that is called with training: true',
    withDropout(layers.dropout({ rate: 0.5, name: 'drops' })),
    "layer 'drops' must not apply dropout in",
  ],
  [
    'a recurrent layer with dropout that is called with training: true',
    withDropout(layers.lstm({ units: 2, recurrentDropout: 0.5, name: 'cell' })),
    "layer 'cell' must not apply dropout in predictions",
  ],
  [
    'a wrapped dropout that is called with training: true',
    withDropout(layers.timeDistributed({ layer: layers.dropout({ rate: 0.5 }), name: 'wrapped' })),
    "layer 'wrapped' must not apply dropout in predictions",
  ],
]);

test('toOnnx rejects a batch normalization that is called with training: true, unless it is frozen', () => {
  const written = (trainable: boolean) => {
    const x = input({ shape: [3] });
    const layer = layers.batchNormalization({ name: 'norm', trainable });
    return toOnnx(model({ inputs: x, outputs: layer.apply(x, { training: true }) }));
  };
  expect(() => written(true)).toThrow(
    "toOnnx: layer 'norm' must use its moving statistics in predictions, got a call with training: true",
  );
  expect(written(false)).toBeInstanceOf(Uint8Array);
});

test('dropout of rate 0 may be called with training: true', () => {
  expect(withDropout(layers.dropout({ rate: 0 }))).not.toThrow();
});
