// Models go to TF.js 4.22 and come from there: the same weights, the same predictions, and training goes on.

import * as lw from 'lstm-wasm';
import { layers, sequential, train } from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { Random } from '../reference/random.ts';
import { compare, tf } from '../tfjs/agree.ts';
import type { Library } from '../tfjs/build.ts';
import { perturb } from '../tfjs/perturb.ts';
import { stacks } from './stacks.ts';

const { io, loadLayersModel } = lw;
const SHAKES = 3;

/** What a model, of either library, hands to a save handler. */
async function saved(model: Library, options?: object): Promise<lw.ModelArtifacts> {
  let found: lw.ModelArtifacts | undefined;
  const save = (artifacts: lw.ModelArtifacts) => {
    found = artifacts;
    return { modelArtifactsInfo: {} };
  };
  await model.save({ save }, options);
  return found!;
}

const ofTfjs = (artifacts: lw.ModelArtifacts): Promise<Library> => tf.loadLayersModel(tf.io.fromMemory(artifacts));
const ofOurs = (artifacts: lw.ModelArtifacts) => loadLayersModel(io.fromMemory(artifacts));

test('numbers that come in pieces, as TF.js hands over what is large, are those in one', async () => {
  const model = sequential({ layers: [layers.gru({ units: 3, inputShape: [4, 2] }), layers.dense({ units: 2 })] });
  const artifacts = await saved(model);
  const whole = artifacts.weightData as ArrayBuffer;
  // not cut where a weight ends, nor where a number does
  const weightData = [whole.slice(0, 13), whole.slice(13, 13), whole.slice(13, 50), whole.slice(50)];
  const again = await ofOurs({ ...artifacts, weightData });
  const numbers = (model: lw.Sequential) => model.getWeights().map(weight => weight.arraySync());
  expect(numbers(again as lw.Sequential)).toEqual(numbers(model));
});

/** More layers than `stacks` has in a form that TF.js takes. */
const more: Record<string, () => lw.Layer[]> = {
  'gru, reset before': () => [layers.gru({ units: 3, resetAfter: false, stateful: true, batchInputShape: [2, 3, 2] })],
  'bidirectional lstm': () => [
    layers.bidirectional({ layer: layers.lstm({ units: 2, returnSequences: true }), inputShape: [3, 2] }),
    layers.bidirectional({ layer: layers.gru({ units: 2, resetAfter: false }), mergeMode: 'sum' }),
  ],
  'rnn of cells': () => [
    layers.rnn({
      cell: [layers.lstmCell({ units: 3 }), layers.gruCell({ units: 2, resetAfter: false })],
      inputShape: [3, 2],
    }),
  ],
  'rnn of a simple cell': () => [layers.rnn({ cell: layers.simpleRNNCell({ units: 3 }), inputShape: [3, 2] })],
  'activations without weights': () => [
    layers.inputLayer({ inputShape: [3, 2] }),
    layers.dropout({ rate: 0.5, seed: 3 }),
    layers.activation({ activation: 'swish' }),
    layers.leakyReLU({ alpha: 0.1 }),
    layers.reLU({ maxValue: 2 }),
    layers.elu(),
    layers.softmax({ axis: 2 }),
    layers.reshape({ targetShape: [2, 3] }),
    layers.flatten(),
    layers.repeatVector({ n: 2 }),
  ],
};

/** What TF.js cannot open, and what it says. */
const foreign: Record<string, RegExp> = {
  'gru, reset after': /reset_after/,
  bidirectional: /reset_after/,
  'rnn of many cells': /reset_after/,
  'without weights': /Unknown activation: geluNew/,
};

const all = { ...stacks, ...more } as Record<string, () => lw.Layer[]>;

/** A batch that the model takes, the same each time. */
function inputOf(model: lw.Sequential): { shape: number[]; values: Float32Array } {
  const shape = model.inputs[0]!.shape.map((size, axis) => size ?? (axis === 0 ? 4 : 3));
  const random = new Random(11);
  const values = Float32Array.from(random.normals(shape).data);
  const whole = model.layers[0]!.className === 'Embedding';
  return { shape, values: whole ? values.map(x => Math.floor(Math.abs(x)) % 5) : values };
}

/** Weights that satisfy their constraints, which TF.js enforces as it loads them. */
function settle(model: lw.Sequential): void {
  const { shape, values } = inputOf(model);
  const trained = model.layers.map(layer => layer.trainable);
  for (const layer of model.layers) layer.trainable = true;
  model.compile({ optimizer: train.sgd(0.1), loss: 'meanSquaredError' });
  const y = lw.zeros(model.predictOnBatch(lw.tensor(values, shape)).shape);
  model.trainOnBatch(lw.tensor(values, shape), y as lw.Tensor);
  for (const [n, layer] of model.layers.entries()) layer.trainable = trained[n]!;
  model.resetStates();
}

const numbersOf = (model: lw.Sequential) => model.getWeights().map(weight => weight.dataSync());

const predict = (model: Library, library: Library, values: Float32Array, shape: number[]): Float32Array => {
  model.resetStates();
  return model.predict(library.tensor(values, shape), { batchSize: shape[0] }).dataSync();
};

