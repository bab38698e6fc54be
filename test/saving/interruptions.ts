// Takes a snapshot in every callback event, resumes training from each in a new model, and compares the results.

import { type History, type Sequential, setRandomSeed } from 'lstm-wasm';
import { expect } from 'vitest';
import { expectBits } from '../compare.ts';

export interface Options {
  verbose: 0;
  resume?: Uint8Array | null;
  callbacks: object[];
}

export interface Subject {
  /** Whether the data set draws from the global stream, which snapshots do not hold: only the same seed repeats it. */
  readonly drawsGlobally?: boolean;
  make(): Sequential;
  /** The events in which snapshots are taken; default all but onTrainEnd, when nothing is left to resume. */
  events?: string[];
  run(model: Sequential, options: Options): Promise<History>;
}

const weightsOf = (model: Sequential) => model.getWeights().flatMap(weight => [...weight.dataSync()]);

const allEvents = ['onTrainBegin', 'onEpochBegin', 'onBatchBegin', 'onBatchEnd', 'onEpochEnd'];

/** Trains, and calls `take` in every event. */
async function trained(
  { make, run, events = allEvents }: Subject,
  seed: number,
  resume: Uint8Array | null,
  take: (model: Sequential) => void,
) {
  setRandomSeed(seed);
  const model = make();
  const taking = Object.fromEntries(events.map(event => [event, () => take(model)]));
  const { epoch, history } = await run(model, { verbose: 0, resume, callbacks: [taking] as object[] });
  return { model, epoch, history, end: model.snapshot() };
}

/** @returns the training run that was not interrupted */
export async function interruptions(subject: Subject): Promise<{ history: Record<string, number[]> }> {
  const snapshots: Uint8Array[] = [];
  const whole = await trained(subject, 1, null, model => snapshots.push(model.snapshot()));
  expect(snapshots.length).toBeGreaterThan(10);
  for (const [n, bytes] of snapshots.entries()) {
    const rest = await trained(subject, subject.drawsGlobally ? 1 : 1000 + n, bytes, () => {});
    expectBits(weightsOf(rest.model), weightsOf(whole.model), `weights after snapshot ${n}`);
    expect(rest.epoch).toEqual(whole.epoch);
    expect(rest.history).toEqual(whole.history);
    expectBits(rest.end, whole.end, `everything after snapshot ${n}`);
    rest.model.dispose();
  }
  whole.model.dispose();
  return whole;
}
