/** Asynchronous successive halving (Li et al., 2018), with the rules of Optuna's `SuccessiveHalvingPruner`. */

import { rejectExtraArguments } from '../../util/arguments.ts';
import { fail, show } from '../../util/errors.ts';
import { checkCount, checkOptions, isPlain } from '../../util/options.ts';

export interface AshaOptions {
  /** The steps to the first decision; default 1. */
  minResource?: number;
  /** The steps of a whole trial, so that there is no decision at its last one; default: not known. */
  maxResource?: number | null;
  /** One trial out of so many goes on to the next rung, which is as many times higher; default 4. */
  reductionFactor?: number;
  /** How many of the lowest rungs to leave out; default 0. */
  minEarlyStoppingRate?: number;
}

export interface Asha extends Readonly<Required<AshaOptions>> {
  readonly name: 'asha';
}

/** A pruner that ends trials early which are not among the best at one of the rungs. */
export function asha(options: AshaOptions = {}): Asha {
  const call = 'asha';
  rejectExtraArguments(call, 1, arguments);
  const known = ['minResource', 'maxResource', 'reductionFactor', 'minEarlyStoppingRate'];
  const given = checkOptions<AshaOptions>(call, options, known);
  const minResource = checkCount(call, 'minResource', given.minResource ?? 1);
  const { maxResource = null } = given;
  return Object.freeze({
    name: 'asha',
    minResource,
    maxResource: maxResource === null ? null : checkCount(call, 'maxResource', maxResource, minResource),
    reductionFactor: checkCount(call, 'reductionFactor', given.reductionFactor ?? 4, 2),
    minEarlyStoppingRate: checkCount(call, 'minEarlyStoppingRate', given.minEarlyStoppingRate ?? 0, 0),
  });
}

export function checkPruner(call: string, value: unknown): Asha | null {
  if (value === undefined || value === null) return null;
  if (value === 'asha') return asha();
  if (isPlain(value) && (value as { name?: unknown }).name === 'asha') {
    const { name: _, ...options } = value as Asha;
    return asha(options);
  }
  return fail(call, `pruner must be 'asha' or asha(...), got ${show(value)}`);
}

const rungAt = ({ minResource, reductionFactor, minEarlyStoppingRate }: Asha, n: number): number =>
  minResource * reductionFactor ** (minEarlyStoppingRate + n);

/** The steps up to `step` at which a trial may end early. */
export function rungsUpTo(pruner: Asha, step: number): number[] {
  const rungs: number[] = [];
  for (let n = 0; rungAt(pruner, n) <= step && !isLast(pruner, rungAt(pruner, n)); n++) rungs.push(rungAt(pruner, n));
  return rungs;
}

/** The first step after `step` at which a trial may end early; null if there is none. */
export function rungAfter(pruner: Asha, step: number): number | null {
  const next = rungAt(pruner, rungsUpTo(pruner, step).length);
  return isLast(pruner, next) ? null : next;
}

const isLast = ({ maxResource }: Asha, step: number): boolean => maxResource !== null && step >= maxResource;

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
