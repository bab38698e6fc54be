// Memory of many models: thousands created one after another, and a thousand at the same time.

import * as lw from 'lstm-wasm';
import {
  backendInfo,
  type FunctionalModel,
  input,
  layers,
  model,
  type Sequential,
  sequential,
  setRandomSeed,
  tensor,
  train,
  zeros,
} from 'lstm-wasm';
import { expect, test } from 'vitest';
import { expectBits } from '../compare.ts';
import { buildGraph } from '../tfjs/build.ts';
import { GraphGenerator } from '../tfjs/graphs.ts';
import { collectGarbage, collectUntil } from './memoryUse.ts';

const slow = { timeout: 240_000 };
const MIB = 2 ** 20;
/** Enough to show a leak. `npm run verify` creates ten thousand, in the step `long`. */
const MANY = 1000;

const STEPS = 4;
const BATCH = 3;
const x = tensor(
  Float32Array.from({ length: BATCH * STEPS * 2 }, (_, n) => Math.sin(n)),
  [BATCH, STEPS, 2],
);
const indices = tensor(
  Float32Array.from({ length: BATCH * STEPS }, (_, n) => (n * 3) % 5),
  [BATCH, STEPS],
);

/** Small models that cover every layer with memory of its own. */
const kinds = {
  lstm: () => [layers.lstm({ units: 3, inputShape: [STEPS, 2] })],
  'lstm with all options': () => [
    layers.lstm({
      ...{ units: 3, usePeepholes: true, projectionUnits: 2, layerNormalization: true },
      inputShape: [STEPS, 2],
    }),
  ],
  gru: () => [layers.gru({ units: 5, inputShape: [STEPS, 2] })],
  'stateful simpleRNN': () => [layers.simpleRNN({ units: 4, stateful: true, batchInputShape: [BATCH, STEPS, 2] })],
  bidirectional: () => [
    layers.bidirectional({ layer: layers.gru({ units: 2, returnSequences: true }), inputShape: [STEPS, 2] }),
    layers.lstm({ units: 2, dropout: 0.2, recurrentDropout: 0.2 }),
  ],
  'masked embedding': () => [
    layers.embedding({ inputDim: 5, outputDim: 3, maskZero: true, inputLength: STEPS }),
    layers.bidirectional({ layer: layers.lstm({ units: 2 }), mergeMode: 'sum' }),
  ],
  'stacked cells': () => [
    layers.rnn({ cell: [layers.lstmCell({ units: 2 }), layers.gruCell({ units: 3 })], inputShape: [STEPS, 2] }),
  ],
  'encoder and decoder': () => [
    layers.simpleRNN({ units: 3, inputShape: [STEPS, 2] }),
    layers.repeatVector({ n: 2 }),
    layers.lstm({ units: 3, returnSequences: true }),
    layers.timeDistributed({ layer: layers.dense({ units: 2, activation: 'relu' }) }),
    layers.flatten(),
  ],
};
const names = Object.keys(kinds) as (keyof typeof kinds)[];

/** A trained model of the n-th kind (modulo their number), and its input. */
function make(n: number): { model: Sequential; input: typeof x } {
  const name = names[n % names.length]!;
  const model = sequential({ layers: [...kinds[name](), layers.dense({ units: 1 })] });
  const optimizer = n % 2 ? train.adam(0.01) : train.rmsprop(0.01, 0.9, 0.1);
  model.compile({ optimizer, loss: 'meanSquaredError' });
  const input = name === 'masked embedding' ? indices : x;
  model.trainOnBatch(input, tensor([[1], [0], [-1]]));
  return { model, input };
}

const bytes = () => backendInfo().memoryBytes;
const alive = () => backendInfo().models;

test(`${MANY} models, each disposed before the next is created, use no more memory than the first few`, slow, () => {
  const before = alive();
  for (let n = 0; n < 4 * names.length; n++) make(n).model.dispose();
  const bytesBefore = bytes();
  for (let n = 0; n < MANY; n++) make(n).model.dispose();
  expect(bytes()).toBe(bytesBefore);
  expect(alive()).toBe(before);
});

