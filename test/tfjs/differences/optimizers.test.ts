// Optimizers and initializers that behave differently from TF.js, as documented in docs/differences.md.

import { expect, test } from 'vitest';
import { expectClose } from '../../compare.ts';
import { compared, weightsAfter } from './compared.ts';

test('optimizer names use the learning rates of Keras', async () => {
  // The first step of Adamax is the learning rate, whatever the gradient.
  const adamax = await compared(library => weightsAfter(library, 'adamax', [0]));
  expectClose(adamax.tf, [0.5 - 0.002], { abs: 0, rel: 2 ** -22 });
  expectClose(adamax.lw, [0.5 - 0.001], { abs: 0, rel: 2 ** -22 });
  const adagrad = await compared(library => weightsAfter(library, 'adagrad', [0]));
  expectClose(adagrad.tf, [0.5 - 0.01 / Math.sqrt(1.1)], { abs: 0, rel: 2 ** -22 });
  expectClose(adagrad.lw, [0.5 - 0.001 / Math.sqrt(1.1)], { abs: 0, rel: 2 ** -22 });
  const adadelta = await compared(library => weightsAfter(library, 'adadelta', [0]));
  expectClose(adadelta.tf, [0.5 - 1], { abs: 0, rel: 2 ** -22 });
  expect(0.5 - adadelta.lw[0]!).toBeLessThan(0.001);
});

test('constraints are applied after updates, unlike in TF.js', async () => {
  const weights = await compared(library =>
    weightsAfter(library, library.train.sgd(1), [-10], {
      options: { kernelConstraint: library.constraints.nonNeg() },
    }),
  );
  // 0.5 - 2 (0.5 + 10)
  expect(weights).toEqual({ tf: [-20.5], lw: [0] });
});

test("Adam's epsilon is added before the correction, as in Keras", async () => {
  const epsilon = 0.1;
  const weights = await compared(library => weightsAfter(library, library.train.adam(0.1, 0.9, 0.999, epsilon), [0]));
  const g = 1; // 2 (0.5 - 0)
  // TF.js keeps the powers of beta in float32, where 1 - 0.999 has a relative error of 5e-5, and the step half of that.
  expectClose(weights.tf, [0.5 - (0.1 * g) / (g + epsilon)], { abs: 0.1 * 2.5e-5, rel: 2 ** -23 });
  expectClose(weights.lw, [0.5 - (0.1 * g) / (g + epsilon / Math.sqrt(1 - 0.999))], { abs: 0, rel: 2 ** -22 });
});

test('centered RMSprop stays finite for nearly constant gradients, unlike in TF.js', async () => {
  // The gradient is zero, and so are its mean and the mean of its square.
  const weights = await compared(library =>
    weightsAfter(library, library.train.rmsprop(0.1, 0.9, 0, 1e-7, true), [0.5]),
  );
  expect(weights).toEqual({ tf: [Number.NaN], lw: [0.5] });
});

test('Adadelta divides by the mean square that includes the new gradient', async () => {
  const [rho, epsilon] = [0.75, 1e-4];
  const weights = await compared(library => weightsAfter(library, library.train.adadelta(1, rho, epsilon), [0]));
  const g = 1;
  const root = Math.sqrt(epsilon);
  expectClose(weights.tf, [0.5 - (g * root) / root], { abs: 1e-6, rel: 0 });
  expectClose(weights.lw, [0.5 - (g * root) / Math.sqrt((1 - rho) * g * g + epsilon)], { abs: 1e-7, rel: 0 });
});

test('momentum accumulates steps, as in Keras; TF.js accumulates gradients', async () => {
  const weights = await compared(library => {
    const optimizer = library.train.momentum(0.1, 0.5);
    const before = (n: number) => n === 1 && optimizer.setLearningRate(0.01);
    return weightsAfter(library, optimizer, [0, 0], { before });
  });
  // The gradients are 1 and 0.8; the first step is 0.1 in both.
  expectClose(weights.tf, [0.4, 0.4 - 0.01 * (0.5 * 1 + 0.8)], { abs: 0, rel: 2 ** -21 });
  expectClose(weights.lw, [0.4, 0.4 - 0.5 * 0.1 - 0.01 * 0.8], { abs: 0, rel: 2 ** -21 });
});

test('setting learningRate of sgd has an effect, unlike in TF.js', async () => {
  const weights = await compared(library => {
    const optimizer = library.train.sgd(0.5);
    const before = () => {
      optimizer.learningRate = 0;
    };
    return weightsAfter(library, optimizer, [0], { before });
  });
  expect(weights).toEqual({ tf: [0], lw: [0.5] });
});

test('compile resets the optimizer; TF.js keeps its state', async () => {
  const weights = await compared(library => {
    const optimizer = library.train.momentum(0.1, 0.5);
    const before = (n: number, model: { compile: (options: object) => void }) =>
      n === 1 && model.compile({ optimizer, loss: 'meanSquaredError' });
    return weightsAfter(library, optimizer, [0, 0], { before });
  });
  expectClose(weights.tf, [0.4, 0.4 - 0.1 * (0.5 * 1 + 0.8)], { abs: 0, rel: 2 ** -21 });
  expectClose(weights.lw, [0.4, 0.4 - 0.1 * 0.8], { abs: 0, rel: 2 ** -21 });
});

test('training a model without trainable weights changes nothing; in TF.js it fails', async () => {
  const frozen = { options: { trainable: false } };
  const weights = await compared(library =>
    weightsAfter(library, library.train.sgd(0.1), [0], frozen).catch(() => 'an error'),
  );
  expect(weights).toEqual({ tf: 'an error', lw: [0.5] });
});

test('a layer made trainable after compile trains at once', async () => {
  const weights = await compared(library =>
    weightsAfter(library, library.train.sgd(0.1), [0], {
      options: { trainable: false },
      before: (_n, model) => {
        model.layers[0].trainable = true;
      },
    }).catch(() => 'an error'),
  );
  expect(weights.tf).toBe('an error'); // TF.js finds no trainable weights
  expectClose(weights.lw as number[], [0.4], { abs: 0, rel: 2 ** -22 });
});

test('initializer options accept 0, unlike in TF.js', async () => {
  const least = await compared(library => {
    const kernelInitializer = library.initializers.randomUniform({ minval: 0, maxval: 1, seed: 3 });
    const layer = library.layers.dense({ units: 1000, kernelInitializer, inputShape: [1] });
    const [kernel] = library.sequential({ layers: [layer] }).getWeights();
    return Math.min(...kernel.dataSync());
  });
  expect(least.tf).toBeLessThan(0); // from -0.05, the default
  expect(least.lw).toBeGreaterThanOrEqual(0);
});

test('truncated normal initializers have the specified variance', async () => {
  const deviations = await compared(library => {
    const kernelInitializer = library.initializers.glorotNormal({ seed: 3 });
    const layer = library.layers.dense({ units: 300, kernelInitializer, inputShape: [300] });
    const [kernel] = library.sequential({ layers: [layer] }).getWeights();
    const values: number[] = Array.from(kernel.dataSync());
    return Math.sqrt(values.reduce((sum, w) => sum + w * w, 0)); // of 300 * 300 weights of variance 1 / 300
  });
  // The standard deviation of 90,000 numbers is accurate to a quarter of a percent.
  expect(deviations.tf / Math.sqrt(300)).toBeCloseTo(0.8796, 1.7);
  expect(deviations.lw / Math.sqrt(300)).toBeCloseTo(1, 1.7);
});
