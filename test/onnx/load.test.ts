// Loading ONNX files of `toOnnx` and PyTorch, and equivalent graphs of other operators.

import { readFileSync } from 'node:fs';
import { layers, ones, sequential, setRandomSeed, train } from 'lstm-wasm';
import { loadOnnxModel, toOnnx } from 'lstm-wasm/onnx';
import { describe, expect, test } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';
import { attribute, floats, type GraphParts, ints, modelOf, node } from './build.ts';
import { cases, inputOf, layersOf, T } from './models.ts';

const close = { abs: 1e-5, rel: 0 };

describe('files of toOnnx', () => {
  test.each(Object.entries(cases))('%s: the loaded model predicts the same bits', async (name, which) => {
    const model = sequential({ layers: layersOf(name), name: 'mine' });
    for (const states of [false, true, 'optional'] as const) {
      const bytes = toOnnx(model, { states });
      if (which.refused) {
        await expect(loadOnnxModel(bytes)).rejects.toThrow(which.refused);
        continue;
      }
      const copy = await loadOnnxModel(bytes);
      expect(copy.name).toBe('mine');
      for (const [batch, steps] of [
        [1, T],
        [3, which.fixed ? T : 2],
      ] as [number, number][]) {
        const x = inputOf(which, batch, steps);
        const [got, expected] = [copy.predict(x), model.predict(x)];
        expect(got.shape).toEqual(expected.shape);
        expectClose(got.dataSync(), expected.dataSync(), { abs: 0, rel: 0 }); // bits, but for the sign of zero
      }
    }
  });

  test('layers with weights keep their names and bits', async () => {
    const model = sequential({
      layers: [
        layers.embedding({ inputDim: 5, outputDim: 2, name: 'words' }),
        layers.bidirectional({ layer: layers.gru({ units: 2, returnSequences: true }), name: 'both' }),
        layers.lstm({ units: 3, useBias: false, name: 'top' }),
        layers.dense({ units: 2, activation: 'softmax', name: 'end' }),
      ],
    });
    const copy = await loadOnnxModel(toOnnx(model));
    expect(copy.layers.map(({ name }) => name)).toEqual(['words', 'both', 'top', 'end']);
    const [got, expected] = [copy.getWeights(), model.getWeights()];
    expect(got.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape));
    for (const [n, weight] of expected.entries()) expectBits(got[n]!.dataSync(), weight.dataSync());
    expect(toOnnx(copy, { name: model.name })).toEqual(toOnnx(model));
  });
});

interface Expected {
  [name: string]: { x: number[][] | number[][][]; y: number[]; shape: number[] };
}
const folder = new URL('./torch/', import.meta.url);
const fixture = (name: string) => readFileSync(new URL(`${name}.onnx`, folder));
const expected: Expected = JSON.parse(readFileSync(new URL('expected.json', folder), 'utf8'));

describe('files with peepholes', () => {
  const folder = new URL('./peepholes/', import.meta.url);
  const cases: { [name: string]: { x: number[][][]; y: number[][][] } } = JSON.parse(
    readFileSync(new URL('expected.json', folder), 'utf8'),
  );

  test.each(Object.entries(cases))('%s predicts the numbers of the ONNX project', async (name, { x, y }) => {
    const model = await loadOnnxModel(readFileSync(new URL(`${name}.onnx`, folder)));
    expect(model.layers[0]!.getConfig().usePeepholes).toBe(true);
    expectClose(model.predict(x).dataSync(), y.flat(2), close);
  });
});

