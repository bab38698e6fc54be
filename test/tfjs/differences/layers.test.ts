// Layers that behave differently from TF.js, as documented in docs/differences.md.

import { expect, test } from 'vitest';
import type { Library } from '../build.ts';
import { compared, errors, ones } from './compared.ts';

test('bidirectional accepts rnn, unlike in TF.js', async () => {
  const messages = await errors(library => {
    const layer = library.layers.rnn({ cell: library.layers.simpleRNNCell({ units: 2 }) });
    return library.sequential({ layers: [library.layers.bidirectional({ layer, inputShape: [3, 2] })] });
  });
  expect(messages.lw).toBeNull();
  expect(messages.tf).not.toBeNull();
});

/** Losses of batches of ones with target zero, which show how many numbers a dropout layer kept. */
async function lossesWithDropout(library: Library, layers: Library[], shape: number[]): Promise<number[]> {
  const model = library.sequential({ layers });
  for (const layer of model.layers) {
    layer.setWeights(layer.getWeights().map((w: Library, n: number) => library.tensor([1 - n], w.shape)));
  }
  model.compile({ optimizer: library.train.sgd(0), loss: 'meanSquaredError' });
  const x = library.tensor(ones(...shape), shape);
  const y = library.tensor(new Float32Array(shape[0]!), [shape[0], 1]);
  model.predict(x, { batchSize: shape[0] });
  const losses: number[] = [];
  for (let n = 0; n < 8; n++) losses.push(await model.trainOnBatch(x, y));
  return losses;
}

test('a dropout seed starts a sequence of masks; in TF.js every batch has the same mask', async () => {
  for (const spatial of [false, true]) {
    const losses = await compared(library => {
      const { dense, dropout, flatten, spatialDropout1d } = library.layers;
      const options = { rate: 0.5, seed: 3 };
      const first = spatial
        ? [spatialDropout1d({ ...options, inputShape: [1, 1] }), flatten()]
        : [dropout({ ...options, inputShape: [1] })];
      const layers = [...first, dense({ units: 1, useBias: false })];
      return lossesWithDropout(library, layers, spatial ? [64, 1, 1] : [64, 1]);
    });
    expect(new Set(losses.tf).size).toBe(1);
    expect(new Set(losses.lw).size).toBeGreaterThan(1);
  }
});

test('a cell inside rnn draws a new dropout mask for every batch; TF.js keeps that of the first batch, even of a prediction', async () => {
  const losses = await compared(library => {
    const cell = library.layers.simpleRNNCell({ units: 1, dropout: 0.5, useBias: false, activation: 'linear' });
    return lossesWithDropout(library, [library.layers.rnn({ cell, inputShape: [1, 1] })], [64, 1, 1]);
  });
  expect(new Set(losses.tf)).toEqual(new Set([1])); // nothing is dropped
  expect(new Set(losses.lw).size).toBeGreaterThan(1);
});

test('a dropout rate of 1 is an error; in TF.js it drops nothing', async () => {
  const messages = await errors(async library => {
    const { dense, dropout } = library.layers;
    const layers = [dropout({ rate: 1, inputShape: [1] }), dense({ units: 1, useBias: false })];
    expect(await lossesWithDropout(library, layers, [4, 1])).toEqual(Array(8).fill(1));
  });
  expect(messages.tf).toBeNull();
  expect(messages.lw).toContain('rate must be a finite number at least 0 and below 1, got 1');
});

test('softmax uses the last axis; TF.js uses the first axis of a sample', async () => {
  const messages = await errors(library => {
    const model = library.sequential({ layers: [library.layers.softmax({ inputShape: [2, 3] })] });
    return model.predict(library.tensor(ones(6), [1, 2, 3]));
  });
  expect(messages.lw).toBeNull();
  expect(messages.tf).toContain('non-last dimension');
});

test('an embedding id out of range is an error, unlike in TF.js', async () => {
  const predict = (id: number) => (library: Library) => {
    const layer = library.layers.embedding({ inputDim: 3, outputDim: 1, inputLength: 1 });
    return library.sequential({ layers: [layer] }).predict(library.tensor([id], [1, 1]));
  };
  const fractional = await errors(predict(1.5)); // row 1 in TF.js
  expect(fractional.tf).toBeNull();
  expect(fractional.lw).toContain('integers from 0 to 2');
  for (const id of [-1, 3]) {
    const outside = await errors(predict(id));
    expect(outside.tf).toContain(`the index value ${id} is not in [0, 2]`); // from the cpu backend
    expect(outside.lw).toContain(`integers from 0 to 2, the ids of embedding`);
  }
});

