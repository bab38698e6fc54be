// Model files written by Keras 2.1 to 3.15 and the TF.js converter, or in their layout. Each loads and predicts the
// same numbers as the program that wrote it, or is rejected with a description.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { layers, loadLayersModel, type Sequential, sequential } from 'lstm-wasm';
import { loadKerasModel, loadKerasWeights } from 'lstm-wasm/keras';
import { expect, test } from 'vitest';

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

const refused: [string, string][] = [
  ['14-keras1-lstm.h5', 'got a Keras 1 model; load it with Keras 2.0 to 2.3 and save it again'],
  ['norm.h5', "unknown class 'LayerNormalization'; known: LSTM, GRU, "],
];

test.each(refused)('%s is rejected with a description of the file', async (name, message) => {
  await expect(load(name)).rejects.toThrow(message);
});
