/** Strict kernels train to the same bits in every host, and the others stay close to them. */

import { runsOf } from '../hosts/runs.js';

/**
 * @typedef {import('../hosts/runs.js').HostRuns} HostRuns
 * @typedef {import('../hosts/runs.js').Run} Run
 * @typedef {import('../run.js').Outcome} Outcome
 */

/** Measured on x64, and required everywhere. A change here changes the results of all programs. */
const SEED_PROGRAM = 'baa5fb789c11438aba204d7285febff283e6a37817e3a804080183cde52598e1';
const STACKED = '38ac9a3bb29d27f8f5fe1f7195ac8f6a5e56a36cfc70c9b481db459a9f2bce01';

/**
 * The tolerance against the weights of the strict kernels, which are of the order of 1: after 50 steps of the seed program
 * and after the training of the stacked model. Later the seed program is chaotic and amplifies differences in rounding.
 */
const BOUND = 1e-5;

/** @type {import('../run.js').Step} */
export const bits = {
  name: 'bits',
  about: 'strict kernels train to the same SHA-256 in every host; the others stay close, and repeat their own bits',
  async run(context) {
    const hosts = await runsOf(context);
    const runs = hosts.flatMap(host => host.runs);
    if (runs.length === 0) return [{ what: 'bits', status: 'failed', note: 'no host ran' }];
    return [
      everywhere(hosts),
      same('501 steps of the seed program, strict', SEED_PROGRAM, runs, run => run.strict.seedSha),
      same(
        'a stacked GRU and LSTM with dropout, noise and shuffling, strict',
        STACKED,
        runs,
        run => run.strict.stackedSha,
      ),
      onThreads(runs),
      close(runs),
      repeats(runs),
    ];
  },
};

/** Fails if a host failed, since its bits are missing. @param {HostRuns[]} hosts @returns {Outcome} */
function everywhere(hosts) {
  const named = (/** @type {HostRuns['status']} */ wanted) => hosts.filter(({ status }) => status === wanted);
  const [failed, absent] = [named('failed'), named('not here')].map(group => group.map(({ what }) => what).join(', '));
  const note = failed ? `no bits from ${failed}` : absent && `without ${absent}, not here`;
  return { what: 'every available host ran', status: failed ? 'failed' : 'passed', note };
}

/** @param {string} what @param {string} expected @param {Run[]} runs @param {(run: Run) => string} shaOf @returns {Outcome} */
function same(what, expected, runs, shaOf) {
  const others = runs.filter(run => shaOf(run) !== expected);
  if (others.length === 0)
    return { what, status: 'passed', note: `${inAll(runs)} the weights have the SHA-256 ${expected}` };
  const mismatches = others.map(run => `${shaOf(run)} in ${run.where}`).join('; ');
  return { what, status: 'failed', note: `expected ${expected}, got ${mismatches}` };
}

/** @param {Run[]} runs @returns {Outcome} */
function onThreads(runs) {
  const what = 'both on three threads, strict';
  const threaded = runs.flatMap(({ where, threaded }) => (threaded ? [{ where, ...threaded }] : []));
  const wrong = threaded.filter(
    ({ threads, seedSha, stackedSha }) => threads !== 3 || seedSha !== SEED_PROGRAM || stackedSha !== STACKED,
  );
  if (wrong.length > 0 || threaded.length === 0) {
    const places = wrong.map(({ where, threads }) => `${where} (${threads} threads)`).join('; ');
    return { what, status: 'failed', note: `other bits, or another number of threads, in ${places || 'no place'}` };
  }
  return { what, status: 'passed', note: `in ${threaded.length} places the weights have the SHA-256 of one thread` };
}

/** @param {Run[]} runs @returns {Outcome} */
function close(runs) {
  const what = 'automatic kernels against strict ones';
  const found = runs.map(({ where, strict, auto: [auto] }) => ({
    where,
    // Without relaxed SIMD the kernels are the strict ones, and so must be the weights.
    bound: auto.simd === 'strict' ? 0 : BOUND,
    relaxed: auto.simd === 'relaxed',
    difference: Math.max(distance(strict.early, auto.early), distance(strict.stacked, auto.stacked)),
  }));
  const exceeding = found.filter(({ difference, bound }) => !(difference <= bound));
  if (exceeding.length > 0) {
    const excesses = exceeding.map(
      ({ where, difference, bound }) => `${difference.toExponential(1)} in ${where}, where at most ${bound} is allowed`,
    );
    return { what, status: 'failed', note: excesses.join('; ') };
  }
  const most = Math.max(...found.map(({ difference }) => difference));
  const relaxed = found.filter(run => run.relaxed).length;
  const note = `weights at most ${most.toExponential(1)} apart, at most ${BOUND} allowed; relaxed in ${relaxed} places, strict in ${runs.length - relaxed}`;
  return { what, status: 'passed', note, data: { most, found } };
}

/** The largest difference; NaN if a value is NaN, infinite if the lengths differ. @param {number[]} a @param {number[]} b */
function distance(a, b) {
  if (a.length !== b.length || a.length === 0) return Number.POSITIVE_INFINITY;
  return Math.max(...a.map((value, n) => Math.abs(value - (b[n] ?? Number.NaN))));
}

/** @param {Run[]} runs @returns {Outcome} */
function repeats(runs) {
  const what = 'automatic kernels, two runs on one host';
  const differing = runs.filter(
    ({ auto: [first, second] }) => first.seedSha !== second.seedSha || first.stackedSha !== second.stackedSha,
  );
  if (differing.length > 0) {
    return { what, status: 'failed', note: `different weights in ${differing.map(({ where }) => where).join('; ')}` };
  }
  return { what, status: 'passed', note: `${inAll(runs)} two runs give the same bits` };
}

/** @param {Run[]} runs */
const inAll = runs => `in all ${runs.length} places`;
