// Masks that behave differently from TF.js, as documented in docs/differences.md.

import { expect, test } from 'vitest';
import { expectClose } from '../../compare.ts';
import type { Library } from '../build.ts';
import { compared, ones } from './compared.ts';

test('a mask ends after a layer that returns one step; in TF.js it continues', async () => {
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
    const weights = [ones(1), ones(1), new Float32Array(1)].map((values, n) =>
      library.tensor(values, n < 2 ? [1, 1] : [1]),
    );
    model.setWeights([...weights, ...weights]);
    return model.predict(library.tensor([1, 0], [1, 2, 1])).dataSync();
  };
  const { tf: theirs, lw: ours } = await compared(library => predict(library, []));
  const first = Math.tanh(1);
  const [one, two] = [Math.tanh(first), Math.tanh(first + Math.tanh(first))];
  expectClose(ours, [one, two], { abs: 0, rel: 2e-6 });
  // TF.js treats the second repeated step as masked, so it repeats the output of the first.
  expectClose(theirs, [one, one], { abs: 0, rel: 2e-6 });
});

test('a mask ends where the number of time steps changes; in TF.js it continues', async () => {
  const predict = (library: Library) => {
    const options = {
      activation: 'linear',
      kernelInitializer: 'ones',
      recurrentInitializer: 'ones',
      biasInitializer: 'ones',
    };
    const model = library.sequential({
      layers: [
        library.layers.masking({ inputShape: [2, 1] }),
        library.layers.reshape({ targetShape: [2, 1] }),
        library.layers.simpleRNN({ units: 1, ...options }),
      ],
    });
    return model.predict(library.tensor([1, 0], [1, 2, 1])).dataSync()[0];
  };
  expect(await compared(predict)).toEqual({ tf: 1 + 1, lw: 1 + 1 + 1 });
});

test('loss and metrics ignore masked steps, unlike in TF.js', async () => {
  const results = await compared(async library => {
    const model = library.sequential({
      layers: [
        library.layers.masking({ inputShape: [2, 1] }),
        library.layers.dense({ units: 1, kernelInitializer: 'ones' }),
      ],
    });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError', metrics: ['mae'] });
    const scalars = model.evaluate(library.tensor([1, 0], [1, 2, 1]), library.tensor([3, 4], [1, 2, 1]));
    return scalars.map((scalar: Library) => scalar.dataSync()[0]);
  });
  expect(results).toEqual({ tf: [(4 + 16) / 2, (2 + 4) / 2], lw: [4, 2] });
});
