// Layers against the numbers in the unit tests of TensorFlow.js.
//
// tensorflow/tfjs, tfjs-layers/src/layers/<recurrent, wrappers, core, embeddings>_test.ts; `describe` has the
// name of the file, `test` that of the test. Most numbers were made with Keras 2, whose gates are hardSigmoid and whose
// gru multiplies by the reset gate first. The tolerance is the precision of the published digits.
//
// Not included: models of several inputs (wrappers, 'With masking'; recurrent, 'SymbolicTensor as initialState'),
// models as layers, embeddings of matrices, cells and step functions defined in the tests, prelu, thresholdedReLU and
// sigmoidRange, which this package does not have, tensors of four axes, and dropout masks drawn from a seed.

import { layers, type Sequential, sequential, type Tensor, tensor, train } from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { expectClose } from '../../compare.ts';
import { digits, each, exact, expectPrediction, expectTensors, full, modelFor, printed } from './golden.ts';

const all = { returnSequences: true };
const kernels = (kind: 'zeros' | 'ones') => ({ kernelInitializer: kind, recurrentInitializer: kind });
const ones = { ...kernels('ones'), biasInitializer: 'ones' } as const;
/** The defaults of the cells of Keras 2 and TF.js. */
const keras2 = { recurrentActivation: 'hardSigmoid' } as const;
const keras2Gru = { ...keras2, resetAfter: false } as const;
const quiet = { verbose: 0 } as const;

type Options = Parameters<typeof layers.simpleRNN>[0];

/** The loss of each epoch of `fit`. */
async function lossesOf(model: Sequential, x: Tensor, y: Tensor, options: object = {}): Promise<number[]> {
  const { history } = await model.fit(x, y, { ...quiet, ...options });
  return history.loss as number[];
}

describe('recurrent_test.ts, SimpleRNN', () => {
  const [units, x] = [5, full(1, 4, 3, 2)];
  const linear = { units, ...kernels('ones'), activation: 'linear', stateful: true } as const;

  test.each([
    ['linear', 3],
    ['tanh', Math.tanh(3)],
  ] as const)('useBias=true, %s', (activation, expected) => {
    const x = full(1, 4, 1, 2);
    expectPrediction(modelFor(x, layers.simpleRNN({ units, ...ones, activation })), x, each([expected], 20));
  });

  test('returnSequences=true, useBias=true, linear', () => {
    const x = full(1, 4, 2, 2);
    const model = modelFor(x, layers.simpleRNN({ ...linear, ...ones, ...all }));
    expectPrediction(model, x, each([3, 18, 3, 18, 3, 18, 3, 18], 5), exact);
    expectTensors(model.getStates()[0]!, [each([18], 20)], exact);
  });

  test('stateful forward: only RNN layer', () => {
    const model = modelFor(x, layers.simpleRNN(linear));
    for (let round = 0; round < 2; round++) {
      expectPrediction(model, x, each([62], 20), exact);
      expectPrediction(model, x, each([7812], 20), exact);
      model.resetStates();
    }
  });

  test('stateful forward: RNN and dense layers', async () => {
    const model = modelFor(x, layers.simpleRNN(linear), layers.dense({ units: 1, kernelInitializer: 'ones' }));
    model.compile({ loss: 'meanSquaredError', optimizer: 'sgd' });
    expectPrediction(model, x, each([310], 4), exact);
    expectPrediction(model, x, each([39060], 4), exact);
    // The published number is a float32: half a unit of its last bit.
    expectClose(await lossesOf(model, x, full(1, 4, 1), { batchSize: 4 }), [23841822736384], { abs: 0, rel: 2 ** -24 });
  });

  test('BPTT', async () => {
    const x = full(1, 5, 3, 4);
    const model = modelFor(
      x,
      layers.simpleRNN({ units: 1, ...kernels('ones'), useBias: false }),
      layers.dense({ units: 1, kernelInitializer: 'ones', useBias: false }),
    );
    model.compile({ loss: 'meanSquaredError', optimizer: train.sgd(5) });
    await lossesOf(model, x, full(0, 5, 1), { epochs: 2 });
    // The gradient has 1 - h^2 with h within 1e-4 of 1, so the last bit of tanh changes the first two values by 1e-4.
    // Exact arithmetic gives 0.8484246 and 0.8484386.
    expectTensors(model.getWeights(), [each([0.8484658], 4), [0.8484799], [80.967026]], { abs: 1e-4, rel: 0 });
  });
});

