// Graphs as exporters write them: tf2onnx, torch.onnx of PyTorch 1 (with its constants not folded) and of today, keras2onnx.
// From 'x' [batch, time, 3] to 'y', samples first. ONNX Runtime computes the expected results.

import type { Draft, GraphProto, NodeProto, TensorProto } from '../../src/onnx/proto.ts';
import { RandomGenerator } from '../../src/util/randomGenerator.ts';
import { attribute, floats, ints, modelOf, node as named } from './build.ts';
import { T } from './models.ts';

const D = 3;
const U = 2;
const MAX_INT32 = 2 ** 31 - 1;
const MAX_INT64 = 2n ** 63n - 1n;

type Attributes = Record<string, number | number[] | string>;

/** Builds a graph: generates unique tensor names and adds nodes in order. */
class GraphBuilder {
  readonly nodes: Draft<NodeProto>[] = [];
  readonly tensors: Draft<TensorProto>[] = [];
  readonly #generator = new RandomGenerator(23);
  #count = 0;

  #tensor(made: Draft<TensorProto>): string {
    this.tensors.push(made);
    return made.name!;
  }

  /** A constant list of integers. */
  ints(...values: (number | bigint)[]): string {
    const rawData = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    return this.#tensor({ name: `i${this.#count++}`, dims: [values.length], dataType: 7, rawData });
  }

  /** A constant integer. */
  int(value: number): string {
    return this.#tensor({ ...ints(`i${this.#count++}`, [value]), dims: [] });
  }

  /** A constant list of 32-bit integers. */
  int32(...values: number[]): string {
    return this.#tensor({ name: `i${this.#count++}`, dims: [values.length], dataType: 6, int32Data: values });
  }

  /** A constant of random weights. */
  random(...dims: number[]): string {
    const size = dims.reduce((a, b) => a * b, 1);
    const values = Array.from({ length: size }, () => this.#generator.normal() / 2);
    return this.#tensor(floats(`w${this.#count++}`, dims, values));
  }

  numbers(dims: number[], values: number[]): string {
    return this.#tensor(floats(`w${this.#count++}`, dims, values));
  }

  /** Adds a node; `outputs` are the names of its outputs, by default one new name. */
  add(op: string, inputs: string[], attributes: Attributes = {}, outputs = [`v${this.#count++}`]): string {
    const list = Object.entries(attributes).map(([name, value]) => {
      if (typeof value === 'string') return attribute(name, { s: value });
      if (Array.isArray(value)) return attribute(name, { ints: value });
      return attribute(name, name === 'alpha' || name === 'beta' ? { f: value } : { i: value });
    });
    this.nodes.push(named(op, inputs, outputs, list));
    return outputs.find(Boolean)!;
  }

  slice(from: string, start: number | bigint, end: number | bigint, axis: number, step?: number): string {
    const more = step === undefined ? [] : [this.ints(step)];
    return this.add('Slice', [from, this.ints(start), this.ints(end), this.ints(axis), ...more]);
  }

  squeeze = (from: string, axis: number): string => this.add('Squeeze', [from, this.ints(axis)]);
  unsqueeze = (from: string, axis: number): string => this.add('Unsqueeze', [from, this.ints(axis)]);
  transpose = (from: string, ...perm: number[]): string => this.add('Transpose', [from], { perm });
  concat = (inputs: string[], axis: number): string => this.add('Concat', inputs, { axis });
  /** The size of an axis of the input, as a list of one number. */
  size = (from: string, axis: number): string => this.add('Gather', [this.add('Shape', [from]), this.ints(axis)]);

  /** A recurrent node on [T, B, width] with the given weights; its outputs are Y, Y_h and Y_c in order. */
  rnn(op: 'LSTM' | 'GRU' | 'RNN', x: string, direction: string, more: string[] = [], width = D): string[] {
    const directions = direction === 'bidirectional' ? 2 : 1;
    const rows = { LSTM: 4, GRU: 3, RNN: 1 }[op] * U;
    const n = this.#count++;
    const weights = [
      this.random(directions, rows, width),
      this.random(directions, rows, U),
      this.random(directions, 2 * rows),
    ];
    const outputs = [`Y${n}`, `Yh${n}`, ...(op === 'LSTM' ? [`Yc${n}`] : [])];
    const attributes: Attributes = { hidden_size: U, direction };
    this.add(op, [x, ...weights, ...more], attributes, outputs);
    return outputs;
  }
}

