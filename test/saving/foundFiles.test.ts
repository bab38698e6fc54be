// Model files written by Keras 2.1 to 3.15 and the TF.js converter, or in their layout. Each loads and predicts the
// same numbers as the program that wrote it, or is rejected with a description.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { layers, loadLayersModel, type Sequential, sequential, type Tensor, tensor } from 'lstm-wasm';
import { loadKerasModel, loadKerasWeights } from 'lstm-wasm/keras';
import { expect, test } from 'vitest';
import { expectClose } from '../compare.ts';
import { block } from '../reference/block.ts';
import { type LayerSpec, ReferenceModel } from '../reference/model.ts';
import { batchNormalization, layerNormalization } from '../reference/normalization.ts';
import { Random } from '../reference/random.ts';

const folder = fileURLToPath(new URL('foundFiles/', import.meta.url));

const load = (name: string) =>
  /\.(h5|keras)$/.test(name)
    ? loadKerasModel(readFileSync(`${folder}${name}`))
    : loadLayersModel(`file://${folder}${name}`);

interface Numbers {
  readonly x: number[][] | number[][][];
  readonly y: number[][];
}

const numbersIn = (name: string): Record<string, Numbers> => JSON.parse(readFileSync(`${folder}${name}`, 'utf8'));
const more = numbersIn('expected-more.json');

function expectNumbers(model: Sequential, { x, y }: Numbers) {
  const found = model.predict(x).arraySync() as number[][];
  expect(found.length).toBe(y.length);
  const differences = y.flatMap((row, n) => row.flat().map((value, i) => Math.abs(found[n]!.flat()[i]! - value)));
  expect(Math.max(...differences)).toBeLessThan(2e-6);
}

test.each(Object.entries({ ...numbersIn('expected.json'), ...more }))(
  '%s predicts the same numbers as the program that wrote it',
  async (name, numbers) => expectNumbers(await load(name), numbers),
);

test('.h5 weights of a Keras 3 model with Dropout load and predict its numbers', async () => {
  const model = sequential({
    layers: [
      layers.lstm({ units: 4, returnSequences: true, recurrentActivation: 'sigmoid', inputShape: [6, 2] }),
      layers.dropout({ rate: 0.3 }),
      layers.gru({ units: 3, resetAfter: true, recurrentActivation: 'sigmoid' }),
      layers.dense({ units: 1 }),
    ],
  });
  await loadKerasWeights(model, readFileSync(`${folder}legacy_weights.h5`));
  expectNumbers(model, more['legacy_whole.h5']!);
});

test('14-keras1-lstm.h5 is rejected with a description of the file', async () => {
  const message = 'got a Keras 1 model; load it with Keras 2.0 to 2.3 and save it again';
  await expect(load('14-keras1-lstm.h5')).rejects.toThrow(message);
});

test('norm.h5, of the newest Keras, predicts what its weights give in float64', async () => {
  const model = await load('norm.h5');
  const weights = model.getWeights().map(weight => block([...weight.shape], weight.dataSync()));
  const [gamma, beta] = weights.map(({ data }) => data);
  const [scale, shift, mean, variance] = weights.slice(5, 9).map(({ data }) => data);
  const recurrent = (returnSequences: boolean): LayerSpec => ({
    class: 'lstm',
    config: { units: 3, returnSequences, recurrentActivation: 'sigmoid', inputShape: [8, 3] },
  });
  const below = new ReferenceModel({ layers: [recurrent(true)] });
  below.setWeights(weights.slice(2, 5));
  const above = new ReferenceModel({ layers: [recurrent(false), { class: 'dense', config: { units: 1 } }] });
  above.setWeights(weights.slice(9));
  const x = new Random(1).normals([2, 8, 3]);
  const rows = layerNormalization({ x, gamma: gamma!, beta: beta! }).y;
  const hidden = below.predict(rows);
  const y = batchNormalization({ x: hidden, gamma: scale!, beta: shift! }, null, [mean!, variance!]).y;
  const found = model.predict(tensor(Float32Array.from(x.data), [2, 8, 3])) as Tensor;
  expectClose(found.dataSync(), above.predict(y).data, { abs: 2e-6, rel: 2e-6 });
});
