// Functional models with dot and attention layers for the ONNX tests.

import { layers, tensor } from 'lstm-wasm';
import {
  add,
  biased,
  D,
  dense,
  gru,
  lstm,
  masking,
  row,
  type Symbolic,
  sequence,
  sequences,
  withState,
} from './graphCases.ts';

for (const normalize of [false, true]) {
  const dot = (axes: number | [number, number], pair: Symbolic[]) => layers.dot({ axes, normalize }).apply(pair);
  const name = normalize ? 'normalized dot' : 'dot';
  add(
    `${name} of rows`,
    () => [row('x'), row('y')],
    (x, y) => dot(-1, [x!, y!]),
  );
  add(
    `${name} of sequences`,
    () => [sequence('x'), sequence('y')],
    (x, y) => [dot(2, [x!, y!]), dot(-1, [y!, gru({ units: D, ...sequences }).apply(x!)])],
    {
      steps: [
        [5, 3],
        [2, 4],
      ],
    },
  );
  add(
    `${name} over time`,
    () => [sequence('x'), sequence('y', 3), row('z')],
    (x, y, z) => [
      dot(1, [x!, dense(2).apply(x!)]),
      dot([1, 2], [y!, x!]),
      dot([2, 1], [x!, y!]),
      dot([1, 1], [y!, z!]),
      dot([1, 2], [z!, x!]),
      dot([2, 1], [x!, z!]),
      dense(2).apply(dot(2, [y!, y!])),
    ],
    {
      steps: [
        [5, 3],
        [2, 3],
      ],
    },
  );
}

// --------------------------------------------------------------------------------------------------------- attention

const attentions = {
  attention: layers.attention,
  'attention with a scale': (more: object) => layers.attention({ useScale: true, weights: [tensor(0.7)], ...more }),
  'attention by concatenation': (more: object) =>
    layers.attention({ scoreMode: 'concat', weights: [tensor(0.6)], ...more }),
  'attention by concatenation with a scale': (more: object) =>
    layers.attention({ scoreMode: 'concat', useScale: true, weights: [tensor(0.7), tensor(0.6)], ...more }),
  additiveAttention: layers.additiveAttention,
  'additiveAttention without a scale': (more: object) => layers.additiveAttention({ useScale: false, ...more }),
};
for (const [name, make] of Object.entries(attentions)) {
  for (const masked of [false, true]) {
    add(
      `${name}${masked ? ', masked' : ''}`,
      () => [sequence('query'), sequence('value'), sequence('key')],
      (...given) => {
        const [query, value, key] = masked ? given.map(x => masking().apply(x)) : given;
        const [y, scores] = make({ returnAttentionScores: true, useCausalMask: true }).apply([query!, value!, key!]);
        const plain = make({}).apply([query!, value!]);
        return [y!, scores!, plain, lstm().apply(plain), make({}).apply([given[0]!, value!, given[2]!])];
      },
      {
        steps: [
          [5, 3, 3],
          [2, 4, 4],
        ],
        ...(masked && { masked: true }),
      },
    );
  }
}
const heads = (more: object = {}) => layers.multiHeadAttention({ numHeads: 2, keyDim: 3, ...biased, ...more });
for (const masked of [false, true]) {
  add(
    `multiHeadAttention${masked ? ', masked' : ''}`,
    () => [sequence('query'), sequence('value'), sequence('key')],
    (...given) => {
      const [query, value, key] = masked ? given.map(x => masking().apply(x)) : given;
      const shared = heads({ useCausalMask: true });
      return [
        lstm().apply(shared.apply([query!, query!])),
        shared.apply([query!, value!]),
        heads({ valueDim: 2, outputShape: 5 }).apply([query!, value!, key!]),
        heads({ useBias: false }).apply([given[0]!, value!]),
      ];
    },
    {
      steps: [
        [5, 3, 3],
        [2, 4, 4],
      ],
      ...(masked && { masked: true }),
    },
  );
}

const decoderAttentions: { [name: string]: (query: Symbolic, value: Symbolic) => Symbolic } = {
  ...Object.fromEntries(
    Object.entries(attentions).map(([name, make]) => [
      name,
      (query: Symbolic, value: Symbolic) => make({ weights: undefined }).apply<Symbolic>([query, value]),
    ]),
  ),
  multiHeadAttention: (query, value) => heads().apply([query, value]),
  'a dot layer and a softmax': (query, value) =>
    layers.dot({ axes: [2, 1] }).apply([layers.softmax().apply(layers.dot({ axes: 2 }).apply([query, value])), value]),
  'a normalized dot layer': (query, value) => {
    const similarities = layers.dot({ axes: 2, normalize: true }).apply([query, value]);
    return layers.dot({ axes: [2, 1] }).apply([similarities, value]);
  },
};
for (const [name, attend] of Object.entries(decoderAttentions)) {
  add(
    `encoder and decoder with ${name}`,
    () => [sequence('source'), sequence('target')],
    (source, target) => {
      const [encoded, ...states] = gru({ ...withState, ...sequences, goBackwards: true }).apply(source!);
      const decoded = gru(sequences).apply(target!, { initialState: states });
      const query = dense(4, { activation: 'tanh' }).apply(decoded);
      const context = attend(query, encoded!);
      return dense(2).apply(layers.concatenate().apply([context, decoded]));
    },
    {
      steps: [
        [5, 3],
        [2, 4],
      ],
    },
  );
}
add(
  'attention of a single query, by dot layers and a softmax',
  () => [row(), sequence()],
  (query, value) => {
    const scores = layers
      .dot({ axes: [1, 2] })
      .apply([lstm({ units: D }).apply(layers.repeatVector({ n: 2 }).apply(query!)), value!]);
    return dense(2).apply(layers.dot({ axes: [1, 1] }).apply([layers.softmax().apply(scores), value!]));
  },
  {
    steps: [
      [0, 5],
      [0, 2],
    ],
  },
);
add(
  'causal attention over a fixed number of steps',
  () => [sequence('x', 4)],
  x => {
    const attended = layers.attention({ useCausalMask: true }).apply<Symbolic>([x!, x!]);
    return layers.flatten().apply(heads({ useCausalMask: true }).apply([attended, attended]));
  },
  { steps: [[4]] },
);
add(
  'shared attention layers, and the weights of one alone',
  () => [sequence('x'), sequence('y')],
  (x, y) => {
    const shared = [
      layers.attention({ useScale: true, returnAttentionScores: true }),
      layers.additiveAttention({ returnAttentionScores: true }),
    ] as const;
    const relu = layers.reLU();
    const [weights] = [shared[0].apply([x!, y!])[1]!];
    const [a] = shared[0].apply([y!, x!]);
    const [b, others] = shared[1].apply([x!, y!]);
    return [
      weights,
      layers.softmax().apply(weights),
      relu.apply(others!),
      layers.add().apply([others!, others!]),
      shared[1].apply([a!, x!])[0]!,
      b!,
    ];
  },
  {
    steps: [
      [5, 3],
      [2, 4],
    ],
  },
);
