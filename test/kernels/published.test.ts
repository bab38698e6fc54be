// Numbers that Keras and TensorFlow.js publish in their own unit tests of the same optimizers.
//
// Keras: keras-team/keras, keras/src/optimizers/<name>_test.py, test_single_step, test_weight_decay and
// test_correctness_with_golden; its tolerance there is 5e-4 (1e-4 in single steps), the precision of four printed digits.
// TensorFlow.js: tensorflow/tfjs, tfjs-core/src/optimizers/<name>_optimizer_test.ts, 'basic' and the like: two steps
// down the sum of squares.

import { describe, expect, test } from 'vitest';
import { type Optimizer, train } from '../../src/optimizers/index.ts';
import { expectClose } from '../compare.ts';
import { harness } from './harness.ts';
import { drive } from './steps.ts';

describe('one step from 1, 2, 3, 4 with gradient 1, 6, 7, 2', () => {
  test.each<[string, Optimizer, number[]]>([
    ['adam', train.adam(0.5), [0.5, 1.5, 2.5, 3.5]],
    ['adamw', train.adamw({ learningRate: 0.5 }), [0.498, 1.496, 2.494, 3.492]],
    ['nadam', train.nadam(0.5), [0.4686, 1.4686, 2.4686, 3.4686]],
    ['adamax', train.adamax(0.5), [0.5, 1.5, 2.5, 3.5]],
    ['rmsprop', train.rmsprop(0.5), [-0.5811, 0.4189, 1.4189, 2.4189]],
    ['adagrad', train.adagrad(0.5), [0.5233, 1.5007, 2.5005, 3.5061]],
    ['adadelta', train.adadelta(0.5), [0.9993, 1.9993, 2.9993, 3.9993]],
    ['sgd', train.sgd(0.5), [0.5, -1, -0.5, 3]],
  ])('%s matches Keras', (_, optimizer, expected) => {
    const run = drive(harness(), optimizer, [1, 2, 3, 4]);
    run.step([1, 6, 7, 2]);
    expectClose(run.weights(), expected, { abs: 1e-4, rel: 1e-4 });
  });
});

/** The same number for all ten weights. */
const all = (...rows: number[]) => rows.map(value => Array.from({ length: 10 }, () => value));

describe('five steps from 1 with gradients 0.01, then 0.1 to 1', () => {
  test.each<[string, Optimizer, number[][]]>([
    ['adam with amsgrad', train.adam({ amsgrad: true }), all(0.999, 0.9982, 0.9974, 0.9965, 0.9955)],
    ['amsgrad', train.amsgrad(), all(0.999, 0.9982, 0.9974, 0.9965, 0.9955)],
    [
      'adamw',
      train.adamw({ learningRate: 1, weightDecay: 0.5, epsilon: 2 }),
      [
        ...all(0.4998),
        [0.2486, 0.2475, 0.2463, 0.2451, 0.244, 0.2428, 0.2417, 0.2405, 0.2394, 0.2382],
        [0.1223, 0.1198, 0.1174, 0.1149, 0.1124, 0.11, 0.1075, 0.1051, 0.1027, 0.1003],
        [0.0586, 0.0549, 0.0512, 0.0475, 0.0439, 0.0402, 0.0366, 0.033, 0.0294, 0.0258],
        [0.0263, 0.0215, 0.0167, 0.012, 0.0073, 0.0026, -0.0021, -0.0067, -0.0113, -0.0159],
      ],
    ],
    [
      'nadam',
      train.nadam(0.5, 0.5, 0.67, 1e-5),
      [
        ...all(0.4281),
        [-0.1738, -0.1731, -0.1726, -0.1723, -0.1721, -0.172, -0.1719, -0.1718, -0.1718, -0.1717],
        [-0.7115, -0.7103, -0.7096, -0.7092, -0.709, -0.7088, -0.7086, -0.7085, -0.7085, -0.7084],
        [-1.2335, -1.2322, -1.2313, -1.2309, -1.2306, -1.2304, -1.2302, -1.2301, -1.23, -1.2299],
        [-1.7492, -1.7478, -1.7469, -1.7464, -1.7461, -1.7459, -1.7457, -1.7456, -1.7455, -1.7454],
      ],
    ],
    [
      'adamax',
      train.adamax(0.2, 0.85, 0.95, 1e-6),
      [
        ...all(0.8),
        [0.6827, 0.6873, 0.6888, 0.6896, 0.6901, 0.6904, 0.6906, 0.6908, 0.6909, 0.691],
        [0.5333, 0.5407, 0.5431, 0.5444, 0.5451, 0.5456, 0.546, 0.5462, 0.5464, 0.5466],
        [0.368, 0.3773, 0.3804, 0.382, 0.3829, 0.3835, 0.384, 0.3843, 0.3846, 0.3848],
        [0.1933, 0.204, 0.2076, 0.2094, 0.2105, 0.2112, 0.2117, 0.2121, 0.2124, 0.2126],
      ],
    ],
    ['rmsprop, centered', train.rmsprop({ centered: true }), all(0.9967, 0.9933, 0.9908, 0.9885, 0.9864)],
    [
      'adagrad',
      train.adagrad({ learningRate: 0.2, initialAccumulatorValue: 0.3, epsilon: 1e-6 }),
      [
        ...all(0.9963),
        [0.9604, 0.9278, 0.9003, 0.8784, 0.8615, 0.8487, 0.8388, 0.8313, 0.8255, 0.8209],
        [0.9251, 0.8629, 0.8137, 0.7768, 0.7497, 0.7298, 0.7151, 0.704, 0.6956, 0.6891],
        [0.8903, 0.8012, 0.7342, 0.6862, 0.6521, 0.6277, 0.6099, 0.5967, 0.5867, 0.579],
        [0.856, 0.7422, 0.6604, 0.6037, 0.5644, 0.5367, 0.5168, 0.5021, 0.491, 0.4825],
      ],
    ],
    ['adadelta', train.adadelta(1, 0.8, 1e-6), all(0.9978, 0.9947, 0.9915, 0.9882, 0.9849)],
    [
      'sgd',
      train.sgd(),
      [
        ...all(0.9999),
        [0.9989, 0.9979, 0.9969, 0.9959, 0.9949, 0.9939, 0.9929, 0.9919, 0.9909, 0.9899],
        [0.9979, 0.9959, 0.9939, 0.9919, 0.9899, 0.9879, 0.9859, 0.9839, 0.9819, 0.9799],
        [0.9969, 0.9939, 0.9909, 0.9879, 0.9849, 0.9819, 0.9789, 0.9759, 0.9729, 0.9699],
        [0.9959, 0.9919, 0.9879, 0.9839, 0.9799, 0.9759, 0.9719, 0.9679, 0.9639, 0.9599],
      ],
    ],
  ])('%s matches Keras', (_, optimizer, expected) => {
    const run = drive(harness(), optimizer, new Float32Array(12).fill(1));
    const gradients = Array.from({ length: 12 }, (_, k) => (k < 10 ? (k + 1) / 10 : 0));
    for (const [k, row] of expected.entries()) {
      run.step(k === 0 ? new Float32Array(12).fill(0.01) : gradients);
      expectClose(run.weights().slice(0, 10), row, { abs: 5e-4, rel: 5e-4, what: `after step ${k + 1}` });
    }
  });
});

