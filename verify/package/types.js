/** The packed types: the tests of test/types, and the completions in an editor. */

import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask, firstLines } from './commands.js';
import { offered } from './completions.js';

const folders = ['nodenext', 'bundler'];

/**
 * @param {import('../run.js').Context} context
 * @returns {Promise<import('../run.js').Outcome[]>}
 */
export async function checkTypes(context) {
  return [...folders.map(resolution => compile(context, resolution)), compileOldest(context), ...offered(context)];
}

/**
 * Compiles all entry points, including their declarations, with the oldest supported TypeScript.
 *
 * @param {import('../run.js').Context} context
 * @returns {import('../run.js').Outcome}
 */
function compileOldest({ root, home, tools }) {
  const folder = join(home, 'types-oldest');
  mkdirSync(folder, { recursive: true });
  /** @type {{ exports: Record<string, unknown> }} */
  const { exports } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
  const entries = Object.keys(exports).filter(name => !/\.(json|wasm)$/.test(name));
  const lines = entries.map((name, n) => `import * as e${n} from 'lstm-wasm${name.slice(1)}';\nvoid e${n};\n`);
  writeFileSync(join(folder, 'all.mts'), lines.join(''));
  const compilerOptions = {
    module: 'nodenext',
    strict: true,
    noEmit: true,
    target: 'es2022',
    lib: ['es2022', 'dom'],
    types: [],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['all.mts'] }));
  const { status, stdout } = ask(process.execPath, [join(tools, 'typescript-5.0/bin/tsc'), '-p', folder], home);
  return {
    what: 'types under TypeScript 5.0',
    status: status === 0 && entries.length > 5 ? 'passed' : 'failed',
    note: status === 0 ? `${entries.length} entry points` : firstLines(stdout),
  };
}

/**
 * @param {import('../run.js').Context} context
 * @param {string} resolution
 * @returns {import('../run.js').Outcome}
 */
function compile({ root, home }, resolution) {
  const folder = join(home, `types-${resolution}`);
  mkdirSync(folder, { recursive: true });
  const files = readdirSync(`${root}test/types`).filter(file => file.endsWith('.test-d.ts'));
  for (const file of files) copyFileSync(`${root}test/types/${file}`, join(folder, file));
  const compilerOptions = {
    module: resolution === 'nodenext' ? 'nodenext' : 'esnext',
    moduleResolution: resolution,
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: resolution === 'nodenext',
    noEmit: true,
    target: 'es2023',
    lib: ['es2023', 'dom', 'dom.iterable'],
    types: [],
    // What expectTypeOf of vitest is made of; all of vitest is not needed to read types.
    paths: { vitest: [`${root}node_modules/expect-type/dist/index.d.ts`] },
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  const { status, stdout } = ask(process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-p', folder], home);
  return {
    what: `types for ${resolution} resolution`,
    status: status === 0 && files.length > 0 ? 'passed' : 'failed',
    note: status === 0 ? files.join(', ') : firstLines(stdout),
  };
}
