// Each model has a stream of seeds of its own: trainings, snapshots and random tensors do not disturb each other.

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

const learn = async (model: Sequential, options: ModelFitArgs = {}) => {
  const { history } = await model.fit(xs, ys, { epochs: 3, batchSize: 3, verbose: 0, yieldEvery: 'batch', ...options });
  return [...history.loss!, ...weightsOf(model)];
};

const drawn = () => [...randomNormal([4]).dataSync(), ...util.createShuffledIndices(10)];

describe('with setRandomSeed', () => {
  test('two trainings that run at the same time give the bits that they give one after the other', async () => {
    setRandomSeed(3);
    const [a, b] = [make(), make()];
    const [first, second] = [await learn(a), await learn(b)];
    setRandomSeed(3);
    const [c, d] = [make(), make()];
    const [other, one] = await Promise.all([learn(d), learn(c)]);
    expectBits(one!, first);
    expectBits(other!, second);
    expect(first).not.toEqual(second);
  });

  test('a model does not depend on what is drawn after it was made', async () => {
    setRandomSeed(3);
    const first = await learn(make());
    setRandomSeed(3);
    const model = make();
    drawn();
    make();
    setRandomSeed(4);
    expectBits(await learn(model), first);
  });

  test('layers added later get the seeds that they get in the constructor', () => {
    setRandomSeed(3);
    const whole = make();
    setRandomSeed(3);
    const model = sequential();
    const other = sequential();
    other.add(layers.dense({ units: 2, inputShape: [3] }));
    model.add(layers.lstm({ units: 4, dropout: 0.2, recurrentDropout: 0.1, inputShape: [3, 2] }));
    drawn();
    model.add(layers.dense({ units: 1 }));
    expectBits(weightsOf(model), weightsOf(whole));
  });

  test('a thousand models and the tensors between them all get different seeds', () => {
    const global = new SeedStream(3);
    const seeds = Array.from({ length: 1000 }, () => {
      const model = global.split();
      return [global.next(), model.next(), model.next()];
    });
    expect(new Set(seeds.flat()).size).toBe(3000);
  });

  test('a model made from a configuration gets a stream like any other', async () => {
    setRandomSeed(3);
    const model = make();
    const text = model.toJSON() as string;
    expect(text).not.toContain('"seed":3');
    setRandomSeed(3);
    const copy = await modelFromJSON(text);
    expectBits(weightsOf(copy), weightsOf(model));
    expect(weightsOf(await modelFromJSON(text))).not.toEqual(weightsOf(model));
  });

  test('models that withBatchSize makes share the stream, and do not move the global one', async () => {
    setRandomSeed(3);
    const [expected, after] = [await learn(make(), { batchSize: 5 }), drawn()];
    setRandomSeed(3);
    expectBits(await learn(make().withBatchSize(5), { batchSize: 5 }), expected);
    expect(drawn()).toEqual(after);
  });

  test('a call that throws draws nothing', () => {
    const next = (work: () => unknown) => {
      setRandomSeed(3);
      const model = sequential({ layers: [layers.dense({ units: 2, inputShape: [2] })] });
      expect(work).toThrow();
      expect(() => model.add(layers.lstm({ units: 2 }))).toThrow();
      const weights = [[[1]]] as never;
      const layer = layers.bidirectional({ layer: layers.gru({ units: 2 }), weights });
      const above = sequential({ layers: [layers.repeatVector({ n: 2, inputShape: [2] })] });
      expect(() => above.add(layer)).toThrow('weights must be');
      above.add(layers.gru({ units: 2 }));
      return [...weightsOf(above), ...drawn()];
    };
    const nothing = () => {
      throw new Error('nothing');
    };
    const expected = next(nothing);
    const dense = () => layers.dense({ units: 2, inputShape: [2] });
    expect(next(() => sequential({ layers: [dense(), layers.lstm({ units: 2 })] }))).toEqual(expected);
    expect(next(() => sequential({ seed: -1 }))).toEqual(expected);
  });
});

describe('with a seed of its own', () => {
  test('a model gives the bits of a program that sets this seed', async () => {
    setRandomSeed(5);
    const expected = await learn(make());
    setRandomSeed(6);
    drawn();
    make();
    expectBits(await learn(make({ seed: 5 })), expected);
    expect(await learn(make({ seed: 6 }))).not.toEqual(expected);
  });

  test('a model leaves the global stream as it is', () => {
    setRandomSeed(5);
    const expected = [...drawn(), ...weightsOf(make())];
    setRandomSeed(5);
    make({ seed: 1 });
    expect([...drawn(), ...weightsOf(make())]).toEqual(expected);
  });

  test('the seed is not part of the configuration', () => {
    const names = (config: Config) => Object.keys(config);
    expect(names(make({ seed: 5 }).getConfig())).toEqual(['name', 'layers']);
  });

  test.each([-1, 0.5, 2 ** 53, Number.NaN, '1', null])('a seed of %s is rejected', seed => {
    expect(() => sequential({ seed: seed as number })).toThrow(
      'sequential: seed must be a whole number from 0 to 2^53 - 1, got',
    );
  });
});

describe('a snapshot', () => {
  test('restores the stream of its model', async () => {
    const model = make({ seed: 1 });
    await learn(model);
    const bytes = model.snapshot();
    const expected = await learn(model);
    const other = make({ seed: 2 });
    other.restore(bytes);
    expectBits(await learn(other), expected);
  });

  test('leaves the global stream and other models as they are', async () => {
    const run = async (bytes: Uint8Array | null) => {
      setRandomSeed(7);
      const [model, other] = [make(), make()];
      if (bytes) model.restore(bytes);
      return [...drawn(), ...(await learn(other)), ...weightsOf(make())];
    };
    const bytes = make({ seed: 1 }).snapshot();
    expectBits(await run(bytes), await run(null));
  });

  test('resumed beside another training ends with the bits of an uninterrupted one', async () => {
    let bytes: Uint8Array | undefined;
    const model = make({ seed: 1 });
    const onBatchEnd = (batch: number) => {
      if (batch === 4) bytes ??= model.snapshot();
    };
    const expected = await learn(model, { callbacks: { onBatchEnd } });
    const alone = await learn(make({ seed: 2 }));
    const [resumed, beside] = await Promise.all([
      learn(make({ seed: 3 }), { resume: bytes!, callbacks: {} }),
      learn(make({ seed: 2 })),
    ]);
    expectBits(resumed!, expected);
    expectBits(beside!, alone);
  });
});
