/**
 * `npm run verify`: everything that can be shown of the package, beyond the tests: in every host, by every bundler, to the
 * last bit, over a million steps. What it finds goes to verify/results/latest.json, and from there into README.md.
 *
 *   npm run verify -- --only hosts,bits    some steps alone; README.md and the results stay as they are
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ready } from '../scripts/ready.js';
import { NotHere } from './outcome.js';
import { steps } from './steps/index.js';

/**
 * @typedef {object} Outcome
 * @property {string} what such as "Deno 2.9.6"
 * @property {'passed' | 'failed' | 'not here'} status
 * @property {string} [note] why it failed or could not run here, or the figure that was measured
 * @property {Record<string, unknown>} [data] for tables
 *
 * @typedef {object} Context
 * @property {string} root of the checkout, with a slash at its end
 * @property {string} home a folder in which the packed package has been installed as a user would
 * @property {string} tarball its path
 * @property {string} tools the folder `verify/node_modules`
 * @property {(line: string) => void} say
 *
 * @typedef {object} Step
 * @property {string} name
 * @property {string} about a line for those who wait
 * @property {(context: Context) => Promise<Outcome[]>} run
 * @property {'beside' | 'alone'} [when] beside the others, since it takes long and one core only; or alone, after them, since
 * it takes all cores, or looks at a clock
 *
 * @typedef {object} Result
 * @property {string} name
 * @property {string} about
 * @property {number} seconds
 * @property {Outcome[]} outcomes
 */

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
// Exact versions and no lock file: one that names the binaries of all platforms could only be written where all can be had.
npm(`${root}verify`, 'install', '--no-package-lock', '--no-audit', '--no-fund');
const home = mkdtempSync(join(tmpdir(), 'lstm-wasm-verify-'));
// However it ends, nothing is left behind; a signal ends it too, in the midst of a step.
process.once('exit', () => rmSync(home, { recursive: true, force: true }));
for (const [signal, code] of /** @type {const} */ ([
  ['SIGINT', 130],
  ['SIGTERM', 143],
])) {
  process.once(signal, () => process.exit(code));
}
// Else those of an earlier run would pass for those of this one, should it come to no end.
if (!wanted) rmSync(resultsFile, { force: true });

const tarball = install();
const context = { root, home, tarball, tools: `${root}verify/node_modules`, say: console.log };
const chosen = steps.filter(({ name }) => !wanted || wanted.includes(name));
const at = (/** @type {Step['when']} */ when) => chosen.filter(step => step.when === when);
const beside = at('beside').map(take);
/** @type {Result[]} */
const results = [];
for (const step of at(undefined)) results.push(await take(step));
results.push(...(await Promise.all(beside)));
for (const step of at('alone')) results.push(await take(step));
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
  const besides = step.when === 'beside' ? ', beside what follows' : '';
  console.log(`\n${name}: ${about}${besides}`);
  const started = performance.now();
  const outcomes = await run(step, context);
  const seconds = Math.round((performance.now() - started) / 1000);
  if (besides) console.log(`\n${name}:`);
  // The results are for others to read: to them, files are where they are in a checkout.
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
    return outcomes.length > 0 ? outcomes : [{ what, status: 'failed', note: 'it has looked at nothing' }];
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

/** @param {unknown[]} results @returns {boolean} whether README.md tells of them */
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
