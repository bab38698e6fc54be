/** Outcomes of checks. */

/** The reason why something cannot be checked on this machine. */
export class NotHere extends Error {}

/**
 * @param {boolean} right
 * @returns {import('./run.js').Outcome['status']}
 */
export const passedIf = right => (right ? 'passed' : 'failed');
