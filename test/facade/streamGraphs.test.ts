// Streams of functional models: several inputs and outputs, initial states, and constants.

import { input, layers, model, setRandomSeed, type Tensor, tensor, train } from 'lstm-wasm';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';
import { Random } from '../reference/random.ts';

const random = new Random(31);
const numbers = (count: number) => Float32Array.from(random.normals([count]).data);
const sequence = (steps: number, width: number): Tensor => tensor(numbers(steps * width), [1, steps, width]);
const row = (values: Tensor, t: number): Float32Array => {
  const width = values.shape.at(-1)!;
  return values.dataSync().slice(t * width, (t + 1) * width) as Float32Array;
};
const tolerance = { abs: 3e-7, rel: 3e-6 };
const kinds = ['lstm', 'gru', 'simpleRNN', 'minGRU', 'minLSTM'] as const;
const recurrent = (kind: (typeof kinds)[number], units: number, options: object = {}) =>
  layers[kind]({ units, returnSequences: true, returnState: true, ...options });

beforeEach(() => setRandomSeed(5));

describe('several inputs and outputs', () => {
  const make = () => {
    const [a, b] = [input({ shape: [null, 3], name: 'a' }), input({ shape: [null, 5], name: 'b' })];
    const [x, h] = layers.gru({ units: 6, returnSequences: true, returnState: true }).apply(a);
    const other = layers.lstm({ units: 6, returnSequences: true }).apply(b);
    const sum = layers.add().apply([x!, other]);
    const joined = layers.concatenate().apply([sum, a]);
    const outputs = [layers.dense({ units: 2, name: 'p' }).apply(joined), layers.dense({ units: 4 }).apply(h!)];
    return model({ inputs: [a, b], outputs });
  };

  it('steps of a list and of an object give the outputs of predict', () => {
    const net = make();
    const [a, b] = [sequence(7, 3), sequence(7, 5)];
    const [p] = net.predict<Tensor[]>([a, b]);
    const stream = net.stream();
    for (let t = 0; t < 7; t++) {
      const before = stream.getStates();
      const results = stream.step<Float32Array[]>([row(a, t), row(b, t)]);
      expectClose(results[0]!, row(p!, t), { ...tolerance, what: `step ${t}` });
      const part = (all: Tensor) => tensor(all.dataSync().slice(0, (t + 1) * all.shape[2]!), [1, t + 1, all.shape[2]!]);
      expectClose(results[1]!, net.predict<Tensor[]>([part(a), part(b)])[1]!.dataSync(), tolerance);
      stream.setStates(before);
      const out = [new Float32Array(2), new Float32Array(4)];
      expect(stream.step({ b: [...row(b, t)], a: row(a, t) }, out)).toEqual(results);
      for (const [n, result] of results.entries()) expectBits(out[n]!, result);
    }
    expect(stream.getStates().map(states => states.map(({ shape }) => shape[1]))).toEqual([[6], [6, 6]]);
  });

  it.each([
    ['one array', [1, 2, 3], undefined, 'input must be a list of 2 arrays (a, b) or an object of these names, got'],
    ['a list of one', [[1, 2, 3]], undefined, 'got a list of 1'],
    ['an unknown name', { a: [1, 2, 3], c: [1] }, undefined, "input must be an object of a, b, got 'c'"],
    ['a missing name', { a: [1, 2, 3] }, undefined, 'input.b must be a Float32Array or an array of numbers, got'],
    ['a wrong width', [[1, 2, 3], [1]], undefined, 'input.b must hold 5 numbers, got 1'],
    [
      'one out',
      [
        [1, 2, 3],
        [1, 2, 3, 4, 5],
      ],
      new Float32Array(2),
      'out must be a list of 2 Float32Arrays, got',
    ],
    [
      'an out of a wrong width',
      [
        [1, 2, 3],
        [1, 2, 3, 4, 5],
      ],
      [new Float32Array(2), new Float32Array(3)],
      'out[1] must be a Float32Array of 4, got',
    ],
  ])('a step rejects %s and keeps the states', (_what, given, out, message) => {
    const stream = make().stream();
    stream.step<Float32Array[]>([[1, 2, 3], numbers(5)]);
    const before = stream.getStates().flat();
    expect(() => stream.step(given as never, out as never)).toThrow(message);
    for (const [n, state] of stream.getStates().flat().entries()) expectBits(state.dataSync(), before[n]!.dataSync());
  });

  it('a layer shared by two branches, and a nested model, give the outputs of predict', () => {
    const inner = (() => {
      const x = input({ shape: [null, 4] });
      return model({ inputs: x, outputs: layers.gru({ units: 4, returnSequences: true }).apply(x) });
    })();
    const x = input({ shape: [null, 4] });
    const dense = layers.dense({ units: 4, activation: 'tanh' });
    const outputs = layers.multiply().apply([dense.apply(inner.apply(dense.apply(x))), x]);
    const net = model({ inputs: x, outputs });
    const data = sequence(6, 4);
    const expected = net.predict(data);
    const stream = net.stream();
    for (let t = 0; t < 6; t++) expectClose(stream.step(row(data, t)), row(expected, t), tolerance);
  });
});

