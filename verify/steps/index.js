/** What is verified, in order. */

import { api } from './api.js';
import { coverage } from './coverage.js';
import { mutation } from './mutation.js';
import { packageStep } from './package.js';
import { site } from './site.js';
import { tfjs } from './tfjs.js';

/** @type {import('../run.js').Step[]} */
export const steps = [packageStep, api, site, tfjs, coverage, mutation];