export interface Exported {
  readonly bytes: Uint8Array;
  /** The graph output that the loaded model returns. */
  readonly output: string;
  readonly fixed: boolean;
  /** Whether the input is [batch, 3]. */
  readonly rows: boolean;
}

export const exported: { [name: string]: Exported } = {};

interface More {
  readonly opset?: number;
  readonly fixed?: boolean;
  readonly rows?: boolean;
  /** Graph outputs before that of the model. */
  readonly before?: string[];
  readonly graph?: (parts: Draft<GraphProto>) => Draft<GraphProto>;
  readonly irVersion?: number;
}

/** A graph whose nodes `make` adds; `make` returns the output. */
function graph(name: string, make: (draw: GraphBuilder) => string, more: More = {}): void {
  const draw = new GraphBuilder();
  const output = make(draw);
  const { fixed = false, rows = false, opset = 13, before = [], irVersion = 8 } = more;
  const time = rows ? [] : [fixed ? { dimValue: T } : { dimParam: 'time' }];
  const dim = [{ dimParam: 'batch' }, ...time, { dimValue: D }];
  const parts: Draft<GraphProto> = {
    node: draw.nodes,
    initializer: draw.tensors,
    input: [{ name: 'x', type: { tensorType: { elemType: 1, shape: { dim } } } }],
    output: [...before, output].map(of => ({ name: of, type: { tensorType: { elemType: 1 } } })),
  };
  const bytes = modelOf(more.graph?.(parts) ?? parts, { opsetImport: [{ domain: '', version: opset }], irVersion });
  exported[name] = { bytes, output, fixed, rows };
}

const timeFirst = (draw: GraphBuilder) => draw.transpose('x', 1, 0, 2);

// ---------------------------------------------------------------------------------------------------------- tf2onnx

/** The nodes of tf.zeros([batch, units]), with the direction axis. */
function tfZeros(draw: GraphBuilder, from: string, axis: number): string {
  const shape = draw.add('Cast', [draw.add('Shape', [from])], { to: 6 });
  const batch = draw.squeeze(draw.slice(shape, axis, axis + 1, 0), 0);
  const pack = draw.concat([draw.unsqueeze(batch, 0), draw.int32(U)], 0);
  const filled = draw.add('Expand', [draw.numbers([], [0]), draw.add('Cast', [pack], { to: 7 })]);
  return draw.unsqueeze(filled, 0);
}

for (const [what, end] of [
  ['the largest int32', MAX_INT32],
  ['the largest int64', MAX_INT64],
] as const) {
  graph(`tf2onnx: the last step, up to ${what}`, draw => {
    const x = timeFirst(draw);
    const states = [tfZeros(draw, x, 1), tfZeros(draw, x, 1)];
    const [y] = draw.rnn('LSTM', x, 'forward', ['', ...states]);
    const last = draw.squeeze(draw.slice(draw.squeeze(y!, 1), -1, end, 0), 0);
    const product = draw.add('MatMul', [last, draw.random(U, 4)]);
    return draw.add('Relu', [draw.add('Add', [product, draw.random(4)])]);
  });
}
graph('tf2onnx: a Slice that lists every axis', draw => {
  const [y] = draw.rnn('GRU', timeFirst(draw), 'forward');
  const steps = draw.transpose(draw.squeeze(y!, 1), 1, 0, 2);
  const [starts, ends] = [draw.ints(0, -1, 0), draw.ints(MAX_INT32, MAX_INT32, MAX_INT32)];
  const cut = draw.add('Slice', [steps, starts, ends, draw.ints(0, 1, 2), draw.ints(1, 1, 1)]);
  return draw.squeeze(cut, 1);
});
const halves = (draw: GraphBuilder, y: string, axis: number) =>
  [0, 1].map(n => draw.squeeze(draw.slice(y, n, n + 1, axis), axis)) as [string, string];
