// Training that was saved and loaded ends with the bits of training that was not.

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
  'averages and clipping': () =>
    train.adam({ useEma: true, emaOverwriteFrequency: 4, clipNorm: 0.1, weightDecay: 0.1 }),
  'a schedule': () =>
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
  const started = (frozen: boolean) => {
    setRandomSeed(7);
    const model = make();
    model.compile({ optimizer: optimizer(), loss: 'meanSquaredError', metrics: ['mae'] });
    model.getLayer('middle').trainable = !frozen;
    return model;
  };

  test.each([
    ['from the beginning', 0, false],
    ['from the middle', 5, false],
    ['with a frozen layer', 5, true],
  ])('%s', async (_how, steps, frozen) => {
    const straight = started(frozen);
    run(straight, 0, 9);
    const first = started(frozen);
    run(first, 0, steps);
    const second = await roundTrip(first);
    run(second, steps, 9);
    expect(bits(second)).toEqual(bits(straight));
    expect(second.metricsNames).toEqual(['loss', 'mae']);
    expect(second.optimizer!.getConfig()).toEqual(straight.optimizer!.getConfig());
    run(first, steps, 9); // saving has changed nothing
    expect(bits(first)).toEqual(bits(straight));
  });

  test('with a layer that is frozen half way, and thawed after', async () => {
    const go = async (save: boolean) => {
      let model = started(false);
      run(model, 0, 4);
      model.getLayer('middle').trainable = false;
      run(model, 4, 6);
      if (save) model = await roundTrip(model);
      expect(model.getLayer('middle').trainable).toBe(false);
      model.getLayer('middle').trainable = true;
      run(model, 6, 9);
      return bits(model);
    };
    expect(await go(true)).toEqual(await go(false));
  });
});

test('dropout goes on from where it stood, after a second compile too', async () => {
  const go = async (save: boolean) => {
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
  expect(await go(true)).toEqual(await go(false));
});

test('before the first batch that counts', async () => {
  const model = make();
  model.compile({ optimizer: 'adam', loss: 'mse' });
  vi.spyOn(console, 'warn').mockImplementationOnce(() => {});
  model.trainOnBatch(batches[0]!.x.mul(Number.NaN), batches[0]!.y);
  const loaded = await roundTrip(model);
  for (const one of [model, loaded]) run(one, 0, 3);
  expect(bits(loaded)).toEqual(bits(model));
});

test('a learning rate that is a function, and a model that is not compiled, cannot be saved with the optimizer', async () => {
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
