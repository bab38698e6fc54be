/** Studies as the user sees them. */

import type { StoredTrial } from './journalState.ts';
import { storedParams } from './journalState.ts';
import type { Params, Space } from './space.ts';
import type { Direction, TrialState } from './trial.ts';

export interface SweepTrial<S extends Space = Space> {
  readonly number: number;
  /** The seed that its task received. */
  readonly seed: number;
  readonly params: Params<S>;
  /** The final value, of a pruned trial its last one; null without one. */
  readonly value: number | null;
  readonly state: TrialState;
  /** The values that it reported, by step, in order. NaN is a value that was not finite. */
  readonly reports: readonly (readonly [step: number, value: number])[];
  /** Why it failed; null if it did not. */
  readonly error: string | null;
}

export interface Study<S extends Space = Space> {
  readonly name: string;
  readonly direction: Direction;
  /** All trials, in the order of their numbers. */
  readonly trials: readonly SweepTrial<S>[];
  /** The complete trial with the best value, the first one among equals; null if none is complete. */
  readonly best: SweepTrial<S> | null;
  /**
   * The bytes of the model that a trial has returned, by default the best one: `loadLayersModel(fromBytes(bytes))`. If the store
   * of the engine no longer has them, the trial runs again, and gives the same bytes.
   */
  model(trial?: SweepTrial<S> | null): Promise<Uint8Array>;
}

/** What `onProgress` receives. */
export interface SweepProgress<S extends Space = Space> {
  /** Trials that are complete, pruned or failed. */
  readonly done: number;
  /** How many trials the study has in the end. */
  readonly total: number;
  readonly running: number;
  readonly pruned: number;
  readonly failed: number;
  /** The best trial so far; null if none is complete. */
  readonly best: SweepTrial<S> | null;
  /** The trial that has started, reported or ended. */
  readonly trial: SweepTrial<S>;
  /** An estimate of the seconds until the end, from the trials of this call; null before the first one has ended. */
  readonly timeLeft: number | null;
}

/** The names of the user attributes of trials and studies in the journal. */
export const attributeNames = { error: 'error', model: 'model', snapshot: 'snapshot', settings: 'lstm-wasm' } as const;

export function trialOf(stored: StoredTrial, seed: number): SweepTrial {
  const { number, state, value, intermediate, attributes } = stored;
  const error = attributes[attributeNames.error];
  return {
    number,
    seed,
    params: storedParams(stored),
    value,
    state: state === 'waiting' ? 'running' : state,
    reports: [...intermediate],
    error: state === 'failed' ? String(error ?? 'failed in another program') : null,
  };
}

/** The complete trial with the lowest loss, the first one among equals; null if none is complete. */
export function bestOf(trials: readonly StoredTrial[], sign: number): StoredTrial | null {
  let best: StoredTrial | null = null;
  for (const trial of trials) {
    if (trial.state !== 'complete' || trial.value === null) continue;
    if (best === null || sign * trial.value < sign * best.value!) best = trial;
  }
  return best;
}
