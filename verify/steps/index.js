/** What is verified, in order. */

import { examples } from './examples.js';
import { packageStep } from './package.js';

/** @type {import('../run.js').Step[]} */
export const steps = [packageStep, examples];