// These numbers come from a Python program that feeds zeros in the second batch. The TypeScript test feeds ones there,
// and passes because it compares two digits only. This test follows the Python program.
test.each([
  ['SimpleRNN', (options: Options) => layers.simpleRNN(options), 1.5262475, printed],
  ['GRU', (options: Options) => layers.gru({ ...options, ...keras2Gru }), 1.501, digits(3)],
] as const)('recurrent_test.ts, %s, stateful BPTT', async (_, make, expected, tolerance) => {
  const layer = make({ units: 5, ...kernels('ones'), stateful: true, batchInputShape: [4, 3, 2] });
  const dense = layers.dense({ units: 1, kernelInitializer: 'zeros', useBias: false });
  const model = sequential({ layers: [layer, dense] });
  model.compile({ loss: 'meanSquaredError', optimizer: 'sgd' });
  const x = tensor([...full(1, 4, 3, 2).dataSync(), ...full(0, 4, 3, 2).dataSync()], [8, 3, 2]);
  const y = tensor([[-1], [-2], [0], [1], [1], [2], [0], [-1]]);
  expectClose(await lossesOf(model, x, y, { batchSize: 4, shuffle: false }), [expected], tolerance);
});

describe('recurrent_test.ts, GRU', () => {
  const units = 5;

  test('returnSequences and returnState', () => {
    const x = full(0, 4, 3, 2);
    const golden = [0.22847827, 0.2813754, 0.29444352];
    for (const implementation of [1, 2]) {
      const layer = layers.gru({ units, ...ones, ...keras2Gru, ...all, implementation, stateful: true });
      const model = modelFor(x, layer);
      expectPrediction(model, x, each([...golden, ...golden, ...golden, ...golden], units));
      expectTensors(model.getStates()[0]!, [each([golden[2]!], 4 * units)]);
    }
  });

  test('stateful forward', () => {
    const x = full(1, 4, 3, 2);
    const model = modelFor(
      x,
      layers.gru({
        units,
        ...keras2Gru,
        kernelInitializer: 'ones',
        recurrentInitializer: 'zeros',
        activation: 'linear',
        stateful: true,
      }),
    );
    for (let round = 0; round < 2; round++) {
      expectPrediction(model, x, each([0.542], 20), digits(3));
      expectPrediction(model, x, each([0.9371182], 20));
      model.resetStates();
    }
  });

  test('BPTT', async () => {
    const x = full(1, 5, 3, 4);
    const model = modelFor(
      x,
      layers.gru({ units: 1, ...kernels('zeros'), ...keras2Gru, useBias: false }),
      layers.dense({ units: 1, kernelInitializer: 'ones', useBias: false }),
    );
    model.compile({ loss: 'meanSquaredError', optimizer: train.sgd(1) });
    await lossesOf(model, x, full(1, 5, 1), { epochs: 2 });
    const kernel = [-0.03750037, 0, 1.7500007];
    expectTensors(model.getWeights(), [
      [...kernel, ...kernel, ...kernel, ...kernel],
      [-1.562513e-2, 0, 2.086183e-7],
      [1.2187521],
    ]);
  });
});