graph('tf2onnx: both directions of one node, every step', draw => {
  const [y] = draw.rnn('LSTM', timeFirst(draw), 'bidirectional');
  return draw.transpose(draw.concat(halves(draw, y!, 1), 2), 1, 0, 2);
});
graph('tf2onnx: both directions of one node, each at its end', draw => {
  const [y] = draw.rnn('LSTM', timeFirst(draw), 'bidirectional');
  const [forward, backward] = halves(draw, y!, 1);
  const ends = [draw.slice(forward, -1, MAX_INT32, 0), draw.slice(backward, 0, 1, 0)];
  return draw.concat(
    ends.map(end => draw.squeeze(end, 0)),
    -1,
  );
});
/** The sequence lengths that tf2onnx computes if the program passes none. */
const lengths = (draw: GraphBuilder, x: string) => draw.add('Tile', [draw.size(x, 0), draw.size(x, 1)]);
const reversals: [string, (draw: GraphBuilder, x: string) => string][] = [
  ['Slice', (draw, x) => draw.slice(x, -1, -(2n ** 63n), 0, -1)],
  ['Slice from the largest int32', (draw, x) => draw.slice(x, MAX_INT32, -MAX_INT32, 0, -1)],
  ['ReverseSequence', (draw, x) => draw.add('ReverseSequence', [x, lengths(draw, x)], { time_axis: 0, batch_axis: 1 })],
];
for (const [what, turn] of reversals) {
  graph(`two nodes, one of them between two ${what}`, draw => {
    const x = timeFirst(draw);
    const [forward] = draw.rnn('GRU', x, 'forward');
    const [backward] = draw.rnn('GRU', turn(draw, x), 'forward');
    const steps = [draw.squeeze(forward!, 1), turn(draw, draw.squeeze(backward!, 1))];
    return draw.transpose(draw.concat(steps, 2), 1, 0, 2);
  });
  graph(`two nodes, one of them after ${what}, each at its end`, draw => {
    const x = timeFirst(draw);
    const [, forward] = draw.rnn('LSTM', x, 'forward');
    const [backward] = draw.rnn('LSTM', turn(draw, x), 'forward');
    const last = draw.squeeze(draw.slice(draw.squeeze(backward!, 1), -1, MAX_INT32, 0), 0);
    return draw.add('Add', [draw.squeeze(forward!, 0), last]);
  });
}
graph('two nodes, one of them reverse, and their average', draw => {
  const x = timeFirst(draw);
  const steps = ['forward', 'reverse'].map(way => draw.squeeze(draw.rnn('RNN', x, way)[0]!, 1)) as [string, string];
  const sum = draw.add('Add', steps);
  return draw.transpose(draw.add('Mul', [sum, draw.numbers([], [0.5])]), 1, 0, 2);
});
graph('both directions on a reversed sequence', draw => {
  const x = draw.slice(timeFirst(draw), -1, -(2n ** 63n), 0, -1);
  const [y] = draw.rnn('GRU', x, 'bidirectional');
  const steps = draw.add('Reshape', [draw.transpose(y!, 0, 2, 1, 3), draw.ints(0, 0, -1)]);
  return draw.transpose(draw.slice(steps, -1, -(2n ** 63n), 0, -1), 1, 0, 2);
});
graph('tf2onnx: a dense layer on every step, by tensordot', draw => {
  const [y] = draw.rnn('LSTM', timeFirst(draw), 'forward');
  const steps = draw.transpose(draw.squeeze(y!, 1), 1, 0, 2);
  const shape = draw.add('Cast', [draw.add('Shape', [steps])], { to: 6 });
  const free = draw.add('Gather', [shape, draw.int32(0, 1)]);
  const count = (of: string) => draw.unsqueeze(draw.add('ReduceProd', [of], { axes: [0], keepdims: 0 }), 0);
  const rows = draw.concat([count(free), count(draw.add('Gather', [shape, draw.int32(2)]))], 0);
  const flat = draw.add('Reshape', [steps, draw.add('Cast', [rows], { to: 7 })]);
  const product = draw.add('MatMul', [flat, draw.random(U, 4)]);
  const after = draw.add('Cast', [draw.concat([free, draw.int32(4)], 0)], { to: 7 });
  return draw.add('Add', [draw.add('Reshape', [product, after]), draw.random(4)]);
});
graph('lengths of all time steps, by Expand', draw => {
  const x = timeFirst(draw);
  const all = draw.add('Expand', [draw.size(x, 0), draw.size(x, 1)]);
  const [, h] = draw.rnn('LSTM', x, 'bidirectional', [draw.add('Cast', [all], { to: 6 })]);
  return draw.concat(halves(draw, h!, 0), 1);
});
graph(
  'lengths of all time steps, by ConstantOfShape',
  draw => {
    const value = attribute('value', { t: { name: '', dims: [1], dataType: 6, int32Data: [T] } });
    draw.nodes.push(named('ConstantOfShape', [draw.size('x', 0)], ['lengths'], [value]));
    return draw.squeeze(draw.rnn('GRU', timeFirst(draw), 'reverse', ['lengths'])[1]!, 0);
  },
  { fixed: true },
);

