// lstm with peepholes, a projection and layer normalization through the public API: predictions, losses, states and
// gradients against the float64 reference, gradients also against finite differences; the rest of what a layer does.

import { input, layers, model, modelFromJSON, type SymbolicTensor, sequential, setRandomSeed, train } from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';
import type { LayerSpec } from '../reference/model.ts';
import { Random } from '../reference/random.ts';
import { caseOf, expectDifferences, expectMatchesReference } from './cases.ts';
import { tensorOf } from './models.ts';

const spec = (kind: string, config: object) => ({ class: kind, config }) as LayerSpec;
const dense = (config: object) => spec('dense', config);
const flags = [false, true];
const sequences = { returnSequences: true };

const variants: [string, object][] = [
  ['peepholes', { usePeepholes: true }],
  ['a projection', { projectionUnits: 5 }],
  ['layer normalization', { layerNormalization: true }],
  ['all three', { usePeepholes: true, projectionUnits: 5, layerNormalization: true, normEpsilon: 0.01 }],
];

describe.each(variants)('lstm with %s', (_, own) => {
  const layer = (config: object) => spec('lstm', { ...own, ...config });

  test.each(flags.flatMap(goBackwards => flags.flatMap(useBias => [3, 9, 67].map(D => ({ goBackwards, useBias, D })))))(
    'matches the reference with %o',
    ({ D, ...config }) => {
      for (const returnSequences of flags) {
        const first = layer({ ...config, returnSequences, units: 7, inputShape: [null, D] });
        expectMatchesReference(caseOf([first, dense({ units: 2 })], [5, 6, D]));
      }
      // Above a layer with weights, which needs the gradient of its output
      const below = layer({ inputShape: [null, 4], ...sequences, units: 6 });
      expectMatchesReference(caseOf([below, layer({ ...config, units: 3 }), dense({ units: 2 })], [3, 5, 4]));
      const projected = dense({ inputShape: [null, D], units: 5, activation: 'tanh' });
      expectMatchesReference(caseOf([projected, layer({ ...config, units: 6 }), dense({ units: 2 })], [3, 5, D]));
    },
  );

  test('matches the reference over 3 stateful batches, masked, in blocks of rows and in both directions', () => {
    const stateful = { stateful: true, batchInputShape: [5, 6, 3], ...sequences, units: 7 };
    expectMatchesReference(caseOf([layer(stateful), dense({ units: 2 })], [5, 6, 3]), 3);
    const open = { inputShape: [4, 3], units: 6 };
    expectMatchesReference(caseOf([layer({ ...open, ...sequences }), layer({ units: 3 })], [4, 4, 3], true));
    expectMatchesReference(caseOf([layer({ ...open, ...sequences }), layer({ units: 3 })], [257, 4, 3]));
    const bidirectional = (mergeMode: string) =>
      spec('bidirectional', {
        mergeMode,
        inputShape: [4, 3],
        layer: layer({ units: 6, ...sequences }),
      });
    for (const mergeMode of ['concat', 'mul']) {
      const stack = [bidirectional(mergeMode), layer({ units: 3 }), dense({ units: 2 })];
      expectMatchesReference(caseOf(stack, [4, 4, 3], mergeMode === 'mul'));
    }
  });

  test('cells of rnn match the reference', () => {
    const cells = [layer({ units: 4 }), spec('gru', { units: 3 }), layer({ units: 6, useBias: false })];
    expectMatchesReference(caseOf([spec('rnn', { cells, inputShape: [4, 3], ...sequences })], [5, 4, 3]));
  });

  test('other activations match the reference', () => {
    for (const [activation, recurrentActivation] of [
      ['sigmoid', 'hardSigmoid'],
      ['linear', 'sigmoid'],
      ['softsign', 'hard_sigmoid_keras3'],
    ]) {
      const config = { units: 5, activation, recurrentActivation, inputShape: [null, 3] };
      expectMatchesReference(caseOf([layer({ ...config, ...sequences }), dense({ units: 2 })], [4, 3, 3]));
    }
  });

  test('gradients match finite differences of the loss', () => {
    const first = { ...sequences, units: 7, inputShape: [6, 3] };
    expectDifferences(caseOf([layer(first), dense({ units: 2 })], [5, 6, 3]), 2 ** -6);
    expectDifferences(caseOf([layer(first), layer({ units: 5, goBackwards: true })], [5, 6, 3]), 2 ** -6);
  });

  test('a stream gives the bits of predict on whole sequences', () => {
    setRandomSeed(4);
    const subject = sequential({
      layers: [layers.lstm({ units: 6, ...sequences, inputShape: [null, 3], ...own }), layers.dense({ units: 2 })],
    });
    const x = new Random(1).normals([1, 5, 3]);
    const whole = subject.predict(tensorOf(x)).dataSync();
    const stream = subject.stream();
    const steps = [0, 1, 2, 3, 4].flatMap(t => [...stream.step(Array.from(x.data.subarray(3 * t, 3 * t + 3)))]);
    expectBits(Float32Array.from(steps), whole);
  });

  test('final states of an encoder are the initial states of a decoder', () => {
    setRandomSeed(4);
    const x = input({ shape: [null, 3] });
    const encoder = layers.lstm({ units: 6, returnState: true, ...own });
    const [, ...states] = encoder.apply(x) as SymbolicTensor[];
    const decoder = layers.lstm({ units: 6, ...sequences, ...own });
    const y = decoder.apply(x, { initialState: states }) as SymbolicTensor;
    const graph = model({ inputs: x, outputs: y });
    graph.compile({ optimizer: train.adam(0.02), loss: 'meanSquaredError' });
    const given = tensorOf(new Random(1).normals([4, 5, 3]));
    const target = tensorOf(new Random(2).uniforms([4, 5, decoder.units]));
    const losses = Array.from({ length: 60 }, () => graph.trainOnBatch(given, target) as number);
    expect(losses.at(-1)!).toBeLessThan(0.7 * losses[0]!);
    // The decoder on the whole is one layer over the sequence twice
    decoder.setWeights(encoder.getWeights());
    const both = sequential({ layers: [layers.lstm({ units: 6, ...sequences, inputShape: [null, 3], ...own })] });
    both.setWeights(encoder.getWeights());
    const twice = both.predict(given.concat(given, 1)).slice([0, 5, 0], [4, 5, decoder.units]);
    const predicted = graph.predict(given) as typeof given;
    expectClose(predicted.dataSync(), twice.dataSync(), { abs: 1e-6, rel: 0 });
  });

  test('configurations and weights pass through JSON and a snapshot', async () => {
    setRandomSeed(4);
    const build = () =>
      sequential({
        layers: [
          layers.bidirectional({ layer: layers.lstm({ units: 3, ...sequences, ...own }), inputShape: [4, 3] }),
          layers.rnn({ cell: [layers.lstmCell({ units: 4, ...own }), layers.gruCell({ units: 2 })] }),
        ],
      });
    const first = build();
    const x = tensorOf(new Random(1).normals([2, 4, 3]));
    const expected = first.predict(x).dataSync();
    const copy = await modelFromJSON(first.toJSON());
    copy.setWeights(first.getWeights());
    expectBits(copy.predict(x).dataSync(), expected);
    const other = build();
    other.restore(first.snapshot());
    expectBits(other.predict(x).dataSync(), expected);
  });

  test('inspect shows gates and states, of which the output follows', () => {
    setRandomSeed(4);
    const subject = layers.lstm({ units: 6, ...sequences, inputShape: [null, 3], ...own });
    const whole = sequential({ layers: [subject] });
    const x = tensorOf(new Random(1).normals([2, 4, 3]));
    const { i, f, g, o, c, h } = whole.inspect(subject, x);
    for (const gate of [i, f, g, o, c]) expect(gate!.shape).toEqual([2, 4, 6]);
    expectBits(h.dataSync(), whole.predict(x).dataSync());
    const m = o!.mul(c!.tanh());
    const projection = subject.getWeights().find((_, n) => subject.weightSpecs[n]!.name === 'projectionKernel');
    const expected = projection ? m.reshape([8, 6]).matMul(projection) : m;
    expectClose(h.dataSync(), expected.dataSync(), { abs: 1e-6, rel: 0 });
  });
});