describe('recurrent_test.ts, LSTM', () => {
  const units = 5;
  const unitForgetBias = false; // as in TF.js by default; the zero biases apply to all gates
  const zeroBias = { ...kernels('ones'), ...keras2, unitForgetBias };
  const dense = () => layers.dense({ units: 1, kernelInitializer: 'ones' });
  const embedding = (inputLength: number) =>
    layers.embedding({
      inputDim: 10,
      outputDim: 4,
      inputLength,
      maskZero: true,
      embeddingsInitializer: 'ones',
    });
  const threeSteps = tensor([
    [0, 0, 0],
    [1, 0, 0],
    [1, 2, 0],
    [1, 2, 3],
  ]);
  const sixSteps = tensor([
    [0, 0, 0, 0, 0, 0],
    [1, 0, 0, 0, 0, 0],
    [1, 2, 0, 0, 0, 0],
    [1, 2, 3, 0, 0, 0],
  ]);

  test('returnSequences and returnState', () => {
    const x = full(1, 4, 2, 2);
    for (const implementation of [1, 2]) {
      const model = modelFor(x, layers.lstm({ units, ...ones, ...keras2, ...all, implementation, stateful: true }));
      const golden = [0.7595095, 0.96367633];
      expectPrediction(model, x, each([...golden, ...golden, ...golden, ...golden], units));
      expectTensors(model.getStates()[0]!, [each([0.96367633], 20), each([1.99505234], 20)]);
    }
  });

  test('stateful forward', () => {
    const x = full(1, 4, 3, 2);
    const model = modelFor(x, layers.lstm({ units, ...ones, ...keras2, stateful: true }));
    for (let round = 0; round < 2; round++) {
      expectPrediction(model, x, each([0.995], 20), digits(3));
      expectPrediction(model, x, each([0.99998766], 20));
      model.resetStates();
    }
  });

  test('stateful BPTT', async () => {
    const x = full(1, 8, 3, 2);
    const model = sequential({
      layers: [
        layers.lstm({ units, ...ones, ...keras2, stateful: true, batchInputShape: [4, 3, 2] }),
        layers.dense({ units: 1, kernelInitializer: 'ones', useBias: false }),
      ],
    });
    model.compile({ loss: 'meanSquaredError', optimizer: 'sgd' });
    const y = tensor([[1], [2], [3], [4], [5], [6], [7], [8]]);
    expectClose(await lossesOf(model, x, y, { batchSize: 4, shuffle: false }), [5.8377], digits(4));
  });

  test('BPTT', async () => {
    const x = full(1, 5, 3, 4);
    const model = modelFor(
      x,
      layers.lstm({ units: 1, ...kernels('zeros'), ...keras2, useBias: false }),
      layers.dense({ units: 1, kernelInitializer: 'ones', useBias: false }),
    );
    model.compile({ loss: 'meanSquaredError', optimizer: train.sgd(1) });
    await lossesOf(model, x, full(1, 5, 1), { epochs: 2 });
    const kernel = [0.11455188, 0.06545822, 0.8760446, 0.18237013];
    expectTensors(model.getWeights(), [
      [...kernel, ...kernel, ...kernel, ...kernel],
      [0.02831176, 0.01934617, 0.00025817, 0.05784169],
      [1.4559253],
    ]);
  });

  test('With mask', () => {
    const model = sequential({ layers: [embedding(6), layers.lstm({ units: 3, ...zeroBias }), dense()] });
    expectPrediction(model, sixSteps, [0, 2.283937, 2.891939, 2.9851441]);
  });

  test('With mask, goBackwards = true', () => {
    const rows = [1, 2, 3, 4, 5, 6, 7, 8];
    const kernel = tensor([rows, rows.map(value => -value)]);
    const model = sequential({
      layers: [
        layers.embedding({ inputDim: 4, outputDim: 2, inputLength: 3, maskZero: true }),
        layers.lstm({ units: 2, goBackwards: true, ...keras2 }),
        dense(),
      ],
    });
    model.layers[0]!.setWeights([
      tensor([
        [0.1, 0.2],
        [0.3, 0.4],
        [-0.1, -0.2],
        [-0.3, -0.4],
      ]),
    ]);
    model.layers[1]!.setWeights([kernel, kernel, tensor(rows)]);
    expectPrediction(model, threeSteps, [0, 1.2876499, 1.8165315, 1.9599037]);
  });

  test('BPTT with mask: correctness', async () => {
    const model = sequential({ layers: [embedding(6), layers.lstm({ units: 3, ...zeroBias }), dense()] });
    model.compile({ loss: 'meanSquaredError', optimizer: 'sgd' });
    const y = tensor([[1], [2], [3], [4]]);
    await lossesOf(model, sixSteps, y, { epochs: 2, batchSize: 4 });
    expectClose(await lossesOf(model, sixSteps, y, { epochs: 2, batchSize: 4 }), [0.503677, 0.492173], digits(6));
  });

  test('With mask, returnStates = true', () => {
    const layer = layers.lstm({ units: 3, ...zeroBias, stateful: true });
    const model = sequential({
      layers: [
        layers.embedding({
          batchInputShape: [4, 6],
          inputDim: 10,
          outputDim: 4,
          maskZero: true,
          embeddingsInitializer: 'ones',
        }),
        layer,
      ],
    });
    const h = each([0, 0.76131237, 0.9639796, 0.99504817], 3);
    expectPrediction(model, sixSteps, h);
    expectTensors(model.getStates()[0]!, [h, each([0, 0.9993292, 1.9993222, 2.9993203], 3)]);
  });

  test('With mask, returnSequences = true', () => {
    const model = sequential({ layers: [embedding(3), layers.lstm({ units: 3, ...zeroBias, ...all }), dense()] });
    expectPrediction(
      model,
      threeSteps,
      [0, 0, 0, 2.283937, 2.283937, 2.283937, 2.283937, 2.8919387, 2.8919387, 2.283937, 2.8919387, 2.9851446],
    );
  });

  test('Stacked RNNs with masking: correctness', () => {
    const model = sequential({
      layers: [
        embedding(3),
        layers.simpleRNN({ units: 3, ...kernels('ones'), ...all }),
        layers.lstm({ units: 3, ...zeroBias }),
      ],
    });
    expectPrediction(model, threeSteps, each([0, 0.75950104, 0.96367145, 0.9950049], 3));
  });
});

