/** What is verified, in order. */

import { api } from './api.js';
import { site } from './site.js';

/** @type {import('../run.js').Step[]} */
export const steps = [api, site];
