// Hand-built graphs from 'x' [batch, time, 3] to 'y', which is time first if it has time steps. ONNX Runtime computes the
// expected results.

import type { Draft, NodeProto, TensorProto } from '../../src/onnx/proto.ts';
import { RandomGenerator } from '../../src/util/randomGenerator.ts';
import { attribute, floats, ints, modelOf, node } from './build.ts';
import { T } from './models.ts';

const U = 2;
const generator = new RandomGenerator(11);
const random = (name: string, ...dims: number[]) =>
  floats(
    name,
    dims,
    Array.from({ length: dims.reduce((a, b) => a * b) }, () => generator.normal() / 2),
  );

const gates = { LSTM: 4, GRU: 3, RNN: 1 };

/** The node and the weights of a recurrent layer on [T, B, width]. */
function layer(
  op: keyof typeof gates,
  name: string,
  from: string,
  width: number,
  direction: string,
  outputs: string[],
) {
  const directions = direction === 'bidirectional' ? 2 : 1;
  const rows = gates[op] * U;
  const attributes = [attribute('direction', { s: direction }), attribute('hidden_size', { i: U })];
  return {
    node: node(op, [from, `${name}W`, `${name}R`, `${name}B`], outputs, attributes),
    weights: [
      random(`${name}W`, directions, rows, width),
      random(`${name}R`, directions, rows, U),
      random(`${name}B`, directions, 2 * rows),
    ],
  };
}

type Made = ReturnType<typeof layer>;

const steps = node('Transpose', ['x'], ['steps'], [attribute('perm', { ints: [1, 0, 2] })]);
const squeezed = (from: string, to: string) => node('Squeeze', [from, 'one'], [to]);
const numbers = [
  ints('zero', [0]),
  ints('one', [1]),
  ints('two', [2]),
  ints('minus', [-1]),
  ints('end', [2 ** 62]),
  { ...ints('first', [0]), dims: [] },
  { ...ints('second', [1]), dims: [] },
  { ...ints('last', [-1]), dims: [] },
];

function graph(layers: Made[], others: Draft<NodeProto>[], more: Draft<TensorProto>[] = []): Uint8Array {
  const dim = [{ dimParam: 'batch' }, { dimValue: T }, { dimValue: 3 }];
  const nodes = [steps, ...others];
  return modelOf({
    node: nodes,
    initializer: [...numbers, ...more, ...layers.flatMap(({ weights }) => weights)],
    input: [{ name: 'x', type: { tensorType: { elemType: 1, shape: { dim } } } }],
    output: [{ name: 'y', type: { tensorType: { elemType: 1 } } }],
  });
}

export const handBuilt: { [name: string]: Uint8Array } = {};

{
  const a = layer('LSTM', 'a', 'steps', 3, 'reverse', ['ya']);
  const b = layer('GRU', 'b', 'sa', U, 'forward', ['yb']);
  const c = layer('RNN', 'c', 'sb', U, 'reverse', ['yc']);
  const d = layer('RNN', 'd', 'sc', U, 'reverse', ['', 'hd']);
  handBuilt['reverse, forward, reverse, reverse, final state'] = graph(
    [a, b, c, d],
    [
      a.node,
      squeezed('ya', 'sa'),
      b.node,
      squeezed('yb', 'sb'),
      c.node,
      squeezed('yc', 'sc'),
      d.node,
      node('Squeeze', ['hd', 'zero'], ['y']),
    ],
  );
  handBuilt['reverse, forward: every step'] = graph(
    [a, b],
    [a.node, squeezed('ya', 'sa'), b.node, squeezed('yb', 'y')],
  );
  handBuilt['reverse, and its first time step'] = graph(
    [a],
    [a.node, squeezed('ya', 'sa'), node('Gather', ['sa', 'first'], ['y'], [attribute('axis', { i: 0 })])],
  );
  handBuilt['forward, an activation, and its last time step'] = graph(
    [a, b],
    [
      a.node,
      squeezed('ya', 'sa'),
      b.node,
      squeezed('yb', 'sb'),
      node('Tanh', ['sb'], ['t']),
      node('Slice', ['t', 'minus', 'end', 'zero'], ['s']),
      node('Squeeze', ['s', 'zero'], ['y']),
    ],
  );
}
{
  const both = layer('LSTM', 'b', 'steps', 3, 'bidirectional', ['yb', 'hb']);
  const half = (index: string, from: string, to: string, axis: number) =>
    node('Gather', [from, index], [to], [attribute('axis', { i: axis })]);
  const ends = [both.node, half('first', 'hb', 'f', 0), half('second', 'hb', 'r', 0)];
  const every = [both.node, half('first', 'yb', 'f', 1), half('last', 'yb', 'r', 1)];
  const joined = node('Concat', ['f', 'r'], ['y'], [attribute('axis', { i: -1 })]);
  handBuilt['final states of both directions, concatenated'] = graph([both], [...ends, joined]);
  handBuilt['final states of both directions, multiplied'] = graph([both], [...ends, node('Mul', ['f', 'r'], ['y'])]);
  handBuilt['both directions, concatenated'] = graph([both], [...every, joined]);
  handBuilt['both directions, averaged with Add and Mul'] = graph(
    [both],
    [...every, node('Add', ['f', 'r'], ['s']), node('Mul', ['s', 'half'], ['y'])],
    [floats('half', [], [0.5])],
  );
  handBuilt['final states of both directions, repeated and flattened'] = graph(
    [both],
    [
      ...ends,
      node('Concat', ['f', 'r'], ['h'], [attribute('axis', { i: -1 })]),
      node('Unsqueeze', ['h', 'one'], ['step']),
      node('Tile', ['step', 'thrice'], ['many']),
      node('Reshape', ['many', 'row'], ['y']),
    ],
    [ints('thrice', [1, 3, 1]), ints('row', [-1, 12])],
  );
}
{
  const a = layer('GRU', 'a', 'steps', 3, 'forward', ['ya']);
  handBuilt['all time steps flattened'] = graph(
    [a],
    [
      a.node,
      squeezed('ya', 'sa'),
      node('Transpose', ['sa'], ['back'], [attribute('perm', { ints: [1, 0, 2] })]),
      node('Flatten', ['back'], ['flat'], [attribute('axis', { i: 1 })]),
      node('Relu', ['flat'], ['y']),
    ],
  );
}

