// Functional models for the ONNX tests, and their inputs.

import { initializers, input, layers, model, sequential, setRandomSeed, type Tensor, tensor } from 'lstm-wasm';
import type { FunctionalModel } from '../../src/index.ts';
import { RandomGenerator } from '../../src/util/randomGenerator.ts';

const D = 3;

type Symbolic = ReturnType<typeof input>;

export interface GraphCase {
  readonly make: () => FunctionalModel;
  /** The numbers of time steps of the inputs, for each run. Default: 5 and then 2 for all. */
  readonly steps?: readonly (readonly number[])[];
  /** Whether about a third of the time steps of the inputs are zeros. */
  readonly masked?: true;
  /**
   * Whether the loaded model has more weights: those of both directions twice where their final states are read, or a frozen
   * layer that reverses time steps.
   */
  readonly addsWeights?: true;
  /** The error of `loadOnnxModel` for the exported model. Absent if it loads. */
  readonly refused?: RegExp;
}

export const graphCases: { [name: string]: GraphCase } = {};

const random = () => initializers.randomUniform({ minval: -0.9, maxval: 0.9 });
const biased = { biasInitializer: random() };
const sequences = { returnSequences: true } as const;
const withState = { returnState: true } as const;
const sequence = (name = 'x', steps: number | null = null) => input({ shape: [steps, D], name });
const row = (name = 'row') => input({ shape: [D], name });
const dense = (units: number, more: object = {}) => layers.dense({ units, ...biased, ...more });
const lstm = (more: object = {}) => layers.lstm({ units: 4, ...biased, ...more });
const gru = (more: object = {}) => layers.gru({ units: 4, ...biased, ...more });
const masking = () => layers.masking();

const add = (
  name: string,
  inputs: () => Symbolic[],
  outputs: (...inputs: Symbolic[]) => Symbolic | Symbolic[],
  more: Omit<GraphCase, 'make'> = {},
) => {
  graphCases[name] = {
    make: () => {
      setRandomSeed(8);
      const given = inputs();
      return model({ inputs: given, outputs: outputs(...given), name: 'mine' });
    },
    ...more,
  };
};

// ------------------------------------------------------------------------------------------- inputs, outputs, layers

