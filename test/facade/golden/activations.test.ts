// Activations against the numbers in the unit tests of Keras and TensorFlow.js, as layers and inside dense layers.
//
// tensorflow/tfjs, tfjs-layers/src/activations_test.ts, layers/core_test.ts ('Activation Layer: Tensor') and
// layers/advanced_activation_test.ts; keras-team/keras, keras/src/activations/activations_test.py and
// keras/src/layers/activations/<relu, leaky_relu, softmax>_test.py. Tests with a formula in place of numbers have the
// same formula here. Not included: random inputs, slopes and thresholds of Keras's ReLU that TF.js does not have, other
// axes and masks of softmax, and Keras's hard_sigmoid, which is another function (docs: defaults).

import { type ActivationIdentifier, type Layer, layers, sequential, tensor } from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { digits, exact, expectPrediction, modelFor, printed } from './golden.ts';

const alpha = 1.6732632423543772;
const scale = 1.0507009873554805;
/** The inputs in activations_test.ts. */
const inputs = [-1, 2, 0, 4, -5, 6];

/** Checks the activation as a layer, and as the activation of a dense layer with an identity kernel. */
function check(activation: ActivationIdentifier, x: number[], expected: number[], tolerance = printed): void {
  const row = tensor([x]);
  expectPrediction(modelFor(row, layers.activation({ activation })), row, expected, tolerance);
  const identity = tensor(x.map((_, i) => x.map((_, j) => Number(i === j))));
  const dense = layers.dense({ units: x.length, activation, useBias: false, weights: [identity], inputDim: x.length });
  expectPrediction(sequential({ layers: [dense] }), row, expected, tolerance);
}

describe('activations_test.ts of TF.js', () => {
  test.each<[ActivationIdentifier, (x: number) => number]>([
    ['linear', x => x],
    ['elu', x => (x < 0 ? Math.exp(x) - 1 : x)],
    ['selu', x => scale * (x < 0 ? alpha * (Math.exp(x) - 1) : x)],
    ['relu', x => Math.max(x, 0)],
    ['sigmoid', x => 1 / (1 + Math.exp(-x))],
    ['hardSigmoid', x => Math.min(Math.max(0.2 * x + 0.5, 0), 1)],
    ['softplus', x => Math.log(Math.exp(x) + 1)],
    ['softsign', x => x / (Math.abs(x) + 1)],
    ['tanh', x => Math.tanh(x)],
  ])('%s agrees with its formula in TF.js', (activation, f) => {
    check(activation, inputs, inputs.map(f));
  });

  test('relu6 has the values of TF.js', () => check('relu6', [-10, -5, 0, 1, 5, 15], [0, 0, 0, 1, 5, 6], exact));

  test('softmax has the values of TF.js', () => {
    check('softmax', [0, 1, 3, 9], [0, 0, 0.002, 0.997], digits(3));
    check('softmax', [-1, -1, -1, -1], [0.25, 0.25, 0.25, 0.25]);
  });

  test('logSoftmax has the values of TF.js', () => {
    check('logSoftmax', [0, 1, 3, 9], [-9.003, -8.003, -6.003, -0.003], digits(3));
    check('logSoftmax', [-1, -1, -1, -1], [-1.386, -1.386, -1.386, -1.386], digits(3));
  });
});

test('activation layers have the values of core_test.ts of TF.js: Activation Layer', () => {
  check('linear', [10], [10], exact);
  check('relu', [-5], [0], exact);
  check('sigmoid', [10], [1 / (1 + Math.exp(-10))]);
  check('softmax', [10], [1], exact);
});

describe('activation layers', () => {
  test.each<[string, Layer, number[][], number[]]>([
    [
      'reLU, No maxValue',
      layers.reLU(),
      [
        [-100, -200],
        [0, 300],
        [200, 200],
      ],
      [0, 0, 0, 300, 200, 200],
    ],
    [
      'reLU, Finite maxValue',
      layers.reLU({ maxValue: 250 }),
      [[-100, -200, 0, 300, 200, 200]],
      [0, 0, 0, 250, 200, 200],
    ],
    [
      'leakyReLU, alpha = default 0.3',
      layers.leakyReLU(),
      [
        [-1, -2],
        [0, 3],
      ],
      [-0.3, -0.6, 0, 3],
    ],
    [
      'leakyReLU, alpha = 0.1',
      layers.leakyReLU({ alpha: 0.1 }),
      [
        [-1, -2],
        [0, 3],
      ],
      [-0.1, -0.2, 0, 3],
    ],
    [
      'elu, alpha = default 1.0',
      layers.elu({}),
      [
        [-1, -2],
        [0, 3],
      ],
      [Math.exp(-1) - 1, Math.exp(-2) - 1, 0, 3],
    ],
    [
      'softmax',
      layers.softmax({}),
      [
        [0, 1],
        [5, 5],
      ],
      [1 / (1 + Math.E), Math.E / (1 + Math.E), 0.5, 0.5],
    ],
    ['Keras, test_normal_relu_correctness', layers.reLU({ maxValue: 10 }), [[-10, -5, 0, 5, 10]], [0, 0, 0, 5, 10]],
    ['Keras, test_relu_max_value', layers.reLU({ maxValue: 5 }), [[-10, -5, 0, 5, 10]], [0, 0, 0, 5, 5]],
    ['Keras, test_relu_to_trigger_relu6', layers.reLU({ maxValue: 6 }), [[-10, -5, 0, 5, 10, 12]], [0, 0, 0, 5, 6, 6]],
    [
      'Keras, test_leaky_relu_correctness, test_relu_negative_slope',
      layers.leakyReLU({ alpha: 0.5 }),
      [[-10, -5, 0, 5, 10]],
      [-5, -2.5, 0, 5, 10],
    ],
    [
      'Keras, test_softmax_correctness',
      layers.softmax(),
      [
        [1, 2, 1],
        [1, 2, 1],
      ],
      [0.21194157, 0.5761169, 0.21194157, 0.21194157, 0.5761169, 0.21194157],
    ],
    [
      'Keras, the unmasked row of test_softmax_masked_values_are_zero',
      layers.softmax(),
      [[3, 1, 2, 4]],
      [0.236883, 0.032059, 0.087144, 0.643914],
    ],
  ])('an activation layer has the published values: %s', (_, layer, x, expected) => {
    const input = tensor(x);
    expectPrediction(modelFor(input, layer), input, expected);
    expect(layer.getWeights()).toEqual([]);
  });
});

test('selu and elu have the values of activations_test.py of Keras: test_selu, test_elu', () => {
  check('selu', [1, 2, -1, -2], [scale, 2 * scale, ...[-1, -2].map(x => (Math.exp(x) - 1) * scale * alpha)]);
  check('elu', [-1, -2], [Math.exp(-1) - 1, Math.exp(-2) - 1]);
});
