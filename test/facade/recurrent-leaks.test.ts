// Memory that stays flat: thousands of batches of every recurrent layer, and models made and disposed of.

import v8 from 'node:v8';
import vm from 'node:vm';
import { backendInfo, layers, type Sequential, sequential, setRandomSeed, tensor } from 'lstm-wasm';
import { expect, test } from 'vitest';
import { expectBits } from '../compare.ts';

v8.setFlagsFromString('--expose-gc');
const collectGarbage = vm.runInNewContext('gc') as () => void;

/** Everything at once: every cell, both directions, masks, dropouts and states. */
function everything(): Sequential {
  const all = { returnSequences: true, stateful: true, dropout: 0.2, recurrentDropout: 0.3 };
  const cell = [layers.gruCell({ units: 3, dropout: 0.1 }), layers.lstmCell({ units: 6, activation: 'relu' })];
  const model = sequential({
    layers: [
      layers.masking({ batchInputShape: [2, 3, 2] }),
      layers.lstm({ ...all, units: 5 }),
      layers.bidirectional({ layer: layers.gru({ ...all, units: 4, resetAfter: false }) }),
      layers.simpleRNN({ ...all, units: 7, goBackwards: true }),
      layers.bidirectional({ layer: layers.rnn({ cell, stateful: true }), mergeMode: 'mul' }),
      layers.dense({ units: 1 }),
    ],
  });
  model.compile({ optimizer: 'adam', loss: 'mse' });
  return model;
}

const x = tensor([1, 2, 3, 4, 0, 0, 5, 6, 0, 0, 0, 0], [2, 3, 2]);
const y = tensor([1, -1], [2, 1]);

/** Bytes that JavaScript holds, in its heap and in arrays beside it. */
function hostBytes(): number {
  for (let n = 0; n < 3; n++) collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

test('4,000 batches hold what 100 held', { timeout: 120_000 }, () => {
  const model = everything();
  const run = (steps: number) => {
    for (let step = 0; step < steps; step++) {
      model.trainOnBatch(x, y);
      model.predict(x);
    }
  };
  run(100);
  const [wasm, host] = [backendInfo().memoryBytes, hostBytes()];
  run(3900);
  expect(backendInfo().memoryBytes).toBe(wasm);
  // 300 bytes a step would be more than a megabyte.
  expect((hostBytes() - host) / 2 ** 20).toBeLessThan(1);
  model.dispose();
});

test('1,000 models, trained, with states set and read, leave nothing behind', { timeout: 120_000 }, () => {
  const cycle = () => {
    const model = everything();
    model.trainOnBatch(x, y);
    model.setStates(model.getStates());
    model.setWeights(model.getWeights());
    model.dispose();
  };
  const before = backendInfo().models;
  for (let n = 0; n < 10; n++) cycle();
  const bytes = backendInfo().memoryBytes;
  for (let n = 0; n < 1000; n++) cycle();
  expect(backendInfo().memoryBytes).toBe(bytes);
  expect(backendInfo().models).toBe(before);
});

test('the same seed trains to the same bits, whatever other models do meanwhile', () => {
  const run = (beside?: Sequential) => {
    setRandomSeed(7);
    const model = everything();
    const losses = Array.from({ length: 20 }, () => {
      beside?.trainOnBatch(x, y);
      return model.trainOnBatch(x, y);
    });
    const weights = model.getWeights().flatMap(weight => [...weight.dataSync()]);
    model.dispose();
    return { losses, weights };
  };
  const first = run();
  const other = everything();
  const second = run(other);
  other.dispose();
  expect(second.losses).toEqual(first.losses);
  expectBits(second.weights, first.weights);
});
