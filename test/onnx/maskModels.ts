// Models of masked sequences for the ONNX tests, and sequences with masked steps at every place.

import { input, layers, model, sequential, setRandomSeed, type Tensor, tensor } from 'lstm-wasm';
import type { FunctionalModel, Layer, LayersModel } from '../../src/index.ts';
import { RandomGenerator } from '../../src/util/randomGenerator.ts';
import { biased, D, dense, gru, lstm, type Symbolic, sequence, sequences, withState } from './graphCases.ts';

/** The value of masked steps. */
export const MASK = -1.5;

const masking = () => layers.masking({ maskValue: MASK });
const rnn = (more: object = {}) => layers.simpleRNN({ units: 4, ...biased, ...more });
const recurrent = {
  lstm,
  gru,
  'gru without resetAfter': (more: object) => gru({ resetAfter: false, ...more }),
  rnn,
  minGRU: (more: object) => layers.minGRU({ units: 4, ...biased, ...more }),
  minLSTM: (more: object) => layers.minLSTM({ units: 3, activation: 'gelu', ...biased, ...more }),
};
const heads = (more: object = {}) => layers.multiHeadAttention({ numHeads: 2, keyDim: 3, ...biased, ...more });
const embedding = (more: object = {}) => layers.embedding({ inputDim: 7, outputDim: D, maskZero: true, ...more });
const ids = (name = 'ids') => input({ shape: [null], name });

/** The models, by what they show. */
export const maskModels: { [name: string]: () => LayersModel } = {};

const chain = (name: string, list: () => Layer[]) => {
  maskModels[name] = () => {
    setRandomSeed(9);
    return sequential({ layers: list() });
  };
};

const graph = (
  name: string,
  inputs: () => Symbolic[],
  outputs: (...inputs: Symbolic[]) => Symbolic | Symbolic[],
): void => {
  maskModels[name] = (): FunctionalModel => {
    setRandomSeed(9);
    const given = inputs();
    return model({ inputs: given, outputs: outputs(...given) });
  };
};

const first = () => layers.masking({ maskValue: MASK, inputShape: [null, D] });
for (const [name, make] of Object.entries(recurrent)) {
  chain(`${name}, stacked, backwards`, () => [
    first(),
    make({ ...sequences }),
    make({ ...sequences, goBackwards: true }),
    layers.dropout({ rate: 0.3 }),
    make({}),
  ]);
  for (const mergeMode of ['concat', 'sum', 'ave', 'mul'] as const) {
    const both = (more: object) => layers.bidirectional({ layer: make(more), mergeMode });
    chain(`${name}, bidirectional, ${mergeMode}`, () => [first(), both(sequences), both({}), dense(2)]);
  }
}
chain('timeDistributed and activations', () => [
  first(),
  layers.timeDistributed({ layer: dense(3, { activation: 'tanh' }) }),
  layers.activation({ activation: 'swish' }),
  layers.activation({ activation: 'gelu' }),
  lstm(sequences),
  layers.timeDistributed({ layer: dense(2) }),
]);
chain('masking of hidden layers', () => [
  layers.dense({ units: 3, activation: 'relu6', inputShape: [null, D] }),
  layers.masking({ maskValue: 6 }),
  gru(sequences),
  layers.masking({ maskValue: 0 }),
  lstm({}),
]);
chain('masking alone', () => [first()]);
for (const name of ['globalMaxPooling1d', 'globalAveragePooling1d'] as const) {
  chain(`${name}`, () => [first(), layers[name](), dense(2)]);
  chain(`${name} of a recurrent layer, backwards`, () => [
    first(),
    gru({ ...sequences, goBackwards: true }),
    layers[name](),
  ]);
  graph(
    `${name} of attention, and with masks of calls`,
    () => [sequence('source'), sequence('target'), input({ shape: [null], name: 'given' })],
    (source, target, given) => {
      const [query, value] = [source, target].map(x => masking().apply(x!));
      return [
        layers[name]().apply(layers.attention().apply([query!, value!])),
        layers[name]().apply(query!, { mask: [null] }),
        layers[name]().apply(lstm(sequences).apply(value!), { mask: given! }),
        layers[name]().apply(source!, { mask: given! }),
      ];
    },
  );
}
chain('rnn of several cells', () => [
  first(),
  layers.rnn({
    cell: [layers.lstmCell({ units: 3, ...biased }), layers.gruCell({ units: 2, ...biased })],
    ...sequences,
  }),
]);
const cells = () => [
  layers.lstmCell({ units: 3, ...biased }),
  layers.gruCell({ units: 4, ...biased }),
  layers.gruCell({ units: 2, useBias: false, resetAfter: false }),
  layers.simpleRNNCell({ units: 3, ...biased }),
  layers.lstmCell({ units: 2, ...biased }),
];
chain('rnn of several cells, backwards', () => [
  first(),
  layers.rnn({ cell: cells(), goBackwards: true, ...sequences }),
  layers.rnn({ cell: cells().slice(1), goBackwards: true }),
]);
graph(
  'rnn of several cells, backwards, with states',
  () => [sequence('source'), sequence('target')],
  (source, target) => {
    const stack = (more: object) => layers.rnn({ cell: cells().slice(1, 4), goBackwards: true, ...more });
    const [, ...states] = stack(withState).apply(masking().apply(source!));
    return stack(sequences).apply(masking().apply(target!), { initialState: states });
  },
);
chain('bidirectional rnn of several cells', () => [
  first(),
  layers.bidirectional({ layer: layers.rnn({ cell: cells(), ...sequences }) }),
]);
chain('embedding', () => [embedding(), lstm(sequences), gru({})]);

