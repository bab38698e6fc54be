/** What is verified, in order. */

/** @type {import('../run.js').Step[]} */
export const steps = [];
