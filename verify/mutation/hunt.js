/**
 * Mutation testing of the kernels: plants small faults in assembly/, one at a time, and runs the tests on each. Prints the
 * share that the tests detect, and the faults they do not detect.
 *
 *   node verify/mutation/hunt.js                         two faults in each file
 *   node verify/mutation/hunt.js --only gru --each 20    in files whose path contains "gru", twenty in each
 *   node verify/mutation/hunt.js --seed 2                others
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { mutationsOf, plant, sample } from './operators.js';
import { Tree } from './tree.js';

/**
 * @typedef {object} Mutant
 * @property {string} file
 * @property {import('./operators.js').Mutation} mutation
 *
 * @typedef {object} Verdict
 * @property {Mutant} mutant
 * @property {'detected' | 'survived' | 'invalid'} fate invalid: it does not compile, or compiles to the same kernels
 * @property {string} by the test that failed
 * @property {number} seconds
 */

/** The default number of faults in each file. */
const FAULTS_PER_FILE = 2;

/** The test runs for a fault, until one fails: a project of vitest.config.ts, its build and its tests. */
const rounds = /** @type {const} */ ([
  { project: 'strict', build: 'strict', tests: ['test/kernels/', 'test/facade/'] },
  { project: 'fresh', build: 'strict', tests: ['test/facade/memory'] },
  { project: 'relaxed', build: 'relaxed', tests: ['test/kernels/'] },
  { project: 'wide', build: 'debug', tests: ['test/kernels/'] },
]);

/**
 * @param {object} options
 * @param {string} options.root of the checkout, with a slash at its end
 * @param {number} [options.each] faults in each file
 * @param {number} [options.seed] of the choice
 * @param {string} [options.only] part of the paths of files
 * @param {number} [options.together] mutants at a time, each in separate processes
 * @param {(line: string) => void} options.say
 */
export async function hunt({ root, each = FAULTS_PER_FILE, seed = 1, only = '', together = 2, say }) {
  const folder = mkdtempSync(join(tmpdir(), 'lstm-wasm-mutation-'));
  const clear = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', clear);
  try {
    const trees = Array.from({ length: together }, (_, n) => new Tree(root, join(folder, String(n))));
    const waiting = chooseMutants(/** @type {Tree} */ (trees[0]), { each, seed, only });
    /** @type {Verdict[]} */
    const verdicts = [];
    const hunts = trees.map(async tree => {
      const unchanged = await compileUnchanged(tree);
      if (tree === trees[0]) say(`unchanged kernels pass ${await checkUnchanged(tree)} tests`);
      for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
        const verdict = await judge(tree, mutant, unchanged);
        verdicts.push(verdict);
        say(`${verdict.fate}, ${verdict.seconds.toFixed(1)} s: ${titleOf(mutant)}; ${verdict.by}`);
      }
    });
    try {
      await Promise.all(hunts);
    } finally {
      // After an error the other trees finish their mutant before the folder is deleted.
      waiting.length = 0;
      await Promise.allSettled(hunts);
    }
    return verdicts;
  } finally {
    process.off('exit', clear);
    clear();
  }
}

/**
 * @param {Tree} tree
 * @param {{ each: number, seed: number, only: string }} options
 * @returns {Mutant[]}
 */
function chooseMutants(tree, { each, seed, only }) {
  const files = tree.files('assembly').map(name => `assembly/${name}`);
  const mutants = files
    .filter(file => file.includes(only))
    .flatMap(file => sample(mutationsOf(tree.read(file)), each, seed).map(mutation => ({ file, mutation })));
  if (mutants.length === 0)
    throw new Error(`hunt: --only must be part of the path of a file in assembly/, got '${only}'`);
  return mutants;
}

/** @param {Tree} tree */
async function compileUnchanged(tree) {
  /** @type {Map<string, Buffer>} */
  const kernels = new Map();
  for (const { build } of rounds) kernels.set(build, await tree.compile(build));
  tree.keepKernels();
  return kernels;
}

