// Each model has its own stream of seeds: concurrent training, snapshots and random tensors do not affect it.

import {
  type Config,
  layers,
  type ModelFitArgs,
  modelFromJSON,
  randomNormal,
  type Sequential,
  sequential,
  setRandomSeed,
  train,
  util,
} from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { SeedStream } from '../../src/util/random.ts';
import { expectBits } from '../compare.ts';
import { data, weightsOf } from './training.ts';

const { xs, ys } = data(20);

const make = (options: { seed?: number } = {}): Sequential => {
  const model = sequential({
    ...options,
    layers: [
      layers.lstm({ units: 4, dropout: 0.2, recurrentDropout: 0.1, inputShape: [3, 2] }),
      layers.dense({ units: 1 }),
    ],
  });
  model.compile({ optimizer: train.adam(0.01), loss: 'meanSquaredError' });
  return model;
};

const fitAndCollect = async (model: Sequential, options: ModelFitArgs = {}) => {
  const { history } = await model.fit(xs, ys, { epochs: 3, batchSize: 3, verbose: 0, yieldEvery: 'batch', ...options });
  return [...history.loss!, ...weightsOf(model)];
};

const fromGlobalStream = () => [...randomNormal([4]).dataSync(), ...util.createShuffledIndices(10)];

describe('setRandomSeed', () => {
  test('two concurrent fit calls give the same bits as consecutive ones', async () => {
    setRandomSeed(3);
    const [a, b] = [make(), make()];
    const [first, second] = [await fitAndCollect(a), await fitAndCollect(b)];
    setRandomSeed(3);
    const [c, d] = [make(), make()];
    const [other, one] = await Promise.all([fitAndCollect(d), fitAndCollect(c)]);
    expectBits(one!, first);
    expectBits(other!, second);
    expect(first).not.toEqual(second);
  });

  test('random numbers drawn after a model was created do not change its training', async () => {
    setRandomSeed(3);
    const first = await fitAndCollect(make());
    setRandomSeed(3);
    const model = make();
    fromGlobalStream();
    make();
    setRandomSeed(4);
    expectBits(await fitAndCollect(model), first);
  });

  test('layers get the same seeds from model.add as from the constructor', () => {
    setRandomSeed(3);
    const whole = make();
    setRandomSeed(3);
    const model = sequential();
    const other = sequential();
    other.add(layers.dense({ units: 2, inputShape: [3] }));
    model.add(layers.lstm({ units: 4, dropout: 0.2, recurrentDropout: 0.1, inputShape: [3, 2] }));
    fromGlobalStream();
    model.add(layers.dense({ units: 1 }));
    expectBits(weightsOf(model), weightsOf(whole));
  });

  test('a thousand models and the tensors between them get different seeds', () => {
    const global = new SeedStream(3);
    const seeds = Array.from({ length: 1000 }, () => {
      const model = global.split();
      return [global.next(), model.next(), model.next()];
    });
    expect(new Set(seeds.flat()).size).toBe(3000);
  });

  test('modelFromJSON gives a model a new stream of seeds', async () => {
    setRandomSeed(3);
    const model = make();
    const text = model.toJSON() as string;
    expect(text).not.toContain('"seed":3');
    setRandomSeed(3);
    const copy = await modelFromJSON(text);
    expectBits(weightsOf(copy), weightsOf(model));
    expect(weightsOf(await modelFromJSON(text))).not.toEqual(weightsOf(model));
  });

  test('withBatchSize shares the stream of the model and does not advance the global one', async () => {
    setRandomSeed(3);
    const [expected, after] = [await fitAndCollect(make(), { batchSize: 5 }), fromGlobalStream()];
    setRandomSeed(3);
    expectBits(await fitAndCollect(make().withBatchSize(5), { batchSize: 5 }), expected);
    expect(fromGlobalStream()).toEqual(after);
  });

  test('a call that throws does not advance the global stream', () => {
    const numbersAfter = (work: () => unknown) => {
      setRandomSeed(3);
      const model = sequential({ layers: [layers.dense({ units: 2, inputShape: [2] })] });
      expect(work).toThrow();
      expect(() => model.add(layers.lstm({ units: 2 }))).toThrow();
      const weights = [[[1]]] as never;
      const layer = layers.bidirectional({ layer: layers.gru({ units: 2 }), weights });
      const above = sequential({ layers: [layers.repeatVector({ n: 2, inputShape: [2] })] });
      expect(() => above.add(layer)).toThrow('weights must be');
      above.add(layers.gru({ units: 2 }));
      return [...weightsOf(above), ...fromGlobalStream()];
    };
    const fail = () => {
      throw new Error('failed');
    };
    const expected = numbersAfter(fail);
    const dense = () => layers.dense({ units: 2, inputShape: [2] });
    expect(numbersAfter(() => sequential({ layers: [dense(), layers.lstm({ units: 2 })] }))).toEqual(expected);
    expect(numbersAfter(() => sequential({ seed: -1 }))).toEqual(expected);
  });
});