graph(
  'encoder and decoder',
  () => [sequence('source'), sequence('target')],
  (source, target) => {
    const [, ...states] = lstm(withState).apply(masking().apply(source!));
    return dense(2).apply(lstm({ ...sequences }).apply(masking().apply(target!), { initialState: states }));
  },
);
graph(
  'a bidirectional layer without a merge mode',
  () => [sequence()],
  x => [
    ...layers
      .bidirectional({ layer: gru({}), backwardLayer: rnn({ goBackwards: true }), mergeMode: null })
      .apply(masking().apply(x!)),
  ],
);
for (const [name, make] of Object.entries({
  attention: layers.attention,
  'attention with a scale': (more: object) => layers.attention({ useScale: true, weights: [tensor(0.7)], ...more }),
  'attention by concatenation': (more: object) =>
    layers.attention({ scoreMode: 'concat', weights: [tensor(0.6)], ...more }),
  additiveAttention: layers.additiveAttention,
  multiHeadAttention: heads,
})) {
  for (const causal of [false, true]) {
    graph(
      `${name}${causal ? ', causal' : ''}`,
      () => [sequence('query'), sequence('value'), sequence('key')],
      (query, value, key) => {
        const [q, v, k] = [query, value, key].map(x => masking().apply(x!));
        const more = { useCausalMask: causal };
        return [
          make(more).apply([q!, q!]),
          make(more).apply([q!, v!, k!]),
          make(more).apply([query!, v!]),
          lstm().apply(make(more).apply([q!, value!])),
          make(more).apply([query!, value!, k!]),
        ];
      },
    );
  }
}
graph(
  'attention weights',
  () => [sequence('query'), sequence('value')],
  (query, value) => {
    const [q, v] = [query, value].map(x => masking().apply(x!));
    return [...layers.attention({ returnAttentionScores: true }).apply([q!, v!])];
  },
);
graph(
  'dot',
  () => [sequence('x'), sequence('y')],
  (x, y) => [
    layers.dot({ axes: 2 }).apply([masking().apply(x!), lstm({ units: D, ...sequences }).apply(masking().apply(y!))]),
  ],
);
for (const name of ['add', 'subtract', 'multiply', 'average', 'maximum', 'minimum'] as const) {
  graph(
    name,
    () => [sequence('x'), sequence('y')],
    (x, y) => {
      const [a, b] = [x, y].map(each => masking().apply(each!));
      const merge = (...pair: Symbolic[]) => layers[name]().apply(pair);
      return [
        lstm(sequences).apply(merge(a!, b!)),
        merge(a!, y!),
        merge(x!, b!),
        gru().apply(merge(a!, dense(1).apply(b!))),
        merge(a!, a!),
      ];
    },
  );
}
graph(
  'concatenate',
  () => [sequence('x'), sequence('y')],
  (x, y) => {
    const [a, b] = [x, y].map(each => masking().apply(each!));
    const joined = (axis: number, ...pair: Symbolic[]) => layers.concatenate({ axis }).apply(pair);
    return [
      lstm().apply(joined(-1, a!, b!)),
      lstm().apply(joined(-1, a!, y!)),
      lstm(sequences).apply(joined(1, a!, y!, b!)),
      lstm(sequences).apply(joined(1, y!, a!)),
    ];
  },
);
graph(
  'embeddings with and without a mask',
  () => [ids(), ids('others')],
  (x, y) => [
    lstm(sequences).apply(embedding().apply(x!)),
    gru().apply(embedding({ maskZero: false }).apply(y!)),
    layers.multiply().apply([embedding().apply(x!), embedding({ maskZero: false }).apply(x!)]),
  ],
);
graph(
  'a layer that is shared by masked and other sequences',
  () => [sequence('x'), ids()],
  (x, given) => {
    const shared = lstm(sequences);
    const a = masking().apply(x!);
    return [shared.apply(a), shared.apply(x!), shared.apply(a, { mask: [null] }), shared.apply(a, { mask: given! })];
  },
);
graph(
  'ids as the mask of another sequence',
  () => [sequence(), ids()],
  (x, given) => [gru().apply(x!, { mask: given! }), lstm().apply(embedding().apply(given!)), dense(1).apply(x!)],
);
graph(
  'a mask that a layer computes',
  () => [sequence('x', 5), input({ shape: [5], name: 'given' })],
  (x, given) => gru(sequences).apply(x!, { mask: layers.activation({ activation: 'relu' }).apply(given!) }),
);
graph(
  'a merge of sequences with a step and with rows',
  () => [sequence(), input({ shape: [1, D], name: 'step' }), input({ shape: [D], name: 'row' })],
  (x, step, row) => {
    const [a, b] = [x, step].map(each => masking().apply(each!));
    return [
      lstm().apply(layers.multiply().apply([b!, a!])),
      layers.maximum().apply([a!, row!]),
      layers.minimum().apply([row!, a!]),
    ];
  },
);
graph(
  'masks of calls',
  () => [sequence('x'), sequence('y'), input({ shape: [null], name: 'given' })],
  (x, y, given) => {
    const a = masking().apply(x!);
    return [
      gru(sequences).apply(rnn(sequences).apply(a, { mask: given! })),
      layers.maximum().apply([a, y!], { mask: [null, given!] }),
      layers.multiply().apply([a, y!], { mask: [given!, given!] }),
      layers.attention().apply([a, y!], { mask: [given!, null] }),
      layers.attention().apply([a, a], { mask: [null, given!] }),
      heads().apply([x!, a, y!], { mask: [null, given!, null] }),
    ];
  },
);

