// The contents of files written by `toOnnx`, and the models and options that it rejects.

import { layers, type Sequential, sequential, tensor } from 'lstm-wasm';
import { type ToOnnxOptions, toOnnx } from 'lstm-wasm/onnx';
import { expect, test } from 'vitest';
import { readModel } from '../../src/onnx/proto.ts';
import { describeRejections, wrong } from '../facade/invalidArguments.ts';

/** The graph in the file of a model. */
const graphOf = (model: Sequential, options?: ToOnnxOptions) => readModel('test', toOnnx(model, options)).graph!;

const namesOf = (list: readonly { name: string }[]) => list.map(({ name }) => name);

const lstm = (more: object = {}) => layers.lstm({ units: 2, name: 'one', inputShape: [5, 1], ...more });

test('toOnnx adds state inputs and outputs only with the option states', () => {
  const model = sequential({ layers: [lstm()] });
  expect(namesOf(graphOf(model).input)).toEqual(['input']);
  expect(namesOf(graphOf(model).output)).toEqual(['output']);
  for (const states of [true, 'optional'] as const) {
    const graph = graphOf(model, { states });
    expect(namesOf(graph.input)).toEqual(['input', 'one_h', 'one_c']);
    expect(namesOf(graph.output)).toEqual(['output', 'one_h_out', 'one_c_out']);
    // Optional inputs have a default value in the file.
    const given = namesOf(graph.initializer).filter(name => namesOf(graph.input).includes(name));
    expect(given).toEqual(states === true ? [] : ['one_h', 'one_c']);
  }
});

test('axes are dynamic unless a layer fixes them, and the file names version, opset and producer', () => {
  const shapeOf = (info: ReturnType<typeof graphOf>['input'][number]) =>
    info.type!.tensorType!.shape!.dim.map(({ dimValue, dimParam }) => dimParam ?? dimValue);
  const open = graphOf(sequential({ layers: [lstm({ returnSequences: true })], name: 'mine' }));
  expect(open.name).toBe('mine');
  expect([open.input[0]!, open.output[0]!].map(shapeOf)).toEqual([
    ['batch', 'time', 1],
    ['batch', 'time', 2],
  ]);
  const fixed = graphOf(sequential({ layers: [lstm({ returnSequences: true }), layers.flatten()] }), { name: 'other' });
  expect(fixed.name).toBe('other');
  expect([fixed.input[0]!, fixed.output[0]!].map(shapeOf)).toEqual([
    ['batch', 5, 1],
    ['batch', 10],
  ]);
  const { irVersion, opsetImport, producerName } = readModel('test', toOnnx(sequential({ layers: [lstm()] })));
  expect({ irVersion, opsetImport, producerName }).toEqual({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    producerName: 'lstm-wasm',
  });
});

test('value names are unique even if layer names collide with them', () => {
  const model = sequential({
    layers: [
      layers.lstm({ units: 2, name: 'input', returnSequences: true, inputShape: [null, 1] }),
      layers.simpleRNN({ units: 2, name: 'a', returnSequences: true }),
      layers.dense({ units: 2, name: 'a_h' }),
      layers.dense({ units: 2, name: 'output', activation: 'mish' }),
    ],
  });
  const { node, input, initializer } = graphOf(model, { states: true });
  const names = [...node.flatMap(({ output }) => output), ...namesOf(input)];
  expect(new Set(names).size).toBe(names.length);
  expect(new Set(namesOf(initializer)).size).toBe(initializer.length);
});

test('weights are written bit for bit, and exporting does not change the model', () => {
  const model = sequential({ layers: [layers.dense({ units: 3, inputShape: [2], name: 'only' })] });
  const bits = Float32Array.of(-0, 1e-42, 3.4e38, -1, 0.1, 7);
  model.setWeights([tensor(bits, [2, 3]), [1, 2, 3]]);
  const again = toOnnx(model);
  expect(toOnnx(model)).toEqual(again);
  const { rawData } = readModel('test', again).graph!.initializer.find(({ name }) => name === 'only/kernel')!;
  expect([...rawData!]).toEqual([...new Uint8Array(bits.buffer)]);
});

const lstmModel = (more: object) => sequential({ layers: [lstm(more)] });

describeRejections('toOnnx', [
  ['null as model', () => toOnnx(wrong(null)), 'model must be made with sequential() or model(), got null'],
  ['an empty model', () => toOnnx(sequential()), 'model must have a layer'],
  ['an unknown option', () => toOnnx(lstmModel({}), wrong({ opsett: 17 })), "did you mean 'opset'"],
  ['an old opset', () => toOnnx(lstmModel({}), { opset: 13 }), 'opset must be an integer from 14 to 17, got 13'],
  ['a fractional opset', () => toOnnx(lstmModel({}), { opset: 14.5 }), 'got 14.5'],
  [
    'states that are a list',
    () => toOnnx(lstmModel({}), wrong({ states: [] })),
    "states must be true, false or 'optional'",
  ],
  ['an empty name', () => toOnnx(lstmModel({}), { name: '' }), 'name must be a non-empty string'],
  [
    'a gate activation that ONNX does not have',
    () => toOnnx(lstmModel({ recurrentActivation: 'gelu' })),
    "recurrentActivation of 'one' must be supported by LSTM nodes of ONNX",
  ],
  [
    'a projection',
    () => toOnnx(lstmModel({ projectionUnits: 2 })),
    "layer 'one' must have no projection and no normalization inside to be an operator of ONNX, got projectionUnits: 2",
  ],
  ['layer normalization in a cell', () => toOnnx(lstmModel({ layerNormalization: true })), 'layerNormalization: true'],
  [
    'layer normalization in a simpleRNN',
    () =>
      toOnnx(sequential({ layers: [layers.simpleRNN({ units: 2, layerNormalization: true, inputShape: [3, 2] })] })),
    'layerNormalization: true',
  ],
  ['an activation that ONNX does not have', () => toOnnx(lstmModel({ activation: 'relu6' })), "got 'relu6'"],
  [
    'a disposed model',
    () => {
      const model = lstmModel({});
      model.dispose();
      toOnnx(model);
    },
    'the model must not be used after dispose()',
  ],
]);