test('states of stacked cells are ordered from the first cell; in TF.js from the last', async () => {
  const widths = await compared(library => {
    const cell = [2, 3].map(units => library.layers.simpleRNNCell({ units }));
    const layer = library.layers.rnn({ cell, stateful: true, batchInputShape: [1, 1, 1] });
    const model = library.sequential({ layers: [layer] });
    model.predict(library.tensor([1], [1, 1, 1]), { batchSize: 1 });
    const states = model.getStates ? model.getStates()[0] : layer.getStates();
    return states.map(({ shape }: { shape: number[] }) => shape[1]);
  });
  expect(widths).toEqual({ tf: [3, 2], lw: [2, 3] });
});

test('one cell can be passed to two layers, each with weights of its own', async () => {
  const messages = await errors(library => {
    const cell = library.layers.simpleRNNCell({ units: 1 });
    const below = library.layers.rnn({ cell, returnSequences: true, inputShape: [2, 1] });
    return library.sequential({ layers: [below, library.layers.rnn({ cell })] });
  });
  expect(messages.lw).toBeNull();
  expect(messages.tf).toContain('Duplicate weight name');
});

test('getWeights follows the order of the layers; TF.js puts trainable weights first', async () => {
  const widths = await compared(library => {
    const { dense } = library.layers;
    const frozen = dense({ units: 2, useBias: false, trainable: false, inputShape: [1] });
    const model = library.sequential({ layers: [frozen, dense({ units: 3, useBias: false })] });
    return model.getWeights().map(({ shape }: { shape: number[] }) => shape);
  });
  expect(widths).toEqual({
    tf: [
      [2, 3],
      [1, 2],
    ],
    lw: [
      [1, 2],
      [2, 3],
    ],
  });
});

/** The weights of a normalization, after a training step on the rows 1 and 3 with the learning rate 0. */
async function normalized(library: Library, options: object, ofBatch = true): Promise<number[]> {
  const { batchNormalization, layerNormalization } = library.layers;
  const layer = ofBatch
    ? batchNormalization({ inputShape: [1], momentum: 0.5, ...options })
    : layerNormalization({ inputShape: [1], ...options });
  const model = library.sequential({ layers: [layer, library.layers.dense({ units: 1, useBias: false })] });
  model.compile({ optimizer: library.train.sgd(0), loss: 'meanSquaredError' });
  await model.trainOnBatch(library.tensor([1, 3], [2, 1]), library.tensor([0, 0], [2, 1]));
  return layer.getWeights().map((weight: Library) => weight.dataSync()[0]);
}

test('a frozen batchNormalization keeps its moving statistics; in TF.js training moves them', async () => {
  const weights = await compared(library => normalized(library, { trainable: false }));
  expect(weights.tf).toEqual([1, 0, 1, 1]);
  expect(weights.lw).toEqual([1, 0, 0, 1]);
  const trainable = await compared(library => normalized(library, {}));
  expect(trainable.lw).toEqual(trainable.tf);
});

test('normalization layers without center or scale can be trained, unlike in TF.js', async () => {
  const cases = [{ center: false }, { scale: false }].flatMap(options =>
    [true, false].map(ofBatch => ({ options, ofBatch })),
  );
  for (const { options, ofBatch } of cases) {
    const messages = await errors(library => normalized(library, options, ofBatch));
    expect(messages.lw).toBeNull();
    expect(messages.tf).not.toBeNull();
  }
});

test('a model returns moving statistics in the order of its layers; TF.js returns them last', async () => {
  const shapes = await compared(library => {
    const { batchNormalization, dense } = library.layers;
    const model = library.sequential({ layers: [batchNormalization({ inputShape: [2] }), dense({ units: 3 })] });
    return model.getWeights().map(({ shape }: Library) => shape.length);
  });
  expect(shapes.tf).toEqual([1, 1, 2, 1, 1, 1]);
  expect(shapes.lw).toEqual([1, 1, 1, 1, 2, 1]);
});

