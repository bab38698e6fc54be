/** What is verified, in order. */

import { packageStep } from './package.js';

/** @type {import('../run.js').Step[]} */
export const steps = [packageStep];
