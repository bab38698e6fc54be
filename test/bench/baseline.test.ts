import { describe, expect, it } from 'vitest';
import { BaselineLstm } from '../../bench/baseline.js';
import { TunedLstm } from '../../bench/tuned.js';
import { expectClose } from '../compare.ts';
import { readFixture } from '../fixtures.ts';
import { type Block, block, sizeOf } from '../reference/block.ts';
import { ReferenceModel } from '../reference/model.ts';

const flat = (blocks: Block[]) => blocks.map(b => Float32Array.from(b.data));

describe.each([
  ['baseline', BaselineLstm],
  ['tuned', TunedLstm],
])('the plain JavaScript implementation: %s', (_name, Implementation) => {
  it('it reproduces losses, outputs and weights of the seed program', () => {
    const { weights, steps, final, tolerance } = readFixture('seed-program');
    const model = new Implementation({
      batch: 50,
      timeSteps: 20,
      inputs: 1,
      units: 20,
      outputs: 1,
      learningRate: 0.006,
    });
    model.setWeights(flat(weights));
    const compared = { losses: 0, outputs: 0 };
    steps.forEach((step, n) => {
      if (step.op === 'train') {
        const loss = model.trainOnBatch(Float32Array.from(step.x.data), Float32Array.from(step.y.data));
        expectClose([loss], [step.expect!.loss], { ...tolerance, abs: 0, what: `loss of step ${n}` });
        compared.losses++;
      } else if (step.op === 'predict') {
        const output = model.predict(Float32Array.from(step.x.data));
        if (!step.expect) return;
        expectClose(output, step.expect.output.data, { ...tolerance, what: `output of step ${n}` });
        compared.outputs++;
      }
    });
    expect(compared).toEqual({ losses: 60, outputs: 4 });
    const expected = flat(final.weights);
    model.getWeights().forEach((w, n) => {
      expectClose(w, expected[n]!, { ...tolerance, what: `final weight ${n}` });
    });
  });

  // All sizes that the implementation pads are odd: the batch size, the width of a row (D + U + 1) and the units.
  it.each([
    { B: 3, T: 4, D: 3, U: 5, O: 2 },
    { B: 1, T: 1, D: 1, U: 1, O: 1 },
    { B: 2, T: 3, D: 2, U: 6, O: 3 },
  ])('it matches the float64 reference at %o', ({ B, T, D, U, O }) => {
    const learningRate = 0.02;
    const model = new Implementation({ batch: B, timeSteps: T, inputs: D, units: U, outputs: O, learningRate });
    const reference = new ReferenceModel({
      layers: [
        { class: 'lstm', config: { units: U, returnSequences: true, stateful: true, batchInputShape: [B, T, D] } },
        { class: 'dense', config: { units: O } },
      ],
      optimizer: { name: 'adam', config: { learningRate } },
    });
    let next = 1;
    const wave = (shape: number[]) =>
      block(
        shape,
        Float64Array.from({ length: sizeOf(shape) }, () => Math.fround(Math.sin(1.7 * next++))),
      );
    reference.setWeights(reference.weightShapes.map(wave));
    model.setWeights(flat(reference.getWeights()));

    const close = { abs: 1e-6, rel: 1e-6 };
    for (let step = 0; step < 6; step++) {
      if (step === 4) {
        model.resetStates();
        reference.resetStates();
      }
      const [x, y] = [wave([B, T, D]), wave([B, T, O])];
      expectClose(model.predict(Float32Array.from(x.data)), reference.predict(x).data, close);
      expectClose([model.trainOnBatch(flat([x])[0]!, flat([y])[0]!)], [reference.trainOnBatch(x, y)], close);
    }
    const expected = reference.getWeights();
    model.getWeights().forEach((w, n) => {
      expectClose(w, expected[n]!.data, { ...close, what: `weight ${n}` });
    });
  });

  it('it saturates at large inputs and propagates NaN', () => {
    const model = new Implementation({ batch: 1, timeSteps: 1, inputs: 1, units: 1, outputs: 1, learningRate: 0.1 });
    model.setWeights([[1, 1, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0], [1], [0]]);
    expectClose(model.predict(Float32Array.of(1e30)), [Math.tanh(1)], { abs: 0, rel: 1e-6 });
    model.resetStates();
    expect(Math.abs(model.predict(Float32Array.of(-1e30))[0]!)).toBeLessThan(1e-15);
    expect(model.predict(Float32Array.of(Number.NaN))).toEqual(Float32Array.of(Number.NaN));
  });

  it('it returns the same output array from every predict', () => {
    const model = new Implementation({ batch: 2, timeSteps: 3, inputs: 1, units: 2, outputs: 1, learningRate: 0.1 });
    expect(model.predict(new Float32Array(6))).toBe(model.predict(new Float32Array(6)));
  });
});

it('the tuned implementation rejects arrays of the wrong length', () => {
  const model = new TunedLstm({ batch: 2, timeSteps: 3, inputs: 1, units: 2, outputs: 1, learningRate: 0.1 });
  expect(() => model.predict(new Float32Array(5))).toThrow('x: expected 6 numbers, got 5');
  expect(() => model.trainOnBatch(new Float32Array(6), new Float32Array(7))).toThrow('y: expected 6 numbers, got 7');
  expect(() => model.setWeights([[1]])).toThrow('setWeights: expected arrays of 8,16,8,2,1 numbers, got 1');
});