// ---------------------------------------------------------------------------------------------------------- PyTorch

/** PyTorch weights in the order that its exporter writes. */
function reordered(draw: GraphBuilder, from: string, gates: number[][]): string {
  return draw.concat(
    gates.map(([start, end]) => draw.slice(from, start! * U, end! * U, 0)),
    0,
  );
}

const gatesOf = {
  LSTM: [
    [0, 1],
    [3, 4],
    [1, 3],
  ],
  GRU: [
    [1, 2],
    [0, 1],
    [2, 3],
  ],
};

/** W, R and B of one direction, each [1, ...]. */
function torchWeights(draw: GraphBuilder, op: 'LSTM' | 'GRU', width: number): [string, string, string] {
  const rows = { LSTM: 4, GRU: 3 }[op] * U;
  const gates = gatesOf[op];
  const [w, r] = [draw.random(rows, width), draw.random(rows, U)].map(of => reordered(draw, of, gates));
  const b = draw.concat(
    [draw.random(rows), draw.random(rows)].map(of => reordered(draw, of, gates)),
    0,
  );
  return [w!, r!, b].map(of => draw.unsqueeze(of, 0)) as [string, string, string];
}

/** torch.zeros(n, batch, units), and the slice for one layer. */
function torchState(draw: GraphBuilder, n: number, at: number): string {
  const batch = draw.unsqueeze(draw.add('Gather', [draw.add('Shape', ['x']), draw.int(0)]), 0);
  const zeros = draw.add('ConstantOfShape', [draw.concat([draw.ints(n), batch, draw.ints(U)], 0)]);
  return draw.slice(zeros, at, at + 2, 0);
}