describe.each(kinds)('initial states of %s', kind => {
  const count = kind === 'lstm' ? 2 : 1;
  const make = (units: number) => {
    const source = input({ shape: [null, 3], name: 'source' });
    const target = input({ shape: [null, 2], name: 'target' });
    const initial = Array.from({ length: count }, (_, n) => input({ shape: [units], name: `state${n}` }));
    const encoder = recurrent(kind, units);
    const decoder = recurrent(kind, units);
    const dense = layers.dense({ units: 3, activation: 'softmax' });
    const [, ...states] = encoder.apply(source);
    const decode = (initialState: typeof initial) => dense.apply([...decoder.apply(target, { initialState })][0]!);
    return {
      whole: model({ inputs: [source, target], outputs: decode(states) }),
      encode: model({ inputs: source, outputs: states }),
      decode: model({ inputs: [target, ...initial], outputs: decode(initial) }),
    };
  };

  it.each([1, 5, 16])('a decoder starts from the states of an encoder, %i units', units => {
    const { whole, encode, decode } = make(units);
    const [source, target] = [sequence(5, 3), sequence(6, 2)];
    const expected = whole.predict([source, target]);
    const encoded = [encode.predict<Tensor | Tensor[]>(source)].flat();
    const names = Object.fromEntries(encoded.map((state, n) => [`state${n}`, state]));
    const streams = [
      decode.stream(),
      decode.stream({ constants: names }),
      whole.stream({ constants: { source } }),
    ] as const;
    streams[0].setStates([encoded]);
    for (let t = 0; t < 6; t++) {
      for (const [n, stream] of streams.entries()) {
        const step = stream.step(row(target, t));
        expectClose(step, row(expected, t), { ...tolerance, what: `stream ${n}, step ${t}` });
      }
    }
    for (const stream of streams) stream.reset();
    for (const state of streams[0].getStates().flat()) expect(state.dataSync().every(value => value === 0)).toBe(true);
    for (const stream of streams.slice(1)) {
      for (const [k, state] of stream.getStates().flat().entries()) {
        expectClose(state.dataSync(), encoded[k]!.dataSync(), tolerance);
      }
      expectClose(stream.step(row(target, 0)), row(expected, 0), tolerance);
    }
  });

  it('setConstants starts a sequence for another source of another length', () => {
    const { whole } = make(7);
    const stream = whole.stream({ constants: { source: sequence(3, 3) } });
    for (const steps of [8, 2, 8]) {
      const [source, target] = [sequence(steps, 3), sequence(4, 2)];
      const expected = whole.predict([source, target]);
      stream.setConstants({ source });
      for (let t = 0; t < 4; t++) expectClose(stream.step(row(target, t)), row(expected, t), tolerance);
    }
  });

  it('a stream with constants goes on with the weights that training changes', () => {
    const { whole } = make(5);
    whole.compile({ optimizer: train.adam(0.05), loss: 'mse' });
    const [source, target] = [sequence(5, 3), sequence(4, 2)];
    const stream = whole.stream({ constants: { source } });
    stream.step(row(target, 0));
    whole.trainOnBatch([source, target], sequence(4, 3));
    const [states] = stream.getStates();
    stream.step(row(target, 1));
    expect(stream.getStates()[0]![0]!.dataSync()).not.toEqual(states![0]!.dataSync());
    stream.reset();
    const expected = whole.predict([source, target]);
    for (let t = 0; t < 4; t++) expectClose(stream.step(row(target, t)), row(expected, t), tolerance);
  });
});

