// Initial weights: how they are distributed, what names and seeds do, what is refused.

import { type Initializer, type InitializerName, initializers, layers, sequential, setRandomSeed } from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';
import { describeRejections, wrong } from './bad.ts';

/** A kernel [rows, columns] with these initial weights. */
function kernelOf(kernelInitializer: Initializer | InitializerName, rows = 7, columns = 5): Float32Array {
  const layer = layers.dense({ units: columns, inputShape: [rows], useBias: false, kernelInitializer });
  const model = sequential({ layers: [layer] });
  const kernel = model.getWeights()[0]!.dataSync();
  model.dispose();
  return kernel;
}

const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values: Float32Array) => Math.sqrt(mean(values.map(value => value * value)) - mean(values) ** 2);
const largest = (values: Float32Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** Kernels [300, 200]: fanIn 300, fanOut 200. A deviation of 60,000 numbers is known to 1 %, a mean to 0.02 of it. */
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

  test.each(variances)('%s', (_, initializer, variance, kind) => {
    const kernel = kernelOf(initializer, fanIn, fanOut);
    const wanted = Math.sqrt(variance);
    expectClose([deviation(kernel)], [wanted], { abs: 0, rel: 0.01, what: 'deviation' });
    expectClose([mean(kernel)], [0], { abs: 0.02 * wanted, rel: 0, what: 'mean' });
    const end = { uniform: Math.sqrt(3) * wanted, truncated: (2 * wanted) / 0.87962566103423978, normal: 6 * wanted }[
      kind
    ];
    expect(largest(kernel)).toBeLessThanOrEqual(end * (1 + 2 ** -23));
    expect(largest(kernel)).toBeGreaterThan(kind === 'normal' ? 3.5 * wanted : 0.99 * end);
  });

  test('truncatedNormal: nothing beyond two of its deviations', () => {
    const kernel = kernelOf(initializers.truncatedNormal({ mean: 1, stddev: 0.5, seed: 1 }), fanIn, fanOut);
    expectClose([mean(kernel)], [1], { abs: 0.01, rel: 0 });
    expect(kernel.every(value => value >= 0 && value <= 2)).toBe(true);
  });

  test('zeros, ones, constant', () => {
    expect(new Set(kernelOf('zeros'))).toEqual(new Set([0]));
    expect(new Set(kernelOf('ones'))).toEqual(new Set([1]));
    expect(new Set(kernelOf(initializers.constant({ value: 5 })))).toEqual(new Set([5]));
  });

  // tensorflow/tfjs, tfjs-layers/src/initializers_test.ts: gain 5, [2, 2].
  test('identity', () => {
    expect([...kernelOf(initializers.identity({ gain: 5 }), 2, 2)]).toEqual([5, 0, 0, 5]);
    expect([...kernelOf('identity', 3, 3)]).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
  });

  test.each([
    [5, 5],
    [7, 4],
    [3, 8],
  ])('orthogonal [%i, %i]: rows or columns, whichever are fewer, of the length gain', (rows, columns) => {
    const kernel = kernelOf(initializers.orthogonal({ gain: 3, seed: 2 }), rows, columns);
    const [count, length] = rows <= columns ? [rows, columns] : [columns, rows];
    const at = (vector: number, k: number) => kernel[rows <= columns ? vector * columns + k : k * columns + vector]!;
    for (let a = 0; a < count; a++) {
      for (let b = 0; b <= a; b++) {
        let dot = 0;
        for (let k = 0; k < length; k++) dot += at(a, k) * at(b, k);
        expectClose([dot], [a === b ? 9 : 0], { abs: 5e-6, rel: 0, what: `vectors ${a} and ${b}` });
      }
    }
  });

  // Large enough that Gram-Schmidt would take seconds.
  test.each([
    [1700, 1700],
    [3400, 1200],
    [1200, 3400],
  ])('orthogonal gives a large matrix [%i, %i] orthogonal vectors whose length is the gain', (rows, columns) => {
    const kernel = kernelOf(initializers.orthogonal({ gain: 2, seed: 2 }), rows, columns);
    const [count, length] = rows <= columns ? [rows, columns] : [columns, rows];
    const at = (vector: number, k: number) => kernel[rows <= columns ? vector * columns + k : k * columns + vector]!;
    for (let a = 0; a < count; a += 61) {
      for (let b = 0; b <= a; b += 61) {
        let dot = 0;
        for (let k = 0; k < length; k++) dot += at(a, k) * at(b, k);
        expectClose([dot], [a === b ? 4 : 0], { abs: 5e-6, rel: 0, what: `vectors ${a} and ${b}` });
      }
    }
    const others = kernelOf(initializers.orthogonal({ gain: 2, seed: 3 }), rows, columns);
    expect(kernel.filter((value, n) => value === others[n]).length / kernel.length).toBeLessThan(0.01);
  });

  test('the square root is taken of a fan of at least one', () => {
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

  test.each(seeded)('%s, as TF.js and as Keras spell it, and by its class', name => {
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

  test.each(seeded)('%s: its own seed decides, whatever the global one is', name => {
    const drawn = [1, 2].map(global => {
      setRandomSeed(global);
      return kernelOf(initializers[name]({ seed: 3 }));
    });
    expectBits(drawn[0]!, drawn[1]!);
    expect(kernelOf(initializers[name]({ seed: 4 }))).not.toEqual(drawn[0]);
  });

  test('the scalings by name are varianceScaling', () => {
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

describe('arguments', () => {
  describeRejections('initializers.identity', [
    ['NaN', () => initializers.identity({ gain: Number.NaN }), 'gain'],
    ['a number alone', () => initializers.identity(wrong(2)), 'options must be an object'],
    ['a seed', () => initializers.identity(wrong({ seed: 1 })), "unknown option 'seed'"],
  ]);
  describeRejections('initializers.varianceScaling', [
    ['no scale', () => initializers.varianceScaling({ scale: 0 }), 'scale'],
    ['an unknown mode', () => initializers.varianceScaling({ mode: wrong('fanInn') }), "did you mean 'fanIn'?"],
    ['a mode that is none', () => initializers.varianceScaling({ mode: wrong(1) }), 'mode'],
    ['an unknown distribution', () => initializers.varianceScaling({ distribution: wrong('norml') }), "'normal'?"],
    ['a seed that is none', () => initializers.varianceScaling({ seed: -1 }), 'seed'],
  ]);
  for (const name of ['heUniform', 'heNormal', 'leCunUniform', 'leCunNormal'] as const) {
    describeRejections(`initializers.${name}`, [
      ['an unknown option', () => initializers[name](wrong({ sed: 1 })), "did you mean 'seed'?"],
      ['a seed that is none', () => initializers[name]({ seed: 0.5 }), 'seed'],
    ]);
  }
  describeRejections('layers.dense', [
    ['an unknown name', () => layers.dense({ units: 1, kernelInitializer: wrong('he_norml') }), "'heNormal'?"],
    ['a name that needs a value', () => layers.dense({ units: 1, kernelInitializer: wrong('constant') })],
  ]);
  const model = (inputs: number, options: object) => () =>
    sequential({ layers: [layers.dense({ units: 4, inputShape: [inputs], ...options })] });
  describeRejections('sequential', [
    ['an identity that is not square', model(3, { kernelInitializer: 'identity' }), 'kernel must be a square matrix'],
    ['an identity for a bias', model(4, { biasInitializer: 'identity' }), 'bias must be a square matrix'],
    ['an orthogonal bias', model(4, { biasInitializer: 'orthogonal' }), 'bias must be a matrix'],
  ]);
});
