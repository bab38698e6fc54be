// Gradients, and custom losses and metrics: the same programs in TF.js and in lstm-wasm.

import { describe, expect, test } from 'vitest';
import { expectClose } from '../compare.ts';
import type { Library } from './build.ts';
import { compared, dense, errorOf, step } from './differences/compared.ts';

/** Some roundings of float32 for numbers of size 10. */
const bounds = { abs: 1e-5, rel: 1e-5 };

const numbers = (library: Library, shape: number[], f: (n: number) => number): Library =>
  library.tensor(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, n) => f(n)),
    shape,
  );

const functions: Record<string, (t: Library, x: Library) => Library> = {
  'elementwise functions': (_, x) => x.tanh().mul(x.sigmoid()).add(x.square().add(1).sqrt()).div(x.exp().add(1)),
  'functions with kinks': (_, x) => x.relu().add(x.clipByValue(-0.5, 0.5)).add(x.abs()).maximum(0.3).minimum(2),
  'equal numbers in maximum and minimum': (t, x) => x.maximum(x.mul(1)).add(t.minimum(x, x.mul(2).div(2))),
  'equal numbers in max': (t, x) => t.max(t.concat([x, x], 1), 1).add(t.min(t.concat([x, x], 1), 1)),
  'numbers at the bounds of clipByValue and relu': (_, x) => x.round().clipByValue(-1, 1).add(x.mul(0).relu()),
  'reductions with broadcast': (_, x) => x.sub(x.mean(1, true)).square().mean(0).sum().mul(x.max(1)),
  moments: (t, x) => t.moments(x, 1).variance.add(t.moments(x, 1).mean),
  softmax: (_, x) => x.softmax().log().mul(x),
  'matrix products': (_, x) => x.matMul(x, false, true).matMul(x),
  'changes of shape': (t, x) =>
    t
      .concat([x.transpose(), x.reshape([4, 3])], 1)
      .slice([1, 1], [2, 4])
      .reverse(1),
  gather: (t, x) =>
    x
      .gather(t.tensor1d([2, 0, 2], 'int32'))
      .mul(x)
      .tile([2, 1]),
  'stack and unstack': (t, x) => t.stack(x.unstack(1), 0).expandDims(1).squeeze(),
  powers: (t, x) => x.square().pow(1.5).add(t.pow(2, x)).add(x.pow(3)),
  rounding: (_, x) => x.floor().mul(x).add(x.cast('int32').cast('float32')),
};

describe('grad', () => {
  for (const [name, f] of Object.entries(functions)) {
    test(`${name} have the gradient of TF.js`, async () => {
      const results = await compared(library => {
        const x = numbers(library, [3, 4], n => Math.sin(5 * n + 1) * 1.7);
        const { value, grad } = library.valueAndGrad((given: Library) => f(library, given))(x);
        return [Array.from(value.dataSync()), Array.from(grad.dataSync())] as number[][];
      });
      for (const n of [0, 1])
        expectClose(results.lw[n]!, results.tf[n]!, { ...bounds, what: ['value', 'gradient'][n]! });
    });
  }

  // Of functions such as tanh, TF.js loses a part: their gradient reads their result, which it does not follow
  test('a second derivative is that of TF.js', async () => {
    const results = await compared(library => {
      const f = library.grad(library.grad((x: Library) => x.sin().mul(x.pow(3)).sum()));
      return Array.from(f(library.tensor1d([0.3, -0.7])).dataSync()) as number[];
    });
    expectClose(results.lw, results.tf, bounds);
  });

  test('a result that does not depend on the argument is an error in both', async () => {
    const results = await compared(library => errorOf(() => library.grad(() => library.scalar(1))(library.scalar(2))));
    expect(results.tf).toContain('Cannot compute gradient');
    expect(results.lw).toBe('grad: f must compute its result from its arguments with tensor functions');
  });
});

const logOf = (p: Library) => p.clipByValue(1e-7, 1 - 1e-7).log();

