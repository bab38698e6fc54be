// Corrupted and malicious ONNX files are rejected with the name of the invalid part, in bounded time and memory.

import { readFileSync } from 'node:fs';
import { type LayersModel, layers, sequential, ValueError } from 'lstm-wasm';
import { loadOnnxModel, toOnnx } from 'lstm-wasm/onnx';
import { PbfWriter } from 'pbf';
import { describe, expect, test } from 'vitest';
import { RandomGenerator } from '../../src/util/randomGenerator.ts';
import { attribute, floats, type GraphParts, ints, modelOf, node } from './build.ts';
import { exported } from './exporters.ts';
import { graphCases } from './graphModels.ts';
import { cases, layersOf } from './models.ts';

const errorOf = async (bytes: Uint8Array): Promise<string> => {
  const error = await loadOnnxModel(bytes).then(
    () => null,
    thrown => thrown,
  );
  expect(error).toBeInstanceOf(ValueError);
  return error.message;
};

const written = (write: (pbf: PbfWriter) => void): Uint8Array => {
  const pbf = new PbfWriter();
  write(pbf);
  return pbf.finish().slice();
};

describe('files that are not ONNX models', () => {
  test.each([undefined, null, 'model.onnx', [8, 8], {}, new Float32Array(4)] as never[])(
    'loadOnnxModel rejects %o',
    async value => {
      expect(await errorOf(value)).toMatch(/^loadOnnxModel: bytes must be a Uint8Array or an ArrayBuffer, got /);
    },
  );

  const field = (tag: number, ...bytes: number[]) => Uint8Array.from([tag, ...bytes]);
  const invalidFiles: [string, Uint8Array, RegExp][] = [
    ['an empty file', new Uint8Array(), /the file must be an ONNX model, got an empty file/],
    ['JSON', new TextEncoder().encode('{"format": "layers-model"}'), /the file must be an ONNX model, got JSON/],
    ['a graph as a number', field(7 << 3, 1), /graph must have wire type 2 of Protocol Buffers, got 0/],
    [
      'a length of 2^32',
      field((7 << 3) | 2, 0xff, 0xff, 0xff, 0xff, 0x0f),
      /graph must end within its message, got 4294967295 bytes with 0/,
    ],
    ['a length of 2^63', field((7 << 3) | 2, ...Array(9).fill(0xff), 0x01), /graph must end within its message/],
    ['a length without an end', field((7 << 3) | 2, ...Array(20).fill(0xff)), /the file must be a message/],
    ['a field with number 0', field(0, 1), /the file must be a message of onnx.proto, got a truncated field/],
    ['a group', field((7 << 3) | 3, 1), /wire type 2 of Protocol Buffers, got 3/],
    [
      'a truncated unknown field',
      field((30 << 3) | 1, 1).map((v, i) => (i === 0 ? 0xf1 : v)),
      /a truncated (field|or malformed one)/,
    ],
    ['no opset', modelOf({ node: [] }, { opsetImport: [] }), /opset_import must have a version from 7 to 25, got none/],
    ['opset 1000', modelOf({ node: [] }, { opsetImport: [{ domain: '', version: 1000 }] }), /got 1000/],
    ['opset -1', modelOf({ node: [] }, { opsetImport: [{ domain: '', version: -1 }] }), /got -1/],
  ];
  test.each(invalidFiles)('loadOnnxModel rejects %s', async (_, bytes, message) => {
    expect(await errorOf(bytes)).toMatch(message);
  });

  test('graphs nested 2,000 levels deep are not read', async () => {
    // Each graph is an attribute of a node of the next.
    let inner = new Uint8Array();
    for (let depth = 0; depth < 2000; depth++) {
      const graph = inner;
      inner = Uint8Array.from(
        written(pbf => {
          pbf.writeBytesField(
            1,
            written(body =>
              body.writeBytesField(
                5,
                written(at => at.writeBytesField(6, graph)),
              ),
            ),
          );
        }),
      );
    }
    const bytes = written(pbf => {
      pbf.writeBytesField(
        8,
        written(at => at.writeVarintField(2, 17)),
      );
      pbf.writeBytesField(7, inner);
    });
    expect(await errorOf(bytes)).toMatch(/graph.output must have an entry/);
  });
});