add(
  'a chain',
  () => [sequence()],
  x => dense(2).apply(lstm().apply(x)),
);
add(
  'two inputs and two outputs',
  () => [sequence('series'), row('context')],
  (series, context) => {
    const both = layers.concatenate().apply([lstm().apply(series!), context!]);
    return [dense(2, { name: 'mean' }).apply(both), dense(1, { name: 'spread', activation: 'softplus' }).apply(both)];
  },
);
add(
  'outputs that are inputs, and one output twice',
  () => [sequence('x'), row('y')],
  (x, y) => {
    const last = gru().apply(x!);
    return [x!, y!, last, last];
  },
);
add(
  'a shared layer',
  () => [sequence('left'), sequence('right')],
  (left, right) => {
    const shared = lstm({ name: 'shared' });
    const project = dense(3, { activation: 'tanh' });
    const [a, b] = [left, right].map(x => project.apply(shared.apply(x!)));
    return layers.subtract().apply([a!, b!]);
  },
  {
    steps: [
      [5, 3],
      [2, 6],
    ],
  },
);
add(
  'shared layers of all kinds',
  () => [sequence('left'), sequence('right')],
  (left, right) => {
    const shared = [
      layers.timeDistributed({ layer: dense(3) }),
      layers.bidirectional({ layer: gru(sequences) }),
      layers.rnn({ cell: [layers.lstmCell({ units: 3 }), layers.gruCell({ units: 2 })], ...sequences }),
      layers.bidirectional({ layer: lstm(), mergeMode: 'sum' }),
      layers.reLU({ maxValue: 0.3, negativeSlope: 0.1 }),
    ];
    const [a, b] = [left, right].map(x => shared.reduce<Symbolic>((y, layer) => layer.apply(y), x!));
    return [layers.multiply().apply([a!, b!]), layers.dot({ axes: 1 }).apply([a!, b!])];
  },
  {
    steps: [
      [5, 3],
      [2, 6],
    ],
  },
);
add(
  'a nested model, called twice',
  () => [sequence('left'), sequence('right')],
  (left, right) => {
    const z = sequence('z');
    const hidden = lstm(sequences).apply(z);
    const encoder = model({ inputs: z, outputs: [hidden, dense(2).apply(hidden)], name: 'encoder' });
    const chain = sequential({ layers: [gru({ inputShape: [null, 4] }), dense(2)], name: 'chain' });
    const [a, b] = [left, right].map(x => {
      const [first, second] = encoder.apply(x!);
      return layers.concatenate().apply([chain.apply(first!) as Symbolic, layers.lstm({ units: 2 }).apply(second!)]);
    });
    return layers.add().apply([a!, b!]);
  },
  {
    steps: [
      [4, 3],
      [2, 5],
    ],
  },
);
add(
  'a residual connection',
  () => [sequence()],
  x => {
    const below = dense(4).apply(x!);
    return dense(2).apply(layers.add().apply([below, gru(sequences).apply(below)]));
  },
);
add(
  'a layer merged with functions of itself',
  () => [sequence()],
  x => {
    const below = gru({ ...sequences, goBackwards: true }).apply(x!);
    const of = (activation: 'relu' | 'tanh', y: Symbolic) => layers.activation({ activation }).apply(y);
    const sum = layers.add().apply([below, of('relu', below)]);
    return [
      of('tanh', sum),
      layers.multiply().apply([below, below]),
      layers.subtract().apply([of('tanh', sum), sum]),
      layers.concatenate().apply([below, of('tanh', below)]),
      layers.maximum().apply([below, of('tanh', below)]),
      layers.lstm({ units: 2 }).apply(layers.average().apply([below, below])),
    ];
  },
);
add(
  'ids that are embedded, and read as numbers',
  () => [input({ shape: [4], name: 'ids' })],
  ids => [
    layers.lstm({ units: 2 }).apply(layers.embedding({ inputDim: 7, outputDim: 3 }).apply(ids!)),
    dense(2).apply(ids!),
    ids!,
  ],
  { steps: [[4]] },
);
add(
  'two embeddings, one of them with a mask',
  () => [input({ shape: [null], name: 'ids' }), input({ shape: [null], name: 'others' })],
  (ids, others) => {
    const embed = (more: object) =>
      layers.embedding({ inputDim: 7, outputDim: 3, embeddingsInitializer: random(), ...more });
    const x = lstm().apply(embed({ maskZero: true }).apply(ids!));
    return layers.concatenate().apply([x, gru().apply(embed({}).apply(others!))]);
  },
  {
    steps: [
      [5, 3],
      [2, 4],
    ],
    refused: /unsupported operator/,
  },
);
add(
  'flatten and repeatVector beside a sequence',
  () => [sequence('x', 4), sequence('y')],
  (x, y) => {
    const repeated = layers.repeatVector({ n: 3 }).apply(dense(2).apply(layers.flatten().apply(x!)));
    const reshaped = layers.reshape({ targetShape: [6] }).apply(repeated);
    return [lstm(sequences).apply(repeated), layers.concatenate().apply([reshaped, gru().apply(y!)])];
  },
  {
    steps: [
      [4, 5],
      [4, 2],
    ],
  },
);

// ------------------------------------------------------------------------------------------------------------ states

