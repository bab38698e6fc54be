// Functional models for the ONNX tests, and their inputs.

import { input, layers, model, sequential, type Tensor, tensor } from 'lstm-wasm';
import type { FunctionalModel } from '../../src/index.ts';
import { RandomGenerator } from '../../src/util/randomGenerator.ts';
import './attentionModels.ts';
import {
  add,
  biased,
  dense,
  type GraphCase,
  graphCases,
  gru,
  lstm,
  masking,
  random,
  row,
  type Symbolic,
  sequence,
  sequences,
  withState,
} from './graphCases.ts';

export { graphCases };

// ------------------------------------------------------------------------------------------- inputs, outputs, layers

add(
  'a chain',
  () => [sequence()],
  x => dense(2).apply(lstm().apply(x)),
);
add(
  'pooling beside a residual connection',
  () => [sequence()],
  x => {
    const wide = layers.zeroPadding1d({ padding: 1 }).apply(lstm(sequences).apply(x!));
    const smooth = layers.averagePooling1d({ poolSize: 3, strides: 1 }).apply(wide);
    const largest = layers.maxPooling1d({ poolSize: 3, strides: 1, padding: 'same' }).apply(lstm(sequences).apply(x!));
    return layers.add().apply([smooth, largest, lstm(sequences).apply(x!)]);
  },
);
add(
  'pooling and upsampling of two inputs',
  () => [sequence('left'), sequence('right')],
  (left, right) => {
    const pooled = layers.maxPooling1d().apply(lstm(sequences).apply(left!));
    const repeated = layers.upSampling1d().apply(gru(sequences).apply(right!));
    return [pooled, repeated, layers.concatenate({ axis: 1 }).apply([pooled, repeated])];
  },
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
  },
);
add(
  'a reshape of inputs of other sizes',
  () => [input({ shape: [8], name: 'x' }), input({ shape: [12], name: 'y' })],
  (x, y) => {
    const shared = layers.reshape({ targetShape: [-1, 2] });
    return [gru().apply(shared.apply(x!)), gru(sequences).apply(shared.apply(y!))];
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
  minGRU: (more: object) => layers.minGRU({ units: 4, ...biased, ...more }),
  minLSTM: (more: object) => layers.minLSTM({ units: 4, activation: 'tanh', ...biased, ...more }),
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
        ...(masked && { masked: true }),
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
  { masked: true, addsWeights: true },
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
    { masked: true },
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
  { masked: true },
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
const counts = () => input({ shape: [null], name: 'counts' });
add(
  'a recurrent layer with a given mask',
  () => [sequence('x'), counts()],
  (x, mask) => lstm({ ...sequences }).apply(x!, { mask: mask! }),
);
add(
  'attention with a given mask',
  () => [sequence('query'), sequence('value'), counts()],
  (query, value, mask) =>
    layers.multiHeadAttention({ numHeads: 2, keyDim: 3, ...biased }).apply([query!, value!], { mask: [null, mask!] }),
  {
    steps: [
      [5, 3, 3],
      [2, 4, 4],
    ],
  },
);

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
    const ids = /^(ids|others|counts)$/.test(sourceLayer.name);
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