graph('PyTorch 1: two layers of lstm in both directions, nothing folded', draw => {
  let x = timeFirst(draw);
  for (const [level, width] of [D, 2 * U].entries()) {
    const ways = [torchWeights(draw, 'LSTM', width), torchWeights(draw, 'LSTM', width)];
    const weights = [0, 1, 2].map(n =>
      draw.concat(
        ways.map(way => way[n]!),
        0,
      ),
    );
    const states = [torchState(draw, 4, 2 * level), torchState(draw, 4, 2 * level)];
    const attributes = { hidden_size: U, direction: 'bidirectional' };
    const y = draw.add('LSTM', [x, ...weights, '', ...states], attributes, [`y${level}`, `h${level}`, `c${level}`]);
    x = draw.add('Reshape', [draw.transpose(y, 0, 2, 1, 3), draw.ints(0, 0, -1)]);
  }
  return draw.transpose(x, 1, 0, 2);
});
graph(
  'PyTorch 1: gru, opset 9, and its last state',
  draw => {
    const cut = (from: string, starts: number[], ends: number[], axes: number[]) =>
      draw.add('Slice', [from], { starts, ends, axes });
    const [w, r] = [draw.random(3 * U, D), draw.random(3 * U, U)].map(of =>
      draw.add(
        'Unsqueeze',
        [
          draw.concat(
            gatesOf.GRU.map(([a, b]) => cut(of, [a! * U], [b! * U], [0])),
            0,
          ),
        ],
        {
          axes: [0],
        },
      ),
    ) as [string, string];
    const attributes = { hidden_size: U, linear_before_reset: 1 };
    draw.add('GRU', [draw.transpose('x', 1, 0, 2), w, r], attributes, ['', 'h']);
    return cut(draw.add('Squeeze', ['h'], { axes: [0] }), [0], [2 ** 62], [1]);
  },
  { opset: 9 },
);
graph(
  'PyTorch today: lstm, its last step, a linear layer',
  draw => {
    const shape = draw.concat([draw.ints(1), draw.size('x', 0), draw.ints(U)], 0);
    const state = draw.add('Expand', [draw.numbers([], [0]), shape]);
    const [w, r, b] = torchWeights(draw, 'LSTM', D);
    const x = timeFirst(draw);
    draw.add('LSTM', [x, w, r, b, '', state, state], { hidden_size: U, direction: 'forward' }, ['Y', 'h', 'c']);
    const steps = draw.transpose(draw.squeeze('Y', 1), 1, 0, 2);
    const last = draw.add('Gather', [steps, draw.int(-1)], { axis: 1 });
    return draw.add('Gemm', [last, draw.random(4, U), draw.random(4)], { transB: 1, alpha: 1, beta: 1 });
  },
  { opset: 18 },
);
graph('PyTorch: expand written as several operators', draw => {
  const shape = draw.concat([draw.ints(1), draw.ints(-1), draw.ints(U)], 0);
  const value = attribute('value', { t: ints('', [1]) });
  draw.nodes.push(named('ConstantOfShape', [draw.add('Shape', [shape])], ['ones'], [value]));
  const minus = draw.add('Mul', ['ones', draw.ints(-1)]);
  const wanted = draw.add('Where', [draw.add('Equal', [shape, minus]), 'ones', shape]);
  const state = draw.add('Expand', [draw.numbers([1, 1, U], Array(U).fill(0)), wanted]);
  const batch = draw.concat([draw.ints(1), draw.size('x', 0), draw.ints(1)], 0);
  const [y] = draw.rnn('GRU', timeFirst(draw), 'forward', ['', draw.add('Expand', [state, batch])]);
  return draw.transpose(draw.squeeze(y!, 1), 1, 0, 2);
});
graph('PyTorch: a linear layer on rows of all steps, and back', draw => {
  const [y] = draw.rnn('LSTM', timeFirst(draw), 'forward');
  const steps = draw.transpose(draw.squeeze(y!, 1), 1, 0, 2);
  const rows = draw.add('Reshape', [steps, draw.ints(-1, U)]);
  const linear = draw.add('Gemm', [rows, draw.random(U, 4), draw.random(4)]);
  const [batch, time] = [draw.size('x', 0), draw.size('x', 1)];
  return draw.add('Reshape', [linear, draw.concat([batch, time, draw.ints(-1)], 0)]);
});
graph(
  'PyTorch: features as a sequence of one step',
  draw => {
    const [y] = draw.rnn('LSTM', draw.transpose(draw.unsqueeze('x', 1), 1, 0, 2), 'forward');
    return draw.squeeze(draw.transpose(draw.squeeze(y!, 1), 1, 0, 2), 1);
  },
  { rows: true },
);

// ------------------------------------------------------------------------------------------------------- keras2onnx