describe('recurrent_test.ts, StackedRNNCells', () => {
  const cell = { ...kernels('ones'), useBias: false } as const;

  test.each([
    ['simpleRNNCell', 1],
    ['gruCell', 3],
    ['lstmCell', 4],
  ] as const)('the weights of two %s have the right shapes', (kind, blocks) => {
    const make = layers[kind] as (options: { units: number; useBias: boolean }) => ReturnType<typeof layers.gruCell>;
    const cells = [3, 2].map(units => make({ units, useBias: true }));
    const layer = layers.rnn({ cell: layers.stackedRNNCells({ cells }), batchInputShape: [16, 10, 7] });
    const model = sequential({ layers: [layer] });
    expect(model.outputs[0]!.shape).toEqual([16, 2]);
    const [kernel, recurrent, , above, aboveRecurrent] = layer.getWeights().map(({ shape }) => shape);
    expect([kernel, recurrent]).toEqual([
      [7, 3 * blocks],
      [3, 3 * blocks],
    ]);
    expect([above, aboveRecurrent]).toEqual([
      [3, 2 * blocks],
      [2, 2 * blocks],
    ]);
  });

  test('Forward pass', () => {
    const cells = [
      layers.simpleRNNCell({ units: 3, ...cell }),
      layers.gruCell({ units: 2, ...cell, ...keras2Gru }),
      layers.lstmCell({ units: 1, ...cell, ...keras2 }),
    ];
    const x = tensor([
      [
        [0.1, -0.1, 0.2, -0.2],
        [-0.1, 0.1, -0.2, 0.2],
        [0.1, 0.1, -0.2, -0.2],
      ],
      [
        [0.05, -0.05, 0.1, -0.1],
        [-0.05, 0.05, -0.1, 0.1],
        [0.05, 0.05, -0.1, -0.1],
      ],
    ]);
    const layer = layers.rnn({ cell: layers.stackedRNNCells({ cells }) });
    expectPrediction(modelFor(x, layer), x, [-0.07715216, -0.05906887]);
  });
});

