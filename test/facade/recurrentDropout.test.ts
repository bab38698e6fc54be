// dropout and recurrentDropout of recurrent layers: the same numbers at every time step, other ones in every batch, in
// training only; and gradients against the reference, which is told what the kernels drop.

import { layers, type Sequential, sequential, setRandomSeed, tensor, train } from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { RECURRENT_DROPOUT_SEED } from '../../src/layers/recurrent/recurrent.ts';
import { seedBits } from '../../src/util/random.ts';
import { harness } from '../kernels/harness.ts';
import type { LayerSpec } from '../reference/model.ts';
import { Random } from '../reference/random.ts';
import { BidirectionalLayer, type CellConfig, type Drops, PlainLayer } from '../reference/recurrentLayers.ts';
import { caseOf, expectGradients } from './cases.ts';

const spec = (kind: string, config: object) => ({ class: kind, config }) as LayerSpec;
const dense = (config: object) => spec('dense', config);
const flags = [false, true];
const all = { returnSequences: true };
const padded = (n: number) => Math.ceil(n / 4) * 4;

const h = harness();

/** Factors [B,width] of the first training batch. */
function factors(seed: number, B: number, width: number, rate: number): Float32Array {
  const count = B * padded(width);
  const address = h.alloc(count * 4);
  h.kernels.setBatch(0);
  h.kernels.dropoutMask(address, count, seed, rate);
  const rows = h.get(address, count);
  return Float32Array.from({ length: B * width }, (_, n) => rows[Math.floor(n / width) * padded(width) + (n % width)]!);
}

const outputsOf = ({ units, projectionUnits }: CellConfig): number => projectionUnits ?? units;

/** What a cell drops in the first training batch. */
function dropsOf({ seed = 0, dropout = 0, recurrentDropout = 0, ...config }: CellConfig, B: number, D: number): Drops {
  return {
    input: dropout > 0 ? factors(seedBits(seed), B, D, dropout) : undefined,
    state:
      recurrentDropout > 0
        ? factors(seedBits(seed) ^ RECURRENT_DROPOUT_SEED, B, outputsOf(config), recurrentDropout)
        : undefined,
  };
}

/** Fails unless one step of training differentiates what the kernels should have dropped. */
function expectDropped(specs: LayerSpec[], size: [number, number, number], masked = false): void {
  const subject = caseOf(specs, size, masked);
  const [B, , D] = size;
  let width = D;
  const recurrent = subject.reference.recurrent.values();
  for (const { class: kind, config } of specs) {
    const cells = (kind: string, config: object, D: number): Drops[] => {
      if (kind !== 'rnn') return [dropsOf(config as CellConfig, B, D)];
      let below = D;
      return (config as { cells: { config: CellConfig }[] }).cells.map(({ config: own }) => {
        const drops = dropsOf(own, B, below);
        below = outputsOf(own);
        return drops;
      });
    };
    if (kind === 'dense') continue;
    const layer = recurrent.next().value!;
    if (layer instanceof PlainLayer) layer.drops = cells(kind, config, width);
    if (layer instanceof BidirectionalLayer) {
      const { layer: inner } = config as { layer: { class: string; config: object } };
      for (const half of layer.halves) half.drops = cells(inner.class, inner.config, width);
    }
    width = layer.width;
  }
  expectGradients(subject);
}

const cells: [string, string, object][] = [
  ['lstm', 'lstm', {}],
  ['lstm with a projection', 'lstm', { projectionUnits: 5, usePeepholes: true }],
  ['gru', 'gru', {}],
  ['gru, resetAfter: false', 'gru', { resetAfter: false }],
  ['simpleRNN', 'simpleRNN', {}],
  // Without a large epsilon, the product of a single input would hardly depend on the size of its kernel
  ['simpleRNN with layer normalization', 'simpleRNN', { layerNormalization: true, normEpsilon: 1 }],
  ['simpleRNN, another activation', 'simpleRNN', { activation: 'sigmoid' }],
];
const rates = [
  { dropout: 0.3, seed: 5 },
  { recurrentDropout: 0.4, seed: 2 ** 40 + 7 },
  { dropout: 0.5, recurrentDropout: 0.25, seed: 3 },
];