/** Samples whose steps are masked: none, first, last, middle, all, some at random. In others, single features have that value. */
export function maskedInputs(net: LayersModel, steps: readonly number[] = [5]): { [name: string]: Tensor } {
  const generator = new RandomGenerator(steps[0]! + 17);
  const entries = net.inputs.map(({ shape, sourceLayer }, n) => {
    const isRow = sourceLayer.name === 'row';
    const T = isRow ? 1 : (shape[1] ?? steps[n] ?? steps[0]!);
    const isMasked: ((t: number) => boolean)[] = [
      () => false,
      t => t < 2,
      t => t >= T - 2,
      t => t > 0 && t < T - 1,
      () => true,
      () => generator.below(2) === 0,
    ];
    // The inputs are masked differently, but all of them in one of the samples
    const rows = isMasked.map((_, row) => (row === 4 ? isMasked[4]! : isMasked[(row + 2 * n) % isMasked.length]!));
    const isList = shape.length === 2 && !isRow;
    const width = isList ? 1 : D;
    const values = rows.flatMap(masked =>
      Array.from({ length: T }, (_, t) => {
        if (masked(t)) return Array<number>(width).fill(isList ? 0 : MASK);
        if (isList) return [1 + generator.below(6)];
        return Array.from({ length: width }, (_, d) => (d > 0 && generator.below(3) === 0 ? MASK : generator.normal()));
      }).flat(),
    );
    return [
      sourceLayer.name,
      tensor(values, isList ? [rows.length, T] : isRow ? [rows.length, width] : [rows.length, T, width]),
    ] as const;
  });
  return Object.fromEntries(entries);
}