test('weights come in the order kernel, recurrentKernel, bias, peepholes, projection, normalizations', () => {
  const all = layers.lstm({
    ...{ units: 3, inputShape: [4, 2], usePeepholes: true, projectionUnits: 2, layerNormalization: true },
    ...{ peepholeInitializer: 'ones', normBetaInitializer: 'ones', name: 'all' },
  });
  const whole = sequential({ layers: [all] });
  expect(all.weightSpecs.map(({ name, shape }) => `${name} ${shape}`)).toEqual([
    'kernel 2,12',
    'recurrentKernel 2,12',
    'bias 12',
    'inputGatePeepholeWeights 3',
    'forgetGatePeepholeWeights 3',
    'outputGatePeepholeWeights 3',
    'projectionKernel 3,2',
    'kernelNormGamma 12',
    'kernelNormBeta 12',
    'recurrentNormGamma 12',
    'recurrentNormBeta 12',
    'stateNormGamma 3',
    'stateNormBeta 3',
  ]);
  expect(all.weightPaths[6]).toBe('all/projection_kernel');
  expect(whole.countParams()).toBe(24 + 24 + 12 + 9 + 6 + 48 + 6);
  const values = all.getWeights().map(weight => [...weight.dataSync()]);
  expect(values[3]).toEqual([1, 1, 1]);
  expect(values[7]).toEqual(Array(12).fill(1));
  expect(values[12]).toEqual([1, 1, 1]);
  expect(all.outputShape).toEqual([null, 2]);
});