describe('attention over constants', () => {
  const source = () => input({ shape: [null, 3], name: 'source' });
  const target = () => input({ shape: [null, 2], name: 'target' });
  type Attend = (query: ReturnType<typeof input>, value: ReturnType<typeof input>) => unknown;
  const attend: Record<string, Attend> = {
    attention: (query, value) => layers.attention({ useScale: true }).apply([query, value]),
    'attention with keys': (query, value) =>
      layers.attention().apply([query, value, layers.dense({ units: 6 }).apply(value)]),
    additiveAttention: (query, value) => layers.additiveAttention().apply([query, value]),
    multiHeadAttention: (query, value) => layers.multiHeadAttention({ numHeads: 2, keyDim: 3 }).apply([query, value]),
    dot: (query, value) => {
      const scores = layers
        .activation({ activation: 'softmax' })
        .apply(layers.dot({ axes: [2, 2] }).apply([query, value]));
      return layers.dot({ axes: [2, 1] }).apply([scores, value]);
    },
    'a product with one vector': (query, value) =>
      layers.multiply().apply([query, layers.gru({ units: 6 }).apply(value)]),
  };

  it.each(Object.keys(attend))('steps give the outputs of predict, %s', name => {
    const [from, to] = [source(), target()];
    const [encoded, ...states] = recurrent('lstm', 6).apply(from);
    const query = [...recurrent('lstm', 6).apply(to, { initialState: states })][0]!;
    const context = attend[name]!(query, encoded!) as typeof query;
    const outputs = layers.dense({ units: 3 }).apply(layers.concatenate().apply([context, query]));
    const net = model({ inputs: [from, to], outputs });
    for (const steps of [1, 4, 9]) {
      const [x, y] = [sequence(steps, 3), sequence(5, 2)];
      const expected = net.predict([x, y]);
      const stream = net.stream({ constants: { source: x } });
      for (let t = 0; t < 5; t++) {
        expectClose(stream.step(row(y, t)), row(expected, t), { ...tolerance, what: `step ${t}` });
      }
    }
  });

  it('a decoder model that takes the encoded sequence gives the outputs of predict', () => {
    const [encoded, to] = [input({ shape: [null, 4], name: 'encoded' }), target()];
    const query = layers.gru({ units: 4, returnSequences: true }).apply(to);
    const [context, scores] = layers.attention({ returnAttentionScores: true } as object).apply([query, encoded]);
    const net = model({ inputs: [encoded, to], outputs: [context!, scores!] });
    const [x, y] = [sequence(6, 4), sequence(5, 2)];
    const expected = net.predict<Tensor[]>([x, y]);
    const stream = net.stream({ constants: { encoded: x } });
    for (let t = 0; t < 5; t++) {
      const results = stream.step<Float32Array[]>(row(y, t));
      for (const [n, result] of results.entries()) expectClose(result, row(expected[n]!, t), tolerance);
    }
  });

  it('attention follows the mask of an embedding of constants', () => {
    const [ids, to] = [input({ shape: [null], name: 'ids' }), target()];
    const embedded = layers.embedding({ inputDim: 5, outputDim: 4, maskZero: true }).apply(ids);
    const encoded = layers.lstm({ units: 4, returnSequences: true }).apply(embedded);
    const query = layers.gru({ units: 4, returnSequences: true }).apply(to);
    const net = model({ inputs: [ids, to], outputs: layers.attention().apply([query, encoded]) });
    const y = sequence(4, 2);
    const padded = tensor([[3, 1, 4, 0, 0]]);
    const expected = net.predict([padded, y]);
    const stream = net.stream({ constants: { ids: padded } });
    const short = net.stream({ constants: { ids: tensor([[3, 1, 4]]) } });
    for (let t = 0; t < 4; t++) {
      expectClose(stream.step(row(y, t)), row(expected, t), tolerance);
      expectClose(short.step(row(y, t)), row(expected, t), tolerance);
    }
    expect(() => stream.setConstants({ ids: [[5]] })).toThrow(
      /^stream\.setConstants: constants\.ids must hold integers/,
    );
  });

  it('a bidirectional or stateful encoder of constants gives the outputs of predict', () => {
    const from = input({ batchShape: [1, null, 3], name: 'source' });
    const to = input({ batchShape: [1, null, 2], name: 'target' });
    const both = layers.bidirectional({ layer: layers.gru({ units: 3, returnSequences: true }) }).apply(from);
    const [encoded, state] = recurrent('gru', 6, { stateful: true }).apply(both);
    const query = layers.gru({ units: 6, returnSequences: true }).apply(to, { initialState: state! });
    const net = model({ inputs: [from, to], outputs: layers.attention().apply([query, encoded!]) });
    const [x, y] = [sequence(5, 3), sequence(4, 2)];
    const expected = net.predict([x, y]);
    const stream = net.stream({ constants: { source: x } });
    for (let n = 0; n < 2; n++) {
      for (let t = 0; t < 4; t++) expectClose(stream.step(row(y, t)), row(expected, t), tolerance);
      stream.reset();
    }
    expect(stream.getStates()).toHaveLength(1);
  });
});

