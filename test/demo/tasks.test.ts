/** The data of the tasks, and how it is plotted. */

import { describe, expect, it } from 'vitest';
import { drawingOf, pictures } from '../../demo/pictures.ts';
import { defaultsOf, taskNames } from '../../demo/settings.ts';
import { type Batch, tasks } from '../../demo/tasks/index.ts';

const numbers = ({ xs, ys }: Batch) => [Array.from(xs.dataSync()), Array.from(ys.dataSync())] as const;

function take(name: (typeof taskNames)[number], count: number, change: object = {}): Batch[] {
  const batches = tasks[name].batches({ ...defaultsOf(name), ...change });
  return Array.from({ length: count }, () => batches.next().value);
}

describe.each(taskNames)('%s', name => {
  const { inputs, outputs, everyStep, continues } = tasks[name];

  it('has different batches of the set size, which are reproducible', () => {
    const size = { batch: 3, timeSteps: 7 };
    const [one, two] = [take(name, 2, size), take(name, 2, size)];
    for (const { xs, ys } of one) {
      expect(xs.shape).toEqual([3, 7, inputs]);
      expect(ys.shape).toEqual(everyStep ? [3, 7, outputs] : [3, outputs]);
      expect([...xs.dataSync(), ...ys.dataSync()].every(Number.isFinite)).toBe(true);
    }
    expect(one.map(numbers)).toEqual(two.map(numbers));
    expect(numbers(one[0]!)).not.toEqual(numbers(one[1]!));
  });

  it.runIf(continues)('each row continues the same row of the previous batch', () => {
    // Batches of 5 steps have the same rows as one batch of 20 steps.
    const [whole] = take(name, 1, { batch: 1, timeSteps: 20 });
    const pieces = take(name, 4, { batch: 1, timeSteps: 5 }).map(numbers);
    expect(pieces.flatMap(([xs]) => xs)).toEqual(numbers(whole!)[0]);
    expect(pieces.flatMap(([, ys]) => ys)).toEqual(numbers(whole!)[1]);
  });
});

describe('targets', () => {
  it('of the holding task are the numbers marked last', () => {
    const batches = take('hold', 3, { batch: 2, timeSteps: 60 }).map(numbers);
    let marks = 0;
    for (let row = 0; row < 2; row++) {
      let held = 0;
      for (const [xs, ys] of batches) {
        for (let t = 0; t < 60; t++) {
          const at = row * 60 + t;
          if (xs[2 * at + 1] === 1) {
            held = xs[2 * at]!;
            marks++;
          }
          expect(ys[at]).toBe(held);
        }
      }
    }
    expect(marks).toBeGreaterThan(8);
    expect(marks).toBeLessThan(36);
  });

  it('of the echo task are the inputs of five steps before', () => {
    const [xs, ys] = numbers(take('echo', 1, { batch: 1, timeSteps: 50 })[0]!);
    expect(ys.slice(5)).toEqual(xs.slice(0, -5));
  });

  it('of the forecasting tasks are the next inputs', () => {
    for (const name of ['forecast', 'damped'] as const) {
      const [xs, ys] = numbers(take(name, 1, { batch: 1, timeSteps: 50 })[0]!);
      expect(ys.slice(0, -1)).toEqual(xs.slice(1));
    }
  });

  it('of the adding problem are the sums of the two marked numbers', () => {
    const [xs, ys] = numbers(take('adding', 1, { batch: 20, timeSteps: 10 })[0]!);
    const sums = ys.map((_, b) => {
      const row = Array.from({ length: 10 }, (_, t) => xs.slice((b * 10 + t) * 2, (b * 10 + t) * 2 + 2));
      expect(row.filter(([, mark]) => mark === 1)).toHaveLength(2);
      return row.reduce((sum, [value, mark]) => sum + value! * mark!, 0);
    });
    for (const [b, sum] of sums.entries()) expect(ys[b]).toBeCloseTo(sum, 6);
  });

  it('of the noisy forecasting task have the variance in the note', () => {
    const [, ys] = numbers(take('forecast', 1, { batch: 1, timeSteps: 25_000 })[0]!);
    const residuals = ys.map((y, i) => y - ys[(i + 25) % ys.length]!); // without the wave; twice the variance of the noise
    const variance = residuals.reduce((sum, value) => sum + value ** 2, 0) / residuals.length / 2;
    expect(Math.sqrt(variance)).toBeCloseTo(pictures.forecast.noise!, 2);
  });
});

describe('plots', () => {
  it('of waves do not move with the start of the batch', () => {
    for (const name of ['cosine', 'waves', 'square'] as const) {
      const { timeSteps } = defaultsOf(name);
      const lines = take(name, 60).map((batch, step) => {
        const [input, target] = numbers(batch).map(each => Float32Array.from(each)) as [Float32Array, Float32Array];
        const look = { steps: 0, start: step * timeSteps, input, target, prediction: target, units: null, rival: null };
        return Array.from(drawingOf(pictures[name], look, 800).target);
      });
      expect(lines[0]!.length).toBeGreaterThan(380);
      for (const line of lines) {
        expect(line).toHaveLength(lines[0]!.length);
        for (const [i, value] of line.entries()) expect(Math.abs(value - lines[0]![i]!)).toBeLessThan(0.04);
      }
    }
  });

  it('show the whole batch if it is shorter than a wave, and fewer waves if there is less space', () => {
    const line = (length: number, width: number) => {
      const target = new Float32Array(length);
      const look = { steps: 1, start: 40, input: target, target, prediction: target, units: null, rival: null };
      return drawingOf(pictures.cosine, look, width).target.length;
    };
    expect(line(2, 800)).toBe(2);
    expect(line(300, 800)).toBe(300);
    expect([line(1000, 800), line(1000, 400)]).toEqual([396, 248]);
  });

  it('of predictions are sorted by the target', () => {
    const look = {
      steps: 1234,
      start: 0,
      input: new Float32Array(),
      target: Float32Array.of(3, 1, 2),
      prediction: Float32Array.of(30, 10, 20),
      units: null,
      rival: { prediction: Float32Array.of(33, 11, 22), units: null },
    };
    expect(drawingOf(pictures.adding, look, 800)).toEqual({
      time: [1, 2, 3],
      target: [1, 2, 3],
      prediction: [10, 20, 30],
      'plain RNN': [11, 22, 33],
      caption: 'after 1,234 steps',
    });
  });
});
