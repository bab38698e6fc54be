// Memory stays flat for every layer, optimizer and call over thousands of batches, and while models are created and
// disposed or collected.

import v8 from 'node:v8';
import {
  callbacks,
  constraints,
  input,
  type Layer,
  type LayersModel,
  layers,
  model,
  regularizers,
  type Sequential,
  schedules,
  sequential,
  type Tensor,
  tensor,
  train,
} from 'lstm-wasm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectBits } from '../compare.ts';
import { Centre, OwnDense } from './customLayerClasses.ts';
import { collectUntil, expectFlat, held } from './memoryUse.ts';
import { data, quiet, small } from './training.ts';

const slow = { timeout: 60_000 };

// The compilers of V8 change the size of the heap for thousands of calls; the interpreter creates the same objects.
for (const compiler of ['opt', 'maglev', 'sparkplug', 'flush-bytecode']) v8.setFlagsFromString(`--no-${compiler}`);

const [B, T, D] = [8, 6, 4];
const numbers = (shape: number[], value: (n: number) => number) =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, n) => value(n)),
    shape,
  );
const sequences = (steps = T) => numbers([B, steps, D], n => (Math.floor(n / D) % 5 === 0 ? 0 : Math.sin(n))); // every fifth step is masked
const vectors = numbers([B, D], Math.sin);
const ids = (steps = T) => numbers([B, steps], n => (n * 3) % 5);

const inputShape = [T, D];
const dropouts = { dropout: 0.2, recurrentDropout: 0.3 };
const cells = () => [
  layers.lstmCell({ units: 3, ...dropouts }),
  layers.gruCell({ units: 2, ...dropouts }),
  layers.simpleRNNCell({ units: 3 }),
];

/** Recurrent layers, with the options that all of them have. */
const recurrent = {
  lstm: more => layers.lstm({ units: 3, ...dropouts, ...more }),
  'lstm with all options': more =>
    layers.lstm({ units: 3, usePeepholes: true, projectionUnits: 2, layerNormalization: true, ...dropouts, ...more }),
  gru: more => layers.gru({ units: 3, ...dropouts, ...more }),
  'gru that resets before': more => layers.gru({ units: 3, resetAfter: false, ...dropouts, ...more }),
  simpleRNN: more => layers.simpleRNN({ units: 3, ...dropouts, ...more }),
  'simpleRNN with layer normalization': more => layers.simpleRNN({ units: 3, layerNormalization: true, ...more }),
  'stacked cells': more => layers.rnn({ cell: cells(), ...more }),
  minGRU: more => layers.minGRU({ units: 3, dropout: 0.2, ...more }),
  minLSTM: more => layers.minLSTM({ units: 5, activation: 'tanh', ...more }),
} satisfies Record<string, (more: More) => Layer>;
type More = {
  returnSequences?: boolean;
  stateful?: boolean;
  goBackwards?: boolean;
  inputShape?: (number | null)[];
  batchInputShape?: (number | null)[];
};

type Row = [name: string, x: Tensor, make: () => Layer[] | LayersModel];

