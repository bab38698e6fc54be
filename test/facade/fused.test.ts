// Cross-entropies computed from the logits of the top layer, and masks that reach the loss, in whole models.

import { type Layer, layers, sequential, type Tensor, tensor, train } from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';
import { type LossName, lossOf } from '../reference/loss.ts';
import { Random } from '../reference/random.ts';

const B = 4;
const T = 3;
const D = 5;
const N = 6;

type TopLayers = (activation: 'softmax' | 'sigmoid') => Layer[];

const tops: [string, TopLayers, sequence: boolean][] = [
  ['dense', activation => [layers.dense({ units: N, activation, inputShape: [D] })], false],
  ['dense on every time step', activation => [layers.dense({ units: N, activation, inputShape: [T, D] })], true],
  [
    'timeDistributed',
    activation => [layers.timeDistributed({ layer: layers.dense({ units: N, activation }), inputShape: [T, D] })],
    true,
  ],
  [
    'an activation layer',
    activation => [layers.dense({ units: N, inputShape: [T, D] }), layers.activation({ activation })],
    true,
  ],
];

const cases = (['categoricalCrossentropy', 'sparseCategoricalCrossentropy', 'binaryCrossentropy'] as const).flatMap(
  loss => tops.map(([title, top, sequence]) => ({ loss, title, top, sequence })),
);

const activationOf = (loss: LossName) => (loss === 'binaryCrossentropy' ? 'sigmoid' : 'softmax');

describe.each(cases)('$loss above $title', ({ loss, title, top, sequence }) => {
  const rows = sequence ? B * T : B;
  const shape = sequence ? [B, T] : [B];

  function make(scale: number) {
    const random = new Random(scale);
    const model = sequential({ layers: top(activationOf(loss)) });
    const kernel = Float32Array.from(random.normals([D, N], scale).data);
    model.setWeights([tensor(kernel, [D, N]), tensor(new Float32Array(N), [N])]);
    model.compile({ optimizer: train.sgd(0.5), loss, metrics: ['acc', 'ce'] });
    const x = Float32Array.from(random.normals([rows, D]).data);
    const logits = Float64Array.from({ length: rows * N }, (_, i) => {
      let sum = 0;
      for (let d = 0; d < D; d++) sum += x[Math.floor(i / N) * D + d]! * kernel[d * N + (i % N)]!;
      return sum;
    });
    const width = loss === 'sparseCategoricalCrossentropy' ? 1 : N;
    const y = Float32Array.from({ length: rows * width }, (_, i) =>
      width === 1 ? (i * 5) % N : Number(i % N === (Math.floor(i / N) * 5) % N),
    );
    return { model, x: tensor(x, [...shape, D]), y: tensor(y, [...shape, width]), logits };
  }

  test.each([0.5, 40])(
    `${loss} above ${title} has the loss, metrics and step of the reference for logits of size %d`,
    scale => {
      const { model, x, y, logits } = make(scale);
      const expected = lossOf(loss, logits, y.dataSync(), { N, logits: true });
      const [before] = model.getWeights().map(values => values.dataSync());
      const results = model.testOnBatch(x, y) as number[];
      // The error of a float32 logit is u times the largest terms of its sum, 5e-6 at the greater scale.
      expectClose([results[0]!, results[2]!], [expected.loss, expected.loss], { abs: 2e-7 * scale, rel: 2e-6 });
      expect(model.trainOnBatch(x, y)).toEqual(results);
      const step = new Float64Array(D * N);
      for (let i = 0; i < rows * N; i++) {
        for (let d = 0; d < D; d++) {
          step[d * N + (i % N)]! += x.dataSync()[Math.floor(i / N) * D + d]! * expected.dOutputs[i]!;
        }
      }
      const expectedKernel = Float64Array.from(before!, (w, i) => w - 0.5 * step[i]!);
      expectClose(model.getWeights()[0]!.dataSync(), expectedKernel, {
        abs: 2e-6 * Math.max(1, scale / 10),
        rel: 2e-7,
      });
    },
  );

  test(`${loss} above ${title} learns where probabilities are 0 in float32`, () => {
    const { model, x, y } = make(40);
    model.compile({ optimizer: train.adam(2), loss, metrics: ['acc'] });
    const first = (model.trainOnBatch(x, y) as number[])[0]!;
    let last = first;
    for (let step = 0; step < 300; step++) last = (model.trainOnBatch(x, y) as number[])[0]!;
    expect(first).toBeGreaterThan(1);
    expect(last).toBeLessThan(first / 2);
  });
});

