// Memory that goes nowhere: not in training, not in making models, not in changing the size of batches.

import v8 from 'node:v8';
import vm from 'node:vm';
import { backendInfo, layers, type Sequential, sequential, tensor, train } from 'lstm-wasm';
import { sineCosine } from 'lstm-wasm/data';
import { describe, expect, test } from 'vitest';

v8.setFlagsFromString('--expose-gc');
const collectGarbage = vm.runInNewContext('gc') as () => void;

const slow = { timeout: 120_000 };

function seedProgram(): Sequential {
  const model = sequential();
  model.add(layers.lstm({ units: 20, returnSequences: true, stateful: true, batchInputShape: [50, 20, 1] }));
  model.add(layers.timeDistributed({ layer: layers.dense({ units: 1 }) }));
  model.compile({ optimizer: train.adam(0.006), loss: 'meanSquaredError' });
  return model;
}

/** A small model of any batch size, with every kind of block: weights, gradients, moments, a workspace. */
function small(units = 5): Sequential {
  const model = sequential({ layers: [layers.lstm({ units, inputShape: [null, 2] }), layers.dense({ units: 1 })] });
  model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
  return model;
}

function trainOnce(model: Sequential, samples: number, steps: number): void {
  model.trainOnBatch(tensor(new Float32Array(samples * steps * 2), [samples, steps, 2]), new Float32Array(samples));
}

const wasmBytes = () => backendInfo().memoryBytes;

/** Bytes that JavaScript holds, in its heap and in arrays beside it. */
function hostBytes(): number {
  for (let n = 0; n < 3; n++) collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

test('5,000 steps of the seed program hold what 100 held', slow, () => {
  const steps = process.env.LSTM_WASM_BUILD === 'debug' ? 1000 : 5000; // the debug build takes its time
  const model = seedProgram();
  const batches = sineCosine({ batchSize: 50, timeSteps: 20 });
  const run = (steps: number) => {
    for (let step = 0; step < steps; step++) {
      const { xs, ys } = batches.next().value;
      model.trainOnBatch(xs, ys);
      model.predict(xs, { batchSize: 50 });
    }
  };
  run(100);
  const [wasm, host] = [wasmBytes(), hostBytes()];
  run(steps - 100);
  expect(wasmBytes()).toBe(wasm);
  // 400 bytes a step would make 2 MB. Less than one is the engine's own business, such as compiled code.
  expect((hostBytes() - host) / 2 ** 20).toBeLessThan(1);
  model.dispose();
});

describe('making and disposing 1,000 models leaves memory flat', () => {
  const check = (cycle: () => void) => {
    const before = backendInfo().models;
    for (let n = 0; n < 10; n++) cycle();
    const bytes = wasmBytes();
    for (let n = 0; n < 1000; n++) cycle();
    expect(wasmBytes()).toBe(bytes);
    expect(backendInfo().models).toBe(before);
  };

  test('unused', () =>
    check(() => {
      small().dispose();
    }));

  test('trained, with batches of two sizes', () =>
    check(() => {
      const model = small();
      trainOnce(model, 2, 3);
      trainOnce(model, 9, 5);
      model.predict([[[1, 2]]]);
      model.dispose();
    }));

  test('of growing and shrinking size', () => {
    let n = 0;
    check(() => {
      const model = small(1 + (n++ % 10));
      trainOnce(model, 1 + (n % 10), 4);
      model.dispose();
    });
  });

  test('stateful, with states set and read', () =>
    check(() => {
      const model = sequential({
        layers: [layers.lstm({ units: 3, stateful: true, batchInputShape: [2, 3, 2] })],
      });
      model.predict(new Float32Array(12));
      model.setStates(model.getStates());
      model.setWeights(model.getWeights());
      model.dispose();
    }));

  test('after a layer was put on and taken off again', () =>
    check(() => {
      const model = small();
      trainOnce(model, 2, 3);
      model.add(layers.dense({ units: 4 }));
      model.predict([[[1, 2]]]);
      model.pop();
      trainOnce(model, 2, 3);
      model.dispose();
    }));
});

test('1,000 failed calls leave memory flat', () => {
  const model = small(200);
  trainOnce(model, 2, 3);
  const x = tensor(new Float32Array(2 ** 19), [512, 512, 2]);
  const bad = [
    () => model.trainOnBatch([[[1, 2], [3]]], [[1]]),
    () => model.trainOnBatch(x, new Float32Array(512)), // needs a workspace of more than a gibibyte
    () => model.setWeights([]),
    () => sequential({ layers: [layers.lstm({ units: 200_000, inputShape: [null, 1] })] }).getWeights(),
  ];
  const check = (times: number) => {
    for (let n = 0; n < times; n++) expect(bad[n % bad.length]).toThrow();
  };
  check(20);
  const bytes = wasmBytes();
  check(1000);
  expect(wasmBytes()).toBe(bytes);
  model.dispose();
});

test('batches of a hundred sizes, again and again, hold what they held the first time', () => {
  const model = small();
  const sizes = Array.from({ length: 100 }, (_, n) => [1 + (n % 10), 1 + ((n * 7) % 13)] as const);
  const round = () => {
    for (const [samples, steps] of sizes) trainOnce(model, samples, steps);
  };
  round();
  const bytes = wasmBytes();
  for (let n = 0; n < 10; n++) round();
  expect(wasmBytes()).toBe(bytes);
  model.dispose();
});

test('compiling again and again holds what it held', () => {
  const model = small();
  const round = () => {
    model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
    trainOnce(model, 2, 3);
  };
  for (let n = 0; n < 10; n++) round();
  const bytes = wasmBytes();
  for (let n = 0; n < 1000; n++) round();
  expect(wasmBytes()).toBe(bytes);
  model.dispose();
});

test('models nobody holds any more give their memory back', slow, async () => {
  const before = backendInfo().models;
  const make = () => {
    for (let n = 0; n < 50; n++) trainOnce(small(), 20, 20);
  };
  make();
  const bytes = wasmBytes();
  // Finalizers run some time after a collection.
  const waitUntilGone = async () => {
    for (let n = 0; n < 200 && backendInfo().models > before; n++) {
      collectGarbage();
      await new Promise(resolve => setTimeout(resolve, 5));
    }
    expect(backendInfo().models).toBe(before);
  };
  for (let n = 0; n < 5; n++) {
    await waitUntilGone();
    make();
  }
  await waitUntilGone();
  expect(wasmBytes()).toBeLessThanOrEqual(bytes);
});