describe('the option seed of sequential', () => {
  test('a model with a seed gives the same bits as after setRandomSeed with that seed', async () => {
    setRandomSeed(5);
    const expected = await fitAndCollect(make());
    setRandomSeed(6);
    fromGlobalStream();
    make();
    expectBits(await fitAndCollect(make({ seed: 5 })), expected);
    expect(await fitAndCollect(make({ seed: 6 }))).not.toEqual(expected);
  });

  test('a model with a seed does not advance the global stream', () => {
    setRandomSeed(5);
    const expected = [...fromGlobalStream(), ...weightsOf(make())];
    setRandomSeed(5);
    make({ seed: 1 });
    expect([...fromGlobalStream(), ...weightsOf(make())]).toEqual(expected);
  });

  test('getConfig does not include the seed of the model', () => {
    const names = (config: Config) => Object.keys(config);
    expect(names(make({ seed: 5 }).getConfig())).toEqual(['name', 'layers']);
  });

  test.each([-1, 0.5, 2 ** 53, Number.NaN, '1', null])('sequential rejects the seed %s', seed => {
    expect(() => sequential({ seed: seed as number })).toThrow(
      'sequential: seed must be an integer from 0 to 2^53 - 1, got',
    );
  });
});

describe('snapshots', () => {
  test('restore continues the stream of seeds of the saved model', async () => {
    const model = make({ seed: 1 });
    await fitAndCollect(model);
    const bytes = model.snapshot();
    const expected = await fitAndCollect(model);
    const other = make({ seed: 2 });
    other.restore(bytes);
    expectBits(await fitAndCollect(other), expected);
  });

  test('restore does not change the global stream or other models', async () => {
    const run = async (bytes: Uint8Array | null) => {
      setRandomSeed(7);
      const [model, other] = [make(), make()];
      if (bytes) model.restore(bytes);
      return [...fromGlobalStream(), ...(await fitAndCollect(other)), ...weightsOf(make())];
    };
    const bytes = make({ seed: 1 }).snapshot();
    expectBits(await run(bytes), await run(null));
  });

  test('fit resumed from a snapshot next to another fit ends with the bits of an uninterrupted one', async () => {
    let bytes: Uint8Array | undefined;
    const model = make({ seed: 1 });
    const onBatchEnd = (batch: number) => {
      if (batch === 4) bytes ??= model.snapshot();
    };
    const expected = await fitAndCollect(model, { callbacks: { onBatchEnd } });
    const alone = await fitAndCollect(make({ seed: 2 }));
    const [resumed, beside] = await Promise.all([
      fitAndCollect(make({ seed: 3 }), { resume: bytes!, callbacks: {} }),
      fitAndCollect(make({ seed: 2 })),
    ]);
    expectBits(resumed!, expected);
    expectBits(beside!, alone);
  });
});