describe('files of PyTorch', () => {
  test.each(Object.entries(expected))('%s predicts the same as PyTorch', async (name, { x, y, shape }) => {
    const model = await loadOnnxModel(fixture(name));
    const prediction = model.predict(x);
    expect(prediction.shape).toEqual(shape);
    expectClose(prediction.dataSync(), y, close);
    // One sample at a time.
    const alone = x.flatMap(sample => [...model.predict([sample] as number[][]).dataSync()]);
    expectClose(alone, y, close);
  });

  test('a model of PyTorch can be trained further', async () => {
    setRandomSeed(1);
    const model = await loadOnnxModel(fixture('lstm-two-layers-bidirectional'));
    const { x, shape } = expected['lstm-two-layers-bidirectional']!;
    const target = Array.from({ length: shape.reduce((a, b) => a * b) }, (_, n) => Math.sin(n));
    const y = sequential({ layers: [layers.reshape({ targetShape: [5, 2], inputShape: [10] })] }).predict(
      [0, 1, 2].map(row => target.slice(10 * row, 10 * row + 10)),
    );
    model.compile({ optimizer: train.adam(0.02), loss: 'meanSquaredError' });
    const losses = Array.from({ length: 60 }, () => model.trainOnBatch(x, y) as number);
    expect(losses.at(-1)!).toBeLessThan(0.3 * losses[0]!);
    const again = await loadOnnxModel(toOnnx(model));
    expectBits(again.predict(x).dataSync(), model.predict(x).dataSync());
  });

  test('a model of PyTorch with states runs as a stream', async () => {
    const model = await loadOnnxModel(fixture('given-states'));
    const { x, y } = expected['given-states']!;
    const stream = model.stream();
    const steps = (x as number[][][])[0]!.flatMap(step => [...stream.step(step)]);
    expectClose(steps, y.slice(0, 10), close);
  });
});

describe('files written by tf2onnx and the current PyTorch exporter', () => {
  const found = new URL('./found/', import.meta.url);
  const numbers: { [name: string]: number[] } = JSON.parse(readFileSync(new URL('expected.json', found), 'utf8'));

  test.each(Object.entries(numbers))('%s predicts the same as ONNX Runtime for an input of ones', async (name, y) => {
    const model = await loadOnnxModel(readFileSync(new URL(`${name}.onnx`, found)));
    expectClose(model.predict(ones([1, 4, 3])).dataSync(), y, { abs: 2e-6, rel: 0 });
  });
});

// ------------------------------------------------------------------------------------------------- graphs by hand

const x = [
  [0.5, -1, 2],
  [-2, 0.25, 1],
];
const kernel = floats('kernel', [3, 2], [0.1, 0.2, -0.3, 0.4, 0.5, -0.6]);
const product = node('MatMul', ['x', 'kernel'], ['z']);
const byHand = (parts: Partial<GraphParts>) => loadOnnxModel(modelOf({ initializer: [kernel], ...parts }));

