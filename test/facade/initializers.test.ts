// Initializers: distributions, names, seeds and invalid arguments.

import { type Initializer, type InitializerName, initializers, layers, sequential, setRandomSeed } from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';
import { describeRejections, wrong } from './invalidArguments.ts';

/** A kernel [rows, columns] made by the initializer. */
function kernelOf(kernelInitializer: Initializer | InitializerName, rows = 7, columns = 5): Float32Array {
  const layer = layers.dense({ units: columns, inputShape: [rows], useBias: false, kernelInitializer });
  const model = sequential({ layers: [layer] });
  const kernel = model.getWeights()[0]!.dataSync();
  model.dispose();
  return kernel;
}

const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
const standardDeviation = (values: Float32Array) =>
  Math.sqrt(mean(values.map(value => value * value)) - mean(values) ** 2);
const largest = (values: Float32Array) => values.reduce((max, value) => Math.max(max, Math.abs(value)), 0);

/** Of 60,000 numbers, the standard deviation is accurate to 1 %, and the mean to 0.02 of the deviation. */
const [fanIn, fanOut] = [300, 200];
const fanAvg = (fanIn + fanOut) / 2;

describe('distributions', () => {
  const variances: [string, Initializer, number, 'uniform' | 'truncated' | 'normal'][] = [
    ['glorotUniform', initializers.glorotUniform({ seed: 1 }), 1 / fanAvg, 'uniform'],
    ['glorotNormal', initializers.glorotNormal({ seed: 1 }), 1 / fanAvg, 'truncated'],
    ['heUniform', initializers.heUniform({ seed: 1 }), 2 / fanIn, 'uniform'],
    ['heNormal', initializers.heNormal({ seed: 1 }), 2 / fanIn, 'truncated'],
    ['leCunUniform', initializers.leCunUniform({ seed: 1 }), 1 / fanIn, 'uniform'],
    ['leCunNormal', initializers.leCunNormal({ seed: 1 }), 1 / fanIn, 'truncated'],
    ['varianceScaling', initializers.varianceScaling({ seed: 1 }), 1 / fanIn, 'truncated'],
    [
      'varianceScaling by fanOut, uniform',
      initializers.varianceScaling({ seed: 1, scale: 3, mode: 'fanOut', distribution: 'uniform' }),
      3 / fanOut,
      'uniform',
    ],
    [
      'varianceScaling by fanAvg, untruncated',
      initializers.varianceScaling({ seed: 1, scale: 0.5, mode: 'fanAvg', distribution: 'untruncatedNormal' }),
      0.5 / fanAvg,
      'normal',
    ],
    ['randomUniform', initializers.randomUniform({ seed: 1 }), 0.05 ** 2 / 3, 'uniform'],
    ['randomNormal', initializers.randomNormal({ seed: 1 }), 0.05 ** 2, 'normal'],
  ];

  test.each(variances)('%s has the right mean, standard deviation and range', (_, initializer, variance, kind) => {
    const kernel = kernelOf(initializer, fanIn, fanOut);
    const expected = Math.sqrt(variance);
    expectClose([standardDeviation(kernel)], [expected], { abs: 0, rel: 0.01, what: 'deviation' });
    expectClose([mean(kernel)], [0], { abs: 0.02 * expected, rel: 0, what: 'mean' });
    const bounds = { uniform: Math.sqrt(3), truncated: 2 / 0.87962566103423978, normal: 6 };
    const bound = bounds[kind] * expected;
    expect(largest(kernel)).toBeLessThanOrEqual(bound * (1 + 2 ** -23));
    expect(largest(kernel)).toBeGreaterThan(kind === 'normal' ? 3.5 * expected : 0.99 * bound);
  });

  test('truncatedNormal has no value beyond two standard deviations', () => {
    const kernel = kernelOf(initializers.truncatedNormal({ mean: 1, stddev: 0.5, seed: 1 }), fanIn, fanOut);
    expectClose([mean(kernel)], [1], { abs: 0.01, rel: 0 });
    expect(kernel.every(value => value >= 0 && value <= 2)).toBe(true);
  });

  test('zeros, ones and constant fill the kernel with one value', () => {
    expect(new Set(kernelOf('zeros'))).toEqual(new Set([0]));
    expect(new Set(kernelOf('ones'))).toEqual(new Set([1]));
    expect(new Set(kernelOf(initializers.constant({ value: 5 })))).toEqual(new Set([5]));
  });

  // tensorflow/tfjs, tfjs-layers/src/initializers_test.ts: gain 5, [2, 2].
  test('identity has the gain on the diagonal, as in TF.js', () => {
    expect([...kernelOf(initializers.identity({ gain: 5 }), 2, 2)]).toEqual([5, 0, 0, 5]);
    expect([...kernelOf('identity', 3, 3)]).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
  });

  test.each([
    [5, 5],
    [7, 4],
    [3, 8],
  ])(
    'orthogonal [%i, %i] has orthogonal rows or columns, whichever are fewer, whose length is the gain',
    (rows, columns) => {
      const kernel = kernelOf(initializers.orthogonal({ gain: 3, seed: 2 }), rows, columns);
      const [count, length] = rows <= columns ? [rows, columns] : [columns, rows];
      const element = (vector: number, k: number) =>
        kernel[rows <= columns ? vector * columns + k : k * columns + vector]!;
      for (let a = 0; a < count; a++) {
        for (let b = 0; b <= a; b++) {
          let dot = 0;
          for (let k = 0; k < length; k++) dot += element(a, k) * element(b, k);
          expectClose([dot], [a === b ? 9 : 0], { abs: 5e-6, rel: 0, what: `vectors ${a} and ${b}` });
        }
      }
    },
  );

  // Gram-Schmidt would take seconds for these sizes.
  test.each([
    [1700, 1700],
    [3400, 1200],
    [1200, 3400],
  ])('orthogonal gives a large matrix [%i, %i] orthogonal vectors whose length is the gain', (rows, columns) => {
    const kernel = kernelOf(initializers.orthogonal({ gain: 2, seed: 2 }), rows, columns);
    const [count, length] = rows <= columns ? [rows, columns] : [columns, rows];
    const element = (vector: number, k: number) =>
      kernel[rows <= columns ? vector * columns + k : k * columns + vector]!;
    for (let a = 0; a < count; a += 61) {
      for (let b = 0; b <= a; b += 61) {
        let dot = 0;
        for (let k = 0; k < length; k++) dot += element(a, k) * element(b, k);
        expectClose([dot], [a === b ? 4 : 0], { abs: 5e-6, rel: 0, what: `vectors ${a} and ${b}` });
      }
    }
    const otherSeed = kernelOf(initializers.orthogonal({ gain: 2, seed: 3 }), rows, columns);
    expect(kernel.filter((value, n) => value === otherSeed[n]).length / kernel.length).toBeLessThan(0.01);
  });

  test('varianceScaling has the right variance for a fan of one', () => {
    const kernel = kernelOf(
      initializers.varianceScaling({ scale: 4, mode: 'fanIn', distribution: 'uniform' }),
      1,
      5000,
    );
    expectClose([largest(kernel)], [Math.sqrt(12)], { abs: 0, rel: 0.01 });
  });
});

