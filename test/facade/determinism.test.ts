// The same seed gives the same bits: initial weights in every build, training in the strict build.

import { createHash } from 'node:crypto';
import { initializers, layers, type Sequential, sequential, setRandomSeed, tensor, train } from 'lstm-wasm';
import { sineCosine } from 'lstm-wasm/data';
import { beforeEach, describe, expect, test } from 'vitest';
import { expectBits } from '../compare.ts';
import { Random } from '../reference/random.ts';

const build = process.env.LSTM_WASM_BUILD;

const weightsOf = (model: Sequential) => model.getWeights().flatMap(weight => [...weight.dataSync()]);
const hash = (values: Float32Array | Float64Array) => createHash('sha256').update(values).digest('hex');

function seedModel(): Sequential {
  const model = sequential();
  model.add(layers.lstm({ units: 20, returnSequences: true, stateful: true, batchInputShape: [50, 20, 1] }));
  model.add(layers.timeDistributed({ layer: layers.dense({ units: 1 }) }));
  model.compile({ optimizer: train.adam(0.006), loss: 'meanSquaredError' });
  return model;
}

/** Trains and predicts as the seed program does. */
function run(model: Sequential, steps = 20): { losses: number[]; prediction: Float32Array; weights: number[] } {
  const batches = sineCosine({ batchSize: 50, timeSteps: 20 });
  const losses: number[] = [];
  let prediction = new Float32Array();
  for (let step = 0; step < steps; step++) {
    const { xs, ys } = batches.next().value;
    losses.push(model.trainOnBatch(xs, ys) as number);
    prediction = Float32Array.from(model.predict(xs, { batchSize: 50 }).dataSync());
  }
  return { losses, prediction, weights: weightsOf(model) };
}

describe('the seed program with setRandomSeed(1)', () => {
  beforeEach(() => setRandomSeed(1));

  // A change of these values changes the results of every program, and belongs in the changelog.
  test('the seed program has fixed initial weights in every build', () => {
    const weights = Float32Array.from(weightsOf(seedModel()));
    expect(hash(weights)).toBe('f41e458d2ee0f2cbd55f36a7b164d545248d6354a719fb9c8e7ed6f296642260');
  });

  test.skipIf(build === 'relaxed')('the seed program has fixed losses and weights in the strict build', () => {
    const { losses, weights } = run(seedModel());
    expect(losses[0]).toBe(0.5568364289469347);
    expect(losses.at(-1)).toBe(0.0885195858892437);
    expect(hash(Float64Array.from(losses))).toBe('0e14e784ea312548e9c22571b1585e10b5ea4de8e4679e3c01bfa6c8008e8aa4');
    expect(hash(Float32Array.from(weights))).toBe('86283e9840928dea1f07f762fc6332e8baa59b121dc3b30baf0f201dca092785');
  });

  test('a second run of the seed program gives the same bits', () => {
    const first = run(seedModel());
    setRandomSeed(1);
    const second = run(seedModel());
    expect(second.losses).toEqual(first.losses);
    expectBits(second.prediction, first.prediction, 'prediction');
    expectBits(second.weights, first.weights, 'weights');
  });

  test('another seed gives other initial weights', () => {
    const first = weightsOf(seedModel());
    setRandomSeed(2);
    const second = weightsOf(seedModel());
    const equal = first.filter((weight, n) => weight === second[n] && weight !== 0 && weight !== 1);
    expect(equal).toEqual([]);
  });

  test('another model that trains first does not change the seed program', () => {
    const alone = run(seedModel());
    setRandomSeed(1);
    const model = seedModel();
    const other = seedModel();
    run(other, 3);
    const { losses, weights } = run(model);
    other.dispose();
    expect(losses).toEqual(alone.losses);
    expectBits(weights, alone.weights);
  });
});

