/** What is verified, in order. */

import { coverage } from './coverage.js';
import { mutation } from './mutation.js';

/** @type {import('../run.js').Step[]} */
export const steps = [coverage, mutation];
