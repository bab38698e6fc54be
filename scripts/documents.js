/**
 * The code blocks of README.md and docs/, for the tests and for draw-guide.js.
 *
 * The words after the language of a block say how it is used:
 *
 *   js                    a complete program, which runs unchanged and compiles as TypeScript
 *   js without types      the same, with classes whose parameters have no types: it is not compiled
 *   js not run: <why>     is not run
 *   text output           the exact output of the program above
 *   sh                    commands, whose scripts must exist
 */

import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const root = fileURLToPath(new URL('..', import.meta.url));
/** Inside the package, so that programs can import it by name. */
const folder = `${root}build/documents/`;

/**
 * @typedef {object} Block
 * @property {string} file
 * @property {number} line of its first line of code, counted from 1
 * @property {string} language
 * @property {string} words after the language
 * @property {string} code
 * @property {Block | null} output the block of output that belongs to it
 */

/** README.md and all of docs/, by their paths from the root. */
export function documents() {
  const inDocs = readdirSync(`${root}docs`, { recursive: true, encoding: 'utf8' });
  const paths = inDocs.map(path => `docs/${path.replaceAll('\\', '/')}`);
  return ['README.md', ...paths.filter(path => path.endsWith('.md')).sort()];
}

/**
 * @param {string} file
 * @returns {Block[]}
 */
export function blocksOf(file) {
  /** @type {Block[]} */
  const blocks = [];
  /** @type {Block | null} */
  let open = null;
  for (const [n, line] of readFileSync(root + file, 'utf8')
    .split('\n')
    .entries()) {
    const fence = /^```(\w*) *(.*)$/.exec(line);
    if (open && fence) {
      const program = blocks.at(-1);
      if (open.language === 'text' && open.words === 'output' && program) program.output = open;
      else blocks.push(open);
      open = null;
    } else if (open) {
      open.code += `${line}\n`;
    } else if (fence) {
      const [, language = '', words = ''] = fence;
      open = { file, line: n + 2, language, words, code: '', output: null };
    }
  }
  if (open) throw new Error(`${file}: the block at line ${open.line} must end`);
  return blocks;
}

/** @param {Block} block */
export const isProgram = ({ language, words }) => language === 'js' && (words === '' || words === 'without types');

/**
 * Runs a program in a folder with nothing but `node_modules`, in which programs find public data sets. A program with documented
 * output runs on the strict kernels, with which it prints the same on every machine.
 *
 * @param {Block} block
 * @param {{ seed?: number }} [options]
 * @returns {Promise<{ output: string, folder: string }>}
 */
export async function run({ file, line, code, output }, { seed } = {}) {
  const programFolder = `${folder}${basename(file, '.md')}-${line}/`;
  rmSync(programFolder, { recursive: true, force: true });
  mkdirSync(programFolder, { recursive: true });
  symlinkSync(`${root}node_modules`, `${programFolder}node_modules`, 'junction');
  const before = [
    "import { configure, setRandomSeed } from 'lstm-wasm';",
    ...(output ? ["configure({ simd: 'strict' });"] : []),
    ...(seed === undefined ? [] : [`setRandomSeed(${seed});`]),
  ];
  writeFileSync(`${programFolder}before.mjs`, `${before.join('\n')}\n`);
  writeFileSync(`${programFolder}program.mjs`, code);
  const args = ['--import', './before.mjs', 'program.mjs'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: programFolder });
  return { output: stdout, folder: programFolder };
}
