/** Going on with a training that was interrupted: the snapshot it goes on from, and whether the two belong together. */

import type { Snapshot } from '../saving/snapshot.ts';
import { fail, show } from '../util/errors.ts';
import type { BaseCallback } from './callback.ts';
import type { DataOrder, TrainingProgress } from './progress.ts';
import type { TrainedModel } from './trainedModel.ts';

/** A snapshot of a training. */
export interface Interrupted extends Snapshot {
  readonly progress: TrainingProgress;
}

/** Bytes that should be a snapshot, and where they are from. */
interface Found {
  readonly name: string;
  readonly bytes: unknown;
}

/**
 * The snapshot to go on from: the one that `resume` gives, or else one that a callback keeps. Fails where a callback could
 * not write its file, which would otherwise show after an epoch.
 *
 * @returns null where training begins afresh
 */
export async function findSnapshot(resume: unknown, callbacks: readonly BaseCallback[]): Promise<Found | null> {
  let found: Found | null = resume === null ? null : { name: 'resume', bytes: resume };
  for (const callback of callbacks.filter(({ keepsFile }) => keepsFile)) {
    const kept = await callback.findSnapshot();
    found ??= kept;
  }
  return found;
}

/** A snapshot, checked against the model as it is now: it must be written before anybody else has a turn. */
export function readInterrupted(call: string, trained: TrainedModel, { name, bytes }: Found): Interrupted {
  const snapshot = trained.readSnapshot(call, name, bytes);
  const { progress } = snapshot;
  if (!progress) fail(call, `${name} must be a snapshot taken in a training, got one taken outside; use model.restore`);
  return { ...snapshot, progress };
}

/** What a training is, as far as one that goes on with it must be the same. */
export interface Kind {
  readonly method: TrainingProgress['method'];
  readonly data: DataOrder;
  readonly labels: readonly string[];
  readonly callbacks: readonly BaseCallback[];
}

/** Fails where a training cannot go on with the one that a snapshot was taken in. */
export function checkKind(call: string, kind: Kind, progress: TrainingProgress): void {
  const check = (name: string, value: unknown, expected: unknown) => {
    if (Object.is(value, expected)) return;
    fail(call, `${name} must be ${show(expected)}, as in the training to resume, got ${show(value)}`);
  };
  check('the method', kind.method, progress.method);
  for (const [name, value] of Object.entries(kind.data)) check(name, value, progress.data[name]);
  check('what compile has to measure', kind.labels.join(', '), progress.labels.join(', '));
  check('the number of callbacks', kind.callbacks.length, progress.callbacks);
  const keeping = kind.callbacks.filter(callback => callback.getState() !== null);
  check('the number of callbacks that keep a state', keeping.length, progress.states.length);
  for (const [n, callback] of keeping.entries()) {
    const names = [callback.getState()!, progress.states[n]!].map(({ numbers }) => Object.keys(numbers).join(', '));
    check(`the state of callback ${n} of them`, names[0], names[1]);
  }
}
