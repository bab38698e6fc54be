/**
 * Runs the programs of docs/guide/, and inserts their output and pictures into the guide.
 *
 *   node scripts/draw-guide.js           all pages, with the built package
 *   node scripts/draw-guide.js text      the named pages
 */

import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { blocksOf, documents, isProgram, root, run } from './documents.js';

const pictures = `${root}docs/guide/pictures`;
const requested = process.argv.slice(2);
const pages = documents().filter(
  file => file.startsWith('docs/guide/') && (requested.length === 0 || requested.includes(basename(file, '.md'))),
);

if (pages.length === 0)
  throw new Error(`draw-guide: the arguments must be names of pages in docs/guide/, got ${requested.join(', ')}`);

mkdirSync(pictures, { recursive: true });
for (const page of pages) {
  for (const block of blocksOf(page).filter(isProgram)) {
    const start = performance.now();
    const { output, folder } = await run(block);
    console.log(`${page}, ${((performance.now() - start) / 1000).toFixed(1)} s\n${output}`);
    if (block.output) replaceOutput(page, block.output.code, output);
    const out = `${folder}out`;
    for (const name of existsSync(out) ? readdirSync(out) : []) {
      if (name.endsWith('.svg')) copyFileSync(`${out}/${name}`, `${pictures}/${name}`);
    }
  }
}

/**
 * Replaces a block of output. The blocks of a page must differ.
 * @param {string} page @param {string} before @param {string} after
 */
function replaceOutput(page, before, after) {
  const text = readFileSync(root + page, 'utf8');
  const block = (/** @type {string} */ output) => `\`\`\`text output\n${output}\`\`\``;
  if (!text.includes(block(before))) throw new Error(`${page}: its block of output was not found`);
  writeFileSync(
    root + page,
    text.replace(block(before), () => block(after)),
  );
}