describe('graphs that would need too much time or memory', () => {
  const chain = (count: number, make: (from: string, to: string) => ReturnType<typeof node>) =>
    Array.from({ length: count }, (_, n) => make(n === 0 ? 'x' : `v${n - 1}`, n === count - 1 ? 'y' : `v${n}`));
  /** Concatenates a value with itself repeatedly, along its first axis. */
  const joinedWith = (name: string, times: number) =>
    Array.from({ length: times }, (_, n) => {
      const from = n === 0 ? name : `${name}${n}`;
      return node('Concat', [from, from], [`${name}${n + 1}`], [attribute('axis', { i: 0 })]);
    });
  const sequence = [{ name: 'x', type: { tensorType: { elemType: 1, shape: { dim: [{}, {}, { dimValue: 1 }] } } } }];
  const shapes = { initializer: [ints('zero', [0])] };
  const doubled = (op: string) => chain(60, (from, to) => node(op, [from, from], [to], [attribute('axis', { i: 0 })]));
  const lstm = [floats('W', [1, 4, 1], [1, 1, 1, 1]), floats('R', [1, 4, 1], [1, 1, 1, 1])];
  const oversized: [string, GraphParts, RegExp][] = [
    ['60 nested products', { node: doubled('Mul') }, /must be part of an activation, got a longer formula/],
    ['60 nested sums', { node: doubled('Add') }, /\(.*\): /],
    ['5,000 nested functions', { node: chain(5000, (from, to) => node('Erf', [from], [to])) }, /got a longer formula/],
    [
      'a list doubled 60 times',
      {
        node: [
          node('Shape', ['x'], ['v']),
          ...doubled('Concat').map(n => ({ ...n, input: n.input!.map(i => (i === 'x' ? 'v' : i)) })),
        ],
      },
      /must not need far more numbers than the file contains/,
    ],
    [
      'directions concatenated 60 times',
      {
        input: sequence,
        initializer: lstm,
        node: [
          node('LSTM', ['x', 'W', 'R'], ['', 'v']),
          ...doubled('Concat').map(n => ({ ...n, input: n.input!.map(i => (i === 'x' ? 'v' : i)) })),
        ],
      },
      /must concatenate directions of layers/,
    ],
    [
      '50 added axes',
      { ...shapes, node: chain(50, (from, to) => node('Unsqueeze', [from, 'zero'], [to])) },
      /at most 8 axes/,
    ],
    [
      '20,000 layers with the same weights',
      {
        initializer: [floats('w', [3, 3], Array(9).fill(0))],
        node: chain(20_000, (from, to) => node('MatMul', [from, 'w'], [to])),
      },
      /at most 1000 layers, got more/,
    ],
    [
      'a large matrix transposed 500 times',
      {
        initializer: [floats('w0', [300, 300], Array(90_000).fill(0))],
        node: [
          ...Array.from({ length: 500 }, (_, n) => node('Transpose', [`w${n}`], [`w${n + 1}`])),
          node('MatMul', ['x', 'w500'], ['y']),
        ],
      },
      /must not need far more numbers than the file contains/,
    ],
    [
      '60,000 nodes',
      { node: chain(60_000, (from, to) => node('Relu', [from], [to])) },
      /graph.node must have at most 50000 entries/,
    ],
    [
      'a Reshape to 2^104 values',
      { initializer: [ints('size', [0, 2 ** 52, 2 ** 52])], node: [node('Reshape', ['x', 'size'], ['y'])] },
      /must reshape each sample on its own/,
    ],
  ];
  test.each(oversized)('loadOnnxModel rejects %s', async (_, parts, message) => {
    const bytes = modelOf(parts);
    const start = Date.now();
    expect(await errorOf(bytes)).toMatch(message);
    expect(Date.now() - start).toBeLessThan(3000);
  });

  // Uses the computed constant as the kernel of a layer, so that the reader has to compute it.
  const kernel = node('MatMul', ['x', 'k'], ['y']);
  const w = floats('w', [3, 3], Array(9).fill(1));
  const number = (name: string, value: number) => ({ ...ints(name, [value]), dims: [] });
  const computed: [string, GraphParts, RegExp][] = [
    [
      'weights expanded to 2^50 numbers',
      { initializer: [w, ints('n', [2 ** 40, 3, 3])], node: [node('Expand', ['w', 'n'], ['k']), kernel] },
      /far more numbers than the file contains/,
    ],
    [
      'weights tiled 2^30 times',
      { initializer: [w, ints('n', [2 ** 30, 2 ** 30])], node: [node('Tile', ['w', 'n'], ['k']), kernel] },
      /far more numbers than the file contains/,
    ],
    [
      'weights expanded to a thousand axes',
      { initializer: [w, ints('n', Array(1000).fill(1))], node: [node('Expand', ['w', 'n'], ['k']), kernel] },
      /at most 8 axes/,
    ],
    [
      'zeros of 2^60 numbers',
      { initializer: [ints('n', [2 ** 30, 2 ** 30])], node: [node('ConstantOfShape', ['n'], ['k']), kernel] },
      /must be float32 weights of the file, got the number 0 everywhere/,
    ],
    [
      'zeros with a negative size',
      { initializer: [ints('n', [-5, 3])], node: [node('ConstantOfShape', ['n'], ['k']), kernel] },
      /must have a shape, got \[-5, 3\]/,
    ],
    [
      'a range of 2^50 numbers',
      {
        initializer: [number('from', 0), number('to', 2 ** 50), number('by', 1)],
        node: [node('Range', ['from', 'to', 'by'], ['k']), kernel],
      },
      /far more numbers than the file contains/,
    ],
    [
      'a range with step 0',
      {
        initializer: [number('from', 0), number('to', 5), number('by', 0)],
        node: [node('Range', ['from', 'to', 'by'], ['k']), kernel],
      },
      /must be computed from known numbers/,
    ],
    [
      'weights doubled 60 times',
      { initializer: [{ ...w, name: 'v' }], node: [...joinedWith('v', 60), node('MatMul', ['x', 'v60'], ['y'])] },
      /far more numbers than the file contains/,
    ],
    [
      'an empty kernel',
      {
        initializer: [floats('e', [2 ** 50, 0], [])],
        node: [
          node('Concat', ['e', 'e'], ['f'], [attribute('axis', { i: 1 })]),
          node('Transpose', ['f'], ['g']),
          node('Add', ['g', 'g'], ['k']),
          kernel,
        ],
      },
      /its kernel must have the shape \[3, 1125899906842624\]/,
    ],
    [
      'a Slice with step 0',
      {
        initializer: [w, ints('a', [0]), ints('b', [1])],
        node: [node('Slice', ['w', 'a', 'b', 'a', 'a'], ['k']), kernel],
      },
      /steps must not contain 0/,
    ],
    [
      'a Gather index beyond the end',
      { initializer: [w, ints('a', [3])], node: [node('Gather', ['w', 'a'], ['k']), kernel] },
      /its index must be an integer from -3 to 2, got 3/,
    ],
    [
      'sizes squared 60 times',
      {
        node: [
          node('Shape', ['x'], ['v']),
          ...Array.from({ length: 60 }, (_, n) => node('Mul', [n ? `v${n}` : 'v', n ? `v${n}` : 'v'], [`v${n + 1}`])),
          node('Reshape', ['x', 'v60'], ['y']),
        ],
      },
      /must be computed from known numbers/,
    ],
    [
      '10,000 numbers that 10,000 nodes compute again',
      {
        initializer: [{ ...ints('v', []), dims: [10_000], int64Data: Array(10_000).fill(1) }],
        node: [
          ...Array.from({ length: 10_000 }, (_, n) => node('Neg', [n ? `v${n}` : 'v'], [`v${n + 1}`])),
          node('Reshape', ['x', 'v10000'], ['y']),
        ],
      },
      /far more numbers than the file contains/,
    ],
  ];
  test.each(computed)('loadOnnxModel rejects %s', async (_, parts, message) => {
    const bytes = modelOf(parts);
    const start = Date.now();
    expect(await errorOf(bytes)).toMatch(message);
    expect(Date.now() - start).toBeLessThan(3000);
  });

  test('a vector repeated 2^50 times loads, and predict rejects it', async () => {
    const parts = {
      initializer: [ints('n', [1, 2 ** 50, 1]), ints('one', [1])],
      node: [node('Unsqueeze', ['x', 'one'], ['step']), node('Expand', ['step', 'n'], ['y'])],
    };
    const model = await loadOnnxModel(modelOf(parts));
    expect(() => model.predict([[1, 2, 3]])).toThrow(ValueError);
    model.dispose();
  });
});