describe('masks', () => {
  const masked = (loss: LossName, metrics: string[] = ['acc', 'mae']) => {
    const model = sequential();
    model.add(layers.masking({ maskValue: 0, inputShape: [T, D] }));
    model.add(layers.dense({ units: N, activation: activationOf(loss) }));
    model.compile({ optimizer: train.sgd(0.5), loss, metrics } as Parameters<typeof model.compile>[0]);
    return model;
  };
  const batchOf = (mask: readonly number[]) => {
    const random = new Random(3);
    const x = Float32Array.from(random.normals([B * T, D]).data, (value, i) => value * mask[Math.floor(i / D)]!);
    return tensor(x, [B, T, D]);
  };
  const mask = [1, 1, 0, 1, 0, 0, 0, 0, 0, 1, 1, 1];
  const y = tensor(
    Float32Array.from({ length: B * T * N }, (_, i) => Number(i % N === (Math.floor(i / N) * 5) % N)),
    [B, T, N],
  );

  test.each(['categoricalCrossentropy', 'binaryCrossentropy', 'meanSquaredError', 'huberLoss'] as const)(
    '%s and its metrics are means over unmasked time steps',
    loss => {
      const model = masked(loss);
      const x = batchOf(mask);
      const outputs = model.predict(x).dataSync();
      const [value, accuracy, mae] = model.testOnBatch(x, y) as number[];
      const expectedLoss = (name: LossName) => lossOf(name, outputs, y.dataSync(), { N, mask }).loss;
      expectClose([value!, mae!], [expectedLoss(loss), expectedLoss('meanAbsoluteError')], { abs: 1e-6, rel: 2e-6 });
      const hits = accuracy! * mask.reduce((a, b) => a + b);
      expectClose([hits], [Math.round(hits * N) / N], { abs: 1e-12, rel: 0 });
    },
  );

  test('targets of masked steps are ignored, even NaN', () => {
    const results = [0, Number.NaN].map(value => {
      const model = masked('categoricalCrossentropy');
      model.setWeights([
        tensor(
          Float32Array.from({ length: D * N }, (_, i) => Math.fround(Math.cos(i))),
          [D, N],
        ),
        tensor(new Float32Array(N)),
      ]);
      const filled = y.dataSync().map((target, i) => (mask[Math.floor(i / N)] ? target : value));
      const loss = model.trainOnBatch(batchOf(mask), tensor(filled, [B, T, N]));
      return { loss: (loss as number[]).slice(0, 2), weights: model.getWeights().map((w: Tensor) => w.dataSync()) };
    });
    expect(results[0]!.loss).toEqual(results[1]!.loss);
    for (const n of [0, 1]) expectBits(results[0]!.weights[n]!, results[1]!.weights[n]!);
  });

  test('a fully masked batch has loss 0 and changes no weights', () => {
    const model = masked('categoricalCrossentropy');
    const before = model.getWeights().map(w => w.dataSync());
    expect(model.trainOnBatch(batchOf(mask.map(() => 0)), y)).toEqual([0, 0, 0]);
    model.getWeights().forEach((w, n) => {
      expectBits(w.dataSync(), before[n]!);
    });
  });

  test('class indices are checked in unmasked steps only', () => {
    const model = masked('sparseCategoricalCrossentropy', ['acc']);
    const x = batchOf(mask);
    const classes = mask.map<number>(unmasked => (unmasked ? 2 : -1));
    const loss = model.testOnBatch(x, tensor(classes, [B, T])) as number[];
    expect(loss.every(Number.isFinite)).toBe(true);
    expect(() => model.trainOnBatch(x, tensor(classes.with(0, 6), [B, T]))).toThrow('from 0 to 5, got 6');
    // With NaN in x, the loss is NaN, and no error reports the class of a masked step.
    const withNaN = tensor(x.dataSync().with(0, Number.NaN), [B, T, D]);
    expect((model.trainOnBatch(withNaN, tensor(classes, [B, T])) as number[])[0]).toBe(Number.NaN);
  });
});