const kinds: Row[] = [
  ...Object.entries(recurrent).flatMap(([name, make]): Row[] => [
    [name, sequences(), () => [make({ inputShape })]],
    [
      `${name}, stateful, backwards, with sequences`,
      sequences(),
      () => [make({ batchInputShape: [B, T, D], stateful: true, goBackwards: true, returnSequences: true })],
    ],
  ]),
  [
    'conv1d',
    sequences(),
    () => [
      layers.conv1d({ filters: 4, kernelSize: 2, padding: 'causal', activation: 'gelu', inputShape }),
      layers.conv1d({ filters: 3, kernelSize: 2, padding: 'same', strides: 2 }),
    ],
  ],
  [
    'pooling and other time steps',
    sequences(),
    () => [
      layers.upSampling1d({ size: 2, inputShape }),
      layers.maxPooling1d(),
      layers.zeroPadding1d(),
      layers.averagePooling1d({ poolSize: 3, strides: 1, padding: 'same' }),
      layers.cropping1d(),
      layers.permute({ dims: [2, 1] }),
    ],
  ],
  ['the maximum of all steps', sequences(), () => [layers.masking({ inputShape }), layers.globalMaxPooling1d()]],
  [
    'noise, and the mean of all steps',
    sequences(),
    () => [
      layers.gaussianNoise({ stddev: 0.1, inputShape }),
      layers.spatialDropout1d({ rate: 0.3 }),
      layers.prelu({ sharedAxes: [1] }),
      layers.gaussianDropout({ rate: 0.3 }),
      layers.thresholdedReLU({ theta: 0.1 }),
      layers.globalAveragePooling1d(),
    ],
  ],
  ...(['concat', 'sum', 'mul', 'ave'] as const).map(
    (mergeMode, n): Row => [
      `bidirectional, ${mergeMode}`,
      sequences(),
      () => [
        layers.masking({ inputShape }),
        layers.bidirectional({ layer: Object.values(recurrent)[n]!({ returnSequences: n > 1 }), mergeMode }),
      ],
    ],
  ),
  [
    'bidirectional, stateful',
    sequences(),
    () => [layers.bidirectional({ layer: layers.lstm({ units: 2, stateful: true }), batchInputShape: [B, T, D] })],
  ],
  [
    'embedding that masks',
    ids(),
    () => [layers.embedding({ inputDim: 5, outputDim: 3, maskZero: true, inputLength: T }), layers.gru({ units: 2 })],
  ],
  [
    'normalization',
    sequences(),
    () => [
      layers.masking({ inputShape }),
      layers.batchNormalization(),
      layers.gru({ units: 3, returnSequences: true }),
      layers.layerNormalization(),
    ],
  ],
  [
    'encoder and decoder',
    sequences(),
    () => [
      layers.inputLayer({ inputShape }),
      layers.masking(),
      layers.simpleRNN({ units: 3 }),
      layers.repeatVector({ n: 4 }),
      layers.lstm({ units: 3, returnSequences: true }),
      layers.timeDistributed({ layer: layers.dense({ units: 2 }) }),
    ],
  ],
  [
    'layers without time',
    vectors,
    () => [
      layers.dense({ units: 6, activation: 'gelu', inputShape: [D] }),
      layers.dropout({ rate: 0.3 }),
      layers.reLU({ maxValue: 6 }),
      layers.reshape({ targetShape: [3, 2] }),
      layers.leakyReLU(),
      layers.dense({ units: 3 }),
      layers.elu(),
      layers.softmax(),
      layers.flatten(),
      layers.activation({ activation: 'tanh' }),
    ],
  ],
  ['a graph', sequences(), makeGraph],
  [
    'regularizers and constraints',
    sequences(),
    () => {
      const kernelRegularizer = regularizers.l1l2();
      const weightOptions = { kernelRegularizer, kernelConstraint: constraints.maxNorm({ maxValue: 1 }) };
      return [
        layers.bidirectional({ layer: layers.lstm({ units: 2, ...weightOptions }), inputShape }),
        layers.dense({ units: 1, ...weightOptions, biasConstraint: 'nonNeg' }),
      ];
    },
  ],
];

/** Merging layers and attention, states between layers, and a layer that is called twice. */
function makeGraph(): LayersModel {
  const x = input({ shape: inputShape });
  const masked = layers.masking().apply(x);
  const reader = layers.lstm({ units: 4, returnSequences: true, returnState: true });
  const [y, ...states] = reader.apply(masked);
  const [z] = reader.apply(x, { initialState: states });
  const merged = [
    layers.add().apply([y!, z!]),
    layers.subtract().apply([y!, z!]),
    layers.multiply().apply([y!, z!]),
    layers.average().apply([y!, z!]),
    layers.maximum().apply([y!, z!]),
    layers.minimum().apply([y!, z!]),
    layers.attention({ useScale: true, dropout: 0.1 }).apply([y!, z!]),
    layers.additiveAttention().apply([y!, z!]),
    layers.multiHeadAttention({ numHeads: 2, keyDim: 3 }).apply([y!, z!]),
    layers.dot({ axes: 2 }).apply([y!, z!]),
  ];
  return model({ inputs: x, outputs: layers.concatenate().apply(merged) });
}

/** A target of the shape of the model's output. */
const targetFor = (model: LayersModel, x: Tensor) => numbers(model.predict(x).shape, n => Math.cos(n) ** 2);

const regression = { optimizer: 'adam', loss: 'mse' } as const;

function madeOf([, , make]: Row): LayersModel {
  const made = make();
  const model = Array.isArray(made) ? sequential({ layers: made }) : made;
  model.compile(regression);
  return model;
}