/** Graphs of an encoder and a decoder from 'source' and 'target', in the form of PyTorch's exporter. */
export const encoderDecoders: { [name: string]: { bytes: Uint8Array; timeFirst: boolean } } = {};

/** Two recurrent layers on each other, and their final states, concatenated as PyTorch does. */
function stack(op: keyof typeof gates, name: string, from: string, starts: readonly (readonly string[])[] | null) {
  const states = op === 'LSTM' ? ['h', 'c'] : ['h'];
  const layers = [0, 1].map(n => {
    const made = layer(op, `${name}${n}`, n === 0 ? from : `${name}s0`, n === 0 ? 3 : U, 'forward', [
      `${name}y${n}`,
      ...states.map(state => `${name}${state}${n}`),
    ]);
    if (starts) made.node.input!.push('', ...states.map((_, k) => starts[n]![k]!));
    return made;
  });
  return {
    nodes: [
      layers[0]!.node,
      squeezed(`${name}y0`, `${name}s0`),
      layers[1]!.node,
      squeezed(`${name}y1`, `${name}s1`),
      ...states.map(state =>
        node('Concat', [`${name}${state}0`, `${name}${state}1`], [`${name}${state}`], [attribute('axis', { i: 0 })]),
      ),
    ],
    weights: layers.flatMap(({ weights }) => weights),
  };
}

for (const op of ['LSTM', 'GRU'] as const) {
  for (const timeFirst of [false, true]) {
    const states = op === 'LSTM' ? ['h', 'c'] : ['h'];
    // Each layer of the decoder gets a slice of the final states
    const slices = states.flatMap(state =>
      [0, 1].map(n =>
        node('Slice', [`e${state}`, ['zero', 'one'][n]!, ['one', 'two'][n]!, 'zero'], [`start${state}${n}`]),
      ),
    );
    const encoder = stack(op, 'e', timeFirst ? 'source' : 'sourceSteps', null);
    const decoder = stack(
      op,
      'd',
      timeFirst ? 'target' : 'targetSteps',
      [0, 1].map(n => states.map(state => `start${state}${n}`)),
    );
    const swap = [attribute('perm', { ints: [1, 0, 2] })];
    const dim = (name: string) => {
      const [batch, time] = [{ dimParam: 'batch' }, { dimParam: `${name}_len` }];
      return [...(timeFirst ? [time, batch] : [batch, time]), { dimValue: 3 }];
    };
    encoderDecoders[`${op}, ${timeFirst ? 'time first' : 'batch first'}`] = {
      timeFirst,
      bytes: modelOf({
        input: ['source', 'target'].map(name => ({
          name,
          type: { tensorType: { elemType: 1, shape: { dim: dim(name) } } },
        })),
        initializer: [...numbers, ...encoder.weights, ...decoder.weights, random('kernel', U, 4), random('bias', 4)],
        node: [
          ...(timeFirst ? [] : ['source', 'target'].map(name => node('Transpose', [name], [`${name}Steps`], swap))),
          ...encoder.nodes,
          ...slices,
          ...decoder.nodes,
          ...(timeFirst ? [] : [node('Transpose', ['ds1'], ['samples'], swap)]),
          node('MatMul', [timeFirst ? 'ds1' : 'samples', 'kernel'], ['product']),
          node('Add', ['bias', 'product'], ['y']),
        ],
        output: [{ name: 'y', type: { tensorType: { elemType: 1 } } }],
      }),
    };
  }
}
