// Greedy and beam decoding against the probabilities of all paths.

import { ctcBeamDecode, ctcGreedyDecode, tensor } from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { expectClose } from '../compare.ts';
import { Random } from '../reference/random.ts';

/** Logits [1, T, N]. */
const draw = (seed: number, T: number, N: number) => new Random(seed).normals([1, T, N], 1.5).data;

/** The labels of all paths and the logarithms of their probabilities, the most probable first. */
function allLabels(logits: Float64Array, T: number, N: number, blank: number) {
  const probabilities = Array.from({ length: T }, (_, t) => {
    const row = [...logits.subarray(t * N, t * N + N)].map(Math.exp);
    const sum = row.reduce((a, b) => a + b);
    return row.map(value => value / sum);
  });
  const found = new Map<string, number>();
  for (let path = 0; path < N ** T; path++) {
    const classes = Array.from({ length: T }, (_, t) => Math.floor(path / N ** t) % N);
    const labels = classes.filter((k, t) => k !== blank && k !== classes[t - 1]).join(' ');
    const probability = classes.reduce((product, k, t) => product * probabilities[t]![k]!, 1);
    found.set(labels, (found.get(labels) ?? 0) + probability);
  }
  return [...found].sort((a, b) => b[1] - a[1]).map(([labels, p]) => ({ labels, logProbability: Math.log(p) }));
}

test.each([
  { T: 1, N: 2, blank: 0 },
  { T: 4, N: 3, blank: 0 },
  { T: 5, N: 3, blank: 2 },
  { T: 6, N: 4, blank: 1 },
])(
  'a wide beam search over $T steps and $N classes finds all labels in the order of their probabilities',
  ({ T, N, blank }) => {
    for (let seed = 0; seed < 5; seed++) {
      const logits = draw(seed, T, N);
      const expected = allLabels(logits, T, N, blank);
      const [found] = ctcBeamDecode(tensor(logits, [1, T, N]), { blank, beams: 10_000, fromLogits: true });
      expect(found!.map(({ labels }) => labels.join(' '))).toEqual(expected.map(({ labels }) => labels));
      expectClose(
        found!.map(({ logProbability }) => logProbability),
        expected.map(({ logProbability }) => logProbability),
        { abs: 1e-12, rel: 1e-12 },
      );
    }
  },
);

test('a narrow beam search finds labels that greedy decoding misses', () => {
  // The best path is blank, blank with 0.36; label 1 has 0.24 + 0.24 + 0.16
  const output = tensor([
    [
      [0.6, 0.4],
      [0.6, 0.4],
    ],
  ]);
  expect(ctcGreedyDecode(output)).toEqual([[]]);
  const [best] = ctcBeamDecode(output, { beams: 2 });
  expect(best!.map(({ labels }) => labels)).toEqual([[1], []]);
  expectClose(
    best!.map(({ logProbability }) => Math.exp(logProbability)),
    [0.64, 0.36],
    { abs: 1e-7, rel: 1e-7 },
  );
});

test('greedy decoding joins equal neighbours and removes blanks', () => {
  const path = [0, 1, 1, 0, 1, 2, 2, 0, 0, 2];
  const oneHot = path.map(k => [0, 1, 2].map(n => Number(n === k)));
  expect(ctcGreedyDecode([oneHot])).toEqual([[1, 1, 2, 2]]);
  expect(ctcGreedyDecode([oneHot], { blank: 2 })).toEqual([[0, 1, 0, 1, 0]]);
  expect(ctcGreedyDecode([oneHot, oneHot], { lengths: [0, 3] })).toEqual([[], [1]]);
  expect(ctcBeamDecode([oneHot], { beams: 1 })).toEqual([[{ labels: [1, 1, 2, 2], logProbability: 0 }]]);
});

test('beam search decodes each sample with its own length', () => {
  const logits = new Float64Array([...draw(1, 5, 4), ...draw(2, 5, 4)]);
  const both = ctcBeamDecode(tensor(logits, [2, 5, 4]), { lengths: [5, 3], fromLogits: true });
  const first = ctcBeamDecode(tensor(draw(1, 5, 4), [1, 5, 4]), { fromLogits: true });
  const second = ctcBeamDecode(tensor(draw(2, 5, 4).slice(0, 12), [1, 3, 4]), { fromLogits: true });
  expect(both).toEqual([...first, ...second]);
  expect(both[0]!).toHaveLength(10);
});

test('logits of size 1e4 and 500 time steps do not underflow', () => {
  const logits = new Random(3).normals([1, 500, 5], 1e4).data;
  const output = tensor(logits, [1, 500, 5]);
  const [best] = ctcBeamDecode(output, { fromLogits: true, beams: 3 });
  expect(best![0]!.labels).toEqual(ctcGreedyDecode(output)[0]);
});

describe('bad arguments', () => {
  const output = [[[0.5, 0.25, 0.25]]];
  test.each<[options: object, message: string]>([
    [{ blank: 3 }, 'blank must be a class of the output, from 0 to 2, got 3'],
    [{ blank: -1 }, 'blank must be an integer of at least 0, got -1'],
    [{ lengths: [2] }, 'lengths[0] must be an integer from 0 to 1, got 2'],
    [{ lengths: [1, 1] }, 'lengths must have a number for each of the 1 samples, got [1, 1]'],
    [{ lengths: 1 }, 'lengths must have a number for each of the 1 samples, got 1'],
    [{ width: 3 }, "unknown option 'width'"],
  ])('both decoders reject %j', (options, message) => {
    expect(() => ctcGreedyDecode(output, options)).toThrow(`ctcGreedyDecode: ${message}`);
    expect(() => ctcBeamDecode(output, options)).toThrow(`ctcBeamDecode: ${message}`);
  });

  test('outputs that are not sequences of numbers are rejected', () => {
    for (const [wrong, message] of [
      [[[0.5, 0.5]], 'output must have the shape [batch, timeSteps, classes], got [1, 2]'],
      [[[[0.5, Number.NaN]]], 'output must hold numbers, got NaN at index 1'],
      [[[[0.5, Number.POSITIVE_INFINITY]]], 'output must hold numbers, got Infinity at index 1'],
    ] as const) {
      expect(() => ctcGreedyDecode(wrong as never)).toThrow(`ctcGreedyDecode: ${message}`);
    }
  });

  test('a beam search rejects logits unless fromLogits is set', () => {
    expect(() => ctcBeamDecode([[[1, 2, 0.5]]])).toThrow(
      'ctcBeamDecode: output must hold probabilities, which add up to 1 at each time step, got a sum of 3.5 in sample 0; pass fromLogits: true for logits',
    );
    expect(() => ctcBeamDecode(output, { beams: 0 })).toThrow(
      'ctcBeamDecode: beams must be an integer of at least 1, got 0',
    );
    expect(() => ctcBeamDecode(output, { fromLogits: 1 as never })).toThrow(
      'ctcBeamDecode: fromLogits must be true or false, got 1',
    );
  });
});
