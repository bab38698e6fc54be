/** What is verified, in order. */

import { packageStep } from './package.js';
import { tfjs } from './tfjs.js';

/** @type {import('../run.js').Step[]} */
export const steps = [packageStep, tfjs];
