// Model files as they are found in the field: written by Keras 2.1 to 3.15 and by the converter of TF.js, or as these
// write them. Each loads and predicts the numbers that its program gives, or is refused with what it is.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { layers, loadLayersModel, type Sequential, sequential } from 'lstm-wasm';
import { loadKerasModel, loadKerasWeights } from 'lstm-wasm/keras';
import { expect, test } from 'vitest';

const folder = fileURLToPath(new URL('field/', import.meta.url));

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
  '%s predicts the numbers of its program',
  async (name, numbers) => expectNumbers(await load(name), numbers),
);

test('weights that Keras 3 wrote as .h5 go past a Dropout into a model that predicts its numbers', async () => {
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

const refused: [string, string][] = [
  [
    '14-keras1-lstm.h5',
    'got a model of Keras 1; load it with Keras 2.0 to 2.3, which reads such files, and save it again',
  ],
  ['norm.h5', "unknown class 'LayerNormalization'; known: LSTM, GRU, "],
];

test.each(refused)('%s is refused with what it is', async (name, message) => {
  await expect(load(name)).rejects.toThrow(message);
});