/** All tests must pass on unchanged kernels, otherwise a failure with a fault proves nothing. @param {Tree} tree */
async function checkUnchanged(tree) {
  let passed = 0;
  for (const { project, tests } of rounds) {
    const run = await tree.test(project, tests);
    if (run.failure) throw new Error(`without any fault, ${run.failure} fails in project ${project}`);
    passed += run.passed;
  }
  return passed;
}

/**
 * @param {Tree} tree
 * @param {Mutant} mutant
 * @param {Map<string, Buffer>} unchanged kernels without a fault, by build
 * @returns {Promise<Verdict>}
 */
export async function judge(tree, mutant, unchanged) {
  const started = performance.now();
  const verdict = (/** @type {Verdict['fate']} */ fate, /** @type {string} */ by) => {
    return { mutant, fate, by, seconds: (performance.now() - started) / 1000 };
  };
  const source = tree.read(mutant.file);
  let differs = false;
  try {
    tree.write(mutant.file, plant(source, mutant.mutation));
    for (const { project, build, tests } of rounds) {
      const kernels = await tree.compile(build).catch(() => null);
      if (!kernels) return verdict('invalid', 'it does not compile');
      if (unchanged.get(build)?.equals(kernels)) continue;
      differs = true;
      for (const some of [nearestTests(tree, mutant.file), tests]) {
        const { failure } = await tree.test(project, some);
        if (failure) return verdict('detected', failure);
      }
    }
    return differs ? verdict('survived', 'no test fails') : verdict('invalid', 'the kernels are the same');
  } finally {
    tree.write(mutant.file, source);
    tree.restoreKernels(); // a test may load other builds than that of its project
  }
}

/**
 * The tests that are most likely to fail: those that contain the name of a function exported by the file, or otherwise by the
 * files that import it, and so on.
 * @param {Tree} tree
 * @param {string} file
 */
function nearestTests(tree, file) {
  const sources = tree.files('assembly').map(name => `assembly/${name}`);
  const tests = tree
    .files('test/kernels')
    .map(name => `test/kernels/${name}`)
    .filter(name => name.endsWith('.test.ts'));
  const reached = new Set([file]);
  for (const path of reached) {
    const names = [...tree.read(path).matchAll(/^export function (\w+)/gm)].map(match => match[1]);
    const named = tests.filter(test => names.some(name => new RegExp(`\\b${name}\\b`).test(tree.read(test))));
    if (named.length > 0) return named;
    const stem = path.replace(/.*\/|\.ts$/g, '');
    for (const other of sources) if (tree.read(other).includes(`/${stem}'`)) reached.add(other);
  }
  return ['test/kernels/'];
}

/** @param {Mutant} mutant */
export const titleOf = ({ file, mutation }) => `${file}:${mutation.what}`;

/** The share of valid mutants that a test detected. @param {readonly Verdict[]} verdicts */
export function scoreOf(verdicts) {
  const count = (/** @type {Verdict['fate']} */ fate) => verdicts.filter(verdict => verdict.fate === fate).length;
  const [detected, survived] = [count('detected'), count('survived')];
  return { detected, valid: detected + survived, score: detected / (detected + survived) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = /** @type {const} */ ({ type: 'string' });
  const { values } = parseArgs({ options: { only: text, each: text, seed: text, together: text } });
  const { only, ...numbers } = values;
  const given = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, Number(value)]));
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const verdicts = await hunt({ root, ...given, ...(only !== undefined && { only }), say: console.log });
  const { detected, valid, score } = scoreOf(verdicts);
  console.log(`\n${detected} of ${valid} faults detected: ${(100 * score).toFixed(1)} %`);
  for (const { mutant, fate } of verdicts) if (fate === 'survived') console.log(`survived: ${titleOf(mutant)}`);
}
