/** What is verified, in order. */

import { api } from './api.js';
import { bits } from './bits.js';
import { coverage } from './coverage.js';
import { hosts } from './hosts.js';
import { long } from './long.js';
import { mutation } from './mutation.js';
import { packageStep } from './package.js';
import { plots } from './plots.js';
import { properties } from './properties.js';
import { site } from './site.js';
import { tfjs } from './tfjs.js';

/** @type {import('../run.js').Step[]} */
export const steps = [hosts, bits, packageStep, api, site, plots, tfjs, properties, coverage, mutation, long];
