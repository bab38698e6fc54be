// Checks that training resumes with the same bits from a snapshot taken in any callback event.

import { type History, type Sequential, setRandomSeed } from 'lstm-wasm';
import { expect } from 'vitest';
import { expectBits } from '../compare.ts';

export interface Options {
  verbose: 0;
  resume?: Uint8Array | null;
  callbacks: object[];
}

export interface Subject {
  /** Whether the data set draws from the global random stream. Snapshots do not hold it, so resuming needs its seed. */
  readonly drawsGlobally?: boolean;
  make(): Sequential;
  /** The events in which snapshots are taken. Default: all but onTrainEnd, which leaves nothing to resume. */
  events?: string[];
  run(model: Sequential, options: Options): Promise<History>;
}

const weightsOf = (model: Sequential) => model.getWeights().flatMap(weight => [...weight.dataSync()]);

const allEvents = ['onTrainBegin', 'onEpochBegin', 'onBatchBegin', 'onBatchEnd', 'onEpochEnd'];

/** Trains, and calls `onEvent` in every event. */
async function trainWith(
  { make, run, events = allEvents }: Subject,
  seed: number,
  resume: Uint8Array | null,
  onEvent: (model: Sequential) => void,
) {
  setRandomSeed(seed);
  const model = make();
  const callback = Object.fromEntries(events.map(event => [event, () => onEvent(model)]));
  const { epoch, history } = await run(model, { verbose: 0, resume, callbacks: [callback] as object[] });
  return { model, epoch, history, finalSnapshot: model.snapshot() };
}

/**
 * Trains without interruption, and resumes in a new model from each snapshot taken on the way.
 * @returns the uninterrupted training
 */
export async function expectResumable(subject: Subject): Promise<{ history: Record<string, number[]> }> {
  const snapshots: Uint8Array[] = [];
  const uninterrupted = await trainWith(subject, 1, null, model => snapshots.push(model.snapshot()));
  expect(snapshots.length).toBeGreaterThan(10);
  for (const [n, bytes] of snapshots.entries()) {
    const resumed = await trainWith(subject, subject.drawsGlobally ? 1 : 1000 + n, bytes, () => {});
    expectBits(weightsOf(resumed.model), weightsOf(uninterrupted.model), `weights after snapshot ${n}`);
    expect(resumed.epoch).toEqual(uninterrupted.epoch);
    expect(resumed.history).toEqual(uninterrupted.history);
    expectBits(resumed.finalSnapshot, uninterrupted.finalSnapshot, `final snapshot after snapshot ${n}`);
    resumed.model.dispose();
  }
  uninterrupted.model.dispose();
  return uninterrupted;
}
