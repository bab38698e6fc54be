/** The parts of the page that can be tested without a page. */

import { setRandomSeed } from 'lstm-wasm';
import { describe, expect, it } from 'vitest';
import { History } from '../../demo/history.ts';
import { Meter, Pace, speeds } from '../../demo/pace.ts';
import { batchSize, Trainer, timeSteps } from '../../demo/trainer.ts';
import { firstRow, waves } from '../../demo/wave.ts';

describe('the trainer', () => {
  it('learns the same however often it is looked at', () => {
    const costs = (looks: number) => {
      setRandomSeed(7);
      const trainer = new Trainer();
      const costs: number[] = [];
      for (let step = 0; step < 5; step++) {
        for (let look = 0; look < looks; look++) trainer.look();
        costs.push(trainer.step());
      }
      expect(trainer.start).toBe(4 * timeSteps);
      expect(trainer.look()).toEqual(trainer.look());
      trainer.dispose();
      return costs;
    };
    expect(costs(3)).toEqual(costs(0));
  });
});

describe('waves', () => {
  const cosine = (start: number) =>
    Float32Array.from({ length: batchSize * timeSteps }, (_, i) => Math.cos((start + i) / (10 * Math.PI)));

  it('stand still, wherever the batch begins', () => {
    for (let step = 0; step < 1000; step += 7) {
      const start = step * timeSteps;
      const target = cosine(start);
      const shown = waves({ start, target, prediction: target }, 2);
      expect(shown.target).toHaveLength(396);
      expect(shown.time).toHaveLength(396);
      expect(shown.time![0]).toBe(0);
      for (let i = 0; i < 396; i++) expect(Math.abs(shown.target[i]! - Math.cos(shown.time![i]!))).toBeLessThan(0.017);
    }
  });

  it('give way to the first row alone', () => {
    const target = cosine(400);
    const shown = firstRow({ start: 400, target, prediction: target });
    expect(shown.time![0]).toBeCloseTo(400 / (10 * Math.PI), 12);
    expect(Array.from(shown.target)).toEqual(Array.from(target.subarray(0, 20)));
  });
});

describe('the history', () => {
  it('keeps every cost of a short run', () => {
    const history = new History();
    expect(history.cost).toBeNull();
    for (let step = 0; step < 501; step++) history.add(step, 1 / (step + 1));
    expect(history.curve.steps).toEqual(Array.from({ length: 501 }, (_, i) => i));
    expect(history.curve.losses[500]).toBe(1 / 501);
  });

  it('thins out a long one evenly and knows the newest cost', () => {
    const history = new History();
    for (let step = 0; step <= 100_000; step++) history.add(step, step + 0.5);
    const { steps, losses } = history.curve;
    expect(steps.length).toBeLessThanOrEqual(2049);
    expect(steps.length).toBeGreaterThan(1000);
    expect(steps.at(-1)).toBe(100_000);
    expect(losses).toEqual(steps.map(step => step + 0.5));
    expect(new Set(steps.slice(2, -1).map((step, i) => step - steps[i + 1]!)).size).toBe(1);
    expect(history.cost).toBe(100_000.5);
    expect(history.recentCost).toBeCloseTo(99_996, 6);
  });
});

describe('the pace', () => {
  /** Steps taken in a number of frames of 20 ms. */
  function stepsIn(frames: number, speed: number): number {
    const pace = new Pace(speed);
    let steps = 0;
    pace.start(0);
    for (let frame = 0; frame < frames; frame++) pace.frame(frame * 20, () => ++steps > 0);
    return steps;
  }

  it('takes a first step at once, and then as many as were asked for', () => {
    expect(stepsIn(1, 1)).toBe(1);
    expect(stepsIn(50, 1)).toBe(1);
    expect(stepsIn(102, 1)).toBe(3);
    expect(stepsIn(102, 30)).toBe(61);
  });

  it('ends when the step says so, and does not make up for a hidden tab', () => {
    const pace = new Pace(speeds.at(-1)!);
    let steps = 0;
    pace.start(0);
    pace.frame(20, () => ++steps < 5);
    expect(steps).toBe(5);

    const slow = new Pace(10);
    steps = 0;
    slow.start(0);
    slow.frame(60_000, () => ++steps > 0);
    expect(steps).toBe(2);
  });

  it('is measured over the last second', () => {
    const meter = new Meter();
    expect(meter.rate).toBeNull();
    for (let step = 1; step <= 200; step++) meter.mark(step * 10, step);
    expect(meter.rate).toBeCloseTo(100, 6);
    for (let step = 201; step <= 210; step++) meter.mark(2000 + (step - 200) * 500, step);
    expect(meter.rate).toBeCloseTo(2, 6);
  });
});
