// Graphs of nodes over time, in forms that other writers have: ONNX Runtime and the loaded model compute the same.

import { loadOnnxModel, toOnnx } from 'lstm-wasm/onnx';
import { describe, expect, test } from 'vitest';
import { loadOnnxRuntimeWeb } from '../../scripts/onnxruntime.js';
import type { Draft, NodeProto, TensorProto } from '../../src/onnx/proto.ts';
import { expectBits, expectClose } from '../compare.ts';
import { attribute, floats, ints, modelOf, node } from './build.ts';
import { inputOf, T } from './models.ts';
import { open } from './runtime.ts';

const web = await loadOnnxRuntimeWeb();
const [columns, rows] = [attribute('perm', { ints: [0, 2, 1] }), attribute('perm', { ints: [0, 2, 1] })];
const toColumns = node('Transpose', ['x'], ['columns'], [columns]);
const toRows = (from: string) => node('Transpose', [from], ['y'], [rows]);
const list = (name: string, ...numbers: number[]) => attribute(name, { ints: numbers });
const flag = (name: string, i = 1) => attribute(name, { i });
const text = (name: string, s: string) => attribute(name, { s });

interface Case {
  nodes: Draft<NodeProto>[];
  tensors?: Draft<TensorProto>[];
  /** Absent for an open number of time steps. */
  fixed?: true;
  opset?: number;
  layers: string[];
}

/** A pooling node between two transposes. */
const pooling = (op: string, attributes: ReturnType<typeof attribute>[], layers: string[], more = {}): Case => ({
  nodes: [toColumns, node(op, ['columns'], ['pooled'], attributes), toRows('pooled')],
  layers,
  ...more,
});

