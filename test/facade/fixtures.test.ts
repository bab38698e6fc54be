// Whole models, trained through the public interface, against losses, outputs and weights that PyTorch computed in
// float64. The fixtures give the tolerances and the reasons for them.

import { train } from 'lstm-wasm';
import { expect, test } from 'vitest';
import { expectClose } from '../compare.ts';
import { type ModelFixture, readFixture, sineCosine } from '../fixtures.ts';
import { modelOf, tensorOf } from './models.ts';

function compiled({ layers, compile, weights }: ModelFixture) {
  if (compile.optimizer.name !== 'adam') throw new Error(`unknown optimizer in a fixture: ${compile.optimizer.name}`);
  const model = modelOf(layers);
  model.compile({ optimizer: train.adam(compile.optimizer.config.learningRate), loss: compile.loss });
  model.setWeights(weights.map(tensorOf));
  return model;
}

// For the debug build.
const slow = { timeout: 60_000 };

test.each(['seed-program', 'lstm-last-dense', 'stacked'] as const)(
  'every step of the fixture %s agrees with PyTorch',
  slow,
  name => {
    const fixture = readFixture(name);
    const { steps, final, tolerance } = fixture;
    const model = compiled(fixture);

    for (const [n, step] of steps.entries()) {
      const what = `step ${n}, ${step.op}`;
      if (step.op === 'resetStates') {
        model.resetStates();
      } else if (step.op === 'train') {
        const loss = model.trainOnBatch(tensorOf(step.x), tensorOf(step.y)) as number;
        if (step.expect) expectClose([loss], [step.expect.loss], { ...tolerance, what });
      } else {
        const output = model.predict(tensorOf(step.x));
        if (!step.expect) continue;
        expect(output.shape, what).toEqual(step.expect.output.shape);
        expectClose(output.dataSync(), step.expect.output.data, { ...tolerance, what });
      }
    }

    const weights = model.getWeights();
    expect(weights.map(({ shape }) => shape)).toEqual(final.weights.map(({ shape }) => shape));
    weights.forEach((weight, n) => {
      expectClose(weight.dataSync(), final.weights[n]!.data, { ...tolerance, what: `final weights ${n}` });
    });
  },
);

test('the seed program has the losses of PyTorch until it turns chaotic, and low losses up to step 500', slow, () => {
  const fixture = readFixture('seed-program');
  const model = compiled(fixture);
  const losses = Array.from({ length: 501 }, (_, k) => {
    const { x, y } = sineCosine(k, 50, 20);
    const loss = model.trainOnBatch(tensorOf(x), tensorOf(y)) as number;
    model.predict(tensorOf(x)); // as in the seed program: it advances the state
    return loss;
  });

  for (const { step, loss, rel } of fixture.long.losses) {
    expectClose([losses[step]!], [loss], { abs: 0, rel, what: `loss of step ${step}` });
  }
  for (const { from, to, below } of fixture.long.spans) {
    expect(median(losses.slice(from, to + 1)), `median loss of steps ${from} to ${to}`).toBeLessThan(below);
  }
});

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}
