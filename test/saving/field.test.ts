// Model files as they are found in the field: written by Keras 2.1 to 3.15 and by the converter of TF.js, or as these
// write them. Each loads and predicts the numbers that its program gives, or is refused with what it is.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadLayersModel } from 'lstm-wasm';
import { loadKerasModel } from 'lstm-wasm/keras';
import { expect, test } from 'vitest';

const folder = fileURLToPath(new URL('field/', import.meta.url));

const load = (name: string) =>
  /\.(h5|keras)$/.test(name)
    ? loadKerasModel(readFileSync(`${folder}${name}`))
    : loadLayersModel(`file://${folder}${name}`);

interface Numbers {
  readonly x: number[][][];
  readonly y: number[][];
}

const expected: Record<string, Numbers> = JSON.parse(readFileSync(`${folder}expected.json`, 'utf8'));

test.each(Object.entries(expected))('%s predicts the numbers of its program', async (name, { x, y }) => {
  const model = await load(name);
  const found = model.predict(x).arraySync() as number[][];
  expect(found.length).toBe(y.length);
  const differences = y.flatMap((row, n) => row.map((value, i) => Math.abs(found[n]![i]! - value)));
  expect(Math.max(...differences)).toBeLessThan(2e-6);
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
