import { afterEach, describe, expect, it, vi } from 'vitest';
import { courseOf, mostRate } from '../../demo/compare/course.ts';
import { race } from '../../demo/compare/race.ts';
import { differenceOf, ratioOf, verdict } from '../../demo/compare/verdict.ts';
import { defaults, type Settings } from '../../demo/settings.ts';
import { tasks } from '../../demo/tasks/index.ts';

const course = (settings: Partial<Settings> = {}) => {
  const all = { ...defaults, ...settings };
  return courseOf(all, tasks[all.task]!);
};

describe('the compared settings', () => {
  it('are those of the page', () => {
    const { sizes, title, instead, batches } = course();
    expect(sizes).toMatchObject({ batch: 32, timeSteps: 40, units: 16, inputs: 2, outputs: 1, stateful: true });
    expect([sizes.learningRate, course({ learningRate: 1e-4 }).sizes.learningRate]).toEqual([mostRate, 1e-4]);
    expect(title).toBe('LSTM with 16 units, 32 rows of 40 steps, Adam');
    expect(instead).toBe('');
    expect(batches().next().value.ys.shape).toEqual([32, 40, 1]);
  });

  it('are the nearest available ones, with a note', () => {
    expect(course({ cell: 'gru' }).instead).toBe(
      'The plain version supports only part of the settings, so both train an LSTM in place of the GRU.',
    );
    const { instead, sizes, batches } = course({ task: 'adding', layers: 3, optimizer: 'sgd', units: 7 });
    expect(instead).toMatch('one layer in place of 3, Adam in place of the optimizer and the task sine to cosine');
    expect(sizes).toMatchObject({ inputs: 1, outputs: 1, units: 7 });
    expect(batches().next().value.ys.shape).toEqual([32, 40, 1]);
  });
});

describe('the verdict', () => {
  const standings = (plain: number[], wasm: number[], times = [40, 10]) => ({
    plain: { costs: plain, time: times[0]! },
    wasm: { costs: wasm, time: times[1]! },
  });

  it('reports the ratio of the times, and that the costs are equal', () => {
    const result = standings([1, 0.5], [1, 0.50001]);
    expect(ratioOf(result)).toBe(4);
    expect(differenceOf(result)).toBeCloseTo(0.00001 / 1.5, 8);
    expect(verdict(result)).toBe(
      'WebAssembly was 4.0 times as fast. Both have the same costs: after 2 steps 0.5000 and 0.5000, ' +
        'on average less than 0.001\u00a0% apart.',
    );
  });

  it('reports a slower wasm run, and different costs', () => {
    expect(verdict(standings([1], [1], [10, 20]))).toMatch(/^Plain JavaScript was 2\.0 times as fast.* nothing apart/);
    expect(verdict(standings([1, 0.5], [1, 0.6]))).toMatch('Their costs differ');
    expect(verdict(standings([1, Number.NaN, 1], [1, 0.6, 1]))).toMatch('infinitely far apart');
    expect(verdict(standings([Number.NaN], [Infinity]))).toMatch('after 1 step not a number and not a number');
  });
});

describe('the race', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('does not wait for a worker whose script failed to load', async () => {
    vi.stubGlobal(
      'Worker',
      class extends EventTarget {
        constructor({ href }: URL) {
          super();
          if (href.includes('plain')) setTimeout(() => this.dispatchEvent(new Event('error')));
        }
        postMessage() {
          const data = { value: { weights: [], msPerStep: 1 } };
          setTimeout(() => this.dispatchEvent(new MessageEvent('message', { data })), 20);
        }
        terminate() {}
      },
    );
    const ignore = () => {};
    const run = race(course(), ignore, ignore, new AbortController().signal);
    await expect(run).rejects.toThrow('could not be loaded');
  });
});
