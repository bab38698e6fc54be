// Masks in recurrent layers: a masked time step keeps the state and repeats the output, in both directions of time and
// through stacks of layers. A layer that returns only its last output ends the mask.

import { layers, sequential, setRandomSeed, tensor } from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { expectBits } from '../compare.ts';
import type { LayerSpec } from '../reference/model.ts';
import { Random } from '../reference/random.ts';
import { caseOf, expectMatchesReference } from './cases.ts';

const spec = (kind: string, config: object) => ({ class: kind, config }) as LayerSpec;
const dense = (config: object) => spec('dense', config);
const booleans = [false, true];
const sequences = { returnSequences: true };

const cells: [string, string, object][] = [
  ['lstm', 'lstm', {}],
  ['lstm with peepholes and a projection', 'lstm', { usePeepholes: true, projectionUnits: 5 }],
  ['lstm with layer normalization', 'lstm', { layerNormalization: true, normEpsilon: 0.1 }],
  ['gru', 'gru', {}],
  ['gru, resetAfter: false', 'gru', { resetAfter: false }],
  ['simpleRNN', 'simpleRNN', {}],
  ['simpleRNN with layer normalization', 'simpleRNN', { layerNormalization: true, normEpsilon: 0.1 }],
  ['lstm with other activations', 'lstm', { activation: 'relu', recurrentActivation: 'hardSigmoid' }],
  ['gru with other activations', 'gru', { activation: 'swish', recurrentActivation: 'hardSigmoid' }],
  ['simpleRNN with another activation', 'simpleRNN', { activation: 'elu' }],
  ['minGRU', 'minGRU', {}],
  ['minLSTM', 'minLSTM', {}],
  ['minLSTM with another activation', 'minLSTM', { activation: 'gelu' }],
];

describe.each(cells)('%s', (_, kind, own) => {
  const layer = (config: object) => spec(kind, { ...own, ...config });

  test.each([1, 3, 4, 7, 20])('the last output of a masked batch matches the reference, %i units', units => {
    for (const [B, T, D] of [
      [1, 2, 1],
      [5, 7, 3],
      [3, 6, 12],
    ] as const) {
      for (const goBackwards of booleans) {
        expectMatchesReference(caseOf([layer({ units, goBackwards, inputShape: [null, D] })], [B, T, D], true));
      }
    }
  });

  test('lower layers of a stack pass the mask on', () => {
    for (const goBackwards of booleans) {
      for (const middleGoesBackwards of booleans) {
        const layers = [
          layer({ ...sequences, units: 5, goBackwards, inputShape: [null, 3] }),
          dense({ units: 4, activation: 'tanh' }),
          layer({ ...sequences, units: 6, goBackwards: middleGoesBackwards }),
          layer({ units: 3 }),
          dense({ units: 2 }),
        ];
        expectMatchesReference(caseOf(layers, [4, 6, 3], true));
      }
    }
  });

  test('states carried over masked batches match the reference', () => {
    for (const goBackwards of booleans) {
      const layers = [
        layer({ ...sequences, units: 5, stateful: true, goBackwards, batchInputShape: [4, 3, 2] }),
        layer({ units: 7, stateful: true }),
      ];
      expectMatchesReference(caseOf(layers, [4, 3, 2], true), 4);
    }
  });

  test.each(['concat', 'sum', 'ave', 'mul'])(
    'masked bidirectional layers with mergeMode %s match the reference',
    mergeMode => {
      for (const goBackwards of booleans) {
        const layers = [
          spec('bidirectional', {
            layer: layer({ ...sequences, units: 5, goBackwards }),
            mergeMode,
            inputShape: [null, 3],
          }),
          spec('bidirectional', { layer: layer({ units: 3 }), mergeMode }),
          dense({ units: 2 }),
        ];
        expectMatchesReference(caseOf(layers, [4, 6, 3], true));
      }
    },
  );

  test('a masked batch of more than 256 rows matches the reference', () => {
    expectMatchesReference(caseOf([layer({ units: 3, inputShape: [null, 2] })], [300, 4, 2], true));
  });
});

test('stacked cells keep all their states at masked time steps', () => {
  const cells = [
    { class: 'lstm', config: { units: 5 } },
    { class: 'gru', config: { units: 3 } },
    { class: 'simpleRNN', config: { units: 4 } },
  ];
  for (const goBackwards of booleans) {
    const layers = [
      spec('rnn', { cells, goBackwards, ...sequences, inputShape: [null, 2] }),
      spec('lstm', { units: 3 }),
    ];
    expectMatchesReference(caseOf(layers, [4, 6, 2], true));
  }
});

test.each(['lstm', 'gru', 'simpleRNN', 'minGRU', 'minLSTM'] as const)(
  '%s: masked padding at the end does not change a bit of the output',
  kind => {
    const random = new Random(3);
    setRandomSeed(2);
    const model = sequential({ layers: [layers.masking({ inputShape: [null, 2] }), layers[kind]({ units: 5 })] });
    const x = random.normals([3, 4, 2]);
    const short = tensor(Float32Array.from(x.data), [3, 4, 2]);
    const long = new Float32Array(3 * 9 * 2);
    for (let b = 0; b < 3; b++) long.set(x.data.subarray(b * 8, (b + 1) * 8), b * 18);
    const expected = model.predict(short).dataSync();
    expectBits(model.predict(tensor(long, [3, 9, 2])).dataSync(), expected);
    expect(expected.every(value => value !== 0)).toBe(true);
  },
);

test.each([
  ['simpleRNN with goBackwards', () => layers.simpleRNN({ units: 1, returnSequences: true, goBackwards: true })],
  [
    'rnn with goBackwards',
    () => layers.rnn({ cell: layers.simpleRNNCell({ units: 1 }), returnSequences: true, goBackwards: true }),
  ],
])('the mask of %s stays in the order of the input, as in Keras and TF.js', (_, reversed) => {
  const model = sequential({
    layers: [
      layers.masking({ inputShape: [2, 1] }),
      reversed(),
      layers.simpleRNN({ units: 1, activation: 'linear', returnSequences: true }),
    ],
  });
  // The first layer returns the tanh of its input, the second adds up its inputs.
  const [pass, add] = [0, 1].map(recurrent => [[[1]], [[recurrent]], [0]]);
  model.setWeights([...pass!, ...add!].map(values => tensor(values)));
  // The output of the masked second step comes first and is the only unmasked one; it is zero.
  expect([...model.predict([[[1], [0]]]).dataSync()]).toEqual([0, 0]);
  // Here the output of the second step is unmasked, and that of the first step is masked.
  const first = Math.fround(Math.tanh(2));
  const both = [...model.predict([[[0], [2]]]).dataSync()];
  expect(both[0]).toBe(0);
  expect(both[1]).toBeCloseTo(first, 6);
});

test('an embedding with maskZero masks the id 0', () => {
  setRandomSeed(2);
  const both = layers.bidirectional({ layer: layers.gru({ units: 3, returnSequences: true }) });
  const model = sequential({
    layers: [layers.embedding({ inputDim: 9, outputDim: 4, maskZero: true }), both, layers.lstm({ units: 2 })],
  });
  const short = model.predict([[3, 1, 4]]).dataSync();
  expectBits(model.predict([[3, 1, 4, 0, 0]]).dataSync(), short);
  expect([...model.predict([[3, 1, 4, 1]]).dataSync()]).not.toEqual([...short]);
});
