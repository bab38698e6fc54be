/** What is verified, in order, but for those that run beside the others or alone. */

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
import { clock, tests } from './tests.js';
import { tfjs } from './tfjs.js';

/** @type {import('../run.js').Step[]} */
export const steps = [
  long,
  hosts,
  bits,
  packageStep,
  api,
  site,
  tfjs,
  properties,
  tests,
  coverage,
  plots,
  clock,
  mutation,
];