test('a layer below thresholdedReLU learns; in TF.js it cannot be trained', async () => {
  const make = (library: Library) => {
    const { dense, thresholdedReLU } = library.layers;
    const layers = [dense({ units: 3, inputShape: [2], useBias: false }), thresholdedReLU({ theta: 0.5 })];
    const model = library.sequential({ layers });
    model.setWeights([library.tensor([1, 0.3, -1, 0.5, 0.2, 1], [2, 3])]);
    model.compile({ optimizer: library.train.sgd(0.1), loss: 'meanSquaredError' });
    return model;
  };
  const predicted = await compared(library =>
    make(library)
      .predict(library.tensor([1, 1], [1, 2]))
      .array(),
  );
  expect(predicted.lw).toEqual(predicted.tf);
  const messages = await errors(library =>
    make(library).trainOnBatch(library.tensor([1, 1], [1, 2]), library.tensor([1, 1, 1], [1, 3])),
  );
  expect(messages.lw).toBeNull();
  expect(messages.tf).toContain('gradient function not found for Greater');
});

test('the gradient of a mean of a padded window divides by its steps; in TF.js it divides by poolSize', async () => {
  const steps = await compared(async library => {
    const { averagePooling1d, dense } = library.layers;
    const layers = [
      dense({ units: 1, useBias: false, inputShape: [2, 1] }),
      averagePooling1d({ poolSize: 3, strides: 1, padding: 'same' }),
    ];
    const model = library.sequential({ layers });
    model.setWeights([library.tensor([1], [1, 1])]);
    model.compile({ optimizer: library.train.sgd(1), loss: 'meanSquaredError' });
    await model.trainOnBatch(library.tensor([1, 1], [1, 2, 1]), library.tensor([0, 0], [1, 2, 1]));
    return model.getWeights()[0].array();
  });
  // Each window has both steps: y = w, and the gradient of w^2 is 2
  expect(steps.lw).toEqual([[-1]]);
  expect(steps.tf[0][0]).toBeCloseTo(1 - 4 / 3);
});

test('the gradient of globalMaxPooling1d goes to the first step with the maximum; in TF.js to all of them', async () => {
  const weights = await compared(async library => {
    const { dense, globalMaxPooling1d } = library.layers;
    const layers = [dense({ units: 1, useBias: false, inputShape: [2, 1] }), globalMaxPooling1d()];
    const model = library.sequential({ layers });
    model.setWeights([library.tensor([1], [1, 1])]);
    model.compile({ optimizer: library.train.sgd(1), loss: 'meanSquaredError' });
    await model.trainOnBatch(library.tensor([1, 1], [1, 2, 1]), library.tensor([0], [1, 1]));
    return model.getWeights()[0].array();
  });
  expect(weights.lw).toEqual([[-1]]);
  expect(weights.tf).toEqual([[-3]]);
});

test('a batch normalization that is called twice updates its statistics in the order of calls; in TF.js in reverse', async () => {
  const means = await compared(async library => {
    const inputs = [1, 2].map(() => library.input({ shape: [1] }));
    const normalization = library.layers.batchNormalization({ momentum: 0.5 });
    const outputs = library.layers.concatenate().apply(inputs.map(input => normalization.apply(input)));
    const model = library.model({ inputs, outputs });
    model.compile({ optimizer: library.train.sgd(0.1), loss: 'meanSquaredError' });
    const x = [library.tensor([1, 3], [2, 1]), library.tensor([8, 12], [2, 1])];
    await model.trainOnBatch(x, library.tensor([0, 0, 0, 0], [2, 2]));
    return normalization.getWeights()[2].array();
  });
  expect(means.lw).toEqual([(2 / 2 + 10) / 2]);
  expect(means.tf).toEqual([(10 / 2 + 2) / 2]);
});

test('a model with several outputs updates moving statistics once; in TF.js once for each output', async () => {
  const means = await compared(async library => {
    const part = library.input({ shape: [1] });
    const normalization = library.layers.batchNormalization({ momentum: 0.5 });
    const normalized = normalization.apply(part);
    const { activation, concatenate } = library.layers;
    const inner = library.model({
      inputs: part,
      outputs: [normalized, activation({ activation: 'tanh' }).apply(normalized)],
    });
    const input = library.input({ shape: [1] });
    const model = library.model({ inputs: input, outputs: concatenate().apply(inner.apply(input)) });
    model.compile({ optimizer: library.train.sgd(0.1), loss: 'meanSquaredError' });
    await model.trainOnBatch(library.tensor([1, 3], [2, 1]), library.tensor([0, 0, 0, 0], [2, 2]));
    return normalization.getWeights()[2].array();
  });
  expect(means.lw).toEqual([1]);
  expect(means.tf).toEqual([1.5]);
});
