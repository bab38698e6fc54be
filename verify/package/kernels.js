/** Where the kernels are: in the page, which sends them to its workers, and not in the files of the workers. */

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { passedIf } from '../outcome.js';
import { bundlers } from './absent.js';
import { seedInWorker } from './programs.js';

/** The kernels of the seed program and of options of its layers, and those of other layers, by the names of their modules. */
const used = ['activations', 'constraints', 'core', 'dropout', 'losses', 'lstmVariants', 'optimizers', 'training'];
const others = ['attention', 'conv', 'gru', 'minRnn', 'normalization', 'others', 'simpleRnn'];

/** esbuild loads at first whatever a file imports that a program uses. */
const divides = (/** @type {string} */ bundler) => bundler !== 'esbuild';

/** Characters that no minifier writes in another way. */
const plain = /[\w#%&()*+,\-./:;<=>?@^|~]{40,}/g;

/**
 * For each module, a part of its text that no other module has.
 *
 * @param {string} dist
 * @returns {Promise<Map<string, string>>}
 */
async function marksOf(dist) {
  /** @type {{ name: string, text: string }[]} */
  const modules = [];
  for (const file of readdirSync(dist).filter(name => /^kernels-.*\.js$/.test(name))) {
    const found = Object.values(await import(pathToFileURL(join(dist, file)).href));
    modules.push(...found.filter(({ name, text }) => typeof name === 'string' && typeof text === 'string'));
  }
  return new Map(
    modules.map(({ name, text }) => {
      const isOwn = (/** @type {string} */ part) => modules.every(one => one.name === name || !one.text.includes(part));
      const part = text.match(plain)?.find(isOwn);
      if (!part) throw new Error(`the kernels '${name}' have no text of their own`);
      return [name, part];
    }),
  );
}

/**
 * @param {import('../run.js').Context} context
 * @returns {Promise<import('../run.js').Outcome[]>}
 */
export async function checkKernels(context) {
  const dist = join(context.home, 'node_modules/lstm-wasm/dist');
  const marks = await marksOf(join(dist, 'bundler'));
  const namesIn = (/** @type {string} */ text) => [...marks].filter(([, mark]) => text.includes(mark)).map(([n]) => n);
  const wanted = [...used, ...others].sort().join(', ');
  const known = [...marks.keys()].sort().join(', ');
  /** @type {import('../run.js').Outcome[]} */
  const outcomes = [
    { what: 'the package has all modules of kernels', status: passedIf(known === wanted), note: known },
  ];
  for (const file of ['thread.js', 'task-thread.js']) {
    const found = namesIn(readFileSync(join(dist, file), 'utf8'));
    const note = found.length > 0 ? `contains ${found.join(', ')}` : `none of ${marks.size} modules`;
    outcomes.push({ what: `${file} contains no kernels`, status: passedIf(found.length === 0), note });
  }
  const folder = join(context.home, 'kernels');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const entry = join(folder, 'entry.js');
  writeFileSync(entry, seedInWorker);
  for (const [name, bundle] of Object.entries(bundlers)) {
    const found = namesIn(await bundle(context, entry, folder));
    const isWhole = used.every(one => found.includes(one));
    const isSmall = !others.some(one => found.includes(one));
    outcomes.push({
      what: `a page with a worker loads ${divides(name) ? 'only the kernels of its layers' : 'the kernels'} at first, under ${name}`,
      status: passedIf(isWhole && (isSmall || !divides(name))),
      note: `loads ${found.join(', ')}`,
    });
  }
  return outcomes;
}