const losses: Record<string, (t: Library, yTrue: Library, yPred: Library) => Library> = {
  'the mean of squares': (_, a, b) => a.sub(b).square().mean(),
  'a value for each sample': (_, a, b) => a.squaredDifference(b).mean(-1),
  'a value for each number': (_, a, b) => a.sub(b).abs(),
  crossentropy: (t, a, b) =>
    a
      .mul(logOf(b))
      .add(t.sub(1, a).mul(logOf(t.sub(1, b))))
      .neg()
      .mean(-1),
  'losses of TF.js': (t, a, b) => t.losses.meanSquaredError(a, b).add(t.losses.absoluteDifference(a, b)),
  pinball: (t, a, b) => t.maximum(a.sub(b).mul(0.9), a.sub(b).mul(-0.1)).mean(),
  'a weight by the target': (t, a, b) =>
    a.greater(0.5).cast('float32').mul(4).add(1).mul(t.squaredDifference(a, b)).mean(-1),
};

/** Weights, losses and metrics of three epochs. */
async function train(library: Library, loss: Library, more: object = {}) {
  const layers = [
    library.layers.lstm({ units: 4, inputShape: [3, 2], recurrentActivation: 'sigmoid' }),
    library.layers.dense({ units: 2, activation: 'sigmoid', kernelRegularizer: library.regularizers.l2({ l2: 0.01 }) }),
  ];
  const model = library.sequential({ layers });
  model.setWeights(
    model.getWeights().map((w: Library, k: number) => numbers(library, w.shape, n => 0.5 * Math.sin(7 * n + k))),
  );
  model.compile({ optimizer: library.train.sgd(0.3), loss, ...more });
  const x = numbers(library, [7, 3, 2], n => Math.sin(3 * n));
  const y = numbers(library, [7, 2], n => 0.5 + 0.45 * Math.cos(5 * n));
  const options = { epochs: 3, batchSize: 3, shuffle: false, verbose: 0, validationData: [x, y] };
  const { history } = await model.fit(x, y, options);
  const weights: number[] = model.getWeights().flatMap((w: Library) => Array.from(w.dataSync()));
  return { history: history as Record<string, number[]>, weights, names: model.metricsNames as string[] };
}

describe('compile', () => {
  for (const [name, f] of Object.entries(losses)) {
    test(`a custom loss trains as in TF.js: ${name}`, async () => {
      const results = await compared(library => train(library, (a: Library, b: Library) => f(library, a, b)));
      expectClose(results.lw.weights, results.tf.weights, { ...bounds, what: 'weights' });
      expect(Object.keys(results.lw.history)).toEqual(Object.keys(results.tf.history));
      // TF.js leaves penalties out of val_loss
      expectClose(results.lw.history.loss!, results.tf.history.loss!, { ...bounds, what: 'loss' });
    });
  }

  test('custom metrics have the names and values of TF.js', async () => {
    const results = await compared(library => {
      const bias = (a: Library, b: Library) => b.sub(a).mean();
      const byNumber = (a: Library, b: Library) => a.sub(b).abs();
      return train(library, 'meanSquaredError', { metrics: [bias, 'mse', byNumber] });
    });
    expect(results.lw.names).toEqual(results.tf.names);
    expect(Object.keys(results.lw.history)).toEqual(Object.keys(results.tf.history));
    for (const key of ['bias', 'mse', 'byNumber', 'val_bias', 'val_byNumber']) {
      expectClose(results.lw.history[key]!, results.tf.history[key]!, { ...bounds, what: key });
    }
  });

  test('a loss that does not depend on the predictions is an error in both', async () => {
    const results = await compared(library => {
      const model = dense(library);
      model.compile({ optimizer: 'sgd', loss: (a: Library) => a.mean() });
      return errorOf(() => step(library, model, 1));
    });
    expect(results.tf).toContain('Cannot find a connection');
    expect(results.lw).toBe('model.trainOnBatch: loss must compute its result from yPred with tensor functions');
  });
});
