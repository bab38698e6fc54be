/** How things end. */

/** Why something cannot be shown on this machine. */
export class NotHere extends Error {}

/**
 * @param {boolean} right
 * @returns {import('./run.js').Outcome['status']}
 */
export const passedIf = right => (right ? 'passed' : 'failed');
