/** The kernels by mutation: every small fault that is planted in assembly/ must fail a test. */

import { hunt } from '../mutation/hunt.js';
import { mutants } from '../mutation/mutants/index.js';
import { passedIf } from '../outcome.js';

/** Two at a time, since each compiles and tests in a process of its own. */
const TOGETHER = 2;
/** Fewer would not be worth the name. */
const FEWEST = 50;
/** It names the exports and computes nothing. */
const withoutFaults = ['index.ts'];

/** @type {import('../run.js').Step} */
export const mutation = {
  name: 'mutation',
  when: 'alone',
  about: `${mutants.length} small faults in the kernels, one at a time; some minutes`,
  async run({ root, say }) {
    const started = performance.now();
    const { verdicts, sound, untouched } = await hunt({ root, list: mutants, together: TOGETHER, say });
    const seconds = Math.round((performance.now() - started) / 1000);
    const slowest = Math.max(...verdicts.map(verdict => verdict.seconds)).toFixed(0);
    const caught = verdicts.filter(({ fate }) => fate.startsWith('caught'));
    const late = caught.filter(({ fate }) => fate === 'caught late').length;
    const files = new Set(mutants.map(({ file }) => file));
    const missing = untouched.filter(file => !withoutFaults.includes(file));
    const count = `${caught.length} of ${verdicts.length} faults in ${files.size} files caught`;
    /** @type {import('../run.js').Outcome[]} */
    const outcomes = [
      {
        what: 'The tests that must see them, on unchanged kernels',
        status: 'passed',
        note: `${sound.passed} tests of ${sound.files} files`,
      },
      {
        what: 'Faults planted in assembly/',
        status: passedIf(caught.length === mutants.length && mutants.length >= FEWEST),
        note: `${count}, ${late} of them late; ${seconds} s, the slowest ${slowest} s`,
        data: { faults: verdicts.length, caught: caught.length, late, seconds },
      },
      {
        what: 'A fault in every file of assembly/',
        status: passedIf(missing.length === 0),
        note: missing.length === 0 ? `${files.size} files` : `none in ${missing.join(', ')}`,
      },
    ];
    for (const { mutant, fate, by } of verdicts) {
      if (fate === 'caught') continue;
      const status = fate === 'caught late' ? 'passed' : 'failed';
      outcomes.push({ what: `${mutant.file}: ${mutant.why}`, status, note: `${fate}: ${by}` });
    }
    return outcomes;
  },
};