test('the models of these tests use every layer', () => {
  const layersOf = (made: Layer[] | LayersModel) => (Array.isArray(made) ? made : made.layers);
  const used = kinds.flatMap(([, , make]) => layersOf(make()).map(layer => layer.className.toLowerCase()));
  const factories = Object.entries(layers).filter(([name]) => name !== 'Layer' && !name.toLowerCase().includes('cell'));
  const found = new Set(factories.flatMap(([name, make]) => (used.includes(name.toLowerCase()) ? [make] : [])));
  expect(factories.filter(([, make]) => !found.has(make)).map(([name]) => name)).toEqual([]);
});

/** Runs rounds of training, test and prediction batches. */
const batchesOf = (model: LayersModel, x: Tensor) => {
  const y = targetFor(model, x);
  return (rounds: number) => {
    for (let n = 0; n < rounds; n++) {
      model.trainOnBatch(x, y);
      model.testOnBatch(x, y);
      model.predict(x);
    }
  };
};

describe.each(kinds)('%s', (...row) => {
  const [, x] = row;

  test('batches after the first use no more memory', slow, async () => {
    const before = held();
    const model = madeOf(row);
    await expectFlat(batchesOf(model, x));
    model.dispose();
    expect(held()).toMatchObject({ blocks: before.blocks, models: before.models });
  });

  test('a disposed model leaves nothing in memory', () => {
    const cycle = () => {
      const model = madeOf(row);
      model.trainOnBatch(x, targetFor(model, x));
      model.setWeights(model.getWeights());
      if (model.layers[0]!.stateful) model.setStates(model.getStates());
      model.dispose();
    };
    for (let n = 0; n < 2; n++) cycle();
    const before = held();
    for (let n = 0; n < 30; n++) cycle();
    expect(held()).toEqual(before);
  });
});

test('batches of custom layers keep memory flat', slow, async () => {
  const net = sequential({
    layers: [new OwnDense({ units: 5, inputShape: [3, 4] }), new Centre(), layers.lstm({ units: 2 })],
  });
  net.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
  await expectFlat(batchesOf(net, tensor(new Float32Array(24).fill(0.5), [2, 3, 4])));
  net.dispose();
});

const { momentum, ...others } = train;
const rate = schedules.cosineDecay({ initialLearningRate: 0.01, decaySteps: 1000 });
const optimizers = {
  momentum: () => momentum(0.01, 0.9),
  ...Object.fromEntries(Object.entries(others).map(([name, make]) => [name, () => make(0.01)])),
  'centered rmsprop': () => train.rmsprop(0.01, 0.9, 0.1, null, true),
  'clipNorm and a schedule': () => train.adam({ clipNorm: 0.01, learningRate: rate }),
  'clipValue and a function': () => train.sgd({ clipValue: 0.01, learningRate: step => 1 / (100 + step) }),
  'globalClipNorm and averages': () => train.adam({ globalClipNorm: 0.01, useEma: true, emaOverwriteFrequency: 3 }),
  'decay and averages': () => train.adamw({ weightDecay: 0.1, useEma: true }),
};

test.each(Object.entries(optimizers))(
  'training with %s keeps memory flat, and so does its replacement',
  slow,
  async (_, make) => {
    const before = held();
    const model = sequential({ layers: [recurrent['stacked cells']({ inputShape }), layers.dense({ units: 1 })] });
    const x = sequences();
    const y = targetFor(model, x);
    model.compile({ optimizer: make(), loss: 'mse' });
    await expectFlat(batches => {
      for (let n = 0; n < batches; n++) model.trainOnBatch(x, y);
    });
    // Replace the optimizer repeatedly
    for (let n = 0; n < 40; n++) {
      model.compile({ optimizer: n % 2 ? make() : 'sgd', loss: 'mse' });
      model.trainOnBatch(x, y);
    }
    model.dispose();
    expect(held()).toMatchObject({ blocks: before.blocks, models: before.models });
  },
);