// ------------------------------------------------------------------------------------------------------------- fuzz

const CASES = 1000;
const torch = (name: string) => new Uint8Array(readFileSync(new URL(`./torch/${name}.onnx`, import.meta.url)));
const seeds = [
  ...[
    'bidirectional gru, concat',
    'lstm, four layers, some backwards',
    'rnn of several cells',
    'repeatVector',
    'embedding',
    'dense, gelu_new',
  ].map(name => toOnnx(sequential({ layers: layersOf(name) }), { states: 'optional' })),
  ...['lstm-two-layers-bidirectional', 'words', 'lstm-last', 'lstm-fixed', 'given-states'].map(torch),
  ...Object.values(exported).map(({ bytes }) => bytes),
  ...[
    'two inputs and two outputs',
    'a shared layer',
    'encoder and decoder, lstm',
    'concatenate along time',
    'normalized dot over time',
    'attention with a scale',
    'additiveAttention',
    'multiHeadAttention',
  ].map(name => toOnnx(graphCases[name]!.make(), { states: true })),
];

/** A randomly corrupted copy of a file. */
function mutate(generator: RandomGenerator): Uint8Array {
  const source = seeds[generator.below(seeds.length)]!;
  let bytes = source.slice();
  const at = () => generator.below(Math.max(bytes.length, 1));
  switch (generator.below(6)) {
    case 0: // truncated
      return bytes.slice(0, at());
    case 1: // flipped bits
      for (let n = 1 + generator.below(6); n > 0; n--) bytes[at()]! ^= 1 << generator.below(8);
      return bytes;
    case 2: // changed bytes
      for (let n = 1 + generator.below(4); n > 0; n--) bytes[at()] = [0, 1, 2, 0x7f, 0x80, 0xff][generator.below(6)]!;
      return bytes;
    case 3: {
      // bytes of another file
      const other = seeds[generator.below(seeds.length)]!;
      const from = generator.below(other.length);
      bytes.set(
        other.subarray(from, from + Math.min(1 + generator.below(64), bytes.length)).subarray(0, bytes.length),
        0,
      );
      const start = at();
      bytes.set(other.subarray(from, from + Math.min(64, bytes.length - start)), start);
      return bytes;
    }
    case 4: {
      // removed or duplicated bytes
      const [from, to] = [at(), at()].sort((a, b) => a - b) as [number, number];
      const twice = generator.below(2);
      bytes = Uint8Array.from([...bytes.subarray(0, twice ? to : from), ...bytes.subarray(twice ? from : to)]);
      return bytes;
    }
    default: {
      // a changed name or operator
      const names = [
        'LSTM',
        'GRU',
        'RNN',
        'Add',
        'Mul',
        'Transpose',
        'Squeeze',
        'Gather',
        'Reshape',
        'Slice',
        'Split',
        'Expand',
        'Tile',
        'Cast',
        'Div',
        'Concat',
        'Shape',
        'MatMul',
        'Softmax',
        'Where',
        'x',
        'input',
      ];
      const name = new TextEncoder().encode(names[generator.below(names.length)]);
      const places = [...bytes.keys()].filter(n => bytes[n] === name.length && bytes[n - 1] === 0x22);
      const place = places[generator.below(Math.max(places.length, 1))];
      if (place !== undefined) bytes.set(name.subarray(0, bytes.length - place - 1), place + 1);
      return bytes;
    }
  }
}