test('dropout masks do not depend on other models that train at the same time', () => {
  const dropouts = { dropout: 0.2, recurrentDropout: 0.3 };
  const cell = [layers.gruCell({ units: 3, ...dropouts }), layers.lstmCell({ units: 6, ...dropouts })];
  const make = () => {
    const model = sequential({
      layers: [
        layers.bidirectional({ layer: layers.rnn({ cell, stateful: true }), batchInputShape: [2, 3, 2] }),
        layers.dense({ units: 1 }),
      ],
    });
    model.compile({ optimizer: 'adam', loss: 'mse' });
    return model;
  };
  const x = tensor([1, 2, 3, 4, 0, 0, 5, 6, 0, 0, 0, 0], [2, 3, 2]);
  const trained = (other?: Sequential) => {
    setRandomSeed(7);
    const model = make();
    const losses = Array.from({ length: 20 }, () => {
      other?.trainOnBatch(x, [1, -1]);
      return model.trainOnBatch(x, [1, -1]);
    });
    return { losses, weights: weightsOf(model) };
  };
  const alone = trained();
  const { losses, weights } = trained(make());
  expect(losses).toEqual(alone.losses);
  expectBits(weights, alone.weights);
});

describe('initial weights', () => {
  const make = (seed: number) => {
    setRandomSeed(seed);
    return [seedModel(), seedModel()] as const;
  };

  test('initial weights depend on the order in which models are made, not on which is used first', () => {
    const [first, second] = make(5);
    const expected = [weightsOf(first), weightsOf(second)];
    const [again, other] = make(5);
    expectBits(weightsOf(other), expected[1]!, 'used first');
    expectBits(weightsOf(again), expected[0]!, 'used last');
    expect(expected[0]).not.toEqual(expected[1]);
  });

  test('initializers with a seed ignore the global seed', () => {
    const weights = [1, 2].map(seed => {
      setRandomSeed(seed);
      const kernelInitializer = initializers.glorotUniform({ seed: 3 });
      return weightsOf(sequential({ layers: [layers.dense({ units: 5, inputShape: [4], kernelInitializer })] }));
    });
    expectBits(weights[0]!, weights[1]!);
  });

  test('initial weights differ within a layer and between layers', () => {
    setRandomSeed(1);
    const dense = (options: object) => layers.dense({ units: 5, ...options });
    const weights = sequential({ layers: [dense({ inputShape: [5] }), dense({})] }).getWeights();
    const kernels = [...weights[0]!.dataSync(), ...weights[2]!.dataSync()];
    expect(new Set(kernels).size).toBe(50);
  });
});

// Rows are independent of each other, so the batch size must not change the result.
test('predictions do not depend on the size of the batches', () => {
  setRandomSeed(1);
  for (const units of [3, 20]) {
    for (const width of [1, 5, 60]) {
      const lstm = layers.lstm({ units, inputShape: [null, width], returnSequences: true });
      const model = sequential({
        layers: [lstm, layers.lstm({ units: 5 }), layers.dense({ units: 3, activation: 'tanh' })],
      });
      const x = tensor(Float32Array.from(new Random(1).normals([13, 4, width]).data), [13, 4, width]);
      const whole = model.predictOnBatch(x).dataSync();
      for (const batchSize of [1, 2, 3, 5, 8, 12, 13, 100]) {
        expectBits(model.predict(x, { batchSize }).dataSync(), whole, `batches of ${batchSize}`);
      }
    }
  }
});

test('setting the current weights and states does not change training', () => {
  setRandomSeed(1);
  const [model, twin] = [seedModel(), seedModel()];
  twin.setWeights(model.getWeights());
  run(model, 3);
  run(twin, 3);
  twin.setWeights(twin.getWeights());
  twin.setStates(twin.getStates());
  const [after, afterTwin] = [run(model, 3), run(twin, 3)];
  expect(afterTwin.losses).toEqual(after.losses);
  expectBits(afterTwin.weights, after.weights);
});