describe('batches of changing lengths', () => {
  const open: Row[] = [
    ['lstm', sequences(), () => [recurrent.lstm({ inputShape: [null, D] })]],
    [
      'masks in both directions',
      sequences(),
      () => [
        layers.masking({ inputShape: [null, D] }),
        layers.bidirectional({ layer: recurrent.gru({ returnSequences: true }) }),
        layers.timeDistributed({ layer: layers.dense({ units: 1 }) }),
      ],
    ],
    [
      'embedding',
      ids(),
      () => [layers.embedding({ inputDim: 5, outputDim: 2, maskZero: true }), layers.simpleRNN({ units: 3 })],
    ],
  ];

  /** Cached plans are lists, whose capacity in the engine varies. */
  const lists = { first: 2 * 64, most: 300 };

  test.each(open)('batches of changing lengths keep memory flat: %s', slow, async (...row) => {
    const before = held();
    const model = madeOf(row);
    // Twice as many plans as are cached; the same ones after each round
    const batches = Array.from({ length: 64 }, (_, n) => {
      const steps = 1 + ((n * 7) % 64);
      const x = row[1].rank === 2 ? ids(steps) : sequences(steps);
      return { x, y: targetFor(model, x) };
    });
    let next = 0;
    await expectFlat(count => {
      for (let n = 0; n < count; n++) {
        const { x, y } = batches[next++ % batches.length]!;
        model.trainOnBatch(x, y);
      }
    }, lists);
    model.dispose();
    expect(held()).toMatchObject({ blocks: before.blocks, models: before.models });
  });
});

describe('other calls', () => {
  const { xs, ys, part } = data(101);
  const list = [part(0, 10), part(10, 20), part(20, 21)];

  /** Batches of the model of `small`. */
  const calls: Record<string, (model: Sequential, batches: number) => unknown> = {
    fit: (model, batches) =>
      model.fit(xs, ys, {
        ...quiet,
        epochs: Math.ceil(batches / 11),
        batchSize: 10,
        validationData: [part(0, 25).xs, part(0, 25).ys],
        callbacks: [
          callbacks.earlyStopping({ patience: 1e6, restoreBestWeights: true }),
          callbacks.reduceLROnPlateau({ patience: 5 }),
          { onBatchEnd: () => {} },
        ],
        sampleWeight: new Float32Array(101).fill(1),
      }),
    fitDataset: (model, batches) =>
      model.fitDataset(list, { ...quiet, epochs: Math.ceil(batches / 3), validationData: list }),
    'repeated fit': async (model, batches) => {
      for (let n = 0; n < batches / 33; n++) await model.fit(xs, ys, { ...quiet, epochs: 3, batchSize: 10 });
    },
    evaluate: (model, batches) => {
      for (let n = 0; n < batches / 11; n++) model.evaluate(xs, ys, { batchSize: 10 });
    },
    evaluateDataset: async (model, batches) => {
      for (let n = 0; n < batches / 3; n++) await model.evaluateDataset(list);
    },
    'batches with weights': (model, batches) => {
      for (let n = 0; n < batches; n++) model.trainOnBatch(xs, ys, { sampleWeight: new Float32Array(101).fill(2) });
    },
    'custom loss and metrics': (model, batches) => {
      const squares = (yTrue: Tensor, yPred: Tensor) => yPred.sub(yTrue).square().mean(-1);
      model.compile({ optimizer: 'adam', loss: squares, metrics: [squares] });
      for (let n = 0; n < batches; n++) model.trainOnBatch(xs, ys);
    },
    'nested arrays': (model, batches) => {
      for (let n = 0; n < batches; n++) model.trainOnBatch([[[1, 2], [3, n % 5]]], [[1]]); // biome-ignore format: one sample
    },
    'batches that hold NaN': (model, batches) => {
      for (let n = 0; n < batches; n++) model.trainOnBatch([[[1, Number.NaN]]], [[1]]);
    },
  };

  test.each(Object.entries(calls))('memory stays flat: %s', slow, async (_, run) => {
    const model = small();
    // The model keeps the history of a round: some numbers per epoch, which may have three batches.
    await expectFlat(batches => run(model, batches), { most: 32 });
    model.dispose();
  });

  test('steps of a stream keep memory flat', slow, async () => {
    const model = small();
    const stream = model.stream();
    const [input, out] = [Float32Array.of(1, 2), new Float32Array(1)];
    await expectFlat(steps => {
      for (let n = 0; n < steps; n++) stream.step(input, out);
    });
    model.dispose();
  });

  test('the memory of unreachable streams is released', slow, async () => {
    const model = small();
    model.predict([[[1, 2]]]);
    const before = held();
    for (let n = 0; n < 100; n++) {
      const stream = model.stream();
      stream.step([1, 2], new Float32Array(1));
      stream.setStates(stream.getStates());
    }
    await collectUntil(() => held().blocks <= before.blocks);
    model.dispose();
  });
});

