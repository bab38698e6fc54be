/**
 * The warning about results that are not finite. It is printed once, not for every batch that follows.
 */

/** Remembers whether the warning was printed: the parameters, which models of other batch sizes and streams share. */
interface WarningOwner {
  /** Reset by `compile`, by new weights, and at the start of each training run. */
  warned: boolean;
}

/** Describes what is wrong with the data; null if nothing is. */
export type Diagnosis = () => string | null;

/** The most common causes, for the end of the warning. */
export const NOT_FINITE_ADVICE =
  'check that the data holds finite numbers, none of them huge, and that no state was carried over from such a batch; ' +
  'otherwise the weights have grown too large: use a smaller learning rate, or an optimizer with clipNorm';

export const isNotFinite = (value: number): boolean => !Number.isFinite(value);

/** @param what subject and verb of the message, such as 'the loss is' or 'the predictions hold' */
export function warnOnce(
  owner: WarningOwner,
  call: string,
  what: string,
  value: number | undefined,
  advice = NOT_FINITE_ADVICE,
): void {
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
