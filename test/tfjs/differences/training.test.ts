// Losses, metrics and training that behave differently from TF.js, as documented in docs/differences.md.

import { expect, test, vi } from 'vitest';
import { expectClose } from '../../compare.ts';
import type { Library } from '../build.ts';
import { compared, compiled, dense, errors, ones, step } from './compared.ts';

test('masking sequences of one step above a trainable layer fails in TF.js only', async () => {
  const messages = await errors(async library => {
    const below = library.layers.dense({ units: 1, inputShape: [1, 1] });
    const model = library.sequential({ layers: [below, library.layers.simpleRNN({ units: 1 })] });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    await model.trainOnBatch(library.tensor([1], [1, 1, 1]), library.tensor([1], [1, 1]));
  });
  expect(messages.lw).toBeNull();
  expect(messages.tf).toContain('stack');
});

test('regularizers of recurrent layers apply, unlike in TF.js', async () => {
  const losses = await compared(async library => {
    const kernelRegularizer = library.regularizers.l2({ l2: 3 });
    const layer = library.layers.simpleRNN({ units: 1, kernelRegularizer, inputShape: [2, 1] });
    const model = library.sequential({ layers: [layer] });
    model.setWeights(
      [ones(1), new Float32Array(1), new Float32Array(1)].map((w, n) => library.tensor(w, n < 2 ? [1, 1] : [1])),
    );
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    return model.trainOnBatch(library.tensor([0, 0], [1, 2, 1]), library.tensor([0], [1, 1]));
  });
  expect(losses).toEqual({ tf: 0, lw: 3 });
});

test('the derivative of |w| at 0 is 0; in TF.js it is -1', async () => {
  const weights = await compared(async library => {
    const model = dense(library, { kernelRegularizer: library.regularizers.l1({ l1: 0.25 }) });
    model.setWeights([library.tensor([0], [1, 1])]);
    model.compile({ optimizer: library.train.sgd(1), loss: 'meanSquaredError' });
    await model.trainOnBatch(library.tensor([0], [1, 1]), library.tensor([0], [1, 1]));
    return model.getWeights()[0].dataSync()[0];
  });
  expect(weights).toEqual({ tf: 0.25, lw: 0 });
});

test.each([
  ['meanAbsoluteError', 1],
  ['meanAbsolutePercentageError', 200],
])('the derivative of %s at a correct prediction is 0, unlike in TF.js', async (loss, slope) => {
  const weights = await compared(async library => {
    const model = compiled(library, { optimizer: library.train.sgd(1), loss });
    await step(library, model, 0.5);
    return model.getWeights()[0].dataSync()[0];
  });
  const direction = loss === 'meanAbsoluteError' ? 1 : -1; // |prediction - target| in one loss, |target - prediction| in the other
  expect(weights).toEqual({ tf: 0.5 + direction * slope, lw: 0.5 });
});

test('evaluate includes regularization penalties, unlike TF.js', async () => {
  const losses = await compared(library => {
    const model = dense(library, { kernelRegularizer: library.regularizers.l2({ l2: 4 }) });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    return model.evaluate(library.tensor([1], [1, 1]), library.tensor([0.5], [1, 1])).dataSync()[0];
  });
  expect(losses).toEqual({ tf: 0, lw: 1 });
});

test('a batch with non-finite values changes nothing, unlike in TF.js', async () => {
  const weights = await compared(async library => {
    const model = compiled(library);
    await step(library, model, Number.NaN);
    return model.getWeights()[0].dataSync()[0];
  });
  expect(weights).toEqual({ tf: Number.NaN, lw: 0.5 });
});

test('the cross-entropy of a probability that rounds to 1 keeps growing', async () => {
  const losses = await compared(library => {
    const model = dense(library, { activation: 'sigmoid' });
    model.setWeights([library.tensor([50], [1, 1])]);
    model.compile({ optimizer: 'sgd', loss: 'binaryCrossentropy' });
    return model.evaluate(library.tensor([1], [1, 1]), library.tensor([0], [1, 1])).dataSync()[0];
  });
  expect(losses.tf).toBeLessThan(16); // -log(1e-7)
  expect(losses.lw).toBe(50);
});

test('a class id out of range is an error, unlike in TF.js', async () => {
  const train = (library: Library) => {
    const model = library.sequential({
      layers: [library.layers.dense({ units: 2, activation: 'softmax', inputShape: [1] })],
    });
    model.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy' });
    return model.trainOnBatch(library.tensor([1], [1, 1]), library.tensor([5], [1, 1]));
  };
  const messages = await errors(train);
  expect(messages.tf).toBeNull(); // the loss is 0
  expect(messages.lw).toContain('must hold numbers of classes from 0 to 1, got 5');
});

test('precision and recall count predictions above 0.5 as positive; TF.js counts only 1', async () => {
  const values = await compared(async library => {
    const model = compiled(library, { metrics: [library.metrics.precision, library.metrics.recall] });
    // Predictions of 0.75 for both.
    const scalars = model.evaluate(library.tensor([1.5, 1.5], [2, 1]), library.tensor([1, 0], [2, 1]));
    return scalars.slice(1).map((scalar: Library) => scalar.dataSync()[0]);
  });
  expect(values).toEqual({ tf: [0, 0], lw: [0.5, 1] });
});

