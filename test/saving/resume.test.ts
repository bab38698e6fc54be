// Training that is saved and loaded ends with the same bits as uninterrupted training.

import {
  configure,
  io,
  layers,
  loadLayersModel,
  type ModelArtifacts,
  type Optimizer,
  type Sequential,
  schedules,
  sequential,
  setRandomSeed,
  tensor,
  train,
} from 'lstm-wasm';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { Random } from '../reference/random.ts';

beforeAll(() => configure({ simd: 'strict' }));

const random = new Random(4);
const batches = Array.from({ length: 9 }, () => ({
  x: tensor(Float32Array.from(random.normals([4, 3, 2]).data), [4, 3, 2]),
  y: tensor(Float32Array.from(random.normals([4, 1]).data), [4, 1]),
}));

const make = () =>
  sequential({
    layers: [
      layers.lstm({ units: 3, inputShape: [3, 2], dropout: 0.2, recurrentDropout: 0.3, returnSequences: true }),
      layers.timeDistributed({ layer: layers.dropout({ rate: 0.4 }) }),
      layers.bidirectional({ layer: layers.gru({ units: 2, dropout: 0.1 }), name: 'middle' }),
      layers.dropout({ rate: 0.3, seed: 9 }),
      layers.dense({ units: 1, kernelRegularizer: 'l2', kernelConstraint: 'maxNorm' }),
    ],
  });

const optimizers: Record<string, () => Optimizer> = {
  sgd: () => train.sgd(0.1),
  momentum: () => train.momentum(0.03, 0.9),
  Nesterov: () => train.momentum(0.03, 0.9, true),
  rmsprop: () => train.rmsprop(0.01),
  'rmsprop with momentum': () => train.rmsprop(0.01, 0.9, 0.5),
  'centered rmsprop': () => train.rmsprop(0.01, 0.9, 0, 1e-7, true),
  adagrad: () => train.adagrad(0.1),
  adadelta: () => train.adadelta(0.5),
  adam: () => train.adam(0.01),
  adamw: () => train.adamw(0.01),
  amsgrad: () => train.amsgrad(0.01),
  nadam: () => train.nadam({ learningRate: 0.01 }),
  adamax: () => train.adamax(0.01),
  'adam with weight averages, clipping and decay': () =>
    train.adam({ useEma: true, emaOverwriteFrequency: 4, clipNorm: 0.1, weightDecay: 0.1 }),
  'adam with a schedule': () =>
    train.adam({ learningRate: schedules.cosineDecay({ initialLearningRate: 0.1, decaySteps: 7, alpha: 0.1 }) }),
};

const run = (model: Sequential, from: number, to: number) => {
  for (let n = from; n < to; n++) model.trainOnBatch(batches[n]!.x, batches[n]!.y);
};
const bits = (model: Sequential) => model.getWeights().map(weight => new Uint8Array(weight.dataSync().slice().buffer));

async function roundTrip(model: Sequential): Promise<Sequential> {
  let text = '';
  let data = new ArrayBuffer(0);
  await model.save(
    io.withSaveHandler(({ weightData, ...rest }: ModelArtifacts) => {
      text = JSON.stringify(rest);
      data = weightData as ArrayBuffer;
      return {} as never;
    }),
    { includeOptimizer: true },
  );
  return loadLayersModel(io.fromMemory({ ...JSON.parse(text), weightData: data }));
}

describe.each(Object.entries(optimizers))('%s', (_name, optimizer) => {
  const compiledModel = (frozen: boolean) => {
    setRandomSeed(7);
    const model = make();
    model.compile({ optimizer: optimizer(), loss: 'meanSquaredError', metrics: ['mae'] });
    model.getLayer('middle').trainable = !frozen;
    return model;
  };

  test.each([
    ['before the first batch', 0, false],
    ['after 5 batches', 5, false],
    ['after 5 batches with a frozen layer', 5, true],
  ])('training saved %s continues bit for bit', async (_when, steps, frozen) => {
    const uninterrupted = compiledModel(frozen);
    run(uninterrupted, 0, 9);
    const saved = compiledModel(frozen);
    run(saved, 0, steps);
    const loaded = await roundTrip(saved);
    run(loaded, steps, 9);
    expect(bits(loaded)).toEqual(bits(uninterrupted));
    expect(loaded.metricsNames).toEqual(['loss', 'mae']);
    expect(loaded.optimizer!.getConfig()).toEqual(uninterrupted.optimizer!.getConfig());
    run(saved, steps, 9); // saving changes nothing
    expect(bits(saved)).toEqual(bits(uninterrupted));
  });

  test('training saved while a layer is frozen continues bit for bit after it is unfrozen', async () => {
    const weightsAfter = async (save: boolean) => {
      let model = compiledModel(false);
      run(model, 0, 4);
      model.getLayer('middle').trainable = false;
      run(model, 4, 6);
      if (save) model = await roundTrip(model);
      expect(model.getLayer('middle').trainable).toBe(false);
      model.getLayer('middle').trainable = true;
      run(model, 6, 9);
      return bits(model);
    };
    expect(await weightsAfter(true)).toEqual(await weightsAfter(false));
  });
});

test('dropout masks continue bit for bit after a second compile and loading', async () => {
  const weightsAfter = async (save: boolean) => {
    setRandomSeed(3);
    let model = make();
    model.compile({ optimizer: train.adam(0.01), loss: 'mse' });
    run(model, 0, 3);
    model.compile({ optimizer: train.sgd(0.1), loss: 'mse' });
    run(model, 3, 5);
    if (save) model = await roundTrip(model);
    run(model, 5, 9);
    return bits(model);
  };
  expect(await weightsAfter(true)).toEqual(await weightsAfter(false));
});

test('a model saved after a NaN batch, which does not count, continues bit for bit', async () => {
  const model = make();
  model.compile({ optimizer: 'adam', loss: 'mse' });
  vi.spyOn(console, 'warn').mockImplementationOnce(() => {});
  model.trainOnBatch(batches[0]!.x.mul(Number.NaN), batches[0]!.y);
  const loaded = await roundTrip(model);
  for (const one of [model, loaded]) run(one, 0, 3);
  expect(bits(loaded)).toEqual(bits(model));
});

test('save with includeOptimizer rejects an uncompiled model and a learning rate that is a function', async () => {
  const model = make();
  await expect(
    model.save(
      io.withSaveHandler(() => ({}) as never),
      { includeOptimizer: true },
    ),
  ).rejects.toThrow('model.save: includeOptimizer must be false for a model that is not compiled');
  model.compile({ optimizer: train.adam({ learningRate: step => 0.1 / (step + 1) }), loss: 'mse' });
  await expect(roundTrip(model)).rejects.toThrow(/^model.save: learningRate must be a number or one of schedules/);
  run(model, 0, 1);
});
