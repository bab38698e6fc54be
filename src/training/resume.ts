/** Resuming a training run: finds the snapshot, and checks that the run continues the one in it. */

import { fail, show } from '../util/errors.ts';
import type { BaseCallback } from './callback.ts';
import type { DataOrder, TrainingProgress } from './progress.ts';
import type { ModelSnapshot, TrainedModel } from './trainedModel.ts';

/** A snapshot that was taken in a training run. */
export interface ResumedTraining extends ModelSnapshot {
  readonly progress: TrainingProgress;
}

/** Whether a snapshot or a file must be read before training. */
export const readsSnapshot = (resume: unknown, callbacks: readonly BaseCallback[]): boolean =>
  resume !== null || callbacks.some(callback => callback.keepsFile);

/** Bytes that should be a snapshot, and their name for messages. */
interface Found {
  readonly name: string;
  readonly bytes: unknown;
}

/**
 * Finds the snapshot to resume from: that of the option `resume`, or else that of a callback with a file. Fails if the
 * file of a callback cannot be written, which would otherwise be noticed after an epoch.
 *
 * @returns null for a new training run
 */
export async function findSnapshot(resume: unknown, callbacks: readonly BaseCallback[]): Promise<Found | null> {
  let found: Found | null = resume === null ? null : { name: 'resume', bytes: resume };
  for (const callback of callbacks.filter(({ keepsFile }) => keepsFile)) {
    const inFile = await callback.findSnapshot();
    found ??= inFile;
  }
  return found;
}

/** Checks a snapshot against the model. `write` must be called before any other code can change the model. */
export function readResumed(call: string, trained: TrainedModel, { name, bytes }: Found): ResumedTraining {
  const { progress, write } = trained.readSnapshot(call, name, bytes);
  if (!progress) {
    fail(call, `${name} must be a snapshot taken during training, got one taken outside of it; use model.restore`);
  }
  return { progress, write };
}

/** What a training run must have in common with the one it resumes. */
export interface TrainingSetup {
  readonly method: TrainingProgress['method'];
  readonly data: DataOrder;
  readonly labels: readonly string[];
  readonly callbacks: readonly BaseCallback[];
}

/** Fails if a training run cannot resume the one that a snapshot was taken in. */
export function checkSameSetup(call: string, setup: TrainingSetup, progress: TrainingProgress): void {
  const check = (name: string, value: unknown, expected: unknown) => {
    if (Object.is(value, expected)) return;
    fail(call, `${name} must be ${show(expected)}, as in the training to resume, got ${show(value)}`);
  };
  check('the method', setup.method, progress.method);
  for (const [name, value] of Object.entries(setup.data)) check(name, value, progress.data[name]);
  check('the compiled loss and metrics', setup.labels.join(', '), progress.labels.join(', '));
  check('the number of callbacks', setup.callbacks.length, progress.callbacks);
  const withState = setup.callbacks.filter(callback => callback.getState() !== null);
  check('the number of callbacks with a state', withState.length, progress.states.length);
  for (const [n, callback] of withState.entries()) {
    const names = [callback.getState()!, progress.states[n]!].map(({ numbers }) => Object.keys(numbers).join(', '));
    check(`the state of callback ${n} of these`, names[0], names[1]);
  }
}
