// The gradient of a whole model, read off one step of plain gradient descent through the public interface: against
// the float64 reference, and against the losses of the same model at neighbouring weights.
//
// The step is w' = w - rate g, so g = (w - w') / rate. With the rate 2^20 the weights vanish beside the step: the
// product is exact, and rounding w' to a float32 costs g a relative 2^-24 and w an absolute |w| 2^-44.

import { type Sequential, train } from 'lstm-wasm';
import { describe, test } from 'vitest';
import { expectClose } from '../compare.ts';
import { type Block, block } from '../reference/block.ts';
import { type LayerSpec, ReferenceModel } from '../reference/model.ts';
import { Random } from '../reference/random.ts';
import { modelOf, tensorOf } from './models.ts';

const rate = 2 ** 20;

/** A compiled model and its reference, with the same weights; and two batches of inputs, with targets for the second. */
interface Case {
  model: Sequential;
  reference: ReferenceModel;
  weights: Block[];
  before: Block;
  x: Block;
  y: Block;
}

/** Matrices are scaled for sums of order 1; everything is different in every row, step, unit and gate. */
function caseOf(layers: LayerSpec[], [B, T, D]: [number, number, number]): Case {
  const random = new Random(B * 10000 + T * 100 + D);
  const model = modelOf(layers);
  model.compile({ optimizer: train.sgd(rate), loss: 'meanSquaredError' });
  const reference = new ReferenceModel({ layers });
  const weights = reference.weightShapes.map(shape =>
    random.normals(shape, shape.length > 1 ? shape[0]! ** -0.5 : 0.3),
  );
  reference.setWeights(weights);
  model.setWeights(weights.map(tensorOf));
  const [before, x] = [random.normals([B, T, D]), random.normals([B, T, D])];
  const y = random.normals(reference.predict(x).shape);
  reference.resetStates();
  return { model, reference, weights, before, x, y };
}

/** Trains once and takes the gradient from what that did to the weights, [weight block][element]. */
function gradientsOf({ model, weights, x, y }: Case): { loss: number; gradients: Float64Array[] } {
  const loss = model.trainOnBatch(tensorOf(x), tensorOf(y)) as number;
  const after = model.getWeights().map(weight => weight.dataSync());
  const gradients = weights.map(({ data }, n) => data.map((w, m) => (w - after[n]![m]!) / rate));
  return { loss, gradients };
}

/**
 * A gradient is a sum over rows and steps whose terms partly cancel, so the float32 error follows the largest element
 * of its block more than the element itself. Naive float32 loops stay within 2e-6 of it in all these cases. The
 * relative part is that of the fixture lstm-gradients: a gradient is a product of a dozen activations and slopes, each
 * within 3 ULP (3.6e-7) in the kernels.
 */
function expectGradients(subject: Case): void {
  const { reference, x, y } = subject;
  const expected = reference.gradients(x, y);
  const { loss, gradients } = gradientsOf(subject);
  expectClose([loss], [reference.testOnBatch(x, y)], { abs: 0, rel: 2e-6, what: 'loss' });
  expected.forEach(({ shape, data }, n) => {
    const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const what = `gradient in weights ${n} [${shape}]`;
    expectClose(gradients[n]!, data, { abs: 5e-6 * largest, rel: 1e-5, what });
  });
}

const lstm = (config: object) => ({ class: 'lstm', config }) as LayerSpec;
const dense = (config: object) => ({ class: 'dense', config }) as LayerSpec;
const timeDistributed = (config: object, input: object = {}) =>
  ({ class: 'timeDistributed', config: { ...input, layer: dense(config) } }) as LayerSpec;

