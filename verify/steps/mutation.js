/** Mutation testing of the kernels: the tests must detect nearly all small faults planted in assembly/. */

import { hunt, scoreOf, titleOf } from '../mutation/hunt.js';
import { passedIf } from '../outcome.js';

/** The share of faults that must be detected: just below the last measurement. Some faults change no result. */
const FLOOR = 0.88;
/** A score of fewer faults says little. */
const FEWEST = 50;

/** @type {import('../run.js').Step} */
export const mutation = {
  name: 'mutation',
  when: 'alone',
  about: 'small faults in the kernels, one at a time; 10 to 20 minutes',
  async run({ root, say }) {
    const verdicts = await hunt({ root, say });
    const { detected, valid, score } = scoreOf(verdicts);
    const survivors = verdicts.filter(({ fate }) => fate === 'survived').map(({ mutant }) => titleOf(mutant));
    return [
      {
        what: 'Faults planted in assembly/',
        status: passedIf(score >= FLOOR && valid >= FEWEST),
        note: `${detected} of ${valid} detected, at least ${100 * FLOOR} % required`,
        data: { detected, valid, survivors },
      },
    ];
  },
};
