/** What is verified, in order. */

import { bits } from './bits.js';
import { hosts } from './hosts.js';

/** @type {import('../run.js').Step[]} */
export const steps = [hosts, bits];