describe('graphs that cannot be streamed', () => {
  const pair = () => [input({ shape: [null, 3], name: 'a' }), input({ shape: [null, 3], name: 'b' })] as const;
  const gru = (options: object = {}) => layers.gru({ units: 3, returnSequences: true, ...options });
  type Case = [what: string, make: () => ReturnType<typeof model>, constants: object | undefined, message: RegExp];
  const attention = (options: object = {}) => {
    const [a, b] = pair();
    return model({ inputs: [a, b], outputs: layers.attention(options).apply([gru().apply(a), b]) });
  };
  const constants = { b: [[[1, 2, 3]]] };
  const cases: Case[] = [
    [
      'attention between sequences that both change',
      attention,
      undefined,
      /every layer must work on one time step at a time, which '.*' does not; inputs that are whole sequences can be constants$/,
    ],
    [
      'attention with constants as the query',
      attention,
      { a: [[[1, 2, 3]]] },
      /every layer must work on one time step/,
    ],
    ['causal attention', () => attention({ useCausalMask: true }), constants, /every layer must work on one time step/],
    [
      'a sequence of constants added to steps',
      () => {
        const [a, b] = pair();
        return model({ inputs: [a, b], outputs: layers.add().apply([a, b]) });
      },
      constants,
      /every layer must work on one time step/,
    ],
    [
      'scores whose time steps are those of constants',
      () => {
        const [a, b] = pair();
        return model({ inputs: [a, b], outputs: layers.dot({ axes: 2 }).apply([b, a]) });
      },
      constants,
      /every layer must work on one time step/,
    ],
    [
      'initial states computed at every step',
      () => {
        const [a, b] = pair();
        return model({
          inputs: [a, b],
          outputs: gru().apply(a, { initialState: layers.gru({ units: 3 }).apply(b) }),
        });
      },
      undefined,
      /the initial states of '.*' must be inputs of the model or depend on constants only, because the stream would start from them at every step$/,
    ],
    [
      'an initial state that another layer reads',
      () => {
        const [a, h] = [input({ shape: [null, 3] }), input({ shape: [3], name: 'h' })];
        const y = layers.gru({ units: 3 }).apply(a, { initialState: h });
        return model({ inputs: [a, h], outputs: layers.add().apply([y, h]) });
      },
      undefined,
      /'h' must be only an initial state, or a constant, because other layers read it too$/,
    ],
    [
      'a recurrent layer of constants from a state that is no constant',
      () => {
        const [[a, b], h] = [pair(), input({ shape: [3], name: 'h' })];
        const y = layers.gru({ units: 3 }).apply(b, { initialState: h });
        return model({ inputs: [a, b, h], outputs: layers.multiply().apply([a, y]) });
      },
      constants,
      /'.*' must read one time step at a time, or have constants as its initial states too$/,
    ],
    [
      'an output of constants',
      () => {
        const [a, b] = pair();
        return model({ inputs: [a, b], outputs: [gru().apply(a), gru({ name: 'fixed' }).apply(b)] });
      },
      constants,
      /every output must depend on an input of a step, which 'fixed' does not$/,
    ],
    [
      'constants alone',
      attention,
      { a: [[[1, 2, 3]]], ...constants },
      /every output must depend on an input of a step/,
    ],
    [
      'a recurrent layer applied twice',
      () => {
        const [a, b] = pair();
        const shared = gru();
        return model({ inputs: [a, b], outputs: [shared.apply(a), shared.apply(b)] });
      },
      undefined,
      /no recurrent layer may be applied twice/,
    ],
    ['an unknown constant', attention, { c: [[[1]]] }, /constants must be an object of a, b, got 'c'/],
    ['constants that are no object', attention, [1] as object, /constants must be an object of tensors by the name/],
    ['constants of a wrong width', attention, { b: [[[1, 2]]] }, /constants\.b must have the shape \[1, null, 3\]/],
    ['constants of two samples', attention, { b: [[[1, 2, 3]], [[1, 2, 3]]] }, /constants\.b must have the shape/],
  ];

  it.each(cases)('model.stream rejects %s', (_what, make, given, message) => {
    const net = make();
    const call = () => net.stream(given && ({ constants: given } as never));
    expect(call).toThrow(message);
    expect(call).toThrow(/^model\.stream: /);
  });

  it('setConstants rejects missing and unknown names and keeps the stream as it is', () => {
    const net = attention();
    const stream = net.stream({ constants: { b: sequence(4, 3) } });
    const next = stream.step([1, 2, 3]);
    stream.reset();
    expect(() => stream.setConstants({} as never)).toThrow(/^stream\.setConstants: constants\.b must be given/);
    expect(() => stream.setConstants({ a: [[[1, 2, 3]]] })).toThrow("constants must be an object of b, got 'a'");
    expect(() => stream.setConstants({ b: [[[1]]] })).toThrow('constants.b must have the shape [1, null, 3]');
    expectBits(stream.step([1, 2, 3]), next);
    const x = input({ shape: [null, 2] });
    const other = model({ inputs: x, outputs: layers.gru({ units: 2 }).apply(x) });
    expect(() => other.stream().setConstants({})).toThrow('the stream must have been created with constants');
  });
});
