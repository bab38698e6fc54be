/** Parts of the demo page that can be tested without a browser. */

import { afterEach, describe, expect, it, vi } from 'vitest';
import { History } from '../../demo/history.ts';
import { Meter, Pace } from '../../demo/pace.ts';
import { defaults } from '../../demo/settings.ts';
import { tasks } from '../../demo/tasks/index.ts';
import { Practice } from '../../demo/understand/practice.ts';

describe('the cost history', () => {
  it('keeps every cost of a short run', () => {
    const history = new History();
    expect(history.cost).toBeNull();
    for (let step = 0; step < 501; step++) history.add(1 / (step + 1));
    expect(history.curve.steps).toEqual(Array.from({ length: 501 }, (_, i) => i));
    expect(history.curve.losses[500]).toBe(1 / 501);
  });

  it('has the costs of the plain RNN at the same steps', () => {
    const history = new History();
    for (let step = 0; step < 3000; step++) history.add(step, 2 * step);
    const { steps, rival } = history.curve;
    expect(rival).toEqual(steps.map(step => 2 * step));
    expect(history.rivalCost).toBe(5998);
    const alone = new History();
    alone.add(1);
    expect(alone.curve.rival).toEqual([]);
    expect(alone.rivalCost).toBeNull();
  });

  it('thins out a long run evenly and keeps the latest cost', () => {
    const history = new History();
    for (let step = 0; step <= 100_000; step++) history.add(step + 0.5);
    const { steps, losses } = history.curve;
    expect(steps.length).toBeLessThanOrEqual(1025);
    expect(steps.length).toBeGreaterThan(500);
    expect(steps.at(-1)).toBe(100_000);
    expect(losses).toEqual(steps.map(step => step + 0.5));
    expect(new Set(steps.slice(2, -1).map((step, i) => step - steps[i + 1]!)).size).toBe(1);
    expect(history.cost).toBe(100_000.5);
    expect(history.recentCost).toBeCloseTo(99_996, 6);
  });
});

describe('the training speed', () => {
  /** The steps in a number of frames of 20 ms. */
  function stepsIn(frames: number, speed: number): number {
    const pace = new Pace(speed);
    let steps = 0;
    pace.start(0);
    for (let frame = 0; frame < frames; frame++) {
      pace.pass(frame * 20);
      steps += pace.due;
      pace.took(pace.due);
    }
    return steps;
  }

  it('takes the first step immediately, then the set number per second', () => {
    expect(stepsIn(1, 1)).toBe(1);
    expect(stepsIn(50, 1)).toBe(1);
    expect(stepsIn(102, 1)).toBe(3);
    expect(stepsIn(102, 30)).toBe(61);
  });

  it('does not catch up after a long pause, nor for steps that did not fit into a frame', () => {
    const pace = new Pace(10);
    pace.start(0);
    pace.pass(60_000);
    expect(pace.due).toBe(2);
    expect(pace.elapsed).toBe(60_000);

    const crowded = new Pace(1000);
    crowded.start(0);
    crowded.pass(50);
    expect(crowded.due).toBe(51);
    crowded.took(3);
    expect(crowded.due).toBe(2);
  });

  it('is unlimited at full speed', () => {
    const pace = new Pace(Infinity);
    pace.start(0);
    pace.pass(20);
    pace.took(64);
    expect(pace.due).toBe(Infinity);
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

describe('the training of the two networks', () => {
  const { waiting } = vi.hoisted(() => ({ waiting: [] as ((error: Error) => void)[] }));
  vi.mock('lstm-wasm/worker', () => ({
    connect: () => ({
      setRandomSeed: () => new Promise((_, reject) => waiting.push(reject)),
      terminate: async () => {},
    }),
  }));
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it('ignores an error of networks that were replaced', async () => {
    vi.stubGlobal('window', globalThis);
    const failed = vi.fn();
    const practice = new Practice({ looked() {}, rested() {}, failed, busy() {} });
    practice.show(true);
    practice.want(defaults, tasks.cosine, true);
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    practice.want({ ...defaults, units: 3 }, tasks.cosine, true);
    waiting[0]!(new Error('the first'));
    await vi.waitFor(() => expect(waiting).toHaveLength(2));
    expect(failed).not.toHaveBeenCalled();
    waiting[1]!(new Error('the second'));
    await vi.waitFor(() => expect(failed).toHaveBeenCalledExactlyOnceWith(new Error('the second')));
    expect(practice.trains).toBe(false);
  });
});
