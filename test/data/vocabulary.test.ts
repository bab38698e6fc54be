// Vocabularies, windows of text, and sampling.

import { oneHot, setRandomSeed, tensor } from 'lstm-wasm';
import { sample, vocabulary } from 'lstm-wasm/data';
import { describe, expect, it } from 'vitest';
import { expectClose } from '../compare.ts';
import { transferred } from '../transferred.ts';

describe('vocabulary', () => {
  it('a vocabulary sorts the characters of a text, encodes and decodes', () => {
    const v = vocabulary('hello world');
    expect(v.characters).toEqual([' ', 'd', 'e', 'h', 'l', 'o', 'r', 'w']);
    expect(v.size).toBe(8);
    expect([...v.encode('hello')]).toEqual([3, 2, 4, 4, 5]);
    expect(v.decode(v.encode('hello world'))).toBe('hello world');
    expect(v.decode(tensor([3, 2]))).toBe('he');
    expect(v.decode([])).toBe('');
    expect(v.decode(transferred(new Int32Array(2)))).toBe('');
    expect(vocabulary('world hello').characters).toEqual(v.characters);
  });

  it('a vocabulary counts a surrogate pair as one character', () => {
    const v = vocabulary('a😀b');
    expect(v.size).toBe(3);
    expect(v.decode(v.encode('😀ba'))).toBe('😀ba');
  });

  it('a vocabulary replaces unknown characters by the option unknown, or names them in an error', () => {
    expect(() => vocabulary('abc').encode('abd')).toThrow(
      "vocabulary.encode: text must have only known characters, got 'd'; set the option unknown",
    );
    const v = vocabulary('abc', { unknown: '?' });
    expect(v.size).toBe(4);
    expect(v.decode(v.encode('axbyc'))).toBe('a?b?c');
    expect(vocabulary('a?', { unknown: '?' }).size).toBe(2);
  });

  it('a vocabulary makes one-hot rows', () => {
    const v = vocabulary('abc');
    expect(v.oneHot('cab').arraySync()).toEqual([
      [0, 0, 1],
      [1, 0, 0],
      [0, 1, 0],
    ]);
    expect(v.oneHot(v.encode('cab')).arraySync()).toEqual(v.oneHot('cab').arraySync());
    expect(v.oneHot('').shape).toEqual([0, 3]);
  });

  it('a vocabulary makes windows of a text as one-hot rows or ids', () => {
    const text = 'the cat sat on the mat';
    const v = vocabulary(text);
    const ids = [...v.encode(text)];
    const starts = [0, 3, 6, 9, 12, 15];
    const plain = v.windows(text, { steps: 5, stride: 3, inputs: 'ids', targets: 'ids', batchSize: 4 });
    expect([plain.samples, plain.length]).toEqual([6, 2]);
    expect(plain.xs.arraySync()).toEqual(starts.map(start => ids.slice(start, start + 5)));
    expect(plain.ys.arraySync()).toEqual(starts.map(start => [ids[start + 5]]));
    const hot = v.windows(text, { steps: 5, stride: 3 });
    expect(hot.xs.arraySync()).toEqual(oneHot(plain.xs, v.size).arraySync());
    expect(hot.ys.arraySync()).toEqual(oneHot(plain.ys.squeeze([1]), v.size).arraySync());
    const along = v.windows(text, { steps: 5, stride: 3, targets: 'ids', returnSequences: true });
    expect(along.ys.shape).toEqual([6, 5, 1]);
    expect(along.ys.squeeze().arraySync()).toEqual(starts.map(start => ids.slice(start + 1, start + 6)));
    const alongHot = v.windows(text, { steps: 5, stride: 3, returnSequences: true });
    expect(alongHot.ys.arraySync()).toEqual(oneHot(along.ys.squeeze(), v.size).arraySync());
  });

  it('windows of a text are shuffled reproducibly with a seed', () => {
    const v = vocabulary('abcdefghij');
    const order = (seed: number) =>
      [...v.windows('abcdefghij', { steps: 1, targets: 'ids', shuffle: true, seed, batchSize: 2 })].flatMap(
        ({ ys }) => [...ys.dataSync()],
      );
    expect(order(1)).toEqual(order(1));
    expect(order(1)).not.toEqual(order(2));
    expect(order(1).toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

describe('sample', () => {
  const probabilities = [0.1, 0.2, 0.4, 0.3];
  /** The share of each index over evenly spaced random numbers, exact to 0.001. */
  function shares(options: object): number[] {
    let n = 0;
    const random = () => (n++ + 0.5) / 1000;
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 1000; i++) counts[sample(probabilities, { ...options, random })]! += 1 / 1000;
    return counts;
  }

  it('sample draws each index with its probability', () => {
    expectClose(shares({}), probabilities, { abs: 1.1e-3, rel: 0 });
  });

  it.each([0.5, 2, 10])('temperature %d raises the probabilities to the inverse power', temperature => {
    const powers = probabilities.map(p => p ** (1 / temperature));
    const sum = powers.reduce((a, b) => a + b);
    expectClose(
      shares({ temperature }),
      powers.map(p => p / sum),
      { abs: 1.1e-3, rel: 0 },
    );
  });

  it('temperature 0 and topK 1 take the most likely index', () => {
    expect(shares({ temperature: 0 })[2]).toBeCloseTo(1);
    expect(shares({ topK: 1 })[2]).toBeCloseTo(1);
    expect(shares({ temperature: 1e-6 })[2]).toBeCloseTo(1);
  });

  it('topK limits the draw to the most likely indices', () => {
    expectClose(shares({ topK: 2 }), [0, 0, 4 / 7, 3 / 7], { abs: 1.1e-3, rel: 0 });
    expectClose(shares({ topK: 9 }), probabilities, { abs: 1.1e-3, rel: 0 });
  });

  it('sample never returns an index with probability 0', () => {
    for (const at of [0, 0.5, 1 - 2 ** -53]) {
      expect(sample([0, 1, 0], { random: () => at })).toBe(1);
      expect(sample([0, 1e-30, 0], { random: () => at, temperature: 3 })).toBe(1);
    }
    // However the sum is rounded, the last possible index is returned for the largest random number.
    for (let n = 1; n < 500; n++) {
      const weights = [0.1 / n, 0.7, n / 3, 0.2 * n, 0];
      expect(sample(weights, { random: () => 1 - 2 ** -53 })).toBe(3);
    }
  });

  it('sample is reproducible with a seed or setRandomSeed', () => {
    const even = new Float32Array(1000).fill(1);
    expect(sample(even, { seed: 4 })).toBe(sample(even, { seed: 4 }));
    expect(sample(even, { seed: 4 })).not.toBe(sample(even, { seed: 5 }));
    setRandomSeed(2);
    const first = [sample(even), sample(even)];
    setRandomSeed(2);
    expect([sample(even), sample(even)]).toEqual(first);
    expect(first[0]).not.toBe(first[1]);
  });

  it('sample accepts the output of a model for one sample', () => {
    const v = vocabulary('abcd');
    expect(sample(tensor([[0, 0, 1, 0]]))).toBe(2);
    expect(v.sample(tensor([[0, 0, 1, 0]]))).toBe('c');
  });
});
