// The bidirectional layer: outputs and gradients against the float64 reference, which runs the two directions
// separately; weights, options and shapes.

import { layers, sequential, setRandomSeed, tensor } from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';
import type { LayerSpec } from '../reference/model.ts';
import { Random } from '../reference/random.ts';
import { caseOf, expectDifferences, expectMatchesReference } from './cases.ts';

const spec = (kind: string, config: object) => ({ class: kind, config }) as LayerSpec;
const dense = (config: object) => spec('dense', config);
const modes = ['concat', 'sum', 'ave', 'mul'] as const;
const all = { returnSequences: true };
const flags = [false, true];

const random = new Random(5);
const numbers = (...shape: number[]) => tensor(Float32Array.from(random.normals(shape).data), shape);

/** The product of two outputs needs candidates that do not cancel, because it magnifies the rounding of outputs near zero. */
const kinds: [string, object][] = [
  ['lstm', {}],
  ['gru', {}],
  ['simpleRNN', {}],
  ['minGRU', { activation: 'sigmoid' }],
  ['minLSTM', { activation: 'sigmoid' }],
];

describe.each(modes)('mergeMode %s', mergeMode => {
  const bidirectional = (layer: LayerSpec, config: object = {}) =>
    spec('bidirectional', { layer, mergeMode, ...config });

  describe.each(kinds)('%s', (kind, own) => {
    const cell = (config: object) => spec(kind, { ...own, ...config });
    test.each([1, 2, 3, 4, 5, 7, 20, 33])(`${mergeMode} of ${kind} with %i units agrees with the reference`, units => {
      for (const [B, T] of [
        [1, 1],
        [3, 4],
        [13, 2],
      ] as const) {
        for (const returnSequences of flags) {
          const layer = cell({ units, returnSequences });
          expectMatchesReference(
            caseOf([bidirectional(layer, { inputShape: [T, 3] }), dense({ units: 2 })], [B, T, 3]),
          );
        }
      }
    });

    test(`stacked ${mergeMode} of ${kind} agrees with the reference`, () => {
      for (const goBackwards of flags) {
        for (const width of [3, 4, 13]) {
          const below = bidirectional(cell({ ...all, units: width, goBackwards }), { inputShape: [null, 2] });
          expectMatchesReference(caseOf([below, bidirectional(cell({ ...all, units: 6 }))], [4, 5, 2]));
          expectMatchesReference(caseOf([below, bidirectional(cell({ units: 6, goBackwards }))], [4, 5, 2]));
        }
      }
    });

    test(`${mergeMode} of ${kind} above a dense layer agrees with the reference`, () => {
      const projected = dense({ units: 5, activation: 'tanh', inputShape: [null, 2] });
      expectMatchesReference(
        caseOf([projected, bidirectional(cell({ ...all, units: 3 })), dense({ units: 2 })], [4, 5, 2]),
      );
    });

    test(`stateful ${mergeMode} of ${kind} agrees with the reference over three batches`, () => {
      for (const returnSequences of flags) {
        const layer = cell({ units: 5, returnSequences, stateful: true });
        const first = { batchInputShape: [3, 4, 2] };
        expectMatchesReference(caseOf([bidirectional(layer, first), dense({ units: 2 })], [3, 4, 2]), 3);
        const second = bidirectional(cell({ units: 3, stateful: true }));
        if (returnSequences) expectMatchesReference(caseOf([bidirectional(layer, first), second], [3, 4, 2]), 3);
      }
    });

    test(`gradients of ${mergeMode} of ${kind} agree with finite differences`, () => {
      const layers = [
        bidirectional(cell({ ...all, units: 5 }), { inputShape: [4, 3] }),
        bidirectional(cell({ units: 3 })),
      ];
      expectDifferences(caseOf(layers, [5, 4, 3]), 2 ** -7);
    });
  });

  test(`${mergeMode} of stacked cells agrees with the reference`, () => {
    const cells = [
      { class: 'gru', config: { units: 5 } },
      { class: 'lstm', config: { units: 3 } },
    ];
    for (const returnSequences of flags) {
      const layer = spec('rnn', { cells, returnSequences });
      expectMatchesReference(caseOf([bidirectional(layer, { inputShape: [null, 3] }), dense({ units: 2 })], [4, 5, 3]));
    }
  });

  test(`${mergeMode} agrees with the reference in a batch of more than 256 rows`, () => {
    const layer = bidirectional(spec('lstm', { ...all, units: 3 }), { inputShape: [null, 2] });
    expectMatchesReference(caseOf([layer, dense({ units: 2 })], [300, 3, 2]));
  });
});

test('bidirectional makes named forward and backward copies with separate weights', () => {
  setRandomSeed(1);
  const layer = layers.lstm({ units: 3, name: 'x' });
  const both = layers.bidirectional({ layer, inputShape: [null, 2] });
  const model = sequential({ layers: [both] });
  expect([both.forwardLayer.name, both.backwardLayer.name]).toEqual(['forward_x', 'backward_x']);
  expect([both.forwardLayer.goBackwards, both.backwardLayer.goBackwards]).toEqual([false, true]);
  expect(model.countParams()).toBe(2 * 4 * 3 * (2 + 3 + 1));
  const weights = model.getWeights();
  expect(weights.map(({ shape }) => shape)).toEqual([...[0, 1].flatMap(() => [[2, 12], [3, 12], [12]])]);
  expect(weights[0]!.dataSync()).not.toEqual(weights[3]!.dataSync());
  for (const [n, weight] of both.backwardLayer.getWeights().entries()) {
    expectBits(weight.dataSync(), weights[3 + n]!.dataSync());
  }
  const forwardWeights = both.forwardLayer.getWeights();
  both.backwardLayer.setWeights(forwardWeights);
  for (const [n, weight] of model.getWeights().entries())
    expectBits(weight.dataSync(), forwardWeights[n % 3]!.dataSync());
  // The wrapped layer itself belongs to no model and can still be added to one.
  sequential({ layers: [layers.inputLayer({ inputShape: [null, 2] }), layer] }).predict(numbers(1, 2, 2));
});

