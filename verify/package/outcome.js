/**
 * @param {boolean} right
 * @returns {import('../run.js').Outcome['status']}
 */
export const passedIf = right => (right ? 'passed' : 'failed');
