import { describe, expect, it } from 'vitest';
import { mostNumbers, pack, unpack } from '../../demo/own/pack.ts';
import { ownFault, presets, seriesOf } from '../../demo/own/series.ts';
import { csv, drawn } from '../../demo/own/tasks.ts';

function randomness(seed: number) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('packed numbers', () => {
  it('come back, to a part of 65,535 of their range, and then to the bit', () => {
    const random = randomness(1);
    for (const scale of [1, 1e-30, 1e30, 3e38]) {
      for (const length of [2, 3, 64, 1000, mostNumbers]) {
        const numbers = Array.from({ length }, () => (2 * random() - 1) * scale);
        const text = pack(numbers);
        const back = unpack(text);
        expect(back.length).toBe(length);
        const worst = Math.max(...numbers.map((value, n) => Math.abs(value - back[n]!)));
        expect(worst / scale).toBeLessThan(1.1 / 65535);
        expect(unpack(pack(back))).toEqual(back);
      }
    }
  });

  it('are short, and nothing an address would change', () => {
    for (const curve of Object.values(presets)) expect(pack(curve).length).toBeLessThan(200);
    const random = randomness(2);
    const text = pack(Array.from({ length: mostNumbers }, random));
    expect(text).toMatch(/^[\w-]+$/);
    expect(text.length).toBeLessThan(14_000);
    expect(new URLSearchParams({ own: text }).toString()).toBe(`own=${text}`);
  });

  it('may all be the same, and may be extremes', () => {
    expect([...unpack(pack([5, 5, 5]))]).toEqual([5, 5, 5]);
    const most = 3.4028234663852886e38;
    expect([...unpack(pack([-most, most]))]).toEqual([-most, most]);
  });

  it('must be numbers, and neither too few nor too many', () => {
    expect(() => pack([1])).toThrow('Between 2 and 5000');
    expect(() => pack(new Float32Array(mostNumbers + 1))).toThrow('not 5001');
    expect(() => pack([1, Number.NaN])).toThrow('Number 2 must be finite');
    expect(() => pack([1e300, 1])).toThrow('Number 1 must be finite');
  });

  it('are refused where they are damaged, and never anything but numbers', () => {
    const random = randomness(3);
    const good = pack(presets.Heartbeat);
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/ %\0é';
    let refused = 0;
    for (let n = 0; n < 5000; n++) {
      const characters = n % 2 === 0 ? [...good] : Array.from({ length: Math.floor(60 * random()) }, () => 'A');
      const hits = 1 + Math.floor(random() * (n % 2 === 0 ? 3 : characters.length));
      for (let hit = 0; hit < hits; hit++) {
        characters[Math.floor(random() * characters.length)] = letters[Math.floor(random() * letters.length)]!;
      }
      if (n % 5 === 0) characters.length = Math.floor(random() * characters.length);
      try {
        const numbers = unpack(characters.join(''));
        expect(numbers.length).toBeLessThanOrEqual(mostNumbers);
        expect(numbers.every(Number.isFinite)).toBe(true);
      } catch (error) {
        expect((error as Error).message).toBe('The numbers in this address are damaged.');
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(2000);
  });

  it('never become more than there may be', () => {
    expect(() => unpack('A'.repeat(1e6))).toThrow('damaged');
  });
});

describe('the tasks of readers', () => {
  const settings = { batch: 3, timeSteps: 5, seed: 1, own: '' };

  it('run on the packed numbers, and on something else where those are of no use', () => {
    const own = pack([0.5, -0.5, 0.25]);
    expect([...seriesOf({ task: 'drawn', own })]).toEqual([...unpack(own)]);
    expect(seriesOf({ task: 'drawn', own: 'garbage' })).toEqual(presets.Hills);
    expect(seriesOf({ task: 'drawn', own: pack([1e30, 0]) })).toEqual(presets.Hills);
    expect(seriesOf({ task: 'csv', own: '' }).length).toBe(120);
  });

  it('ask for the next number, and each row goes on where it has stopped', () => {
    const numbers = unpack(pack(Array.from({ length: 40 }, (_, n) => Math.sin(n * n))));
    for (const task of [drawn, csv]) {
      const batches = task.batches({ ...settings, own: pack(numbers) });
      let before = batches.next().value;
      for (let n = 0; n < 4; n++) {
        const { xs, ys } = before;
        expect(xs.shape).toEqual([3, 5, 1]);
        expect(ys.shape).toEqual([3, 5, 1]);
        const [x, y] = [xs.dataSync(), ys.dataSync()];
        for (let b = 0; b < 3; b++) {
          expect([...x.slice(b * 5 + 1, b * 5 + 5)]).toEqual([...y.slice(b * 5, b * 5 + 4)]);
        }
        const after = batches.next().value;
        expect(after.xs.dataSync()[0]).toBe(y[4]);
        before = after;
      }
    }
  });

  it('never ask for what lies beyond the end of a table', () => {
    const numbers = Array.from({ length: 40 }, (_, n) => n);
    const batches = csv.batches({ ...settings, own: pack(numbers) });
    for (let n = 0; n < 50; n++) {
      const { xs, ys } = batches.next().value;
      const [x, y] = [xs.dataSync(), ys.dataSync()];
      for (let i = 0; i < x.length; i++) expect(y[i]! - x[i]!).toBeCloseTo(2 / 39, 4);
    }
  });

  it('take a table that is shorter than a row', () => {
    const { xs } = csv.batches({ ...settings, timeSteps: 50, own: pack([1, 2, 3, 4]) }).next().value;
    expect(xs.dataSync().every(Number.isFinite)).toBe(true);
  });
});

it('says when a link has numbers that are of no use', () => {
  const own = pack([0.5, -0.5, 0.25]);
  expect(ownFault({ task: 'drawn', own })).toBe('');
  expect(ownFault({ task: 'csv', own: '' })).toBe('');
  expect(ownFault({ task: 'csv', own: own.slice(0, -2) })).toMatch('damaged');
  expect(ownFault({ task: 'drawn', own: pack([2, 0]) })).toMatch('damaged');
  expect(ownFault({ task: 'cosine', own })).toMatch('no use');
});
