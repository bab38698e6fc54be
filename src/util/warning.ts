/**
 * The warning that what comes out of a model is not finite. There is one for all calls, so that a program hears of it once
 * and not at every batch that follows.
 */

/** Whose warning it is: the weights, which models of other batch sizes and streams have in common. */
interface Warned {
  /** Whether it has been given; false again after `compile`, with other weights, and for every training by `fit`. */
  warned: boolean;
}

/** Describes what is wrong with the data; null if nothing is. */
export type Diagnosis = () => string | null;

export const ADVICE =
  'check that the data holds finite numbers, none of them huge, and that no state was carried on from such a batch; ' +
  'else the weights have grown too large, and want a smaller learning rate, or an optimizer with clipNorm';

export const isNotFinite = (value: number): boolean => !Number.isFinite(value);

/** @param what is not finite, and its verb: 'the loss is', 'the predictions hold' */
export function warnOnce(owner: Warned, call: string, what: string, value: number | undefined, advice = ADVICE): void {
  if (!owner.warned) warn(`${call}: ${what} ${value}; ${advice}`);
  owner.warned = true;
}

/**
 * Prints a warning. Ignores errors of `console.warn`, which some test runners make throw, so that no call stops
 * halfway.
 */
export function warn(message: string): void {
  try {
    console.warn(message);
  } catch {
    // the call continues without the warning
  }
}
