/**
 * Runs the programs of docs/guide/, and puts what they draw and print where the guide shows it.
 *
 *   node scripts/draw-guide.js           all pages, with the built package
 *   node scripts/draw-guide.js text      the pages of these names
 */

import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { blocksOf, documents, isProgram, root, run } from './documents.js';

const pictures = `${root}docs/guide/pictures`;
const wanted = process.argv.slice(2);
const pages = documents().filter(
  file => file.startsWith('docs/guide/') && (wanted.length === 0 || wanted.includes(basename(file, '.md'))),
);

if (pages.length === 0) throw new Error(`draw-guide must be told pages of docs/guide/, got ${wanted.join(', ')}`);

mkdirSync(pictures, { recursive: true });
for (const page of pages) {
  for (const block of blocksOf(page).filter(isProgram)) {
    const began = performance.now();
    const { output, folder } = await run(block);
    console.log(`${page}, ${((performance.now() - began) / 1000).toFixed(1)} s\n${output}`);
    if (block.output) put(page, block.output.code, output);
    const out = `${folder}out`;
    for (const name of existsSync(out) ? readdirSync(out) : []) {
      if (name.endsWith('.svg')) copyFileSync(`${out}/${name}`, `${pictures}/${name}`);
    }
  }
}

/**
 * A page has one block of output, or several different ones.
 * @param {string} page @param {string} before @param {string} after
 */
function put(page, before, after) {
  const text = readFileSync(root + page, 'utf8');
  const block = (/** @type {string} */ output) => `\`\`\`text output\n${output}\`\`\``;
  if (!text.includes(block(before))) throw new Error(`${page}: no such output`);
  writeFileSync(
    root + page,
    text.replace(block(before), () => block(after)),
  );
}
