/** The package: its manifest, dependencies, sizes, tree shaking and types. */

import { checkAbsent } from '../package/absent.js';
import { checkPublished } from '../package/checkers.js';
import { checkAudit, checkLicences, checkSbom, checkScripts } from '../package/dependencies.js';
import { checkKernels } from '../package/kernels.js';
import { checkManifest } from '../package/manifest.js';
import { checkShaking } from '../package/shaking.js';
import { checkSizes } from '../package/sizes.js';
import { checkTypes } from '../package/types.js';

const checks = [
  checkPublished,
  checkManifest,
  checkAudit,
  checkScripts,
  checkLicences,
  checkSbom,
  checkSizes,
  checkShaking,
  checkAbsent,
  checkKernels,
  checkTypes,
];

/** @type {import('../run.js').Step} */
export const packageStep = {
  name: 'package',
  about: 'checkers, dependencies, sizes, tree shaking, types',
  async run(context) {
    /** @type {import('../run.js').Outcome[]} */
    const outcomes = [];
    // An error in one check must not hide the results of the others.
    for (const check of checks) {
      try {
        outcomes.push(...[await check(context)].flat());
      } catch (error) {
        const note = error instanceof Error ? error.message : String(error);
        outcomes.push({ what: check.name, status: 'failed', note });
      }
    }
    return outcomes;
  },
};