test(`the memory of ${MANY} models that are never disposed is reused after garbage collection`, slow, async () => {
  const before = alive();
  const round = async () => {
    for (let n = 0; n < MANY / 20; n++) make(n);
    await collectUntil(() => alive() <= before);
    expect(alive()).toBe(before);
  };
  // What two rounds need at once: garbage collected in the middle of one leaves gaps between models
  const bytesBefore = (() => {
    const kept = Array.from({ length: MANY / 10 }, (_, n) => make(n));
    return kept.length > 0 ? bytes() : 0;
  })();
  await collectUntil(() => alive() <= before);
  for (let n = 1; n < 20; n++) await round();
  expect(bytes()).toBeLessThanOrEqual(bytesBefore);
});

const GRAPHS = 120;

test(
  `${GRAPHS} random graphs, trained on one batch and dropped, use no more memory than the first few`,
  slow,
  async () => {
    const before = alive();
    /** Holds no reference to the model after it returns. */
    const train = (seed: number) => {
      const { graph, batch, inputs, outputs } = new GraphGenerator(seed).graphProgram();
      const net: FunctionalModel = buildGraph(lw, graph);
      net.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
      const xs = inputs.map(({ shape }) => zeros([batch, ...shape]));
      const ys = outputs.map(({ steps, width }) => zeros(steps === null ? [batch, width] : [batch, steps, width]));
      net.trainOnBatch(xs, ys);
      if (seed % 2) net.dispose();
    };
    const round = async () => {
      for (let seed = 0; seed < GRAPHS / 4; seed++) train(seed);
      await collectUntil(() => alive() <= before);
    };
    await round();
    const bytesBefore = bytes();
    for (let n = 1; n < 4; n++) await round();
    expect(bytes()).toBeLessThanOrEqual(bytesBefore);
  },
);

test('models over a common encoder leave nothing behind', slow, async () => {
  const start = input({ shape: [STEPS, 2] });
  const encoded = layers.lstm({ units: 3 }).apply(start);
  const encoder = model({ inputs: start, outputs: encoded });
  const round = async () => {
    for (let n = 0; n < 60; n++) {
      const net = model({ inputs: start, outputs: layers.dense({ units: 500 }).apply(encoded) });
      net.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
      net.trainOnBatch(x, zeros([BATCH, 500]));
      if (n % 2) net.dispose();
      if (n % 10 > 0) continue;
      collectGarbage();
      await new Promise(resolve => setTimeout(resolve)); // lets finalizers run
      collectGarbage();
    }
  };
  await round();
  const bytesBefore = bytes();
  for (let n = 0; n < 3; n++) await round();
  expect(bytes()).toBeLessThanOrEqual(bytesBefore);
  encoder.dispose();
});

// Each unreferenced model holds megabytes of wasm memory, but the garbage collector sees only a few small objects.
test('the garbage collector frees large unreferenced models before they exhaust memory', slow, async () => {
  const x = zeros([64, 200, 4]);
  const before = alive();
  let most = 0;
  for (let n = 0; n < 300; n++) {
    sequential({ layers: [layers.simpleRNN({ units: 16, inputShape: [200, 4] })] }).predictOnBatch(x);
    await new Promise(resolve => setTimeout(resolve));
    most = Math.max(most, alive() - before);
  }
  expect(most).toBeLessThan(100);
});

test('1,000 models at the same time predict what each predicts alone', slow, () => {
  const before = alive();
  const predictedAlone = names.map((_, n) => {
    setRandomSeed(n);
    const { model, input } = make(n);
    const prediction = model.predictOnBatch(input).dataSync();
    model.dispose();
    return prediction;
  });
  const bytesAtStart = bytes();
  const models = Array.from({ length: 1000 }, (_, n) => {
    setRandomSeed(n % names.length);
    return make(names.length * 2 * Math.floor(n / names.length) + (n % names.length));
  });
  expect(alive()).toBe(before + 1000);
  // Each model stores a few hundred numbers four times (weights, gradients, optimizer), and as many as workspace.
  expect((bytes() - bytesAtStart) / MIB).toBeLessThan(64);
  for (const [n, { model, input }] of models.entries()) {
    expectBits(model.predictOnBatch(input).dataSync(), predictedAlone[n % names.length]!, names[n % names.length]);
  }
  for (const { model } of models) model.dispose();
  expect(alive()).toBe(before);
  // The next thousand models reuse the memory.
  const bytesBefore = bytes();
  const again = Array.from({ length: 1000 }, (_, n) => make(n).model);
  expect(bytes()).toBe(bytesBefore);
  for (const model of again) model.dispose();
});