describe('equivalent operators', () => {
  const number = (name: string, value: number) => floats(name, [], [value]);
  const z = (row: number[]) => [0, 1].map(u => row.reduce((sum, v, i) => sum + v * kernel.floatData![2 * i + u]!, 0));
  const gauss = (v: number) => v * (1 / (1 + Math.exp(-(2 * Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)))));
  const equivalents: [string, ReturnType<typeof node>[], ReturnType<typeof number>[], (v: number) => number][] = [
    ['swish', [node('Sigmoid', ['z'], ['s']), node('Mul', ['s', 'z'], ['y'])], [], v => v / (1 + Math.exp(-v))],
    [
      'gelu by tanh and powers',
      [
        node('Pow', ['z', 'three'], ['cube']),
        node('Mul', ['cube', 'small'], ['little']),
        node('Add', ['little', 'z'], ['sum']),
        node('Mul', ['scale', 'sum'], ['bent']),
        node('Tanh', ['bent'], ['t']),
        node('Add', ['t', 'one'], ['twice']),
        node('Mul', ['z', 'twice'], ['double']),
        node('Div', ['double', 'two'], ['y']),
      ],
      [
        number('three', 3),
        number('small', 0.044715),
        number('scale', Math.sqrt(2 / Math.PI)),
        number('one', 1),
        number('two', 2),
      ],
      gauss,
    ],
    [
      'one activation after another',
      [node('Softplus', ['z'], ['s']), node('Tanh', ['s'], ['t']), node('Relu', ['t'], ['y'])],
      [],
      v => Math.tanh(Math.log1p(Math.exp(v))),
    ],
    [
      'clipping at both ends',
      [node('Clip', ['z', 'least', 'most'], ['y'])],
      [number('least', 0), number('most', 0.3)],
      v => Math.min(Math.max(v, 0), 0.3),
    ],
    [
      'an upper bound of relu, with the number first',
      [node('Relu', ['z'], ['r']), node('Min', ['most', 'r'], ['y'])],
      [number('most', 0.2)],
      v => Math.min(Math.max(v, 0), 0.2),
    ],
    [
      'an upper bound of leakyReLU after another activation',
      [
        node('Tanh', ['z'], ['t']),
        node('LeakyRelu', ['t'], ['r'], [attribute('alpha', { f: 0.5 })]),
        node('Min', ['r', 'most'], ['y']),
      ],
      [number('most', 0.2)],
      v => Math.min(Math.tanh(v) > 0 ? Math.tanh(v) : Math.tanh(v) / 2, 0.2),
    ],
    ['leakyReLU', [node('LeakyRelu', ['z'], ['y'], [attribute('alpha', { f: 0.125 })])], [], v => (v > 0 ? v : v / 8)],
  ];
  test.each(equivalents)('%s is read from its operators', async (_, nodes, numbers, f) => {
    const model = await byHand({ node: [product, ...nodes], initializer: [kernel, ...numbers] });
    expectClose(
      model.predict(x).dataSync(),
      x.flatMap(row => z(row).map(f)),
      close,
    );
  });

  test('Min that does not bound an activation is rejected', async () => {
    const relu = node('Relu', ['z'], ['r']);
    const refused: [ReturnType<typeof node>[], RegExp][] = [
      [[relu, node('Min', ['r', 'most', 'most'], ['y'])], /must have two inputs, got more/],
      [[node('Min', ['z', 'most'], ['y'])], /must be the output of a layer or an activation/],
    ];
    for (const [nodes, message] of refused) {
      const made = byHand({ node: [product, ...nodes], initializer: [kernel, number('most', 1)] });
      await expect(made, message.source).rejects.toThrow(message);
    }
  });

  test('a bounded leaky ReLU is exported and loaded as one layer', async () => {
    const options = { negativeSlope: 0.25, maxValue: 0.5 };
    const copy = await loadOnnxModel(toOnnx(sequential({ layers: [layers.reLU({ ...options, inputShape: [3] })] })));
    expect(copy.layers.map(layer => layer.getConfig())).toMatchObject([options]);
  });

  test('Gemm with a transposed matrix, and Constant, are read', async () => {
    const bias = attribute('value', { t: floats('', [2], [1, 2]) });
    const model = await byHand({
      node: [
        node('Constant', [], ['b'], [bias]),
        node('Gemm', ['x', 'turned', 'b'], ['y'], [attribute('transB', { i: 1 })]),
      ],
      initializer: [floats('turned', [2, 3], [0.1, -0.3, 0.5, 0.2, 0.4, -0.6])],
    });
    expectClose(
      model.predict(x).dataSync(),
      x.flatMap(row => z(row).map((v, u) => v + u + 1)),
      close,
    );
  });

  test('an embedding reads ids cast from floats', async () => {
    const model = await byHand({
      node: [node('Cast', ['x'], ['ids'], [attribute('to', { i: 7 })]), node('Gather', ['kernel', 'ids'], ['y'])],
    });
    expectClose(model.predict([[2, 0, 1]]).dataSync(), [0.5, -0.6, 0.1, 0.2, -0.3, 0.4], close);
  });
});

