// bidirectional through the public interface: against the float64 reference, which runs both halves on their own, and
// its own ways with weights, states and errors.

import { layers, sequential, setRandomSeed, tensor } from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';
import type { LayerSpec } from '../reference/model.ts';
import { Random } from '../reference/random.ts';
import { caseOf, expectFiniteDifferences, expectMatchesReference } from './cases.ts';

const spec = (kind: string, config: object) => ({ class: kind, config }) as LayerSpec;
const dense = (config: object) => spec('dense', config);
const modes = ['concat', 'sum', 'ave', 'mul'] as const;
const all = { returnSequences: true };
const flags = [false, true];

const random = new Random(5);
const numbers = (...shape: number[]) => tensor(Float32Array.from(random.normals(shape).data), shape);

describe.each(modes)('%s', mergeMode => {
  const both = (layer: LayerSpec, config: object = {}) => spec('bidirectional', { layer, mergeMode, ...config });

  describe.each(['lstm', 'gru', 'simpleRNN'])('%s', kind => {
    test.each([1, 2, 3, 4, 5, 7, 20, 33])('%i units', units => {
      for (const [B, T] of [
        [1, 1],
        [3, 4],
        [13, 2],
      ] as const) {
        for (const returnSequences of flags) {
          const layer = spec(kind, { units, returnSequences });
          expectMatchesReference(caseOf([both(layer, { inputShape: [T, 3] }), dense({ units: 2 })], [B, T, 3]));
        }
      }
    });

    test('on top of each other, and with nothing on top', () => {
      for (const goBackwards of flags) {
        for (const width of [3, 4, 13]) {
          const below = both(spec(kind, { ...all, units: width, goBackwards }), { inputShape: [null, 2] });
          expectMatchesReference(caseOf([below, both(spec(kind, { ...all, units: 6 }))], [4, 5, 2]));
          expectMatchesReference(caseOf([below, both(spec(kind, { units: 6, goBackwards }))], [4, 5, 2]));
        }
      }
    });

    test('on samples that lie one after the other', () => {
      const projected = dense({ units: 5, activation: 'tanh', inputShape: [null, 2] });
      expectMatchesReference(
        caseOf([projected, both(spec(kind, { ...all, units: 3 })), dense({ units: 2 })], [4, 5, 2]),
      );
    });

    test('stateful, over several batches', () => {
      for (const returnSequences of flags) {
        const layer = spec(kind, { units: 5, returnSequences, stateful: true });
        const first = { batchInputShape: [3, 4, 2] };
        expectMatchesReference(caseOf([both(layer, first), dense({ units: 2 })], [3, 4, 2]), 3);
        const second = both(spec(kind, { units: 3, stateful: true }));
        if (returnSequences) expectMatchesReference(caseOf([both(layer, first), second], [3, 4, 2]), 3);
      }
    });

    test('against differences of the loss', () => {
      const layers = [both(spec(kind, { ...all, units: 5 }), { inputShape: [4, 3] }), both(spec(kind, { units: 3 }))];
      expectFiniteDifferences(caseOf(layers, [5, 4, 3]), 2 ** -7);
    });
  });

  test('of stacked cells', () => {
    const cells = [
      { class: 'gru', config: { units: 5 } },
      { class: 'lstm', config: { units: 3 } },
    ];
    for (const returnSequences of flags) {
      const layer = spec('rnn', { cells, returnSequences });
      expectMatchesReference(caseOf([both(layer, { inputShape: [null, 3] }), dense({ units: 2 })], [4, 5, 3]));
    }
  });

  test('batches of more than 256 rows', () => {
    const layer = both(spec('lstm', { ...all, units: 3 }), { inputShape: [null, 2] });
    expectMatchesReference(caseOf([layer, dense({ units: 2 })], [300, 3, 2]));
  });
});

test('the halves are copies by name, with weights of their own', () => {
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
  const turned = both.forwardLayer.getWeights();
  both.backwardLayer.setWeights(turned);
  for (const [n, weight] of model.getWeights().entries()) expectBits(weight.dataSync(), turned[n % 3]!.dataSync());
  // The pattern stays free for a model of its own.
  sequential({ layers: [layers.inputLayer({ inputShape: [null, 2] }), layer] }).predict(numbers(1, 2, 2));
});

test('weights as an option: those of the forward half, then those of the backward half', () => {
  const make = (weights?: ReturnType<typeof numbers>[]) =>
    sequential({ layers: [layers.bidirectional({ layer: layers.gru({ units: 2 }), weights, inputShape: [3, 1] })] });
  const given = [...make().getWeights()];
  const x = numbers(4, 3, 1);
  const [one, other] = [make(given), make([...given.slice(3), ...given.slice(0, 3)])];
  for (const [n, weight] of one.getWeights().entries()) expectBits(weight.dataSync(), given[n]!.dataSync());
  // Halves that change places change the halves of the output, read backwards.
  const turned = tensor(
    (x.arraySync() as number[][][]).map(sample => sample.toReversed()),
    [4, 3, 1],
  );
  const [a, b] = [one.predict(x), other.predict(turned)].map(y => y.arraySync() as number[][]);
  for (const [n, row] of a!.entries()) {
    expectClose(row, [...b![n]!.slice(2), ...b![n]!.slice(0, 2)], { abs: 1e-7, rel: 0 });
  }
});

test('a layer that runs backwards comes out backwards, as in TF.js', () => {
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
  const [forwards, w] = [make(false), numbers];
  expect(w).toBeTypeOf('function');
  const weights = forwards.getWeights();
  const backwards = make(true, [...weights.slice(3), ...weights.slice(0, 3)]);
  const x = numbers(2, 3, 1);
  const [a, b] = [forwards.predict(x), backwards.predict(x)].map(y => y.arraySync() as number[][][]);
  for (const [n, sample] of a!.entries()) {
    expectClose(b![n]!.toReversed().flat(), sample.flat(), { abs: 1e-7, rel: 0 });
  }
});

test('the input shape may stand in the wrapped layer', () => {
  const layer = layers.gru({ units: 2, batchInputShape: [4, 3, 1], stateful: true });
  const model = sequential({ layers: [layers.bidirectional({ layer })] });
  expect(model.inputs[0]!.shape).toEqual([4, 3, 1]);
  expect(model.outputs[0]!.shape).toEqual([4, 4]);
});

test('trainable reaches both halves', () => {
  const both = layers.bidirectional({ layer: layers.gru({ units: 2, trainable: false }), inputShape: [3, 1] });
  expect(both.trainable).toBe(false);
  const model = sequential({ layers: [both, layers.dense({ units: 1 })] });
  model.compile({ optimizer: 'sgd', loss: 'mse' });
  const before = model.getWeights().map(weight => weight.dataSync());
  model.trainOnBatch(numbers(2, 3, 1), numbers(2, 1));
  const moved = model.getWeights().map((weight, n) => weight.dataSync().some((value, m) => value !== before[n]![m]));
  expect(moved).toEqual([...Array(6).fill(false), true, true]);
  both.trainable = true;
  expect([both.trainable, both.forwardLayer.trainable, both.backwardLayer.trainable]).toEqual([true, true, true]);
});