/** Predictions of TF.js for weights that are off by some roundings: how far two programs may be apart. */
async function shaken(artifacts: lw.ModelArtifacts, values: Float32Array, shape: number[]): Promise<Float32Array[]> {
  const random = new Random(3);
  const runs: Float32Array[] = [];
  for (let n = 0; n < SHAKES; n++) {
    const weightData = perturb(new Float32Array(artifacts.weightData as ArrayBuffer), random).buffer as ArrayBuffer;
    runs.push(predict(await ofTfjs({ ...artifacts, weightData }), tf, values, shape));
  }
  return runs;
}

describe.each(Object.entries(all))('%s', (name, make) => {
  const fails = foreign[name];

  test.skipIf(fails)('is opened by TF.js, which predicts the same, and comes back from there to the bit', async () => {
    const model = sequential({ layers: make(), name: 'one' });
    settle(model);
    const artifacts = await saved(model);
    const theirs = await ofTfjs(artifacts);
    const { shape, values } = inputOf(model);
    const expected = predict(theirs, tf, values, shape);
    const back = await ofOurs(await saved(theirs));
    expect(back.layers.map(layer => layer.constructor)).toEqual(model.layers.map(layer => layer.constructor));
    // TF.js enforces constraints as it loads, and that changes weights which satisfy them only by and by
    const changed = name === 'lstm with everything';
    const got = predict(changed ? back : model, lw, values, shape);
    const runs = await shaken(artifacts, values, shape);
    const floor = changed ? 1e-6 : undefined;
    expect(compare({ what: 'x', values: expected, floor }, { what: 'x', values: got }, runs)).toBe(null);
    expect(Math.max(...got.map(Math.abs))).toBeGreaterThan(0);
    if (changed) return;
    expect(predict(back, lw, values, shape)).toEqual(got);
    expect(numbersOf(back)).toEqual(numbersOf(model));
  });

  test.skipIf(!fails)('is beyond TF.js', async () => {
    await expect(ofTfjs(await saved(sequential({ layers: make() })))).rejects.toThrow(fails);
  });

  test('comes back here to the bit', async () => {
    const model = sequential({ layers: make(), name: 'one' });
    const back = await ofOurs(await saved(model));
    const { shape, values } = inputOf(model);
    expect(predict(back, lw, values, shape)).toEqual(predict(model, lw, values, shape));
    expect(back.toJSON()).toEqual(model.toJSON());
    expect(back.name).toBe('one');
  });
});

// ---------------------------------------------------------------------------------------------------- optimizers

/** Small steps, and data from which no gradient comes near to zero: what makes an optimizer sensitive. */
const x = Float32Array.from(new Random(1).normals([4, 3, 2]).data);
const y = Float32Array.from(new Random(2).normals([4, 1], 2).data);

const learner = (library: Library, frozen = false): Library =>
  library.sequential({
    layers: [
      library.layers.simpleRNN({ units: 3, inputShape: [3, 2], name: 'below', returnSequences: true }),
      library.layers.timeDistributed({ layer: library.layers.dense({ units: 2 }), name: 'each', trainable: !frozen }),
      library.layers.bidirectional({ layer: library.layers.lstm({ units: 2 }), name: 'both', trainable: !frozen }),
      library.layers.dense({ units: 1, name: 'top' }),
    ],
  });

const step = async (model: Library, library: Library, times: number): Promise<number[]> => {
  const losses: number[] = [];
  for (let n = 0; n < times; n++) {
    const all = await model.trainOnBatch(library.tensor(x, [4, 3, 2]), library.tensor(y, [4, 1]));
    losses.push([all].flat()[0]!);
  }
  return losses;
};

const optimizers: [string, (library: Library) => Library][] = [
  ['sgd', library => library.train.sgd(0.05)],
  ['momentum', library => library.train.momentum(0.02, 0.8)],
  ['momentum, Nesterov', library => library.train.momentum(0.02, 0.8, true)],
  ['rmsprop', library => library.train.rmsprop(0.01, 0.9)],
  ['rmsprop with momentum', library => library.train.rmsprop(0.01, 0.9, 0.5)],
  ['adagrad', library => library.train.adagrad(0.05)],
  ['adam', library => library.train.adam(0.01)],
];

const close = (got: number[], expected: number[]) => {
  expect(got.length).toBe(expected.length);
  for (const [n, loss] of expected.entries()) expect(Math.abs(got[n]! - loss) / loss).toBeLessThan(1e-5);
};

