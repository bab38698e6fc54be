/** Outcomes of checks. */

/** The reason why something cannot be checked on this machine. */
export class NotHere extends Error {}

/**
 * @param {boolean} passed
 * @returns {import('./run.js').Outcome['status']}
 */
export const passedIf = passed => (passed ? 'passed' : 'failed');
