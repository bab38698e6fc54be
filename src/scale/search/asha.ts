/** Asynchronous successive halving (Li et al., 2018), with the rules of Optuna's `SuccessiveHalvingPruner`. */

import { rejectExtraArguments } from '../../util/arguments.ts';
import { fail, show } from '../../util/errors.ts';
import { checkCount, checkOptions, isPlain } from '../../util/options.ts';

export interface AshaOptions {
  /** The steps to the first decision; default: 1, or a hundredth of all steps if that is more. */
  minResource?: number;
  /** One trial out of so many goes on to the next rung, which is as many times higher; default 4. */
  reductionFactor?: number;
  /** How many of the lowest rungs to leave out; default 0. */
  minEarlyStoppingRate?: number;
}

export interface Asha extends Readonly<Required<Omit<AshaOptions, 'minResource'>>> {
  readonly name: 'asha';
  readonly minResource: number | null;
}

/** A pruner that ends trials early which are not among the best at one of the rungs. */
export function asha(options: AshaOptions = {}): Asha {
  const call = 'asha';
  rejectExtraArguments(call, 1, arguments);
  const given = checkOptions<AshaOptions>(call, options, ['minResource', 'reductionFactor', 'minEarlyStoppingRate']);
  const { minResource } = given;
  return Object.freeze({
    name: 'asha',
    minResource: minResource === undefined ? null : checkCount(call, 'minResource', minResource),
    reductionFactor: checkCount(call, 'reductionFactor', given.reductionFactor ?? 4, 2),
    minEarlyStoppingRate: checkCount(call, 'minEarlyStoppingRate', given.minEarlyStoppingRate ?? 0, 0),
  });
}

export function checkPruner(call: string, value: unknown): Asha | null {
  if (value === undefined || value === null) return null;
  if (value === 'asha') return asha();
  if (isPlain(value) && (value as { name?: unknown }).name === 'asha') {
    const { name: _, minResource, ...rest } = value as Asha;
    return asha(minResource === null ? rest : { ...rest, minResource });
  }
  return fail(call, `pruner must be 'asha' or asha(...), got ${show(value)}`);
}

/** The steps at which a trial may end early, all below `steps`. */
export function rungsOf({ minResource, reductionFactor, minEarlyStoppingRate }: Asha, steps: number): number[] {
  const first = minResource ?? Math.max(1, Math.floor(steps / 100));
  const rungs: number[] = [];
  for (let n = minEarlyStoppingRate; ; n++) {
    const step = first * reductionFactor ** n;
    if (step >= steps) return rungs;
    rungs.push(step);
  }
}

/**
 * Whether a trial goes on: whether its loss is among the best of its rung, one out of `reductionFactor`. While there are
 * fewer, only the best goes on.
 *
 * @param others the losses of the earlier trials at the same rung
 */
export function isPromoted({ reductionFactor }: Asha, loss: number, others: readonly number[]): boolean {
  if (Number.isNaN(loss)) return false;
  const most = Math.max(1, Math.floor((others.length + 1) / reductionFactor));
  return others.filter(other => other < loss).length < most;
}