graph('keras2onnx: every step', draw => {
  const [y] = draw.rnn('LSTM', timeFirst(draw), 'forward');
  const steps = draw.slice(draw.add('Shape', ['x']), 1, 2, 0);
  const shape = draw.concat([draw.ints(-1), steps, draw.ints(U)], 0);
  return draw.add('Identity', [draw.add('Reshape', [draw.transpose(y!, 2, 0, 1, 3), shape])]);
});
graph('keras2onnx: the last step', draw => {
  const [, h] = draw.rnn('GRU', timeFirst(draw), 'reverse');
  return draw.add('Reshape', [h!, draw.ints(-1, U)]);
});
graph('keras2onnx: both directions, each at its end', draw => {
  const [, h] = draw.rnn('LSTM', timeFirst(draw), 'bidirectional');
  return draw.add('Reshape', [draw.transpose(h!, 1, 0, 2), draw.ints(-1, 2 * U)]);
});
graph('both directions, split and multiplied', draw => {
  const [y] = draw.rnn('LSTM', timeFirst(draw), 'bidirectional');
  draw.add('Split', [y!], { axis: 1 }, ['f', 'b']);
  const [f, b] = ['f', 'b'].map(half => draw.squeeze(half, 1)) as [string, string];
  return draw.transpose(draw.add('Mul', [f, b]), 1, 0, 2);
});

// ----------------------------------------------------------------------------------------------------------- others