test('metricsNames are unique, unlike in TF.js', async () => {
  const names = await compared(library => compiled(library, { metrics: ['acc', 'accuracy'] }).metricsNames);
  expect(names).toEqual({ tf: ['loss', 'acc', 'acc'], lw: ['loss', 'acc_0', 'acc_1'] });
});

test('class weights work on sequences, unlike in TF.js', async () => {
  const messages = await errors(library => {
    const model = library.sequential({
      layers: [library.layers.dense({ units: 2, activation: 'softmax', inputShape: [2, 1] })],
    });
    model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' });
    const y = library.tensor([0, 1, 0, 1], [1, 2, 2]);
    return model.fit(library.tensor([1, 1], [1, 2, 1]), y, { classWeight: { 1: 3 }, verbose: 0 });
  });
  expect(messages.lw).toBeNull();
  expect(messages.tf).toContain('rank');
});

test('getWeights returns copies; TF.js returns the live variables', async () => {
  const weights = await compared(async library => {
    const model = compiled(library);
    const [weight] = model.getWeights();
    await step(library, model, 0);
    return weight.dataSync()[0];
  });
  expectClose([weights.tf], [0.4], { abs: 0, rel: 2 ** -22 });
  expect(weights.lw).toBe(0.5);
});

test('a fixed batch size applies to all batches, unlike in TF.js', async () => {
  const messages = await errors(library => {
    const layer = library.layers.dense({ units: 1, batchInputShape: [2, 1] });
    return library.sequential({ layers: [layer] }).predict(library.tensor([1, 2, 3], [3, 1]));
  });
  expect(messages.tf).toBeNull();
  expect(messages.lw).toContain('must hold a multiple of 2 samples');
});

test('samples of a stateful model are not shuffled, unlike in TF.js', async () => {
  const fit = (library: Library, options: object) => {
    const layer = library.layers.simpleRNN({ units: 1, stateful: true, batchInputShape: [1, 1, 1] });
    const model = library.sequential({ layers: [layer] });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const [x, y] = [library.tensor(ones(2), [2, 1, 1]), library.tensor(ones(2), [2, 1])];
    return model.fit(x, y, { batchSize: 1, verbose: 0, ...options });
  };
  const messages = await errors(library => fit(library, { shuffle: true }));
  expect(messages.tf).toBeNull();
  expect(messages.lw).toContain('shuffle must be false for a stateful model');
  expect((await errors(library => fit(library, {}))).lw).toBeNull();
});

test.each(['batch', 'epoch'])("onYield is called with yieldEvery '%s', unlike in TF.js", async yieldEvery => {
  const calls = await compared(async library => {
    const model = compiled(library);
    const onYield = vi.fn();
    const [x, y] = [library.tensor(ones(4), [4, 1]), library.tensor(ones(4), [4, 1])];
    await model.fit(x, y, { batchSize: 2, epochs: 3, yieldEvery, verbose: 0, callbacks: { onYield } });
    return onYield.mock.calls.length;
  });
  expect(calls).toEqual({ tf: 0, lw: yieldEvery === 'batch' ? 6 : 3 });
});

test('a list of callbacks may contain instances and plain objects', async () => {
  const messages = await errors(library => {
    const callbacks = [library.callbacks.earlyStopping({ monitor: 'loss' }), { onEpochEnd: () => {} }];
    const [x, y] = [library.tensor([1], [1, 1]), library.tensor([1], [1, 1])];
    return compiled(library).fit(x, y, { callbacks, verbose: 0 });
  });
  expect(messages.lw).toBeNull();
  expect(messages.tf).not.toBeNull();
});

/** An iterator over `count` batches of one sample. */
function batches(library: Library, count: number): object {
  let yielded = 0;
  const next = async () => {
    const done = yielded++ >= count;
    return { done, value: done ? null : { xs: library.tensor([1], [1, 1]), ys: library.tensor([1], [1, 1]) } };
  };
  return { iterator: async () => ({ next }) };
}

test('training ends when the dataset ends; in TF.js empty epochs follow', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const epochs = await compared(async library => {
    const seen: string[][] = [];
    const callbacks = { onEpochEnd: (_epoch: number, logs: object) => seen.push(Object.keys(logs)) };
    const options = { epochs: 4, batchesPerEpoch: 2, verbose: 0, callbacks };
    await compiled(library).fitDataset(batches(library, 3), options);
    return seen;
  });
  expect(warn).toHaveBeenCalledTimes(3 + 1);
  warn.mockRestore();
  expect(epochs).toEqual({ tf: [['loss'], ['loss'], [], []], lw: [['loss'], ['loss']] });
});

test('an empty dataset is an error, unlike in TF.js', async () => {
  const messages = await errors(library =>
    compiled(library).fitDataset(batches(library, 0), { epochs: 1, verbose: 0 }),
  );
  expect(messages.tf).toBeNull();
  expect(messages.lw).toContain('dataset must hold a batch, got none');
});
