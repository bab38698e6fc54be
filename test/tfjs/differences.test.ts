// What docs/differences.md says of TF.js, and what we do instead, in the smallest programs that show it.

import * as lw from 'lstm-wasm';
import { beforeEach, describe, expect, test } from 'vitest';
import { expectClose } from '../compare.ts';
import { tf } from './agree.ts';
import type { Library } from './build.ts';

const both: [string, Library][] = [
  ['tf', tf],
  ['lw', lw],
];
/** What the function gives for TF.js and for us. */
async function compared<T>(f: (library: Library) => T | Promise<T>): Promise<{ tf: T; lw: T }> {
  const results: [string, T][] = [];
  for (const [name, library] of both) results.push([name, await f(library)]);
  return Object.fromEntries(results) as { tf: T; lw: T };
}

/** The message of the error, or null where there is none. */
async function errorOf(f: () => unknown): Promise<string | null> {
  try {
    await f();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

const ones = (...shape: number[]) => new Float32Array(shape.reduce((a, b) => a * b)).fill(1);

function dense(library: Library, options: object = {}): Library {
  const layer = library.layers.dense({ units: 1, useBias: false, inputShape: [1], ...options });
  return library.sequential({ layers: [layer] });
}

/** The weight of a dense layer of one number after steps with the gradients of its squared error at x = 1. */
async function weightAfter(library: Library, optimizer: Library, targets: number[], options = {}): Promise<number> {
  const model = dense(library, options);
  model.setWeights([library.tensor([0.5], [1, 1])]);
  model.compile({ optimizer, loss: 'meanSquaredError' });
  for (const y of targets) await model.trainOnBatch(library.tensor([1], [1, 1]), library.tensor([y], [1, 1]));
  return model.getWeights()[0].dataSync()[0];
}

beforeEach(() => tf.disposeVariables());

describe('masks', () => {
  test('one that has ended goes on in TF.js, and ends here', async () => {
    const predict = (library: Library, between: Library[]) => {
      const model = library.sequential({
        layers: [
          library.layers.masking({ inputShape: [2, 1] }),
          library.layers.simpleRNN({ units: 1 }),
          library.layers.repeatVector({ n: 2 }),
          ...between,
          library.layers.simpleRNN({ units: 1, returnSequences: true }),
        ],
      });
      const own = [ones(1), ones(1), new Float32Array(1)].map((values, n) =>
        library.tensor(values, n < 2 ? [1, 1] : [1]),
      );
      model.setWeights([...own, ...own]);
      return model.predict(library.tensor([1, 0], [1, 2, 1])).dataSync();
    };
    const { tf: theirs, lw: ours } = await compared(library => predict(library, []));
    const first = Math.tanh(1);
    const [one, two] = [Math.tanh(first), Math.tanh(first + Math.tanh(first))];
    expectClose(ours, [one, two], { abs: 0, rel: 2e-6 });
    // The second of the repeated steps is taken for masked: it repeats the output of the first.
    expectClose(theirs, [one, one], { abs: 0, rel: 2e-6 });
  });

  test('of sequences that come out backwards is turned round here, not in TF.js', async () => {
    const predict = (library: Library) => {
      const model = library.sequential({
        layers: [
          library.layers.masking({ inputShape: [2, 1] }),
          library.layers.simpleRNN({ units: 1, returnSequences: true, goBackwards: true }),
          library.layers.simpleRNN({ units: 1, activation: 'linear' }),
        ],
      });
      // The first passes its input on, the second adds up what it gets.
      const [pass, add] = [0, 1].map(recurrent =>
        [[1], [recurrent], [0]].map((w, n) => library.tensor(w, n < 2 ? [1, 1] : [1])),
      );
      model.setWeights([...pass!, ...add!]);
      return model.predict(library.tensor([1, 0], [1, 2, 1])).dataSync()[0];
    };
    // Backwards, the masked step comes first and gives 0; then comes the 1, which TF.js takes for masked.
    const { tf: theirs, lw: ours } = await compared(predict);
    expectClose([ours], [Math.tanh(1)], { abs: 0, rel: 2e-6 });
    expect(theirs).toBe(0);
  });
});

describe('training', () => {
  test('on sequences of one step, above a layer that learns too, fails in TF.js', async () => {
    const errors = await compared(library =>
      errorOf(async () => {
        const below = library.layers.dense({ units: 1, inputShape: [1, 1] });
        const model = library.sequential({ layers: [below, library.layers.simpleRNN({ units: 1 })] });
        model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
        await model.trainOnBatch(library.tensor([1], [1, 1, 1]), library.tensor([1], [1, 1]));
      }),
    );
    expect(errors.lw).toBeNull();
    expect(errors.tf).toContain('stack');
  });

  test('regularizers of recurrent layers are left out by TF.js', async () => {
    const losses = await compared(async library => {
      const kernelRegularizer = library.regularizers.l2({ l2: 3 });
      const layer = library.layers.simpleRNN({ units: 1, kernelRegularizer, inputShape: [2, 1] });
      const model = library.sequential({ layers: [layer] });
      model.setWeights(
        [ones(1), new Float32Array(1), new Float32Array(1)].map((w, n) => library.tensor(w, n < 2 ? [1, 1] : [1])),
      );
      model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
      return model.trainOnBatch(library.tensor([0, 0], [1, 2, 1]), library.tensor([0], [1, 1]));
    });
    expect(losses).toEqual({ tf: 0, lw: 3 });
  });

  test('the slope of |w| at 0 is -1 in TF.js, and 0 here', async () => {
    const weights = await compared(async library => {
      const model = dense(library, { kernelRegularizer: library.regularizers.l1({ l1: 0.25 }) });
      model.setWeights([library.tensor([0], [1, 1])]);
      model.compile({ optimizer: library.train.sgd(1), loss: 'meanSquaredError' });
      await model.trainOnBatch(library.tensor([0], [1, 1]), library.tensor([0], [1, 1]));
      return model.getWeights()[0].dataSync()[0];
    });
    expect(weights).toEqual({ tf: 0.25, lw: 0 });
  });

  test('constraints are not applied after updates by TF.js', async () => {
    const weights = await compared(library =>
      weightAfter(library, library.train.sgd(1), [-10], { kernelConstraint: library.constraints.nonNeg() }),
    );
    // 0.5 - 2 (0.5 + 10)
    expect(weights).toEqual({ tf: -20.5, lw: 0 });
  });

  test("Adam's epsilon is added before the correction, as in Keras", async () => {
    const epsilon = 0.1;
    const weights = await compared(library => weightAfter(library, library.train.adam(0.1, 0.9, 0.999, epsilon), [0]));
    const g = 1; // 2 (0.5 - 0)
    // TF.js keeps the powers of beta in float32, where 1 - 0.999 is off by 5e-5 of itself: the step by half of that.
    expectClose([weights.tf], [0.5 - (0.1 * g) / (g + epsilon)], { abs: 0.1 * 2.5e-5, rel: 2 ** -23 });
    expectClose([weights.lw], [0.5 - (0.1 * g) / (g + epsilon / Math.sqrt(1 - 0.999))], { abs: 0, rel: 2 ** -22 });
  });

  test('centered RMSprop is not finite in TF.js where gradients hardly vary', async () => {
    // The gradient is zero: so are its mean and the mean of its square.
    const weights = await compared(library =>
      weightAfter(library, library.train.rmsprop(0.1, 0.9, 0, 1e-7, true), [0.5]),
    );
    expect(weights.tf).toBeNaN();
    expect(weights.lw).toBe(0.5);
  });
});

test('bidirectional takes rnn here, not in TF.js', async () => {
  const errors = await compared(library =>
    errorOf(() => {
      const layer = library.layers.rnn({ cell: library.layers.simpleRNNCell({ units: 2 }) });
      return library.sequential({ layers: [library.layers.bidirectional({ layer, inputShape: [3, 2] })] });
    }),
  );
  expect(errors.lw).toBeNull();
  expect(errors.tf).not.toBeNull();
});