test('bidirectional makes a copy of its backwardLayer', () => {
  const backwardLayer = layers.gru({ units: 3, goBackwards: true, name: 'y' });
  const both = layers.bidirectional({ layer: layers.lstm({ units: 3, name: 'x' }), backwardLayer, inputShape: [4, 2] });
  const model = sequential({ layers: [both] });
  expect([both.forwardLayer.name, both.backwardLayer.name]).toEqual(['forward_x', 'y']);
  expect([both.forwardLayer.goBackwards, both.backwardLayer.goBackwards]).toEqual([false, true]);
  expect(model.getWeights().map(({ shape }) => shape[0])).toEqual([2, 3, 12, 2, 3, 2]);
  const again = layers.bidirectional(both.getConfig() as never);
  expect(again.getConfig()).toEqual(both.getConfig());
  // The given layer belongs to no model. It goes backwards, so its last output is that of the backward direction
  const alone = sequential({ layers: [layers.inputLayer({ inputShape: [4, 2] }), backwardLayer] });
  alone.setWeights(both.backwardLayer.getWeights());
  const x = numbers(2, 4, 2);
  const [whole, part] = [model, alone].map(each => each.predict(x).arraySync() as number[][]);
  expect(whole!.map(row => row.slice(3))).toEqual(part);
});

test('the weights option of bidirectional holds the forward weights, then the backward weights', () => {
  const make = (weights?: ReturnType<typeof numbers>[]) =>
    sequential({ layers: [layers.bidirectional({ layer: layers.gru({ units: 2 }), weights, inputShape: [3, 1] })] });
  const weights = [...make().getWeights()];
  const x = numbers(4, 3, 1);
  const [model, swapped] = [make(weights), make([...weights.slice(3), ...weights.slice(0, 3)])];
  for (const [n, weight] of model.getWeights().entries()) expectBits(weight.dataSync(), weights[n]!.dataSync());
  // With forward and backward weights swapped and time reversed, the two parts of the output swap.
  const reversed = tensor(
    (x.arraySync() as number[][][]).map(sample => sample.toReversed()),
    [4, 3, 1],
  );
  const [a, b] = [model.predict(x), swapped.predict(reversed)].map(y => y.arraySync() as number[][]);
  for (const [n, row] of a!.entries()) {
    expectClose(row, [...b![n]!.slice(2), ...b![n]!.slice(0, 2)], { abs: 1e-7, rel: 0 });
  }
});

test('bidirectional reverses its output if the wrapped layer has goBackwards, as in TF.js', () => {
  const make = (goBackwards: boolean, weights?: ReturnType<typeof numbers>[]) =>
    sequential({
      layers: [
        layers.bidirectional({
          layer: layers.simpleRNN({ units: 2, returnSequences: true, goBackwards }),
          inputShape: [3, 1],
          mergeMode: 'sum',
          weights,
        }),
      ],
    });
  const forwards = make(false);
  const weights = forwards.getWeights();
  const backwards = make(true, [...weights.slice(3), ...weights.slice(0, 3)]);
  const x = numbers(2, 3, 1);
  const [a, b] = [forwards.predict(x), backwards.predict(x)].map(y => y.arraySync() as number[][][]);
  for (const [n, sample] of a!.entries()) {
    expectClose(b![n]!.toReversed().flat(), sample.flat(), { abs: 1e-7, rel: 0 });
  }
});

test('bidirectional takes the input shape of the wrapped layer', () => {
  const layer = layers.gru({ units: 2, batchInputShape: [4, 3, 1], stateful: true });
  const model = sequential({ layers: [layers.bidirectional({ layer })] });
  expect(model.inputs[0]!.shape).toEqual([4, 3, 1]);
  expect(model.outputs[0]!.shape).toEqual([4, 4]);
});

test('trainable of a bidirectional layer applies to both directions', () => {
  const both = layers.bidirectional({ layer: layers.gru({ units: 2, trainable: false }), inputShape: [3, 1] });
  expect(both.trainable).toBe(false);
  const model = sequential({ layers: [both, layers.dense({ units: 1 })] });
  model.compile({ optimizer: 'sgd', loss: 'mse' });
  const before = model.getWeights().map(weight => weight.dataSync());
  model.trainOnBatch(numbers(2, 3, 1), numbers(2, 1));
  const changed = model.getWeights().map((weight, n) => weight.dataSync().some((value, m) => value !== before[n]![m]));
  expect(changed).toEqual([...Array(6).fill(false), true, true]);
  both.trainable = true;
  expect([both.trainable, both.forwardLayer.trainable, both.backwardLayer.trainable]).toEqual([true, true, true]);
});
