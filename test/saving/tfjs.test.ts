// Models exchanged with TF.js 4.22 keep their weights and predictions, and training continues in either library.

import * as lw from 'lstm-wasm';
import { layers, sequential, train } from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { Random } from '../reference/random.ts';
import { compare, tf } from '../tfjs/agree.ts';
import type { Library } from '../tfjs/build.ts';
import { perturb } from '../tfjs/perturb.ts';
import { stacks } from './stacks.ts';

const { io, loadLayersModel } = lw;
const PERTURBATIONS = 3;

/** The artifacts that a model of either library passes to a save handler. */
async function artifactsOf(model: Library, options?: object): Promise<lw.ModelArtifacts> {
  let found: lw.ModelArtifacts | undefined;
  const save = (artifacts: lw.ModelArtifacts) => {
    found = artifacts;
    return { modelArtifactsInfo: {} };
  };
  await model.save({ save }, options);
  return found!;
}

const loadInTfjs = (artifacts: lw.ModelArtifacts): Promise<Library> => tf.loadLayersModel(tf.io.fromMemory(artifacts));
const loadHere = (artifacts: lw.ModelArtifacts) => loadLayersModel(io.fromMemory(artifacts));

test('weight data in several buffers, as TF.js splits large ones, loads like one buffer', async () => {
  const model = sequential({ layers: [layers.gru({ units: 3, inputShape: [4, 2] }), layers.dense({ units: 2 })] });
  const artifacts = await artifactsOf(model);
  const whole = artifacts.weightData as ArrayBuffer;
  // The cuts are neither between weights nor between numbers.
  const weightData = [whole.slice(0, 13), whole.slice(13, 13), whole.slice(13, 50), whole.slice(50)];
  const again = await loadHere({ ...artifacts, weightData });
  const numbers = (model: lw.Sequential) => model.getWeights().map(weight => weight.arraySync());
  expect(numbers(again as lw.Sequential)).toEqual(numbers(model));
});