graph(
  'all weights listed as graph inputs, some of them zero',
  draw => {
    const weights = [
      draw.random(1, 4 * U, D),
      draw.random(1, 4 * U, U),
      draw.numbers([1, 8 * U], Array(8 * U).fill(0)),
    ];
    draw.add('LSTM', [timeFirst(draw), ...weights], { hidden_size: U }, ['', 'h']);
    const bias = draw.numbers([4], [0, 0, 0, 0]);
    return draw.add('Add', [draw.add('MatMul', [draw.squeeze('h', 0), draw.random(U, 4)]), bias]);
  },
  {
    irVersion: 3,
    graph: parts => ({
      ...parts,
      input: [
        ...parts.initializer!.map(({ name, dims, dataType }) => ({
          name: name!,
          type: { tensorType: { elemType: dataType!, shape: { dim: dims!.map(dimValue => ({ dimValue })) } } },
        })),
        ...parts.input!,
      ],
    }),
  },
);
graph(
  'the cell state, and the output after it',
  draw => {
    const [y, , c] = draw.rnn('LSTM', timeFirst(draw), 'forward');
    draw.add('Squeeze', [c!, draw.ints(0)], {}, ['cells']);
    return draw.transpose(draw.squeeze(y!, 1), 1, 0, 2);
  },
  { before: ['cells'] },
);
for (const way of ['reverse', 'forward'] as const) {
  graph(`${way}, in time order and reversed once`, draw => {
    const [y] = draw.rnn('GRU', timeFirst(draw), way);
    const steps = draw.squeeze(y!, 1);
    const turned = way === 'forward' ? draw.slice(steps, -1, -(2n ** 63n), 0, -1) : steps;
    return draw.add('Relu', [draw.transpose(turned, 1, 0, 2)]);
  });
}
graph(
  'a reversed layer with all steps flattened into a row',
  draw => {
    const [y] = draw.rnn('LSTM', timeFirst(draw), 'reverse');
    return draw.add('Flatten', [draw.transpose(draw.squeeze(y!, 1), 1, 0, 2)], { axis: 1 });
  },
  { fixed: true },
);
const gemms: [string, Attributes, (draw: GraphBuilder) => string[]][] = [
  ['alpha and beta', { alpha: 0.5, beta: 2 }, draw => [draw.random(U, 4), draw.random(4)]],
  ['transB, alpha, and one number for all', { transB: 1, alpha: 3 }, draw => [draw.random(4, U), draw.random(1)]],
  ['a row of biases', { beta: -1 }, draw => [draw.random(U, 4), draw.random(1, 4)]],
  ['no bias', { alpha: -0.25, beta: 7 }, draw => [draw.random(U, 4)]],
];
for (const [what, attributes, make] of gemms) {
  graph(`Gemm with ${what}`, draw => {
    const [, h] = draw.rnn('RNN', timeFirst(draw), 'forward');
    return draw.add('Gemm', [draw.squeeze(h!, 0), ...make(draw)], attributes);
  });
}
graph('Gemm with transA', draw => {
  const [, h] = draw.rnn('RNN', timeFirst(draw), 'forward');
  const turned = draw.transpose(draw.squeeze(h!, 0), 1, 0);
  return draw.add('Gemm', [turned, draw.random(U, 4), draw.random(4)], { transA: 1 });
});
graph('weights that are computed', draw => {
  const scaled = draw.add('Div', [
    draw.add('Mul', [draw.random(2, 4 * U, D), draw.random(1, 4 * U, 1)]),
    draw.numbers([], [3]),
  ]);
  const first = draw.add('Gather', [scaled, draw.ints(-1)], { axis: 0 });
  draw.add('Split', [draw.random(U, 12 * U), draw.ints(4 * U, 8 * U)], { axis: 1 }, ['r', 'more']);
  const r = draw.unsqueeze(draw.transpose('r', 1, 0), 0);
  const b = draw.add('Reshape', [draw.add('Slice', ['more', draw.ints(0), draw.ints(1)]), draw.ints(1, -1)]);
  const bias = draw.add('Add', [
    draw.add('Neg', [b]),
    draw.add('Expand', [draw.numbers([1], [0.5]), draw.ints(1, 8 * U)]),
  ]);
  draw.add('LSTM', [timeFirst(draw), first, r, bias], { hidden_size: U }, ['', 'h']);
  const tiled = draw.add('Tile', [draw.random(1, 4), draw.ints(U, 1)]);
  const range = draw.add('Cast', [draw.add('Range', [draw.int(1), draw.int(5), draw.int(1)])], { to: 1 });
  const wide = draw.add('Sub', [tiled, draw.add('Sqrt', [range])]);
  return draw.add('MatMul', [draw.squeeze('h', 0), draw.add('Identity', [wide])]);
});
graph('weights computed with every elementwise operator', draw => {
  const [a, b] = [draw.random(2, 3, 4), draw.random(3, 1)];
  const bent = draw.add('Max', [
    draw.add('Floor', [a]),
    draw.add('Min', [b, draw.add('Neg', [a])]),
    draw.numbers([], [-1]),
  ]);
  const power = draw.add('Pow', [draw.add('Abs', [bent]), draw.numbers([1], [1.5])]);
  const sum = draw.add('Sum', [
    power,
    draw.add('Ceil', [b]),
    draw.add('Reciprocal', [draw.numbers([4], [1, 2, 4, 8])]),
  ]);
  const turned = draw.add('Transpose', [sum], { perm: [2, 0, 1] }); // [4, 2, 3]
  const picked = draw.add('Gather', [turned, draw.ints(-1, 0, 2)], { axis: 0 }); // [3, 2, 3]
  const flat = draw.add('Flatten', [picked], { axis: 2 }); // [6, 3]
  const back = draw.slice(draw.slice(flat, -1, -(2n ** 63n), 0, -2), 2, -(2n ** 63n), 1, -1); // [3, 3]
  const large = draw.add('Equal', [draw.add('Cast', [back], { to: 7 }), draw.ints(0)]);
  const kernel = draw.add('Where', [draw.add('Not', [large]), back, draw.numbers([], [0.25])]);
  const count = draw.add('Cast', [draw.add('Size', [kernel])], { to: 1 });
  const total = draw.add('Cast', [draw.add('ReduceSum', [draw.add('Shape', [turned])], { keepdims: 0 })], { to: 1 });
  const [h] = [draw.rnn('RNN', draw.add('MatMul', [timeFirst(draw), kernel]), 'forward')[1]!];
  const scaled = draw.add('Mul', [draw.squeeze(h, 0), draw.add('Div', [total, count])]);
  return draw.add('Tanh', [scaled]);
});