describe('names', () => {
  const seeded = [
    'glorotUniform',
    'glorotNormal',
    'heUniform',
    'heNormal',
    'leCunUniform',
    'leCunNormal',
    'varianceScaling',
    'randomUniform',
    'randomNormal',
    'truncatedNormal',
    'orthogonal',
  ] as const;

  test.each(seeded)('%s has the names of TF.js and Keras and the name of its class', name => {
    const snake = name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
    const className = name.charAt(0).toUpperCase() + name.slice(1);
    const spellings = [name, snake, snake.replace('le_cun', 'lecun'), className, className.replace('LeCun', 'Lecun')];
    spellings.push(`${className}V2`, `${snake}V2`); // of TensorFlow 2
    setRandomSeed(7);
    const expected = kernelOf(initializers[name]());
    for (const spelling of spellings) {
      setRandomSeed(7);
      expectBits(kernelOf(wrong(spelling)), expected, spelling);
    }
  });

  test.each(seeded)('%s with a seed ignores the global seed', name => {
    const kernels = [1, 2].map(globalSeed => {
      setRandomSeed(globalSeed);
      return kernelOf(initializers[name]({ seed: 3 }));
    });
    expectBits(kernels[0]!, kernels[1]!);
    expect(kernelOf(initializers[name]({ seed: 4 }))).not.toEqual(kernels[0]);
  });

  test('glorot, he and leCun initializers equal varianceScaling', () => {
    const cases = [
      ['glorotUniform', 1, 'fanAvg', 'uniform'],
      ['glorotNormal', 1, 'fan_avg', 'normal'],
      ['heUniform', 2, 'fan_in', 'uniform'],
      ['heNormal', 2, 'fanIn', 'truncated_normal'],
      ['leCunUniform', 1, 'fanIn', 'uniform'],
      ['leCunNormal', 1, 'fanIn', 'truncatedNormal'],
    ] as const;
    for (const [name, scale, mode, distribution] of cases) {
      const scaling = initializers.varianceScaling({
        scale,
        mode: wrong(mode),
        distribution: wrong(distribution),
        seed: 9,
      });
      expectBits(kernelOf(scaling), kernelOf(initializers[name]({ seed: 9 })), name);
    }
  });
});