describe('wrappers_test.ts, TimeDistributed', () => {
  test('3D input: Dense', () => {
    const row = [1, 2, 3, 4, 5, 6, 7, 8];
    const x = tensor([...row, ...row.map(value => -value)], [2, 4, 2]);
    const layer = layers.dense({ units: 1, kernelInitializer: 'ones', useBias: false });
    const expected = [3, 7, 11, 15, -3, -7, -11, -15];
    expectPrediction(modelFor(x, layers.timeDistributed({ layer })), x, expected, exact);
  });

  test('LayersModel as constituent layer, replaced by its only layer', () => {
    const x = full(1, 1, 2, 5);
    const layer = layers.dense({ units: 3, activation: 'softmax', kernelInitializer: 'ones' });
    expectPrediction(modelFor(x, layers.timeDistributed({ layer })), x, each([0.33333334], 6));
  });
});

describe('wrappers_test.ts, Bidirectional', () => {
  const simple = (options: object = {}) =>
    layers.simpleRNN({ units: 3, ...kernels('ones'), useBias: false, ...options });
  const x = tensor([0.05, 0.05, -0.05, -0.05, 0.1, 0.1, -0.1, -0.1], [1, 4, 2]);

  test.each([
    ['concat', each([0.9440416, -0.9842659], 3)],
    ['mul', each([-0.929188], 3)],
    ['ave', each([-0.02011216], 3)],
  ] as const)('mergeMode=%s, with the states it returns', (mergeMode, expected) => {
    const model = modelFor(x, layers.bidirectional({ layer: simple({ stateful: true }), mergeMode }));
    expectPrediction(model, x, expected);
    expectTensors(model.getStates()[0]!, [each([0.9440416], 3), each([-0.9842659], 3)]);
  });

  const backwards = () => layers.lstm({ units: 1, ...ones, ...keras2, goBackwards: true });
  const input = tensor([0.1, 0.2, -0.1, 0.1], [1, 2, 2]);

  test.each([
    ['concat', [[0.3, 0.5]], [0.69299805, 0.66088], 0.0901649, [0.6927189, 0.66077083]],
    ['ave', [[0.4]], [0.676939], 0.0766952, [0.6767467]],
  ] as const)('Backwards LSTM: predict and fit: %s', async (mergeMode, y, before, loss, after) => {
    const model = modelFor(input, layers.bidirectional({ layer: backwards(), mergeMode }));
    model.compile({ loss: 'meanSquaredError', optimizer: 'sgd' });
    expectPrediction(model, input, before);
    expectClose(await lossesOf(model, input, tensor(y.map(row => [...row]))), [loss], printed);
    expectPrediction(model, input, after);
  });

  test('with initial state: apply() with concrete tensors', () => {
    const layer = layers.gru({
      units: 3,
      ...kernels('zeros'),
      ...keras2Gru,
      biasInitializer: 'ones',
      stateful: true,
    });
    const x = full(1, 1, 4, 2);
    const model = modelFor(x, layers.bidirectional({ layer }));
    model.setStates([[full(-1, 1, 3), full(1, 1, 3)]]);
    expectPrediction(model, x, each([0.33863544, 0.8188354], 3));
  });
});

