// The exact output of model.summary().

import { layers, type Sequential, sequential } from 'lstm-wasm';
import { expect, test } from 'vitest';

function printed(model: Sequential, length?: number, positions?: number[]): string[] {
  const lines: string[] = [];
  model.summary(length, positions, line => lines.push(line));
  return lines;
}

const make = () => {
  const frozen = layers.lstm({ units: 3, inputShape: [5, 2], name: 'memory', trainable: false });
  return sequential({ layers: [frozen, layers.dense({ units: 1, name: 'output' })], name: 'small' });
};

test('summary prints a line for each layer, and counts trainable and non-trainable parameters', () => {
  expect(printed(make())).toEqual([
    'Model: small',
    '_'.repeat(80),
    'Layer (type)                            Output Shape                Param #',
    '='.repeat(80),
    'memory (LSTM)                           [null, 3]                   72',
    'output (Dense)                          [null, 1]                   4',
    '='.repeat(80),
    'Total params: 76',
    'Trainable params: 4',
    'Non-trainable params: 72',
    '_'.repeat(80),
  ]);
});

test('summary accepts column positions as fractions or characters, and cuts longer text', () => {
  const asCharacters = printed(make(), 30, [10, 22, 30]);
  expect(asCharacters[5]).toBe('output (D [null, 1]   4');
  expect(asCharacters[1]).toBe('_'.repeat(30));
  expect(printed(make(), 40, [0.25, 0.75, 1])[5]).toBe('output (D [null, 1]           4');
});

test('summary treats null arguments as absent', () => {
  const lines: string[] = [];
  make().summary(null, null, line => lines.push(line));
  expect(lines).toEqual(printed(make()));
});