describe('initializer arguments', () => {
  describeRejections('initializers.identity', [
    ['NaN', () => initializers.identity({ gain: Number.NaN }), 'gain'],
    ['a number for its options', () => initializers.identity(wrong(2)), 'options must be an object'],
    ['the option seed', () => initializers.identity(wrong({ seed: 1 })), "unknown option 'seed'"],
  ]);
  describeRejections('initializers.varianceScaling', [
    ['a scale of 0', () => initializers.varianceScaling({ scale: 0 }), 'scale'],
    ['an unknown mode', () => initializers.varianceScaling({ mode: wrong('fanInn') }), "did you mean 'fanIn'?"],
    ['a number as the mode', () => initializers.varianceScaling({ mode: wrong(1) }), 'mode'],
    ['an unknown distribution', () => initializers.varianceScaling({ distribution: wrong('norml') }), "'normal'?"],
    ['an invalid seed', () => initializers.varianceScaling({ seed: -1 }), 'seed'],
  ]);
  for (const name of ['heUniform', 'heNormal', 'leCunUniform', 'leCunNormal'] as const) {
    describeRejections(`initializers.${name}`, [
      ['an unknown option', () => initializers[name](wrong({ sed: 1 })), "did you mean 'seed'?"],
      ['an invalid seed', () => initializers[name]({ seed: 0.5 }), 'seed'],
    ]);
  }
  describeRejections('layers.dense', [
    ['a misspelled initializer', () => layers.dense({ units: 1, kernelInitializer: wrong('he_norml') }), "'heNormal'?"],
    [
      'the name of an initializer that needs options',
      () => layers.dense({ units: 1, kernelInitializer: wrong('constant') }),
    ],
  ]);
  const model = (inputs: number, options: object) => () =>
    sequential({ layers: [layers.dense({ units: 4, inputShape: [inputs], ...options })] });
  describeRejections('sequential', [
    [
      'an identity kernel that is not square',
      model(3, { kernelInitializer: 'identity' }),
      'kernel must be a square matrix',
    ],
    ['an identity bias', model(4, { biasInitializer: 'identity' }), 'bias must be a square matrix'],
    ['an orthogonal bias', model(4, { biasInitializer: 'orthogonal' }), 'bias must be a matrix'],
  ]);
});
