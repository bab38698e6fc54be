/** What is verified, in order. */

import { long } from './long.js';
import { properties } from './properties.js';

/** @type {import('../run.js').Step[]} */
export const steps = [properties, long];