const cases: { [name: string]: Case } = {
  'a MaxPool with the padding of both ends': pooling(
    'MaxPool',
    [list('kernel_shape', 3), list('pads', 1, 1), list('strides', 1)],
    ['MaxPooling1D'],
  ),
  'a MaxPool that leaves out a step': pooling(
    'MaxPool',
    [list('kernel_shape', 2), list('strides', 2)],
    ['MaxPooling1D'],
  ),
  'a MaxPool without strides': pooling('MaxPool', [list('kernel_shape', 2)], ['MaxPooling1D']),
  'an AveragePool with SAME_UPPER': pooling(
    'AveragePool',
    [list('kernel_shape', 3), list('strides', 2), text('auto_pad', 'SAME_UPPER')],
    ['AveragePooling1D'],
  ),
  'an AveragePool with VALID': pooling(
    'AveragePool',
    [list('kernel_shape', 2), list('strides', 2), text('auto_pad', 'VALID')],
    ['AveragePooling1D'],
  ),
  'an AveragePool that counts its padding': pooling(
    'AveragePool',
    [list('kernel_shape', 3), list('strides', 2), list('pads', 1, 1), flag('count_include_pad')],
    ['ZeroPadding1D', 'AveragePooling1D'],
  ),
  'an AveragePool with the padding of a known length': pooling(
    'AveragePool',
    [list('kernel_shape', 4), list('strides', 3), list('pads', 1, 1)],
    ['AveragePooling1D'],
    { fixed: true },
  ),
  'a GlobalMaxPool': {
    nodes: [toColumns, node('GlobalMaxPool', ['columns'], ['pooled']), node('Squeeze', ['pooled', 'two'], ['y'])],
    tensors: [ints('two', [2])],
    layers: ['GlobalMaxPooling1D'],
  },
  'a GlobalAveragePool and a Flatten': {
    nodes: [toColumns, node('GlobalAveragePool', ['columns'], ['pooled']), node('Flatten', ['pooled'], ['y'])],
    layers: ['GlobalAveragePooling1D'],
  },
  'a ReduceMean of columns, which keeps the axis': {
    nodes: [
      toColumns,
      node('ReduceMean', ['columns'], ['mean'], [list('axes', -1), flag('keepdims')]),
      node('Squeeze', ['mean', 'two'], ['y']),
    ],
    tensors: [ints('two', [2])],
    layers: ['GlobalAveragePooling1D'],
  },
  'a Pad and a Slice of columns': {
    nodes: [
      toColumns,
      node('Pad', ['columns', 'pads', 'zero'], ['padded'], [text('mode', 'constant')]),
      node('Slice', ['padded', 'from', 'to', 'last'], ['sliced']),
      toRows('sliced'),
    ],
    tensors: [
      ints('pads', [0, 0, 2, 0, 0, 1]),
      { ...floats('zero', [], [0]) },
      ints('from', [1]),
      ints('to', [-1]),
      ints('last', [2]),
    ],
    layers: ['ZeroPadding1D', 'Cropping1D'],
  },
  'a Slice from the end of a known length': {
    nodes: [node('Slice', ['x', 'from', 'to', 'one'], ['y'])],
    tensors: [ints('from', [-3]), ints('to', [T + 9]), ints('one', [1])],
    fixed: true,
    layers: ['Cropping1D'],
  },
  'a Resize with default coordinates': {
    nodes: [
      toColumns,
      node('Resize', ['columns', '', 'scales'], ['large'], [text('mode', 'nearest')]),
      toRows('large'),
    ],
    tensors: [floats('scales', [3], [1, 1, 3])],
    layers: ['UpSampling1D'],
  },
  'a Resize to a size': {
    nodes: [
      node('Shape', ['x'], ['shape']),
      node('Gather', ['shape', 'zero'], ['batch']),
      node('Concat', ['batch', 'large'], ['sizes'], [flag('axis', 0)]),
      node(
        'Resize',
        ['x', '', '', 'sizes'],
        ['y'],
        [text('coordinate_transformation_mode', 'asymmetric'), text('nearest_mode', 'floor')],
      ),
    ],
    tensors: [ints('zero', [0]), ints('large', [2 * T, 3])],
    fixed: true,
    layers: ['UpSampling1D'],
  },
  'an Upsample': {
    nodes: [node('Upsample', ['x', 'scales'], ['y'], [text('mode', 'nearest')])],
    tensors: [floats('scales', [3], [1, 2, 1])],
    opset: 9,
    layers: ['UpSampling1D'],
  },
  'a PRelu with one slope for all': {
    nodes: [node('PRelu', ['x', 'slope'], ['y'])],
    tensors: [floats('slope', [1], [0.25])],
    layers: ['PReLU'],
  },
  'a PRelu of columns with a slope for each': {
    nodes: [toColumns, node('PRelu', ['columns', 'slope'], ['bent']), toRows('bent')],
    tensors: [floats('slope', [3, 1], [0.25, -0.5, 2])],
    layers: ['PReLU'],
  },
  'a PRelu of columns with a slope for each number': {
    nodes: [toColumns, node('PRelu', ['columns', 'slope'], ['bent']), toRows('bent')],
    tensors: [
      floats(
        'slope',
        [3, T],
        Array.from({ length: 3 * T }, (_, n) => Math.fround(Math.sin(n))),
      ),
    ],
    fixed: true,
    layers: ['PReLU'],
  },
  'a ThresholdedRelu with its default': { nodes: [node('ThresholdedRelu', ['x'], ['y'])], layers: ['ThresholdedReLU'] },
  'columns as the output': { nodes: [node('Transpose', ['x'], ['y'], [columns])], fixed: true, layers: ['Permute'] },
  'a softmax over time': {
    nodes: [toColumns, node('Softmax', ['columns'], ['soft'], [flag('axis', -1)]), toRows('soft')],
    fixed: true,
    layers: ['Permute', 'Activation', 'Permute'],
  },
};

function bytesOf({ nodes, tensors = [], fixed, opset = 17 }: Case): Uint8Array {
  const dim = [{ dimParam: 'batch' }, fixed ? { dimValue: T } : { dimParam: 'time' }, { dimValue: 3 }];
  const input = [{ name: 'x', type: { tensorType: { elemType: 1, shape: { dim } } } }];
  const output = [{ name: 'y', type: { tensorType: { elemType: 1 } } }];
  return modelOf(
    { input, output, initializer: tensors, node: nodes },
    { opsetImport: [{ domain: '', version: opset }], irVersion: 8 },
  );
}

