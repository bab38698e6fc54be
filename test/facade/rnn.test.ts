// layers.rnn: stacked cells in one layer, against the float64 reference and against the same cells in separate layers.

import { layers, sequential, setRandomSeed, tensor } from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';
import type { LayerSpec } from '../reference/model.ts';
import { Random } from '../reference/random.ts';
import { caseOf, expectDifferences, expectMatchesReference } from './cases.ts';

const spec = (kind: string, config: object) => ({ class: kind, config }) as LayerSpec;
const dense = (config: object) => spec('dense', config);
const cell = (kind: string, units: number, config: object = {}) => ({ class: kind, config: { ...config, units } });
const booleans = [false, true];

const random = new Random(6);
const numbers = (...shape: number[]) => tensor(Float32Array.from(random.normals(shape).data), shape);

const kinds = ['lstm', 'gru', 'simpleRNN'];
const pairs = kinds.flatMap(below => kinds.map(above => [below, above] as const));

describe('layers.rnn against the float64 reference', () => {
  test.each(kinds)('one %s cell matches the reference', kind => {
    for (const units of [1, 3, 4, 9]) {
      for (const returnSequences of booleans) {
        const layer = spec('rnn', { cells: [cell(kind, units)], returnSequences, inputShape: [null, 3] });
        expectMatchesReference(caseOf([layer, dense({ units: 2 })], [3, 5, 3]));
      }
    }
  });

  test.each(pairs)('a stack of %s below %s matches the reference', (below, above) => {
    for (const returnSequences of booleans) {
      for (const goBackwards of booleans) {
        for (const [a, b] of [
          [3, 5],
          [9, 4],
          [12, 1],
        ] as const) {
          const config = { cells: [cell(below, a), cell(above, b)], returnSequences, goBackwards };
          const layer = spec('rnn', { ...config, inputShape: [null, 3] });
          expectMatchesReference(caseOf([layer, dense({ units: 2 })], [3, 5, 3]));
        }
      }
    }
  });

  test('three stacked cells with different options match the reference', () => {
    const cells = [
      cell('gru', 5, { resetAfter: false, useBias: false }),
      cell('lstm', 10, { activation: 'relu', recurrentActivation: 'hardSigmoid' }),
      cell('simpleRNN', 7, { activation: 'sigmoid' }),
    ];
    const layers = [
      spec('rnn', { cells, returnSequences: true, inputShape: [null, 3] }),
      spec('rnn', { cells, goBackwards: true }),
    ];
    expectMatchesReference(caseOf(layers, [4, 5, 3]));
    expectDifferences(caseOf(layers, [4, 5, 3]), 2 ** -6);
  });

  test.each(pairs)('a stateful stack of %s below %s matches the reference', (below, above) => {
    for (const goBackwards of booleans) {
      const config = { cells: [cell(below, 3), cell(above, 5)], goBackwards, stateful: true };
      const layer = spec('rnn', { ...config, batchInputShape: [3, 4, 2] });
      expectMatchesReference(caseOf([layer, dense({ units: 2 })], [3, 4, 2]), 3);
    }
  });
});

test('layers.rnn gives the bits of the same cells in separate layers, with weights in the same order', () => {
  setRandomSeed(1);
  const stacked = sequential({
    layers: [
      layers.lstm({ units: 3, returnSequences: true, inputShape: [null, 2] }),
      layers.gru({ units: 5, returnSequences: true, useBias: false }),
      layers.simpleRNN({ units: 4 }),
    ],
  });
  setRandomSeed(1);
  const cells = [layers.lstmCell({ units: 3 }), layers.gruCell({ units: 5, useBias: false })];
  const cell = [layers.stackedRNNCells({ cells }), layers.simpleRNNCell({ units: 4 })];
  const model = sequential({ layers: [layers.rnn({ cell, inputShape: [null, 2] })] });
  expect(model.getWeights().map(({ shape }) => shape)).toEqual(stacked.getWeights().map(({ shape }) => shape));
  for (const [n, weight] of model.getWeights().entries()) {
    expectBits(weight.dataSync(), stacked.getWeights()[n]!.dataSync(), `weight ${n}`);
  }
  const [x, y] = [numbers(3, 4, 2), numbers(3, 4)];
  for (const each of [model, stacked]) each.compile({ optimizer: 'adam', loss: 'mse' });
  for (let n = 0; n < 3; n++) expect(model.trainOnBatch(x, y)).toBe(stacked.trainOnBatch(x, y));
  expectBits(model.predict(x).dataSync(), stacked.predict(x).dataSync());
  expectClose(model.getLayer(undefined, 0).getWeights()[0]!.shape, [2, 12], { abs: 0, rel: 0 });
});

test('layers.rnn accepts a cell or an array of one cell', () => {
  const make = (cell: Parameters<typeof layers.rnn>[0]['cell']) => {
    setRandomSeed(3);
    return sequential({ layers: [layers.rnn({ cell, inputShape: [3, 2] })] });
  };
  const x = numbers(2, 3, 2);
  const [single, array] = [make(layers.gruCell({ units: 3 })), make([layers.gruCell({ units: 3 })])];
  expectBits(single.predict(x).dataSync(), array.predict(x).dataSync());
});

test('layers made of the same cell object do not share weights', () => {
  setRandomSeed(1);
  const cell = layers.gruCell({ units: 2 });
  const model = sequential({
    layers: [layers.rnn({ cell: [cell, cell], inputShape: [3, 2], returnSequences: true }), layers.rnn({ cell })],
  });
  const kernels = [0, 3, 6].map(n => model.getWeights()[n]!.dataSync());
  expect(new Set(kernels.map(values => values.join())).size).toBe(3);
});
