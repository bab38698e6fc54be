/** Lines and branches of src/ that the tests go through, against a floor. */

import { relative } from 'node:path';
import { floor, measure } from '../../scripts/coverage.js';

/** @type {import('../run.js').Step} */
export const coverage = {
  name: 'coverage',
  about: 'lines and branches of src/, by the tests of facade, data, plots and formats',
  async run({ root }) {
    const { total, files } = measure();
    /** @type {import('../run.js').Outcome[]} */
    const outcomes = /** @type {const} */ (['lines', 'branches']).map(kind => {
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
    const note = "they run from dist/ in threads and processes that V8's coverage does not see; test/worker runs them";
    return [...outcomes, { what: 'src/worker/, src/turbo.ts', status: 'not here', note }];
  },
};