test.each(Object.entries(cases))('loadOnnxModel computes the same as ONNX Runtime: %s', async (_, given) => {
  const bytes = bytesOf(given);
  const model = await loadOnnxModel(bytes);
  expect(model.layers.map(({ className }) => className)).toEqual(given.layers);
  const session = await open(web, bytes);
  const again = await loadOnnxModel(toOnnx(model));
  for (const [batch, steps] of [[1, T], [3, T], ...(given.fixed ? [] : [[2, 4]])] as [number, number][]) {
    const x = inputOf({ make: () => [] }, batch, steps);
    const { y } = await session.run({ x });
    const predicted = model.predict(x);
    expect(y!.shape).toEqual(predicted.shape);
    expectClose(predicted.dataSync(), y!.dataSync(), { abs: 1e-6, rel: 1e-6 });
    expectBits(again.predict(x).dataSync(), predicted.dataSync());
  }
  await session.close();
});

describe('graphs that are refused', () => {
  test.each<[string, Case, RegExp]>([
    [
      'padding that no layer has',
      pooling('MaxPool', [list('kernel_shape', 3), list('strides', 2), list('pads', 1, 1)], []),
      /MaxPool\): must be padded for as many windows as strides, with the smaller half first, got pads \[1, 1\]/,
    ],
    ['SAME_LOWER', pooling('MaxPool', [list('kernel_shape', 2), text('auto_pad', 'SAME_LOWER')], []), /got SAME_LOWER/],
    [
      'dilations',
      pooling('MaxPool', [list('kernel_shape', 2), list('dilations', 2)], []),
      /must have no dilations and no ceil_mode/,
    ],
    [
      'ceil_mode',
      pooling('AveragePool', [list('kernel_shape', 2), flag('ceil_mode')], []),
      /must have no dilations and no ceil_mode/,
    ],
    ['windows of two axes', pooling('MaxPool', [list('kernel_shape', 2, 2)], []), /must have windows of one axis/],
    [
      'a window longer than the sequence',
      pooling('MaxPool', [list('kernel_shape', T + 1)], [], { fixed: true }),
      /needs at least 6 time steps for padding 'valid', got 5/,
    ],
    [
      'a maximum over features',
      { nodes: [node('ReduceMax', ['x'], ['y'], [list('axes', 2)])], layers: [] },
      /ReduceMax\): must reduce the time steps/,
    ],
    [
      'padding of features',
      { nodes: [node('Pad', ['x', 'pads'], ['y'])], tensors: [ints('pads', [0, 0, 1, 0, 0, 0])], layers: [] },
      /Pad\): must change the time steps, got the axis 2/,
    ],
    [
      'padding by reflection',
      {
        nodes: [node('Pad', ['x', 'pads'], ['y'], [text('mode', 'reflect')])],
        tensors: [ints('pads', [0, 1, 0, 0, 0, 0])],
        layers: [],
      },
      /Pad\): must add zeros at both ends of each axis/,
    ],
    [
      'interpolation',
      {
        nodes: [node('Resize', ['x', '', 'scales'], ['y'], [text('mode', 'linear')])],
        tensors: [floats('scales', [3], [1, 2, 1])],
        layers: [],
      },
      /Resize\): must repeat the numbers of an axis/,
    ],
    [
      'repetition by half',
      {
        nodes: [node('Resize', ['x', '', 'scales'], ['y'], [text('mode', 'nearest')])],
        tensors: [floats('scales', [3], [1, 1.5, 1])],
        layers: [],
      },
      /Resize\): must repeat time steps a whole number of times, got the scales \[1, 1.5, 1\]/,
    ],
    [
      'slopes for each sample',
      { nodes: [node('PRelu', ['x', 'slope'], ['y'])], tensors: [floats('slope', [2, 1, 1], [1, 2])], layers: [] },
      /PRelu\): its slopes must fit \[batch, time, width\] without the batch, got \[2, 1, 1\]/,
    ],
    [
      'columns of an open number of time steps',
      { nodes: [node('Transpose', ['x'], ['y'], [columns])], layers: [] },
      /must have a fixed number of time steps where they are read as features/,
    ],
    [
      'a slice of nothing',
      {
        nodes: [node('Slice', ['x', 'from', 'to', 'from'], ['y'])],
        tensors: [ints('from', [1]), ints('to', [1])],
        fixed: true,
        layers: [],
      },
      /Slice\): must keep at least one time step, got none/,
    ],
  ])('loadOnnxModel refuses %s', async (_, given, message) => {
    await expect(loadOnnxModel(bytesOf(given))).rejects.toThrow(message);
  });
});
