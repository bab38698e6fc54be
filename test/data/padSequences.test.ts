// Compares padSequences with pad_sequences of Keras.

import { layers, sequential, tensor } from 'lstm-wasm';
import { padSequences } from 'lstm-wasm/data';
import { describe, expect, test } from 'vitest';

const words = [[1, 2, 3], [4, 5], [6]];

describe('padSequences', () => {
  // Each as printed by keras.utils.pad_sequences
  test.each([
    [
      'default',
      undefined,
      [
        [1, 2, 3],
        [0, 4, 5],
        [0, 0, 6],
      ],
    ],
    [
      'padding post',
      { padding: 'post' },
      [
        [1, 2, 3],
        [4, 5, 0],
        [6, 0, 0],
      ],
    ],
    [
      'maxLen 2',
      { maxLen: 2 },
      [
        [2, 3],
        [4, 5],
        [0, 6],
      ],
    ],
    [
      'truncating post',
      { maxLen: 2, truncating: 'post' },
      [
        [1, 2],
        [4, 5],
        [0, 6],
      ],
    ],
    [
      'maxLen 4 and a value',
      { maxLen: 4, value: -1 },
      [
        [-1, 1, 2, 3],
        [-1, -1, 4, 5],
        [-1, -1, -1, 6],
      ],
    ],
    [
      'null for maxLen',
      { maxLen: null },
      [
        [1, 2, 3],
        [0, 4, 5],
        [0, 0, 6],
      ],
    ],
  ] as const)('padSequences pads and truncates lists of numbers as Keras does: %s', (_, options, expected) => {
    expect(padSequences(words, options).arraySync()).toEqual(expected);
  });

  test('padSequences pads rows, typed arrays and tensors, and fills empty sequences', () => {
    expect(
      padSequences([
        tensor([[1, 2]]),
        [
          [3, 4],
          [5, 6],
        ],
        [],
      ]).arraySync(),
    ).toEqual([
      [
        [0, 0],
        [1, 2],
      ],
      [
        [3, 4],
        [5, 6],
      ],
      [
        [0, 0],
        [0, 0],
      ],
    ]);
    expect(padSequences([Float32Array.of(0.5), [1, 2]]).arraySync()).toEqual([
      [0, 0.5],
      [1, 2],
    ]);
    expect(padSequences([[1]], { dtype: 'int32' }).dtype).toBe('int32');
    expect(padSequences([]).shape).toEqual([0, 0]);
  });

  test('an embedding accepts the result of padSequences', () => {
    const model = sequential({
      layers: [layers.embedding({ inputDim: 7, outputDim: 2, maskZero: true }), layers.gru({ units: 3 })],
    });
    expect(model.predict(padSequences(words, { padding: 'post' })).shape).toEqual([3, 3]);
  });
});
