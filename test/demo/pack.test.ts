import { describe, expect, it } from 'vitest';
import { mostNumbers, pack, unpack } from '../../demo/own/pack.ts';
import { ownFault, presets, seriesOf } from '../../demo/own/series.ts';
import { drawn } from '../../demo/own/tasks.ts';

function randomness(seed: number) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('packed numbers', () => {
  it('are restored to within 1/65,535 of their range, and exactly if packed again', () => {
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

  it('are short and contain only characters that are safe in URLs', () => {
    for (const curve of Object.values(presets)) expect(pack(curve).length).toBeLessThan(200);
    const random = randomness(2);
    const text = pack(Array.from({ length: mostNumbers }, random));
    expect(text).toMatch(/^[\w-]+$/);
    expect(text.length).toBeLessThan(14_000);
    expect(new URLSearchParams({ own: text }).toString()).toBe(`own=${text}`);
  });

  it('may be all equal or extreme', () => {
    expect([...unpack(pack([5, 5, 5]))]).toEqual([5, 5, 5]);
    const most = 3.4028234663852886e38;
    expect([...unpack(pack([-most, most]))]).toEqual([-most, most]);
  });

  it('must be finite, and 2 to 5000 in number', () => {
    expect(() => pack([1])).toThrow('Between 2 and 5000');
    expect(() => pack(new Float32Array(mostNumbers + 1))).toThrow('not 5001');
    expect(() => pack([1, Number.NaN])).toThrow('Number 2 must be finite');
    expect(() => pack([1e300, 1])).toThrow('Number 1 must be finite');
  });

  it('are rejected if damaged, and always unpack to numbers', () => {
    const random = randomness(3);
    const packed = pack(presets.Heartbeat);
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/ %\0é';
    let rejected = 0;
    for (let n = 0; n < 5000; n++) {
      const characters = n % 2 === 0 ? [...packed] : Array.from({ length: Math.floor(60 * random()) }, () => 'A');
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
        rejected++;
      }
    }
    expect(rejected).toBeGreaterThan(2000);
  });

  it('never unpack to more numbers than the maximum', () => {
    expect(() => unpack('A'.repeat(1e6))).toThrow('damaged');
  });
});

describe('the task with a drawn curve', () => {
  const settings = { batch: 3, timeSteps: 5, seed: 1, own: '' };

  it('uses the packed curve, and falls back to a preset if it is unusable', () => {
    const own = pack([0.5, -0.5, 0.25]);
    expect([...seriesOf({ own })]).toEqual([...unpack(own)]);
    expect(seriesOf({ own: 'garbage' })).toEqual(presets.Hills);
    expect(seriesOf({ own: pack([1e30, 0]) })).toEqual(presets.Hills);
  });

  it('has the next number as target, and each row continues its row of the previous batch', () => {
    const numbers = unpack(pack(Array.from({ length: 40 }, (_, n) => Math.sin(n * n))));
    const batches = drawn.batches({ ...settings, own: pack(numbers) });
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
  });
});

it('reports an unusable curve in a link', () => {
  const own = pack([0.5, -0.5, 0.25]);
  expect(ownFault({ task: 'drawn', own })).toBe('');
  expect(ownFault({ task: 'drawn', own: '' })).toBe('');
  expect(ownFault({ task: 'drawn', own: own.slice(0, -2) })).toMatch('damaged');
  expect(ownFault({ task: 'drawn', own: pack([2, 0]) })).toMatch('damaged');
  expect(ownFault({ task: 'cosine', own })).toMatch('does not use');
});