describe('unreachable models of other batch sizes', () => {
  const sample = [[[1, 2]]];
  // Finalizers run late: wait for them, so that later tests do not count this memory
  let before: ReturnType<typeof held>;
  beforeAll(() => {
    before = held();
  });
  afterAll(() => collectUntil(() => held().models <= before.models && held().blocks <= before.blocks));

  const add = (model: Sequential) => () => model.add(layers.dense({ units: 1 }));

  test('the remaining model may change its layers once models that share them are collected', slow, async () => {
    const model = small();
    for (const n of [2, 3]) model.withBatchSize(n).predict(numbers([n, 1, 2], Math.sin));
    expect(add(model)).toThrow('the model must not share its layers');
    const isFree = () => {
      try {
        add(model)();
        return true;
      } catch {
        return false;
      }
    };
    await collectUntil(isFree);
    model.predict(sample);
    model.dispose();
  });

  test('shared weights are released once the others are disposed and the last model is collected', slow, async () => {
    const before = held();
    const model = small();
    model.withBatchSize(2).predict(numbers([2, 1, 2], Math.sin));
    const [layer] = model.layers;
    model.dispose();
    expect(held().models).toBe(before.models + 1);
    await collectUntil(() => held().blocks <= before.blocks);
    expect(held().models).toBe(before.models);
    expect(() => layer!.getWeights()).toThrow('after dispose()');
  });

  test('layers and streams work after all models that share them are collected', slow, async () => {
    let gone = 0;
    const registry = new FinalizationRegistry(() => gone++);
    const make = () => {
      const model = small();
      const two = model.withBatchSize(2);
      for (const each of [model, two]) registry.register(each, null);
      return { layer: model.layers[0]!, stream: two.stream(), weights: model.getWeights()[0]! };
    };
    const { layer, stream, weights } = make();
    const firstOutput = stream.step([1, 2]);
    await collectUntil(() => gone === 2);
    await new Promise(resolve => setTimeout(resolve, 20)); // lets finalizers run
    expectBits(layer.getWeights()[0]!.dataSync(), weights.dataSync());
    stream.reset();
    expectBits(stream.step([1, 2]), firstOutput);
  });
});

describe('repeated creation and disposal', () => {
  const one = { x: [[[1, 2]]], y: [[1]] };
  const model = small();
  const large = small({ units: 200 });
  const huge = tensor(new Float32Array(2 ** 19), [512, 512, 2]);
  const states = sequential({ layers: [layers.lstm({ units: 3, stateful: true, batchInputShape: [2, 3, 2] })] });

  const cycles: Record<string, (n: number) => void> = {
    'a model of any size, with batches of two': n => {
      const model = small({ units: 1 + (n % 10) });
      model.trainOnBatch(numbers([2, 3, 2], Math.sin), [1, 2]);
      model.trainOnBatch(numbers([9, 5, 2], Math.sin), new Float32Array(9));
      model.dispose();
    },
    'a model that is never used': () => small().dispose(),
    'a model of another batch size': n => {
      const other = model.withBatchSize(1 + (n % 3));
      other.predict(numbers([1 + (n % 3), 3, 2], Math.sin));
      other.dispose();
    },
    'adding and removing a layer': () => {
      model.trainOnBatch(one.x, one.y);
      model.add(layers.dense({ units: 2 }));
      model.trainOnBatch(one.x, [[1, 2]]);
      model.pop();
    },
    'reading and setting weights and states': () => {
      model.setWeights(model.getWeights());
      states.predict(new Float32Array(12));
      states.setStates(states.getStates());
    },
    'compiling again': n => {
      model.compile({ optimizer: train.adam([{ clipNorm: 1 }, { useEma: true }, {}][n % 3]), loss: 'mse' });
      model.trainOnBatch(one.x, one.y);
    },
    'rejected calls': n => {
      const calls = [
        () => model.trainOnBatch([[[1, 2], [3]]], [[1]]), // biome-ignore format: one sample
        () => large.trainOnBatch(huge, new Float32Array(512)), // needs a workspace of more than a gibibyte
        () => large.setWeights([]),
        () => sequential({ layers: [layers.lstm({ units: 200_000, inputShape: [null, 1] })] }).getWeights(),
      ];
      expect(calls[n % calls.length]).toThrow();
    },
  };

  test.each(Object.entries(cycles))('memory stays flat: %s', slow, async (_, cycle) => {
    let next = 0;
    const run = (times: number) => {
      for (let n = 0; n < times; n++) cycle(next++);
    };
    await expectFlat(run, { first: 120, most: 500 });
  });
});