const cellLayers = {
  lstm,
  gru,
  'gru without resetAfter': (more: object) => gru({ resetAfter: false, ...more }),
  simpleRNN: (more: object) => layers.simpleRNN({ units: 4, ...biased, ...more }),
};
for (const [name, make] of Object.entries(cellLayers)) {
  for (const masked of [false, true]) {
    add(
      `encoder and decoder, ${name}${masked ? ', masked' : ''}`,
      () => [sequence('source'), sequence('target')],
      (source, target) => {
        const [a, b] = masked ? [source, target].map(x => masking().apply(x!)) : [source, target];
        const [last, ...states] = make(withState).apply(a!);
        const [y, h] = make({ ...withState, ...sequences }).apply(b!, { initialState: states });
        return [dense(2).apply(y!), h!, last!];
      },
      {
        steps: [
          [5, 3],
          [2, 4],
        ],
        ...(masked && { masked: true, refused: /unsupported operator/ }),
      },
    );
  }
}
add(
  'encoder and decoder of stacked cells, backwards',
  () => [sequence('source'), sequence('target')],
  (source, target) => {
    const stack = (more: object) =>
      layers.rnn({
        cell: [layers.lstmCell({ units: 3, ...biased }), layers.gruCell({ units: 2, ...biased })],
        goBackwards: true,
        ...withState,
        ...more,
      });
    const [, ...states] = stack({}).apply(source!);
    const [y, , c] = stack(sequences).apply(target!, { initialState: states });
    return [y!, c!];
  },
  {
    steps: [
      [5, 3],
      [2, 4],
    ],
  },
);
for (const mergeMode of ['concat', 'ave', null] as const) {
  add(
    `bidirectional encoder with states, ${mergeMode}`,
    () => [sequence('source'), sequence('target')],
    (source, target) => {
      const both = (more: object) => layers.bidirectional({ layer: lstm({ ...withState, ...more }), mergeMode });
      const outputs = [...both(sequences).apply(source!)];
      const states = outputs.slice(-4);
      const join = (a: number, b: number) => layers.concatenate().apply([states[a]!, states[b]!]);
      const decoder = lstm({ units: 8, ...sequences });
      const [y] = both({}).apply(target!, { initialState: states });
      return [decoder.apply(target!, { initialState: [join(0, 2), join(1, 3)] }), y!, outputs[0]!];
    },
    {
      addsWeights: true,
      steps: [
        [5, 3],
        [2, 4],
      ],
    },
  );
}
add(
  'initial states that are inputs',
  () => [sequence(), input({ shape: [4], name: 'h' }), input({ shape: [4], name: 'c' })],
  (x, h, c) => dense(2).apply(lstm({ name: 'decoder' }).apply(x!, { initialState: [h!, c!] })),
);
add(
  'a state alone',
  () => [sequence()],
  x => {
    const [, h, c] = lstm({ ...withState, ...sequences }).apply(x!);
    return [h!, layers.add().apply([h!, c!])];
  },
);
for (const more of [{}, sequences]) {
  for (const goBackwards of [false, true]) {
    add(
      `bidirectional without a merge mode${goBackwards ? ', backwards' : ''}${more === sequences ? ', all outputs' : ''}`,
      () => [sequence()],
      x => {
        const both = layers.bidirectional({
          layer: lstm({ goBackwards, ...more }),
          backwardLayer: gru({ units: 3, goBackwards: !goBackwards, ...more }),
          mergeMode: null,
        });
        return [...both.apply(x!)];
      },
      more === sequences ? { addsWeights: true } : {},
    );
  }
}
add(
  'a masked bidirectional layer with states',
  () => [sequence()],
  x => [...layers.bidirectional({ layer: gru({ ...withState, ...sequences }) }).apply(masking().apply(x!))],
  { masked: true, refused: /unsupported operator/ },
);

// ----------------------------------------------------------------------------------------------------------- merging