test('getConfig has the options that are on, and an lstm without them has those of Keras', () => {
  expect(Object.keys(layers.lstm({ units: 2 }).getConfig()).filter(name => /peep|proj|norm/i.test(name))).toEqual([]);
  const { usePeepholes, projectionUnits, layerNormalization, normEpsilon } = layers
    .lstm({ units: 2, usePeepholes: true, projectionUnits: 3, layerNormalization: true, normEpsilon: 0.5 })
    .getConfig();
  expect({ usePeepholes, projectionUnits, layerNormalization, normEpsilon }).toEqual({
    usePeepholes: true,
    projectionUnits: 3,
    layerNormalization: true,
    normEpsilon: 0.5,
  });
});

test('regularizers and constraints apply to peepholes and the kernel of the projection', () => {
  const subject = layers.lstm({
    ...{ units: 3, inputShape: [4, 2], usePeepholes: true, projectionUnits: 2 },
    ...{ peepholeInitializer: 'ones', projectionInitializer: 'ones' },
    ...{ peepholeRegularizer: 'l2', projectionRegularizer: 'l1', projectionConstraint: 'nonNeg' },
    ...{ peepholeConstraint: { className: 'MaxNorm', config: { maxValue: 0.5, axis: 0 } } as never },
  });
  const whole = sequential({ layers: [subject] });
  whole.compile({ optimizer: train.sgd(5), loss: 'meanSquaredError' });
  const x = tensorOf(new Random(1).normals([2, 4, 2]));
  const y = whole.predict(x);
  // Nine peepholes of 1 and six numbers of the projection, 0.01 each
  expectClose([whole.testOnBatch(x, y) as number], [0.01 * 9 + 0.01 * 6], { abs: 1e-6, rel: 0 });
  whole.trainOnBatch(x, tensorOf(new Random(2).normals([2, 2], 9)));
  const weights = subject.getWeights().map(weight => [...weight.dataSync()]);
  for (const peepholes of weights.slice(3, 6)) expect(Math.hypot(...peepholes)).toBeLessThan(0.5 + 1e-6);
  expect(Math.min(...weights[6]!)).toBeGreaterThanOrEqual(0);
});
