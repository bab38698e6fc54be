// Batch normalization folded into the layer below: predictions against the same layers unfolded, at odd sizes.

import { input, type Layer, layers, model, setRandomSeed, type Tensor, tensor, train } from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';
import { Random } from '../reference/random.ts';

const T = 7;
const normals = (seed: number, ...shape: number[]) =>
  tensor(Float32Array.from(new Random(seed).normals(shape).data), shape);
const numbersOf = (value: Tensor | Tensor[]) => (value as Tensor).dataSync();

const below: [string, (units: number) => Layer][] = [
  ['dense', units => layers.dense({ units, biasInitializer: 'randomNormal' })],
  ['dense without bias', units => layers.dense({ units, useBias: false })],
  ['timeDistributed', units => layers.timeDistributed({ layer: layers.dense({ units }) })],
  ['conv1d', filters => layers.conv1d({ filters, kernelSize: 3, padding: 'same', biasInitializer: 'randomNormal' })],
  ['dilated conv1d', filters => layers.conv1d({ filters, kernelSize: 2, dilationRate: 2, padding: 'causal' })],
];

/** A model whose normalization is folded, and one of the same layers where another output prevents that. */
function pair(make: (units: number) => Layer, inputs: number, units: number, options = {}) {
  setRandomSeed(units);
  const x = input({ shape: [T, inputs] });
  const linear = make(units).apply(x);
  const normalization = layers.batchNormalization(options);
  const y = normalization.apply(linear);
  const [folded, whole] = [model({ inputs: x, outputs: y }), model({ inputs: x, outputs: [y, linear] })];
  const random = new Random(units);
  // Variances are positive, and far from 1
  normalization.setWeights(
    normalization.getWeights().map((weight, n, all) => {
      const values = random.normals(weight.shape as number[]).data;
      return tensor(Float32Array.from(n === all.length - 1 ? values.map(v => 4 * v * v + 0.01) : values));
    }),
  );
  return { folded, whole };
}

describe.each(below)('batch normalization above %s', (_, make) => {
  test.each([
    [1, 1],
    [3, 5],
    [5, 16],
    [20, 33],
  ])('is folded into its weights, with %i inputs and %i units', (inputs, units) => {
    for (const options of [{}, { scale: false }, { center: false, epsilon: 0.25 }]) {
      const { folded, whole } = pair(make, inputs, units, options);
      const x = normals(inputs, 9, T, inputs);
      const expected = numbersOf((whole.predict(x) as Tensor[])[0]!);
      const scale = Math.max(...expected.map(Math.abs));
      expectClose(numbersOf(folded.predict(x)), expected, { abs: 4e-6 * scale, rel: 0, what: JSON.stringify(options) });
    }
  });

  test('predictions do not depend on the size of the batch', () => {
    const { folded } = pair(make, 4, 6);
    const x = normals(2, 5, T, 4);
    expectBits(numbersOf(folded.predict(x, { batchSize: 1 })), numbersOf(folded.predict(x, { batchSize: 5 })), 'rows');
  });

  test('predictions follow the weights of both layers after a training step', () => {
    const { folded, whole } = pair(make, 4, 6);
    const x = normals(3, 5, T, 4);
    folded.predict(x);
    folded.compile({ optimizer: train.sgd(0.1), loss: 'meanSquaredError' });
    const before = numbersOf(folded.predict(x));
    folded.trainOnBatch(x, normals(4, 5, T, 6));
    const after = numbersOf(folded.predict(x));
    expect(Math.max(...after.map((value, n) => Math.abs(value - before[n]!)))).toBeGreaterThan(0.01);
    expectClose(after, numbersOf((whole.predict(x) as Tensor[])[0]!), { abs: 2e-5, rel: 2e-5 });
  });
});

test('a stream predicts the bits of a folded model', () => {
  const { folded } = pair(units => layers.dense({ units }), 3, 5);
  const x = normals(5, 1, T, 3);
  const expected = numbersOf(folded.predict(x));
  const stream = folded.stream();
  for (let t = 0; t < T; t++) {
    const step = stream.step(x.dataSync().subarray(3 * t, 3 * t + 3)) as Float32Array;
    expectBits(step, expected.subarray(5 * t, 5 * t + 5), `step ${t}`);
  }
});

test('a variance that has overflowed shows in the prediction', () => {
  const { folded } = pair(units => layers.dense({ units }), 2, 3);
  const normalization = folded.layers.at(-1)!;
  const weights = normalization.getWeights();
  normalization.setWeights([...weights.slice(0, 3), tensor([1, Number.POSITIVE_INFINITY, 1])]);
  const y = numbersOf(folded.predict(normals(6, 1, T, 2)));
  expect([...y.subarray(0, 3)].map(Number.isNaN)).toEqual([false, true, false]);
});