describe.each(cells)('%s', (_, kind, own) => {
  const layer = (config: object) => spec(kind, { ...own, ...config });

  describe.each(rates)('%o', rate => {
    test.each([3, 4, 7, 20])('%i units match the reference', units => {
      for (const [B, T, D] of [
        [1, 2, 1],
        [5, 4, 3],
        [3, 3, 13],
      ] as const) {
        for (const returnSequences of flags) {
          for (const goBackwards of flags) {
            const config = { ...rate, units, returnSequences, goBackwards, inputShape: [null, D] };
            expectDropped([layer(config), dense({ units: 2 })], [B, T, D]);
          }
        }
      }
    });

    test('stacked layers match the reference, with and without a mask', () => {
      const layers = [
        layer({ ...all, ...rate, units: 5, inputShape: [null, 3] }),
        layer({ ...rate, seed: 8, units: 6 }),
      ];
      for (const masked of flags) expectDropped([...layers, dense({ units: 2 })], [4, 5, 3], masked);
    });

    test('a bidirectional layer matches the reference, with and without a mask', () => {
      const below = layer({ ...all, units: 4, inputShape: [null, 2] });
      for (const masked of flags) {
        const both = spec('bidirectional', { layer: layer({ ...rate, units: 5 }) });
        expectDropped([below, both, dense({ units: 2 })], [4, 5, 2], masked);
      }
    });

    test('a batch of 300 rows matches the reference', () => {
      expectDropped([layer({ ...rate, units: 3, inputShape: [null, 2] })], [300, 3, 2]);
    });

    test('a stateful layer carries the state without dropout', () => {
      const make = (config: object) => {
        setRandomSeed(4);
        const model = sequential();
        const options = { ...own, units: 5, stateful: true, batchInputShape: [2, 3, 2], ...config };
        model.add(layers[kind as 'lstm'](options));
        model.compile({ optimizer: 'sgd', loss: 'mse' });
        return model;
      };
      const random = new Random(1);
      const x = tensor(Float32Array.from(random.normals([2, 3, 2]).data), [2, 3, 2]);
      const model = make(rate);
      model.trainOnBatch(x, new Float32Array(10));
      const [state] = model.getStates()[0]!;
      // tanh and gates are never zero, so a zero would be a dropped number.
      expect(state!.dataSync().every(value => value !== 0)).toBe(true);
      model.resetStates();
      const plain = make({});
      plain.setWeights(model.getWeights());
      expect([...model.predict(x).dataSync()]).toEqual([...plain.predict(x).dataSync()]);
    });
  });
});

test('dropout and recurrentDropout draw different masks from one seed', () => {
  const [input, state] = [seedBits(3), seedBits(3) ^ RECURRENT_DROPOUT_SEED].map(seed => factors(seed, 5, 8, 0.5));
  expect([...state!]).not.toEqual([...input!]);
});

test('each of several stacked cells draws its own masks', () => {
  const cells = [
    { class: 'lstm', config: { units: 5, dropout: 0.2, recurrentDropout: 0.3, seed: 1 } },
    { class: 'gru', config: { units: 3 } },
    { class: 'simpleRNN', config: { units: 4, dropout: 0.5, seed: 2 } },
    { class: 'gru', config: { units: 6, recurrentDropout: 0.5, seed: 3 } },
  ];
  for (const goBackwards of flags) {
    const rnn = spec('rnn', { cells, goBackwards, inputShape: [null, 3] });
    for (const masked of flags) expectDropped([rnn, dense({ units: 2 })], [4, 5, 3], masked);
  }
});

describe('in a model', () => {
  const make = (seed: number, own: number | undefined, rate = 0.5) => {
    setRandomSeed(seed);
    const dropout = { dropout: rate, recurrentDropout: rate, seed: own };
    const model = sequential({
      layers: [
        layers.lstm({ units: 5, returnSequences: true, ...dropout, inputShape: [4, 3] }),
        layers.bidirectional({ layer: layers.gru({ units: 4, ...dropout }) }),
        layers.dense({ units: 1 }),
      ],
    });
    model.compile({ optimizer: 'sgd', loss: 'mse' });
    return model;
  };
  const random = new Random(7);
  const x = tensor(Float32Array.from(random.normals([6, 4, 3]).data), [6, 4, 3]);
  const y = tensor(Float32Array.from(random.normals([6, 1]).data), [6, 1]);
  const losses = (model: ReturnType<typeof make>) => Array.from({ length: 6 }, () => model.trainOnBatch(x, y));

  test('equal seeds give equal masks, and different seeds different masks', () => {
    const first = losses(make(1, undefined));
    expect(losses(make(1, undefined))).toEqual(first);
    expect(losses(make(2, undefined))).not.toEqual(first);
    const own = losses(make(1, 11));
    expect(losses(make(1, 11))).toEqual(own);
    expect(losses(make(1, 12))).not.toEqual(own);
    expect(own[0]).not.toBe(first[0]);
  });

  test('every batch draws a new mask', () => {
    setRandomSeed(1);
    const model = make(1, 5);
    model.compile({ optimizer: train.sgd(0), loss: 'mse' });
    const seen = losses(model);
    expect(new Set(seen).size).toBe(6);
  });

  test('predict and testOnBatch apply no dropout', () => {
    const [dropping, plain] = [make(1, 3), make(1, 3, 0)];
    plain.setWeights(dropping.getWeights());
    expect([...dropping.predict(x).dataSync()]).toEqual([...plain.predict(x).dataSync()]);
    expect(dropping.testOnBatch(x, y)).toEqual(plain.testOnBatch(x, y));
    expect(dropping.trainOnBatch(x, y)).not.toEqual(plain.trainOnBatch(x, y));
  });

  test('a rate of zero draws no random numbers', () => {
    const [without, zero] = [{}, { dropout: 0, recurrentDropout: 0 }].map(config => {
      const gru = layers.gru({ units: 3, inputShape: [2, 2], ...config });
      return sequential({ layers: [gru, layers.dense({ units: 1 })], seed: 9 });
    }) as [Sequential, Sequential];
    expect(zero.getWeights().map(w => [...w.dataSync()])).toEqual(without.getWeights().map(w => [...w.dataSync()]));
  });
});
