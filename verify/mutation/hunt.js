/**
 * Mutation of the kernels: plants one small fault after the other and asks the tests whether they see it. What they let
 * live is a test that is missing.
 *
 *   node verify/mutation/hunt.js                 all faults; the kernels must have been built
 *   node verify/mutation/hunt.js --only gru.ts   those whose file or reason holds these words
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { mutants } from './mutants/index.js';
import { Tree } from './tree.js';

/**
 * @typedef {object} Mutant
 * @property {string} file of assembly/
 * @property {string} find text that stands there exactly once
 * @property {string} replace
 * @property {string} why what is wrong then
 * @property {string[]} tests files under test/, without their ending: those that should see it
 * @property {string} [within] the function in which `find` stands once, where the file has it more often
 * @property {import('./tree.js').Project} [project] strict where nothing is said
 *
 * @typedef {object} Verdict
 * @property {Mutant} mutant
 * @property {'caught' | 'caught late' | 'alive' | 'broken'} fate late: only by tests other than those it names
 * @property {string} by the test that failed, or what is wrong with the fault itself
 * @property {number} seconds
 */

/** Where to look when the tests that should see a fault do not. */
const wider = ['kernels', 'facade'];

const filesOf = (/** @type {readonly string[]} */ tests) => tests.map(test => `${test}.test.ts`);
const projectOf = (/** @type {Mutant} */ { project = 'strict' }) => project;

/**
 * @param {object} options
 * @param {string} options.root of the checkout, with a slash at its end
 * @param {readonly Mutant[]} options.list
 * @param {number} options.together how many at a time
 * @param {(line: string) => void} options.say
 */
export async function hunt({ root, list, together, say }) {
  const folder = mkdtempSync(join(tmpdir(), 'lstm-wasm-mutation-'));
  const clear = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', clear);
  try {
    const trees = Array.from({ length: together }, (_, n) => new Tree(root, join(folder, String(n))));
    const [first] = trees;
    if (!first) throw new Error('at least one at a time');
    const kernels = await compileSound(first, list);
    const waiting = [...list];
    let sound = { passed: 0, files: 0 };
    /** @type {Verdict[]} */
    const verdicts = [];
    const hunts = trees.map(async tree => {
      if (tree === first) {
        sound = await checkSound(tree, list);
        say(`unchanged kernels pass ${sound.passed} tests of ${sound.files} files`);
      }
      for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
        const verdict = await judge(tree, mutant, kernels);
        verdicts.push(verdict);
        say(`${verdict.fate}, ${verdict.seconds.toFixed(1)} s: ${mutant.file}: ${mutant.why}; ${verdict.by}`);
      }
    });
    try {
      await Promise.all(hunts);
    } finally {
      // Where one goes wrong the others end too, before their folder goes.
      waiting.length = 0;
      await Promise.allSettled(hunts);
    }
    return { verdicts, sound, untouched: first.sources.filter(file => !list.some(mutant => mutant.file === file)) };
  } finally {
    process.off('exit', clear);
    clear();
  }
}

/**
 * The kernels without a fault, by project.
 * @param {Tree} tree
 * @param {readonly Mutant[]} list
 */
async function compileSound(tree, list) {
  /** @type {Map<string, Buffer>} */
  const kernels = new Map();
  for (const project of new Set(list.map(projectOf))) kernels.set(project, await tree.compile(project));
  return kernels;
}

/**
 * On the kernels that compileSound has left every test must pass, or a failure with a fault would say nothing.
 * @param {Tree} tree
 * @param {readonly Mutant[]} list
 */
async function checkSound(tree, list) {
  let passed = 0;
  let files = 0;
  for (const project of new Set(list.map(projectOf))) {
    const ofProject = list.filter(mutant => projectOf(mutant) === project);
    const tests = [...new Set(filesOf(ofProject.flatMap(({ tests }) => tests)))];
    const run = await tree.test(project, tests);
    if (run.failure) throw new Error(`without any fault, ${run.failure} fails`);
    if (run.passed === 0) throw new Error(`no tests in ${tests.join(', ')} of project ${project}`);
    passed += run.passed;
    files += tests.length;
  }
  return { passed, files };
}

/**
 * @param {Tree} tree
 * @param {Mutant} mutant
 * @param {Map<string, Buffer>} sound kernels without a fault
 * @returns {Promise<Verdict>}
 */
export async function judge(tree, mutant, sound) {
  const started = performance.now();
  const verdict = (/** @type {Verdict['fate']} */ fate, /** @type {string} */ by) => ({
    ...{ mutant, fate, by },
    seconds: (performance.now() - started) / 1000,
  });
  const project = projectOf(mutant);
  const source = tree.read(mutant.file);
  try {
    tree.write(mutant.file, plant(source, mutant));
    const kernels = await tree.compile(project);
    if (sound.get(project)?.equals(kernels)) return verdict('broken', 'the kernels are the same with it');
    const first = await tree.test(project, filesOf(mutant.tests));
    if (first.failure) return verdict('caught', first.failure);
    const second = await tree.test(project, wider);
    return second.failure ? verdict('caught late', second.failure) : verdict('alive', 'no test of kernels or facade');
  } catch (error) {
    return verdict('broken', error instanceof Error ? error.message : String(error));
  } finally {
    tree.write(mutant.file, source);
  }
}

/**
 * The source with the fault in it.
 * @param {string} source
 * @param {Mutant} mutant
 */
export function plant(source, { file, find, replace, within }) {
  const start = within ? source.search(new RegExp(`function ${within}\\(`)) : 0;
  const end = within ? source.indexOf('\n}\n', start) : source.length;
  if (start < 0 || end < 0) throw new Error(`${file} must have a function ${within}`);
  const parts = source.slice(start, end).split(find);
  if (parts.length !== 2) throw new Error(`${file} must have once, not ${parts.length - 1} times: ${find}`);
  return source.slice(0, start) + parts.join(replace) + source.slice(end);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { only: { type: 'string' }, together: { type: 'string', default: '2' } } });
  const wanted = mutants.filter(({ file, why }) => `${file}: ${why}`.includes(values.only ?? ''));
  if (wanted.length === 0) throw new Error(`--only must name a fault, got '${values.only}'`);
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const started = performance.now();
  const { verdicts } = await hunt({ root, list: wanted, together: Number(values.together), say: console.log });
  const caught = verdicts.filter(({ fate }) => fate === 'caught').length;
  console.log(`${caught} of ${verdicts.length} caught, ${Math.round((performance.now() - started) / 1000)} s`);
  process.exitCode = caught === verdicts.length ? 0 : 1;
}