test(`each of ${CASES} corrupted files loads, or is rejected with an error that names the part`, async () => {
  const generator = new RandomGenerator(20_260_705);
  const mine = sequential({ layers: [layers.dense({ units: 2, inputShape: [2] })] });
  const before = mine.getWeights().map(tensor => [...tensor.dataSync()]);
  const messages = new Set<string>();
  let loaded = 0;
  for (let n = 0; n < CASES; n++) {
    const bytes = mutate(generator);
    let model: LayersModel;
    try {
      model = await loadOnnxModel(bytes);
    } catch (error) {
      if (!(error instanceof ValueError)) throw new Error(`case ${n}`, { cause: error });
      expect(error.message, `case ${n}`).toMatch(
        /^loadOnnxModel: (graph|opset_import|opsetImport|producer|irVersion|the file)[^\n]* (must|cannot|unsupported)[^\n]*$/,
      );
      messages.add(error.message.replaceAll(/\d+|'[^']*'/g, '_'));
      continue;
    }
    loaded++;
    expect(model.countParams()).toBe(model.getWeights().reduce((sum, { size }) => sum + size, 0));
    expect(model.outputs[0]!.shape.length).toBeGreaterThan(1);
    model.dispose();
  }
  // Many files load, and many different parts are rejected.
  expect(loaded).toBeGreaterThan(CASES / 20);
  expect(messages.size).toBeGreaterThan(60);
  expect(mine.getWeights().map(tensor => [...tensor.dataSync()])).toEqual(before);
}, 60_000);

test('the files load without corruption', async () => {
  expect(Object.keys(cases).length).toBeGreaterThan(100);
  for (const bytes of seeds) (await loadOnnxModel(bytes)).dispose();
});
