// The exact output of model.summary().

import { input, layers, model, type Sequential, sequential } from 'lstm-wasm';
import { expect, test } from 'vitest';

function printed(net: Sequential, length?: number, positions?: number[]): string[] {
  const lines: string[] = [];
  net.summary(length, positions, line => lines.push(line));
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

test('summary of a graph shows what each layer reads', () => {
  const [a, b] = [input({ shape: [3, 2], name: 'a' }), input({ shape: [4], name: 'b' })];
  const [y, h] = layers.gru({ units: 4, returnState: true, name: 'reader' }).apply(a);
  const total = layers.add({ name: 'total' }).apply([y!, h!, b]);
  const lines: string[] = [];
  model({ inputs: [a, b], outputs: total, name: 'net' }).summary(null, null, line => lines.push(line));
  expect(lines.filter(line => !/^[_=]/.test(line))).toEqual([
    'Model: net',
    'Layer (type)                       Output Shape             Param #   Receives inputs',
    'a (InputLayer)                     [null, 3, 2]             0',
    'reader (GRU)                       [null, 4]                96        a[0][0]',
    '                                   [null, 4]',
    'b (InputLayer)                     [null, 4]                0',
    'total (Add)                        [null, 4]                0         reader[0][0]',
    '                                                                      reader[0][1]',
    '                                                                      b[0][0]',
    'Total params: 96',
    'Trainable params: 96',
    'Non-trainable params: 0',
  ]);
});