/** Further models that TF.js can load. */
const more: Record<string, () => lw.Layer[]> = {
  'gru, resetAfter: false': () => [
    layers.gru({ units: 3, resetAfter: false, stateful: true, batchInputShape: [2, 3, 2] }),
  ],
  'bidirectional lstm': () => [
    layers.bidirectional({ layer: layers.lstm({ units: 2, returnSequences: true }), inputShape: [3, 2] }),
    layers.bidirectional({ layer: layers.gru({ units: 2, resetAfter: false }), mergeMode: 'sum' }),
  ],
  'rnn of two cells': () => [
    layers.rnn({
      cell: [layers.lstmCell({ units: 3 }), layers.gruCell({ units: 2, resetAfter: false })],
      inputShape: [3, 2],
    }),
  ],
  'rnn of a simpleRNNCell': () => [layers.rnn({ cell: layers.simpleRNNCell({ units: 3 }), inputShape: [3, 2] })],
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

/** The models that TF.js cannot load, with its error message. */
const unsupported: Record<string, RegExp> = {
  'gru, resetAfter: true': /reset_after/,
  bidirectional: /reset_after/,
  'bidirectional with a backwardLayer': /no target variable/,
  'rnn of several cells': /reset_after/,
  'layers without weights': /Unknown activation: geluNew/,
};

const all = { ...stacks, ...more } as Record<string, () => lw.Layer[]>;

/** A batch for the model, the same at every call. */
function inputOf(model: lw.Sequential): { shape: number[]; values: Float32Array } {
  const shape = model.inputs[0]!.shape.map((size, axis) => size ?? (axis === 0 ? 4 : 3));
  const random = new Random(11);
  const values = Float32Array.from(random.normals(shape).data);
  const takesIds = model.layers[0]!.className === 'Embedding';
  return { shape, values: takesIds ? values.map(x => Math.floor(Math.abs(x)) % 5) : values };
}

/** Trains one batch, so that the weights satisfy their constraints, which TF.js applies when it loads them. */
function applyConstraints(model: lw.Sequential): void {
  const { shape, values } = inputOf(model);
  const trained = model.layers.map(layer => layer.trainable);
  for (const layer of model.layers) layer.trainable = true;
  model.compile({ optimizer: train.sgd(0.1), loss: 'meanSquaredError' });
  const y = lw.zeros(model.predictOnBatch(lw.tensor(values, shape)).shape);
  model.trainOnBatch(lw.tensor(values, shape), y as lw.Tensor);
  for (const [n, layer] of model.layers.entries()) layer.trainable = trained[n]!;
  model.resetStates();
}

const weightValues = (model: lw.Sequential) => model.getWeights().map(weight => weight.dataSync());

const predict = (model: Library, library: Library, values: Float32Array, shape: number[]): Float32Array => {
  model.resetStates();
  return model.predict(library.tensor(values, shape), { batchSize: shape[0] }).dataSync();
};

/** Predictions of TF.js for weights with a few rounding errors, as a measure of how far two programs may differ. */
async function perturbedPredictions(
  artifacts: lw.ModelArtifacts,
  values: Float32Array,
  shape: number[],
): Promise<Float32Array[]> {
  const random = new Random(3);
  const runs: Float32Array[] = [];
  for (let n = 0; n < PERTURBATIONS; n++) {
    const weightData = perturb(new Float32Array(artifacts.weightData as ArrayBuffer), random).buffer as ArrayBuffer;
    runs.push(predict(await loadInTfjs({ ...artifacts, weightData }), tf, values, shape));
  }
  return runs;
}

describe.each(Object.entries(all))('%s', (name, make) => {
  const fails = unsupported[name];

  test.skipIf(fails)('TF.js loads the model, predicts the same, and saves the same bits', async () => {
    const model = sequential({ layers: make(), name: 'one' });
    applyConstraints(model);
    const artifacts = await artifactsOf(model);
    const theirs = await loadInTfjs(artifacts);
    const { shape, values } = inputOf(model);
    const expected = predict(theirs, tf, values, shape);
    const back = await loadHere(await artifactsOf(theirs));
    expect(back.layers.map(layer => layer.constructor)).toEqual(model.layers.map(layer => layer.constructor));
    // TF.js applies constraints when it loads; minMaxNorm with a rate of 0.5 then changes the weights again.
    const changed = name === 'lstm with all options';
    const got = predict(changed ? back : model, lw, values, shape);
    const runs = await perturbedPredictions(artifacts, values, shape);
    const floor = changed ? 1e-6 : undefined;
    expect(compare({ what: 'x', values: expected, floor }, { what: 'x', values: got }, runs)).toBe(null);
    expect(Math.max(...got.map(Math.abs))).toBeGreaterThan(0);
    if (changed) return;
    expect(predict(back, lw, values, shape)).toEqual(got);
    expect(weightValues(back)).toEqual(weightValues(model));
  });

  test.skipIf(!fails)('TF.js cannot load the model', async () => {
    await expect(loadInTfjs(await artifactsOf(sequential({ layers: make() })))).rejects.toThrow(fails);
  });

  test('save and loadLayersModel keep predictions bit for bit', async () => {
    const model = sequential({ layers: make(), name: 'one' });
    const back = await loadHere(await artifactsOf(model));
    const { shape, values } = inputOf(model);
    expect(predict(back, lw, values, shape)).toEqual(predict(model, lw, values, shape));
    expect(back.toJSON()).toEqual(model.toJSON());
    expect(back.name).toBe('one');
  });
});

// ---------------------------------------------------------------------------------------------------- optimizers

/** Data whose gradients are not close to zero, where optimizers amplify rounding errors. */
const x = Float32Array.from(new Random(1).normals([4, 3, 2]).data);
const y = Float32Array.from(new Random(2).normals([4, 1], 2).data);

const smallModel = (library: Library, frozen = false): Library =>
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

const expectCloseLosses = (got: number[], expected: number[]) => {
  expect(got.length).toBe(expected.length);
  for (const [n, loss] of expected.entries()) expect(Math.abs(got[n]! - loss) / loss).toBeLessThan(1e-5);
};

describe.each(optimizers)('%s', (_name, make) => {
  test.each([false, true])('training continues in TF.js, with frozen layers: %s', async frozen => {
    const model = smallModel(lw, frozen);
    model.compile({ optimizer: make(lw), loss: 'meanSquaredError', metrics: ['mse'] });
    await step(model, lw, 5);
    const theirs = await loadInTfjs(await artifactsOf(model, { includeOptimizer: true }));
    expect(theirs.optimizer.iterations).toBe(5);
    const got = await step(theirs, tf, 5);
    expectCloseLosses(await step(model, lw, 5), got);
    const without = await loadInTfjs(await artifactsOf(smallModel(lw, frozen)));
    expect(without.optimizer).toBeUndefined();
  });

  test.each([false, true])('training continues from a model saved by TF.js, with frozen layers: %s', async frozen => {
    const theirs = smallModel(tf, frozen);
    theirs.layers[1].trainable = !frozen;
    theirs.layers[2].trainable = !frozen;
    theirs.compile({ optimizer: make(tf), loss: 'meanSquaredError', metrics: ['mse'] });
    await step(theirs, tf, 5);
    const model = await loadHere(await artifactsOf(theirs, { includeOptimizer: true }));
    expect(model.metricsNames).toEqual(['loss', 'mse']);
    const expected = await step(theirs, tf, 5);
    expectCloseLosses(await step(model, lw, 5), expected);
  });
});

test('adadelta and centered rmsprop keep their state through TF.js, although its formulas differ', async () => {
  for (const optimizer of [train.adadelta(0.5), train.rmsprop(0.01, 0.9, 0.5, 1e-7, true)]) {
    const model = smallModel(lw);
    model.compile({ optimizer, loss: 'meanSquaredError' });
    await step(model, lw, 3);
    const artifacts = await artifactsOf(model, { includeOptimizer: true });
    const again = await artifactsOf(await loadInTfjs(artifacts), { includeOptimizer: true });
    const names = ({ weightSpecs }: lw.ModelArtifacts) => weightSpecs!.map(({ name }) => name.replace(/_\d+\//, '/'));
    expect(names(again)).toEqual(names(artifacts));
    expect(new Uint8Array(again.weightData as ArrayBuffer)).toEqual(
      new Uint8Array(artifacts.weightData as ArrayBuffer),
    );
    const back = await loadHere(again);
    expect(await step(back, lw, 2)).toEqual(await step(model, lw, 2));
  }
});

test('TF.js loads a model uncompiled if it would train it in another way', async () => {
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
    const model = smallModel(lw);
    model.compile({ optimizer, loss: 'meanSquaredError' });
    await step(model, lw, 2);
    const theirs = await loadInTfjs(await artifactsOf(model, { includeOptimizer: true }));
    expect(theirs.optimizer).toBeUndefined();
    expect(await artifactsOf(theirs)).not.toHaveProperty('trainingConfig');
  }
  for (const rest of [{ loss: 'huberLoss' }, { loss: 'meanSquaredError', metrics: ['r2Score'] }] as const) {
    const model = smallModel(lw);
    model.compile({ optimizer: 'adam', ...(rest as { loss: 'huberLoss' }) });
    expect((await loadInTfjs(await artifactsOf(model, { includeOptimizer: true }))).optimizer).toBeUndefined();
  }
});

test('TF.js accepts every loss and metric that is saved for it', async () => {
  const losses = ['meanSquaredError', 'meanAbsoluteError', 'mape', 'msle', 'squaredHinge', 'hinge', 'categoricalHinge'];
  const rest = ['logcosh', 'categoricalCrossentropy', 'binaryCrossentropy', 'kld', 'poisson', 'cosine'];
  for (const loss of [...losses, ...rest] as lw.Loss[]) {
    const model = smallModel(lw);
    model.compile({ optimizer: 'sgd', loss });
    const theirs = await loadInTfjs(await artifactsOf(model, { includeOptimizer: true }));
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
  const model = smallModel(lw);
  model.compile({
    optimizer: 'sgd',
    loss: 'binaryCrossentropy',
    metrics: [...names, 'cosine', 'crossentropy'] as 'acc'[],
  });
  const artifacts = await artifactsOf(model, { includeOptimizer: true });
  expect((await loadInTfjs(artifacts)).metricsNames.length).toBe(names.length + 3);
  expect((await loadHere(artifacts)).metricsNames).toEqual(model.metricsNames);
});

test('user-defined metadata is kept, also through TF.js', async () => {
  const model = smallModel(lw);
  model.setUserDefinedMetadata({ words: ['a', 'b'], more: { depth: 1 } });
  model.compile({ optimizer: train.adam(0.01), loss: 'mse' });
  await step(model, lw, 2);
  const theirs = await loadInTfjs(await artifactsOf(model, { includeOptimizer: true }));
  expect(theirs.getUserDefinedMetadata()).toMatchObject({ words: ['a', 'b'] });
  await step(theirs, tf, 3);
  const back = await loadHere(await artifactsOf(theirs, { includeOptimizer: true }));
  expect(back.getUserDefinedMetadata()).toEqual({ words: ['a', 'b'], more: { depth: 1 } });
  const expected = await step(theirs, tf, 2);
  expectCloseLosses(await step(back, lw, 2), expected);
});