describe.each(optimizers)('%s', (_name, make) => {
  test.each([false, true])('goes on in TF.js, frozen layers: %s', async frozen => {
    const model = learner(lw, frozen);
    model.compile({ optimizer: make(lw), loss: 'meanSquaredError', metrics: ['mse'] });
    await step(model, lw, 5);
    const theirs = await ofTfjs(await saved(model, { includeOptimizer: true }));
    expect(theirs.optimizer.iterations).toBe(5);
    const got = await step(theirs, tf, 5);
    close(await step(model, lw, 5), got);
    const without = await ofTfjs(await saved(learner(lw, frozen)));
    expect(without.optimizer).toBeUndefined();
  });

  test.each([false, true])('comes from TF.js, frozen layers: %s', async frozen => {
    const theirs = learner(tf, frozen);
    theirs.layers[1].trainable = !frozen;
    theirs.layers[2].trainable = !frozen;
    theirs.compile({ optimizer: make(tf), loss: 'meanSquaredError', metrics: ['mse'] });
    await step(theirs, tf, 5);
    const model = await ofOurs(await saved(theirs, { includeOptimizer: true }));
    expect(model.metricsNames).toEqual(['loss', 'mse']);
    const expected = await step(theirs, tf, 5);
    close(await step(model, lw, 5), expected);
  });
});

test('adadelta and centered rmsprop travel, though TF.js goes on by formulas of its own', async () => {
  for (const optimizer of [train.adadelta(0.5), train.rmsprop(0.01, 0.9, 0.5, 1e-7, true)]) {
    const model = learner(lw);
    model.compile({ optimizer, loss: 'meanSquaredError' });
    await step(model, lw, 3);
    const artifacts = await saved(model, { includeOptimizer: true });
    const again = await saved(await ofTfjs(artifacts), { includeOptimizer: true });
    const names = ({ weightSpecs }: lw.ModelArtifacts) => weightSpecs!.map(({ name }) => name.replace(/_\d+\//, '/'));
    expect(names(again)).toEqual(names(artifacts));
    expect(new Uint8Array(again.weightData as ArrayBuffer)).toEqual(
      new Uint8Array(artifacts.weightData as ArrayBuffer),
    );
    const back = await ofOurs(again);
    expect(await step(back, lw, 2)).toEqual(await step(model, lw, 2));
  }
});

test('what TF.js would do in another way it opens uncompiled', async () => {
  const others: lw.Optimizer[] = [
    train.nadam(),
    train.adamw(),
    train.amsgrad(),
    train.adamax(),
    train.adam({ clipNorm: 1 }),
    train.adam({ useEma: true }),
    train.adam({ learningRate: lw.schedules.cosineDecay({ initialLearningRate: 0.1, decaySteps: 5 }) }),
    train.adagrad({ epsilon: 1e-3 }),
  ];
  for (const optimizer of others) {
    const model = learner(lw);
    model.compile({ optimizer, loss: 'meanSquaredError' });
    await step(model, lw, 2);
    const theirs = await ofTfjs(await saved(model, { includeOptimizer: true }));
    expect(theirs.optimizer).toBeUndefined();
    expect(await saved(theirs)).not.toHaveProperty('trainingConfig');
  }
  for (const rest of [{ loss: 'huberLoss' }, { loss: 'meanSquaredError', metrics: ['r2Score'] }] as const) {
    const model = learner(lw);
    model.compile({ optimizer: 'adam', ...(rest as { loss: 'huberLoss' }) });
    expect((await ofTfjs(await saved(model, { includeOptimizer: true }))).optimizer).toBeUndefined();
  }
});

test('TF.js takes every loss and metric that we say it has', async () => {
  const losses = ['meanSquaredError', 'meanAbsoluteError', 'mape', 'msle', 'squaredHinge', 'hinge', 'categoricalHinge'];
  const rest = ['logcosh', 'categoricalCrossentropy', 'binaryCrossentropy', 'kld', 'poisson', 'cosine'];
  for (const loss of [...losses, ...rest] as lw.Loss[]) {
    const model = learner(lw);
    model.compile({ optimizer: 'sgd', loss });
    const theirs = await ofTfjs(await saved(model, { includeOptimizer: true }));
    expect(theirs.optimizer.getClassName(), loss).toBe('SGD');
  }
  const names = [
    'acc',
    'ce',
    'binary_accuracy',
    'categoricalAccuracy',
    'precision',
    'MSE',
    'mean_absolute_error',
    'MAPE',
  ];
  const model = learner(lw);
  model.compile({
    optimizer: 'sgd',
    loss: 'binaryCrossentropy',
    metrics: [...names, 'cosine', 'crossentropy'] as 'acc'[],
  });
  const artifacts = await saved(model, { includeOptimizer: true });
  expect((await ofTfjs(artifacts)).metricsNames.length).toBe(names.length + 3);
  expect((await ofOurs(artifacts)).metricsNames).toEqual(model.metricsNames);
});

test('what somebody wrote into the file beside the model is kept, also by way of TF.js', async () => {
  const model = learner(lw);
  model.setUserDefinedMetadata({ words: ['a', 'b'], more: { depth: 1 } });
  model.compile({ optimizer: train.adam(0.01), loss: 'mse' });
  await step(model, lw, 2);
  const theirs = await ofTfjs(await saved(model, { includeOptimizer: true }));
  expect(theirs.getUserDefinedMetadata()).toMatchObject({ words: ['a', 'b'] });
  await step(theirs, tf, 3);
  const back = await ofOurs(await saved(theirs, { includeOptimizer: true }));
  expect(back.getUserDefinedMetadata()).toEqual({ words: ['a', 'b'], more: { depth: 1 } });
  const expected = await step(theirs, tf, 2);
  close(await step(back, lw, 2), expected);
});
