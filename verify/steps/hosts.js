/** The package, installed as a user would, trains the seed program in every host. */

import { runsOf } from '../hosts/runs.js';

/**
 * @typedef {import('../hosts/program.js').Found} Found
 * @typedef {import('../hosts/runs.js').Run} Run
 * @typedef {import('../run.js').Outcome} Outcome
 */

/** The median of the last hundred losses must be below this share of the first loss. */
const MAX_FINAL_LOSS = 0.05;

/** @type {import('../run.js').Step} */
export const hosts = {
  name: 'hosts',
  about: 'the packed package is installed, imported and trains the seed program in every host and bundle',
  async run(context) {
    const all = await runsOf(context);
    return all.map(({ what, runs, status, note }) => (status ? { what, status, note } : judge(what, runs, note)));
  },
};

/** @param {string} what @param {Run[]} runs @param {string} [remark] @returns {Outcome} */
function judge(what, runs, remark) {
  const wrong = runs.flatMap(({ where, strict, auto }) => {
    if (strict.simd !== 'strict') return [`${where} runs ${strict.simd} kernels instead of strict ones`];
    return [strict, ...auto]
      .filter(found => !hasLearned(found))
      .map(found => `${where}, ${found.simd}: ${lossesOf(found)}`);
  });
  if (runs.length === 0) return { what, status: 'failed', note: 'nothing ran' };
  if (wrong.length > 0) return { what, status: 'failed', note: wrong.join('; ') };
  const relaxed = runs.map(({ auto }) => auto[0]).find(({ simd }) => simd === 'relaxed');
  const summaries = [runs[0]?.strict, relaxed].map(found => found && summaryOf(found));
  return { what, status: 'passed', note: [...summaries, remark].filter(Boolean).join('; ') };
}

/** @param {Found} found */
const summaryOf = found =>
  `${found.simd}: cost ${lossesOf(found)}${found.milliseconds > 0 ? `, ${found.milliseconds.toPrecision(2)} ms a step` : ''}`;

/** @param {Found} found */
const hasLearned = ({ losses }) =>
  losses.length === 501 && losses.every(Number.isFinite) && finalLoss(losses) < MAX_FINAL_LOSS * (losses[0] ?? 0);

/** @param {Found} found */
const lossesOf = ({ losses }) => `${losses[0]?.toPrecision(3)} to ${finalLoss(losses).toPrecision(3)}`;

/** @param {number[]} losses */
const finalLoss = losses =>
  losses
    .slice(-100)
    .sort((a, b) => a - b)
    .at(50) ?? Number.NaN;