// Keras, test_weight_decay: 2 becomes 1.9760959 in three steps with rate 1 and gradients of zero.
test.each<[string, (options: { learningRate: number; weightDecay: number }) => Optimizer]>([
  ['adam', train.adam],
  ['adamw', train.adamw],
  ['nadam', train.nadam],
  ['adamax', train.adamax],
  ['rmsprop', train.rmsprop],
  ['adagrad', train.adagrad],
  ['adadelta', train.adadelta],
  ['sgd', train.sgd],
])('weight decay of %s matches Keras', (_, make) => {
  const run = drive(harness(), make({ learningRate: 1, weightDecay: 0.004 }), [2, 0, 0, 0]);
  for (let t = 0; t < 3; t++) run.step(new Float32Array(4));
  expectClose(run.weights().slice(0, 1), [1.9760959], { abs: 5e-7, rel: 0 });
});

// Tolerances as in the tests of TF.js or smaller; its second step of adagrad is given there to 1e-2.
// adadelta is missing because TF.js divides by the root of the average as it was before the gradient, unlike Keras.
describe('two steps on the sum of squares', () => {
  test.each<[string, Optimizer, number[], number[], number[], number]>([
    ['adam', train.adam(0.1, 0.8, 0.9), [2, 4], [1.9, 3.9], [1.8000001, 3.8002], 1e-3],
    ['adamax with decay', train.adamax(0.1, 0.8, 0.9, null, 0.1), [2, 4], [1.9, 3.9], [1.80697, 3.8086], 1e-3],
    ['adagrad', train.adagrad(0.1, 0.1), [1, 2], [0.9012270405, 1.9003110428], [0.8347372764, 1.83015597828], 1e-2],
    ['momentum', train.momentum(0.1, 0.5), [1, 2], [0.8, 1.6], [0.54, 1.08], 1e-6],
    ['momentum of Nesterov', train.momentum(0.1, 0.5, true), [1, 2], [0.7, 1.4], [0.44, 0.88], 1e-6],
    ['rmsprop', train.rmsprop(0.1, 0.95, 0.1), [1, 2], [0.5527865, 1.5527864], [0.2874418, 1.2294267], 1e-6],
    [
      'rmsprop, centered',
      train.rmsprop(0.1, 0.95, 0.1, 1e-8, true),
      [1, 2],
      [0.54117, 1.541169],
      [0.267785, 1.2035924],
      1e-4,
    ],
  ])('%s matches TensorFlow.js', (_, optimizer, start, first, second, abs) => {
    const run = drive(harness(), optimizer, [...start, 0, 0]);
    for (const expected of [first, second]) {
      run.step(run.weights().map(w => 2 * w));
      expectClose(run.weights().slice(0, 2), expected, { abs, rel: 0 });
    }
    expect([...run.weights().slice(2)]).toEqual([0, 0]);
  });
});