describe('core_test.ts', () => {
  test.each([
    [null, 1],
    ['linear', 1],
    ['relu', 1],
    ['softmax', 0],
  ] as const)('Dense, Call once: activation=%s', (activation, isElementwise) => {
    for (const inputs of [5, 8]) {
      for (const [useBias, biasInitializer] of [
        [false, 'ones'],
        [true, 'zeros'],
        [true, 'ones'],
      ] as const) {
        const layer = layers.dense({
          units: 6,
          useBias,
          biasInitializer,
          activation: activation ?? undefined,
          kernelInitializer: 'ones',
        });
        const sum = inputs + Number(useBias && biasInitializer === 'ones');
        const x = full(1, 2, inputs);
        expectPrediction(
          modelFor(x, layer),
          x,
          each([isElementwise ? sum : 1 / 6], 12),
          isElementwise ? exact : printed,
        );
      }
    }
  });

  test('Flatten, Flattens Tensor3D', () => {
    const x = tensor([10, 20, 30, 40, -10, -20, -30, -40], [2, 2, 2]);
    const model = modelFor(x, layers.flatten());
    expect(model.predict(x).shape).toEqual([2, 4]);
    expectPrediction(model, x, [10, 20, 30, 40, -10, -20, -30, -40], exact);
  });

  test('RepeatVector, With 2D tensor', () => {
    const x = tensor([10, 20, 30, 40], [2, 2]);
    const model = modelFor(x, layers.repeatVector({ n: 3 }));
    expect(model.predict(x).shape).toEqual([2, 3, 2]);
    expectPrediction(model, x, [10, 20, 10, 20, 10, 20, 30, 40, 30, 40, 30, 40], exact);
  });

  const values3D = [10, 20, 30, 40, -10, -20, -30, -40];
  const values2D = [10, 20, 30, 40, 50, 60, -10, -20, -30, -40, -50, -60];
  test.each<[string, number[], number[], (number | null)[], number[]]>([
    ['Tensor3D to Tensor3D', values3D, [2, 2, 2], [4, 1], [2, 4, 1]],
    ['Tensor3D to Tensor2D', values3D, [2, 2, 2], [4], [2, 4]],
    ['Tensor2D to Tensor3D', values2D, [2, 6], [3, 2], [2, 3, 2]],
    ['Last dimension unknown as -1', values2D, [2, 6], [3, -1], [2, 3, 2]],
    ['Last dimension unknown as null', values2D, [2, 6], [3, null], [2, 3, 2]],
    ['First dimension unknown as -1', values2D, [2, 6], [-1, 3], [2, 2, 3]],
    ['First dimension unknown as null', values2D, [2, 6], [null, 3], [2, 2, 3]],
  ])('Reshape %s', (_, values, shape, targetShape, expected) => {
    const x = tensor(values, shape);
    const model = modelFor(x, layers.reshape({ targetShape }));
    expect(model.predict(x).shape).toEqual(expected);
    expectPrediction(model, x, values, exact);
  });

  test.each([
    [undefined, [1, 1, 1, 0, 0, 0], 0.961396],
    [-1, [1, 1, 1, -1, -1, -1], 0.746068],
  ])('Masking, 3D, maskValue %s', (maskValue, values, expected) => {
    const x = tensor(values, [1, 3, 2]);
    const masking = maskValue === undefined ? layers.masking() : layers.masking({ maskValue });
    const model = modelFor(x, masking, layers.simpleRNN({ units: 1, ...kernels('ones') }));
    expectPrediction(model, x, [expected], digits(6));
  });
});

describe('embeddings_test.ts', () => {
  test('check value equality', () => {
    const layer = layers.embedding({ inputDim: 6, outputDim: 3, embeddingsInitializer: 'randomUniform' });
    const model = sequential({ layers: [layer] });
    const table = layer.getWeights()[0]!.arraySync() as number[][];
    const expected = [0, 5, 1, 1, 1, 1, 1, 1].flatMap(id => table[id]!);
    expectPrediction(model, tensor([[0, 5, 1, 1, 1, 1, 1, 1]]), expected, exact);
  });

  test.each([
    [false, [1, 1, 1]],
    [true, [0, 0, 1]],
  ])('computeMask: maskZero = %s', (maskZero, expected) => {
    // Outputs 1 for an unmasked step and 0 for a masked one.
    const maskReader = layers.simpleRNN({
      units: 1,
      activation: 'linear',
      ...kernels('zeros'),
      biasInitializer: 'ones',
    });
    const model = sequential({ layers: [layers.embedding({ inputDim: 6, outputDim: 4, maskZero }), maskReader] });
    expectPrediction(model, tensor([[0], [0], [2]]), expected, exact);
  });
});