const merges = ['add', 'subtract', 'multiply', 'average', 'maximum', 'minimum'] as const;
for (const name of merges) {
  const inputs = name === 'subtract' ? 2 : 3;
  const merge = (values: Symbolic[]) => layers[name]().apply(values.slice(0, inputs));
  add(
    `${name} of sequences`,
    () => [sequence()],
    x => merge([dense(4).apply(x!), gru(sequences).apply(x!), dense(4).apply(x!)]),
  );
  add(
    `${name} of rows`,
    () => [sequence(), row()],
    (x, y) => merge([lstm().apply(x!), dense(4).apply(y!), dense(4).apply(y!)]),
  );
  add(
    `${name} of a sequence and what is repeated`,
    () => [sequence('x'), row('y'), sequence('z', 1)],
    (x, y, z) => {
      const wide = dense(4).apply(x!);
      return [
        layers[name]().apply([wide, dense(1).apply(x!)]),
        layers[name]().apply([dense(4).apply(y!), wide]),
        layers[name]().apply([wide, dense(4).apply(z!)]),
      ];
    },
    {
      steps: [
        [5, 0, 1],
        [3, 0, 1],
      ],
    },
  );
  add(
    `${name} of masked sequences`,
    () => [sequence('x'), sequence('y'), sequence('z')],
    (...all) => {
      const masked = all.map(x => masking().apply(x));
      const plain = dense(3).apply(all[2]!);
      return [
        lstm(sequences).apply(layers[name]().apply([masked[0]!, masked[1]!])),
        lstm(sequences).apply(layers[name]().apply([masked[2]!, plain])),
        lstm(sequences).apply(layers[name]().apply([plain, masked[2]!])),
        ...(inputs === 3
          ? [gru(sequences).apply(layers[name]().apply(masked)), layers[name]().apply([...masked, plain])]
          : []),
      ];
    },
    { masked: true, refused: /unsupported operator/ },
  );
}
add(
  'concatenate of masked sequences',
  () => [sequence('x'), sequence('y')],
  (x, y) => {
    const [a, b] = [x, y].map(each => masking().apply(each!));
    const plain = dense(3).apply(x!);
    return [
      [a!, b!],
      [a!, plain],
    ].map(pair => lstm().apply(layers.concatenate().apply(pair)));
  },
  { masked: true, refused: /unsupported operator/ },
);
add(
  'concatenate of masked sequences, along time',
  () => [sequence('x'), sequence('y')],
  (x, y) => {
    const [a, b] = [x, y].map(each => masking().apply(each!));
    const joined = [
      [a!, b!],
      [dense(3).apply(x!), b!],
    ].map(pair => layers.concatenate({ axis: 1 }).apply(pair));
    return [...joined.map(z => lstm(sequences).apply(z)), ...joined];
  },
  {
    masked: true,
    steps: [
      [5, 3],
      [2, 4],
    ],
    refused: /unsupported operator/,
  },
);
add(
  'concatenate along time',
  () => [sequence('x'), sequence('y', 4)],
  (x, y) => [
    layers.concatenate({ axis: 1 }).apply([x!, y!, x!]),
    layers.flatten().apply(layers.concatenate({ axis: -2 }).apply([y!, y!])),
  ],
  {
    steps: [
      [5, 4],
      [2, 4],
    ],
  },
);
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
        ...(masked && { masked: true, refused: /unsupported operator/ }),
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
      ...(masked && { masked: true, refused: /unsupported operator/ }),
    },
  );
}

// ------------------------------------------------------------------------------------------------------------ inputs

/** Samples for each input of a model. */
export function inputsOf(
  net: FunctionalModel,
  { masked }: GraphCase,
  batch: number,
  steps: readonly number[],
): { [name: string]: Tensor } {
  const generator = new RandomGenerator(100 * batch + steps[0]!);
  const entries = net.inputs.map(({ shape, sourceLayer }, n) => {
    const ids = /^(ids|others)$/.test(sourceLayer.name);
    const size = [batch, ...(shape.length === 3 || ids ? [steps[n]!] : []), ...(ids ? [] : [shape.at(-1)!])];
    const count = size.reduce((a, b) => a * b);
    const values = Float32Array.from({ length: count }, () => (ids ? generator.below(7) : generator.normal()));
    const width = size.at(-1)!;
    // All steps of the last sample are masked
    for (let r = 0; masked && r < count / width; r++) {
      if (generator.below(3) === 0 || r >= count / width - size[1]!) values.fill(0, r * width, (r + 1) * width);
    }
    return [sourceLayer.name, tensor(values, size)] as const;
  });
  return Object.fromEntries(entries);
}
