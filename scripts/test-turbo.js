/**
 * `npm run test:turbo`: the tests of kernels and models under `lstm-wasm/turbo`, on the running Node and on 24 and 26,
 * which it fetches from npm once. Arguments after `--` go to vitest.
 *
 *   NODE_BINARIES=/opt/node24/bin/node npm run test:turbo    on the running Node and on these
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { fetchNodes, nodesHere } from './nodes.js';
import { ready } from './ready.js';

const root = fileURLToPath(new URL('..', import.meta.url));
// Loaded first in each process that vitest starts.
const turbo = `--import=${new URL('../dist/turbo.js', import.meta.url).href}`;

await ready();
if (process.env.NODE_BINARIES === undefined) fetchNodes([24, 26]);

const outcomes = nodesHere().map(node => {
  const flags = flagsOf(node.path);
  if (flags === '') return { node, result: 'skipped: turbo has no flags for it', failed: false };
  console.log(`\nNode ${node.version} with ${flags}`);
  const projects = ['strict', 'fresh', 'relaxed'].map(name => `--project=${name}`);
  const words = ['node_modules/vitest/vitest.mjs', 'run', ...projects];
  const { status } = spawnSync(node.path, [...words, ...process.argv.slice(2)], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, NODE_OPTIONS: [process.env.NODE_OPTIONS, turbo, optimized(node.major)].join(' ') },
  });
  return { node, result: `${status === 0 ? 'passed' : 'FAILED'} with ${flags}`, failed: status !== 0 };
});

console.log('');
for (const { node, result } of outcomes) console.log(`Node ${node.version}: ${result}`);
process.exit(outcomes.some(({ failed }) => failed) ? 1 : 0);

/**
 * Flags that compile everything with the optimizing compiler at once: only it joins vectors, and most tests end before V8
 * would use it. Inlining needs feedback from the other compiler; without it V8 14 crashes.
 * @param {number} major
 */
function optimized(major) {
  const flags = ['--no-liftoff', '--no-wasm-lazy-compilation', ...(major >= 24 ? ['--no-wasm-inlining'] : [])];
  const program = `import v8 from 'node:v8'; for (const flag of '${flags}'.split(',')) v8.setFlagsFromString(flag);`;
  return `--import=data:text/javascript,${encodeURIComponent(program).replaceAll("'", '%27')}`;
}

/**
 * The flags that turbo sets in a Node, empty if it sets none.
 * @param {string} path
 */
function flagsOf(path) {
  const program = "console.log(globalThis[Symbol.for('lstm-wasm.turbo')].flags.join(' and '))";
  return execFileSync(path, [turbo, '--eval', program], { encoding: 'utf8' }).trim();
}