describe('graphs with several inputs', () => {
  const input = (name: string, ...sizes: (number | null)[]) => ({
    name,
    type: { tensorType: { elemType: 1, shape: { dim: sizes.map(n => (n === null ? {} : { dimValue: n })) } } },
  });
  const weights = [
    floats('W', [1, 2, 3], [0.1, 0.2, 0.3, -0.1, -0.2, -0.3]),
    floats('R', [1, 2, 2], [0.5, -0.5, 0.25, 0.75]),
  ];
  const rnn = node('RNN', ['x', 'W', 'R', '', '', 'h'], ['', 'y']);
  const sequence = [[[1, 2, 3]], [[-1, 0, 1]]];

  test('an initial state listed before the sequence is not mistaken for the sequence', async () => {
    const made = (inputs: ReturnType<typeof input>[]) => byHand({ input: inputs, initializer: weights, node: [rnn] });
    const [x, h] = [input('x', null, null, 3), input('h', 1, null, 2)];
    const [first, second] = [await made([x, h]), await made([h, x])];
    expectBits(second.predict(sequence).dataSync(), first.predict(sequence).dataSync());
  });
  test('a sequence concatenated from two inputs gives a model of two inputs', async () => {
    const nodes = [
      node('Concat', ['a', 'b'], ['x'], [attribute('axis', { i: 2 })]),
      { ...rnn, input: ['x', 'W', 'R'] },
    ];
    const [a, b] = [input('a', null, null, 1), input('b', null, null, 2)];
    const two = await byHand({ input: [a, b], initializer: weights, node: nodes });
    expect(two.inputNames).toEqual(['a', 'b']);
    const one = await byHand({ input: [input('x', null, null, 3)], initializer: weights, node: [nodes[1]!] });
    const parts = [
      [[[1]], [[-1]]],
      [[[2, 3]], [[0, 1]]],
    ];
    expectBits(two.predict(parts).dataSync(), one.predict(sequence).dataSync());
  });
  test('a layer that starts from the cell state of another and a state of the file is rejected', async () => {
    const two = byHand({
      input: [input('x', null, null, 1)],
      initializer: [
        floats('W', [1, 4, 1], [1, 2, 3, 4]),
        floats('R', [1, 4, 1], [1, 2, 3, 4]),
        floats('h', [1, 1, 1], [0]),
      ],
      node: [
        node('LSTM', ['x', 'W', 'R'], ['s', '', 'c']),
        node('Squeeze', ['s'], ['steps']),
        node('Identity', ['c'], ['start']),
        node('LSTM', ['steps', 'W', 'R', '', '', 'h', 'start'], ['', 'y']),
      ],
    });
    await expect(two).rejects.toThrow(
      /initial_h must be the output of a layer, like the other state, got float32 numbers/,
    );
  });
  test('a graph that returns only a cell state is read', async () => {
    const cell = await byHand({
      input: [input('x', null, null, 1)],
      initializer: [floats('W', [1, 4, 1], [1, 2, 3, 4]), floats('R', [1, 4, 1], [1, 2, 3, 4])],
      node: [node('LSTM', ['x', 'W', 'R'], ['', '', 'y'])],
    });
    // Gates i, o, f and c of one step from zeros: c = sigmoid(i) tanh(c)
    expectClose(cell.predict([[[0.5]]]).dataSync(), [Math.tanh(2) / (1 + Math.exp(-0.5))], close);
  });
});

