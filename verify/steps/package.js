/** The package as such: what checkers say of it, what comes with it, how large it is, and what its types say. */

import { checkPublished } from '../package/checkers.js';
import { checkDependencies } from '../package/dependencies.js';
import { checkManifest } from '../package/manifest.js';
import { checkShaking } from '../package/shaking.js';
import { checkSizes } from '../package/sizes.js';
import { checkTypes } from '../package/types.js';

/** @type {import('../run.js').Step} */
export const packageStep = {
  name: 'package',
  about: 'checkers, dependencies, sizes, tree shaking, types',
  async run(context) {
    const outcomes = [];
    // One that cannot go on must not hide what the others find.
    for (const check of [checkPublished, checkManifest, checkDependencies, checkSizes, checkShaking, checkTypes]) {
      try {
        outcomes.push(...(await check(context)));
      } catch (error) {
        const note = error instanceof Error ? error.message : String(error);
        outcomes.push({ what: check.name, status: /** @type {const} */ ('failed'), note });
      }
    }
    return outcomes;
  },
};
