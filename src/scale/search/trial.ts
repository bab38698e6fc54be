/** What samplers and pruners know of a trial. */

export type Direction = 'minimize' | 'maximize';

/** 'running' is the state of a trial whose result is not to be looked at yet. */
export type TrialState = 'running' | 'complete' | 'pruned' | 'failed';

export interface Observation {
  readonly state: TrialState;
  /** The parameters as numbers, a choice as its index. */
  readonly numbers: Readonly<Record<string, number>>;
  /** Lower is better, so negated if a study maximizes; of a complete trial the final value, otherwise undefined. */
  readonly loss: number | undefined;
  /** Of a pruned trial: its last step, and the loss there, which may be NaN. */
  readonly last: { readonly step: number; readonly loss: number } | undefined;
}

/**
 * The rank of a trial, the lower the better: complete trials, then pruned ones, those first that came further, then running
 * ones; among equals by their loss.
 */
export function rankOf({ state, loss, last }: Observation): readonly [number, number] {
  if (state === 'complete') return [Number.NEGATIVE_INFINITY, loss ?? Number.POSITIVE_INFINITY];
  if (state === 'running') return [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  if (last === undefined) return [1, 0];
  return [-last.step, Number.isNaN(last.loss) ? Number.POSITIVE_INFINITY : last.loss];
}