describe('unsupported graphs', () => {
  const two = node('MatMul', ['x', 'kernel'], ['w']);
  const refused: [string, Partial<GraphParts>, RegExp][] = [
    [
      'an unknown operator',
      { node: [product, node('ConvTranspose', ['z'], ['y'])] },
      /graph.node\[1\] \('ConvTranspose_y', ConvTranspose\): must have .* got the unsupported operator ConvTranspose/,
    ],
    [
      'an operator of another domain',
      { node: [{ ...product, domain: 'com.microsoft', output: ['y'] }] },
      /com.microsoft.MatMul/,
    ],
    [
      'a quantized operator',
      { node: [{ ...node('DynamicQuantizeLSTM', ['x'], ['y']), domain: 'com.microsoft' }] },
      /reads \(LSTM, GRU.*\), got the unsupported operator com.microsoft.DynamicQuantizeLSTM; export .* without quantization/,
    ],
    [
      'a condition',
      { node: [product, node('If', ['z'], ['y'])] },
      /'If_y', If\): .* got the unsupported operator If; export the model with sequences of a fixed length/,
    ],
    [
      'an operator named constructor',
      { node: [product, node('constructor', ['z'], ['y'])] },
      /unsupported operator constructor/,
    ],
    [
      'two layers that are multiplied as matrices',
      { node: [product, two, node('MatMul', ['z', 'w'], ['y'])] },
      /'MatMul_y', MatMul\): must multiply matrices of each sample, .* got the input \[batch, width\]/,
    ],
    [
      'no activation',
      { node: [product, node('Erf', ['z'], ['y'])] },
      /must be the output of a layer or an activation, got Erf\(x\)/,
    ],
    [
      'a vector',
      { node: [product, node('Mul', ['z', 'v'], ['y'])], initializer: [kernel, floats('v', [2], [1, 2])] },
      /must combine a layer with one number/,
    ],
    [
      'a cycle',
      { node: [node('Relu', ['y'], ['z']), node('Relu', ['z'], ['y'])] },
      /graph.node\[0\] \('Relu_z'\) must come after the nodes that compute its inputs/,
    ],
    [
      'a node that takes its own output',
      { node: [node('Relu', ['y'], ['y'])] },
      /must come after the nodes that compute its inputs/,
    ],
    [
      'a missing input',
      { node: [node('MatMul', ['missing', 'kernel'], ['y'])] },
      /its input 'missing' must be computed by an earlier node/,
    ],
    ['a node without inputs', { node: [node('MatMul', [], ['y'])] }, /must have an input number 1, got none/],
    ['a missing output', { node: [product] }, /graph.output\[0\] must depend on an input/],
    [
      'weights of another shape',
      { node: [node('MatMul', ['x', 'kernel'], ['y'])], initializer: [floats('kernel', [2, 3], [1, 2, 3, 4, 5, 6])] },
      /its kernel must have the shape \[3, 3\], got \[2, 3\]/,
    ],
    [
      'two values of one name',
      { node: [product, { ...two, output: ['z'] }, node('Relu', ['z'], ['y'])] },
      /graph.node\[1\].output must have unique names, got 'z' twice/,
    ],
    [
      'fewer numbers than dims require',
      { initializer: [floats('kernel', [3, 2 ** 40], [1])], node: [node('MatMul', ['x', 'kernel'], ['y'])] },
      /graph.initializer\[0\] \('kernel'\) must have \d+ numbers for the shape \[3,1099511627776\], got 1/,
    ],
    [
      'a negative dim',
      { initializer: [floats('kernel', [-3, -2], [1, 2, 3, 4, 5, 6])], node: [node('MatMul', ['x', 'kernel'], ['y'])] },
      /integers of at least 0/,
    ],
    [
      'numbers in another file',
      { initializer: [{ ...kernel, dataLocation: 1 }], node: [node('MatMul', ['x', 'kernel'], ['y'])] },
      /must have its numbers in this file/,
    ],
    [
      'half precision',
      { initializer: [{ ...kernel, dataType: 10 }], node: [node('MatMul', ['x', 'kernel'], ['y'])] },
      /must be of type float32, int32 or int64, got float16 \(number 10\); export the model in float32/,
    ],
    [
      'an input of bytes',
      {
        input: [{ name: 'x', type: { tensorType: { elemType: 3, shape: { dim: [{}, {}] } } } }],
        node: [{ ...product, output: ['y'] }],
      },
      /graph.input\[0\] \('x'\) must be of type float32/,
    ],
    [
      'an input without a shape',
      { input: [{ name: 'x', type: { tensorType: { elemType: 1 } } }], node: [{ ...product, output: ['y'] }] },
      /got no axes/,
    ],
    [
      'an open last axis',
      {
        input: [{ name: 'x', type: { tensorType: { elemType: 1, shape: { dim: [{}, {}] } } } }],
        node: [{ ...product, output: ['y'] }],
      },
      /must have a fixed last axis/,
    ],
    [
      'a sparse tensor',
      { node: [{ ...product, output: ['y'] }], sparseInitializer: [{}] },
      /sparse_initializer must be empty/,
    ],
    ['no output', { node: [product], output: [] }, /graph.output must have an entry/],
  ];
  test.each(refused)('loadOnnxModel rejects %s', async (_, parts, message) => {
    await expect(byHand(parts)).rejects.toThrow(message);
    await expect(byHand(parts)).rejects.toThrow(/^loadOnnxModel: /);
  });

  const recurrent = (change: object, weights: object = {}) => {
    const one = (name: string, dims: number[]) => floats(name, dims, Array(dims.reduce((a, b) => a * b)).fill(0.1));
    const sizes = { W: [1, 8, 3], R: [1, 8, 2], B: [1, 16], P: [1, 6], ...weights };
    return byHand({
      input: [{ name: 'x', type: { tensorType: { elemType: 1, shape: { dim: [{}, {}, { dimValue: 3 }] } } } }],
      initializer: [...Object.entries(sizes).map(([name, dims]) => one(name, dims)), ints('lengths', [1])],
      node: [{ ...node('LSTM', ['x', 'W', 'R', 'B'], ['', 'y', '']), ...change }],
    });
  };
  const cases: [string, object, RegExp, object?][] = [
    [
      'lengths of sequences',
      { input: ['x', 'W', 'R', 'B', 'lengths'] },
      /sequence_lens must be the number of time steps, time, for every sample, or absent, got 1/,
    ],
    [
      'peepholes of another number of units',
      { input: ['x', 'W', 'R', 'B', '', '', '', 'P'] },
      /P must have the shape \[1, 6\], got \[1, 4\]/,
      { P: [1, 4] },
    ],
    [
      'peepholes that are computed',
      { input: ['x', 'W', 'R', 'B', '', '', '', 'x'] },
      /input number 8 must be float32 weights of the file/,
    ],
    ['a start that is not zero', { input: ['x', 'W', 'R', 'B', '', 'P'] }, /initial_h must be zero or an input/],
    ['clipping', { attribute: [attribute('clip', { f: 1 })] }, /must not have the attribute clip/],
    ['coupled gates', { attribute: [attribute('input_forget', { i: 1 })] }, /input_forget must be 0/],
    ['an unknown direction', { attribute: [attribute('direction', { s: 'up' })] }, /direction must be .*, got 'up'/],
    [
      'an unknown activation',
      { attribute: [attribute('activations', { strings: ['Sigmoid', 'Tanh', 'Cube'] })] },
      /got 'Cube'/,
    ],
    [
      'two cell activations',
      { attribute: [attribute('activations', { strings: ['Sigmoid', 'Tanh', 'Relu'] })] },
      /must be the same/,
    ],
    [
      'too few activations',
      { attribute: [attribute('activations', { strings: ['Sigmoid'] })] },
      /must be 3 names, got 1/,
    ],
    ['weights of both directions for one', {}, /W must have the shape \[1, 8, 3\], got \[2, 8, 3\]/, { W: [2, 8, 3] }],
    ['a bias of another size', {}, /B must have the shape \[1, 16\], got \[1, 8\]/, { B: [1, 8] }],
    [
      'another hidden size',
      { attribute: [attribute('hidden_size', { i: 5 })] },
      /hidden_size must be 2, as in R, got 5/,
    ],
  ];
  test.each(cases)('loadOnnxModel rejects an LSTM with %s', async (_, change, message, weights) => {
    await expect(recurrent(change, weights)).rejects.toThrow(message);
  });
  test('an LSTM with samples first predicts the same', async () => {
    const from = (layout: number) => {
      const input = { input: ['x', 'W', 'R', 'B'], output: ['', 'y', ''] };
      return recurrent({ ...input, attribute: [attribute('layout', { i: layout })] });
    };
    const sequence = [
      [
        [1, 2, 3],
        [-1, 0, 1],
      ],
    ];
    const [stepsFirst, samplesFirst] = [await from(0), await from(1)];
    expectBits(samplesFirst.predict(sequence).dataSync(), stepsFirst.predict(sequence).dataSync());
    expect(samplesFirst.predict(sequence).shape).toEqual([1, 2]);
  });
  test('a valid LSTM loads', async () => {
    expect((await recurrent({})).outputs[0]!.shape).toEqual([null, 2]);
  });
});
