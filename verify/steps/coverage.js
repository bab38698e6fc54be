/** Lines and branches of src/ that the tests go through, against a floor. */

import { relative } from 'node:path';
import { floor, measure } from '../../scripts/coverage.js';

/** @type {import('../run.js').Step} */
export const coverage = {
  name: 'coverage',
  about: 'lines and branches of src/, by the tests of facade, data, plots, formats and workers',
  async run({ root }) {
    const { total, files } = measure();
    return /** @type {const} */ (['lines', 'branches']).map(kind => {
      const { covered, total: all, pct } = total[kind];
      const least = Object.entries(files)
        .filter(([, figures]) => figures[kind].total > 0)
        .sort(([, a], [, b]) => a[kind].pct - b[kind].pct)
        .slice(0, 3)
        .map(([file, figures]) => `${relative(root, file)} ${figures[kind].pct} %`);
      return {
        what: `${kind} of src/`,
        status: pct >= floor[kind] ? 'passed' : 'failed',
        note: `${pct} % (${covered} of ${all}), at least ${floor[kind]} % wanted; least in ${least.join(', ')}`,
        data: { covered, total: all, percent: pct, floor: floor[kind] },
      };
    });
  },
};
