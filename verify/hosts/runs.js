/** Runs the program in all hosts, once for all steps: with strict kernels, on threads, and twice with the kernels of the host. */

import { stripVTControlCharacters } from 'node:util';
import { NotHere } from '../outcome.js';
import { hosts } from './hosts.js';
import { openStage } from './stage.js';

/**
 * @typedef {import('./program.js').Found} Found
 *
 * @typedef {object} Run
 * @property {string} where such as "Deno 2.9.6: worker"
 * @property {Found} strict
 * @property {[Found, Found]} auto
 * @property {Found} [threaded] strict, on three threads
 *
 * @typedef {object} HostRuns
 * @property {string} what
 * @property {Run[]} runs
 * @property {'failed' | 'not here'} [status] absent on success
 * @property {string} [note] the reason, or a note for users
 */

/** @type {Map<string, Promise<HostRuns[]>>} */
const known = new Map();

/** @param {import('../run.js').Context} context @returns {Promise<HostRuns[]>} */
export function runsOf(context) {
  const runs = known.get(context.home) ?? runAll(context);
  known.set(context.home, runs);
  return runs;
}

/** @param {import('../run.js').Context} context */
async function runAll(context) {
  const stage = await openStage(context);
  try {
    /** @type {HostRuns[]} */
    const all = [];
    for (const host of hosts) {
      context.say(`  ${host.name} ...`);
      all.push(await runHost(stage, host));
    }
    return all;
  } finally {
    await stage.close();
  }
}

/** @param {import('./stage.js').Stage} stage @param {import('./hosts.js').Host} host @returns {Promise<HostRuns>} */
async function runHost(stage, host) {
  let what = host.name;
  /** @type {Run[]} */
  const runs = [];
  try {
    const { title, places, remark } = await host.prepare(stage);
    what = title;
    for (const { name, run: start, hasThreads } of places) {
      const run = (/** @type {import('./hosts.js').Simd} */ simd) =>
        start(simd).catch(error => {
          throw new Error(`${name}, ${simd}: ${error instanceof Error ? error.message : error}`);
        });
      const strict = await run('strict');
      const threaded = hasThreads ? { threaded: await run('threads') } : {};
      runs.push({ where: `${what}: ${name}`, strict, auto: [await run('auto'), await run('auto')], ...threaded });
    }
    return { what, runs, note: remark };
  } catch (error) {
    // One line without colours, for a table.
    const note = stripVTControlCharacters(error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ');
    return { what, runs, status: error instanceof NotHere ? 'not here' : 'failed', note };
  }
}