describe('against the reference', () => {
  const sizes = [1, 2, 3, 5, 7, 20, 33].flatMap(units =>
    [1, 2, 3, 50].flatMap(B => [1, 2, 5, 40].map(T => ({ units, B, T }))),
  );

  test.each(sizes)('$units units, batch $B, $T steps', ({ units, B, T }) => {
    const D = (units % 4) + 1;
    const layers = [lstm({ units, returnSequences: true, inputShape: [T, D] }), timeDistributed({ units: 2 })];
    expectGradients(caseOf(layers, [B, T, D]));
  });

  // The rows of a batch go through in blocks of 256.
  test.each([256, 257, 515])('batch %i, stacked', B => {
    const layers = [
      lstm({ units: 6, returnSequences: true, inputShape: [4, 3] }),
      lstm({ units: 5, goBackwards: true }),
      dense({ units: 2 }),
    ];
    expectGradients(caseOf(layers, [B, 4, 3]));
  });

  const open = { inputShape: [null, 3] };
  const all = { returnSequences: true };
  const fixed = { batchInputShape: [5, 6, 3] };

  test.each<[string, LayerSpec[]]>([
    ['last step', [lstm({ ...open, units: 7 }), dense({ units: 2 })]],
    ['no dense layer', [lstm({ ...open, ...all, units: 7 })]],
    ['last step, no dense layer', [lstm({ ...open, units: 7 })]],
    ['stacked', [lstm({ ...open, ...all, units: 7 }), lstm({ ...all, units: 9 }), timeDistributed({ units: 2 })]],
    ['stacked, last step', [lstm({ ...open, ...all, units: 9 }), lstm({ units: 7 }), dense({ units: 2 })]],
    ['three stacked', [lstm({ ...open, ...all, units: 3 }), lstm({ ...all, units: 4 }), lstm({ units: 5 })]],
    ['goBackwards', [lstm({ ...open, ...all, units: 7, goBackwards: true }), timeDistributed({ units: 2 })]],
    ['goBackwards, last step', [lstm({ ...open, units: 7, goBackwards: true }), dense({ units: 2 })]],
    [
      'stacked, both goBackwards',
      [
        lstm({ ...open, ...all, units: 7, goBackwards: true }),
        lstm({ ...all, units: 5, goBackwards: true }),
        timeDistributed({ units: 2 }),
      ],
    ],
    ['no bias', [lstm({ ...open, ...all, units: 7, useBias: false }), timeDistributed({ units: 2, useBias: false })]],
    ['no bias, last step', [lstm({ ...open, units: 7, useBias: false }), dense({ units: 2, useBias: false })]],
    ['wide input', [lstm({ inputShape: [null, 67], units: 6 }), dense({ units: 2 })]],
    ['wide output', [lstm({ ...open, units: 6 }), dense({ units: 37 })]],
    ['dense on every step, unwrapped', [lstm({ ...open, ...all, units: 7 }), dense({ units: 2 })]],
    ...['linear', 'relu', 'sigmoid', 'tanh'].flatMap((activation): [string, LayerSpec[]][] => [
      [`dense ${activation}`, [lstm({ ...open, units: 7 }), dense({ units: 5, activation }), dense({ units: 2 })]],
      [
        `dense ${activation} on every step, before and after`,
        [
          timeDistributed({ units: 5, activation }, open),
          lstm({ ...all, units: 7 }),
          timeDistributed({ units: 2, activation }),
        ],
      ],
    ]),
  ])('%s', (_, layers) => {
    const D = layers[0]!.config.inputShape!.at(-1)!;
    expectGradients(caseOf(layers, [5, 6, D]));
  });

  test.each<[string, LayerSpec[]]>([
    ['one layer', [lstm({ ...fixed, ...all, units: 7, stateful: true }), timeDistributed({ units: 2 })]],
    ['one layer, last step', [lstm({ ...fixed, units: 7, stateful: true }), dense({ units: 2 })]],
    [
      'stacked',
      [
        lstm({ ...fixed, ...all, units: 7, stateful: true }),
        lstm({ ...all, units: 5, stateful: true }),
        timeDistributed({ units: 2 }),
      ],
    ],
  ])('stateful, with the state of an earlier batch: %s', (_, layers) => {
    const subject = caseOf(layers, [5, 6, 3]);
    const { model, reference, before } = subject;
    model.predict(tensorOf(before));
    reference.predict(before);
    expectGradients(subject);
    const states = model.getStates().flat();
    reference
      .getStates()
      .flat()
      .forEach(({ data }, n) => {
        expectClose(states[n]!.dataSync(), data, { abs: 2e-6, rel: 0, what: `state ${n}` });
      });
  });
});

// The weights of one block move by 2^-5 both ways along a direction of random lengths and the signs of the gradient, so
// that nothing cancels in the slope. The points are rounded to float32 and the slope taken between the rounded ones.
// What remains: the third derivative, a relative 4e-4 here at most, and float32 outputs behind a loss of order 1, which
// is off by less than 1e-7 then. Those are small beside differences of 1e-3 to 3e-2.
describe('against differences of the loss', () => {
  const reach = 2 ** -5;
  const all = { returnSequences: true };
  const first = { ...all, inputShape: [6, 3] };

  test.each<[string, LayerSpec[]]>([
    ['all steps', [lstm({ ...first, units: 7 }), timeDistributed({ units: 2 })]],
    ['stacked, last step', [lstm({ ...first, units: 7 }), lstm({ units: 5 }), dense({ units: 2, activation: 'tanh' })]],
    ['goBackwards', [lstm({ ...first, units: 7, goBackwards: true }), timeDistributed({ units: 2 })]],
  ])('%s', (_, layers) => {
    const subject = caseOf(layers, [5, 6, 3]);
    const { model, weights, x, y } = subject;
    const { gradients } = gradientsOf(subject);
    const random = new Random(7);
    const lossAt = (at: Block[]) => {
      model.setWeights(at.map(tensorOf));
      return model.testOnBatch(tensorOf(x), tensorOf(y)) as number;
    };

    weights.forEach(({ shape, data }, n) => {
      const gradient = gradients[n]!;
      const lengths = gradient.map(() => Math.abs(random.normal()));
      const scale = reach / Math.hypot(...lengths);
      const moved = (sign: number) =>
        block(
          shape,
          data.map((w, m) => Math.fround(w + sign * scale * lengths[m]! * Math.sign(gradient[m]!))),
        );
      const [ahead, behind] = [moved(1), moved(-1)];

      const difference = lossAt(weights.with(n, ahead)) - lossAt(weights.with(n, behind));
      const slope = gradient.reduce((sum, g, m) => sum + g * (ahead.data[m]! - behind.data[m]!), 0);
      expectClose([difference], [slope], { abs: 5e-7, rel: 1e-3, what: `weights ${n} [${shape}]` });
    });
  });
});
