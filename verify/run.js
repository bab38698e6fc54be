/**
 * `npm run verify`: what a release needs beyond the tests: every host and bundler, the same bits everywhere, the package
 * and its sizes, long runs, tasks on BullMQ, mutation testing. Writes verify/results/latest.json and the table of hosts in
 * docs/hosts.md.
 *
 *   npm run verify -- --only hosts,bits    some steps alone; docs/hosts.md and the results are left as they are
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ready } from '../scripts/ready.js';
import { NotHere } from './outcome.js';
import { bits } from './steps/bits.js';
import { hosts } from './steps/hosts.js';
import { long } from './steps/long.js';
import { mutation } from './steps/mutation.js';
import { packageStep } from './steps/package.js';
import { scale } from './steps/scale.js';

/**
 * @typedef {object} Outcome
 * @property {string} what such as "Deno 2.9.6"
 * @property {'passed' | 'failed' | 'not here'} status
 * @property {string} [note] the reason why it failed or could not run here, or the measured figures
 * @property {Record<string, unknown>} [data] for tables
 *
 * @typedef {object} Context
 * @property {string} root of the checkout, with a slash at its end
 * @property {string} home a folder in which the packed package is installed as a user would install it
 * @property {string} tarball its path
 * @property {string} tools the folder `verify/node_modules`
 * @property {(line: string) => void} say
 *
 * @typedef {object} Step
 * @property {string} name
 * @property {string} about one line, printed when the step starts
 * @property {(context: Context) => Promise<Outcome[]>} run
 * @property {'beside' | 'alone'} [when] beside the others, for a long step on one core; or alone after them, for one that
 * uses all cores
 *
 * @typedef {object} Result
 * @property {string} name
 * @property {string} about
 * @property {number} seconds
 * @property {Outcome[]} outcomes
 */

const steps = [long, hosts, bits, packageStep, scale, mutation];
const root = fileURLToPath(new URL('..', import.meta.url));
const resultsFile = `${root}verify/results/latest.json`;
const shell = process.platform === 'win32';
const { values } = parseArgs({ options: { only: { type: 'string' } } });
const wanted = values.only?.split(',');
const unknown = wanted?.filter(name => !steps.some(step => step.name === name)) ?? [];
if (unknown.length > 0) {
  console.error(
    `verify: --only must name some of ${steps.map(({ name }) => name).join(', ')}, got ${unknown.join(', ')}`,
  );
  process.exit(2);
}

await ready();
// Exact versions and no lock file: one with the binaries of all platforms can only be written where all can be installed.
npm(`${root}verify`, 'install', '--no-package-lock', '--no-audit', '--no-fund');
const home = mkdtempSync(join(tmpdir(), 'lstm-wasm-verify-'));
// The folder is deleted however the process ends, also by a signal in the middle of a step.
process.once('exit', () => rmSync(home, { recursive: true, force: true }));
for (const [signal, code] of /** @type {const} */ ([
  ['SIGINT', 130],
  ['SIGTERM', 143],
])) {
  process.once(signal, () => process.exit(code));
}
// Otherwise a run that is interrupted would leave the results of an earlier one.
if (!wanted) rmSync(resultsFile, { force: true });

const tarball = install();
const context = { root, home, tarball, tools: `${root}verify/node_modules`, say: console.log };
const chosen = steps.filter(({ name }) => !wanted || wanted.includes(name));
const stepsOf = (/** @type {Step['when']} */ when) => chosen.filter(step => step.when === when);
const beside = stepsOf('beside').map(take);
/** @type {Result[]} */
const results = [];
for (const step of stepsOf(undefined)) results.push(await take(step));
results.push(...(await Promise.all(beside)));
for (const step of stepsOf('alone')) results.push(await take(step));
const kept = wanted !== undefined || keep(results);
const all = results.flatMap(({ outcomes }) => outcomes);
const count = (/** @type {string} */ status) => all.filter(outcome => outcome.status === status).length;
console.log(`\n${count('passed')} passed, ${count('failed')} failed, ${count('not here')} not here`);
process.exitCode = count('failed') > 0 || !kept ? 1 : 0;

/**
 * @param {Step} step
 * @returns {Promise<Result>}
 */
async function take(step) {
  const { name, about } = step;
  const besides = step.when === 'beside' ? ', beside the next steps' : '';
  console.log(`\n${name}: ${about}${besides}`);
  const started = performance.now();
  const outcomes = await run(step, context);
  const seconds = Math.round((performance.now() - started) / 1000);
  if (besides) console.log(`\n${name}:`);
  // Published paths are relative to the checkout.
  for (const outcome of outcomes) outcome.note = outcome.note?.replaceAll(home, '').replaceAll(root, '');
  for (const { what, status, note } of outcomes) console.log(`  ${status}  ${what}${note ? `: ${note}` : ''}`);
  return { name, about, seconds, outcomes };
}

/**
 * @param {Step} step
 * @param {Context} context
 * @returns {Promise<Outcome[]>}
 */
async function run(step, context) {
  const what = step.name;
  try {
    const outcomes = await step.run(context);
    return outcomes.length > 0 ? outcomes : [{ what, status: 'failed', note: 'the step checked nothing' }];
  } catch (error) {
    const note = error instanceof Error ? error.message : String(error);
    return [{ what, status: error instanceof NotHere ? 'not here' : 'failed', note }];
  }
}

/** Packs the package, and installs it as a user would. */
function install() {
  const words = ['pack', '--json', '--ignore-scripts', '--pack-destination', home];
  const [{ filename }] = JSON.parse(execFileSync('npm', words, { cwd: root, encoding: 'utf8', shell }));
  writeFileSync(join(home, 'package.json'), '{ "name": "user", "private": true, "type": "module" }\n');
  npm(home, 'install', '--no-audit', '--no-fund', join(home, filename));
  return join(home, filename);
}

/** @param {unknown[]} results @returns {boolean} whether the table in docs/hosts.md was written */
function keep(results) {
  mkdirSync(dirname(resultsFile), { recursive: true });
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync(resultsFile, `${JSON.stringify({ date, node: process.version, results }, null, 2)}\n`);
  return spawnSync(process.execPath, [`${root}verify/table.js`], { stdio: 'inherit' }).status === 0;
}

/**
 * @param {string} cwd
 * @param {readonly string[]} words
 */
function npm(cwd, ...words) {
  execFileSync('npm', [...words, '--loglevel', 'error'], { cwd, stdio: 'inherit', shell });
}
