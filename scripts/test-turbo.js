/**
 * `npm run test:turbo`: the tests of kernels and facade under `lstm-wasm/turbo`, on the running Node and on 24 and 26,
 * which it fetches from npm once. What follows `--` goes to vitest.
 *
 *   NODE_BINARIES=/opt/node24/bin/node npm run test:turbo    on the running Node and on these
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { fetchNodes, nodesHere } from './nodes.js';
import { ready } from './ready.js';

const root = fileURLToPath(new URL('..', import.meta.url));
// Loaded before anything else into each process that vitest starts.
const turbo = `--import=${new URL('../dist/turbo.js', import.meta.url).href}`;

await ready();
if (process.env.NODE_BINARIES === undefined) fetchNodes([24, 26]);

const outcomes = nodesHere().map(node => {
  const flags = flagsOf(node.path);
  if (flags === '') return { node, said: 'skipped: turbo has nothing to switch on there', failed: false };
  console.log(`\nNode ${node.version} with ${flags}`);
  const words = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'strict', '--project', 'relaxed'];
  const { status } = spawnSync(node.path, [...words, ...process.argv.slice(2)], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, NODE_OPTIONS: [process.env.NODE_OPTIONS, turbo, optimized(node.major)].join(' ') },
  });
  return { node, said: `${status === 0 ? 'passed' : 'FAILED'} with ${flags}`, failed: status !== 0 };
});

console.log('');
for (const { node, said } of outcomes) console.log(`Node ${node.version}: ${said}`);
process.exit(outcomes.some(({ failed }) => failed) ? 1 : 0);

/**
 * Only the optimizing compiler knows of the revectorizer, and most tests end before V8 turns to it: so it does at once.
 * Inlining needs what the other compiler observes; without that, V8 14 ends the process.
 * @param {number} major
 */
function optimized(major) {
  const flags = ['--no-liftoff', '--no-wasm-lazy-compilation', ...(major >= 24 ? ['--no-wasm-inlining'] : [])];
  const program = `import v8 from 'node:v8'; for (const flag of '${flags}'.split(',')) v8.setFlagsFromString(flag);`;
  return `--import=data:text/javascript,${encodeURIComponent(program).replaceAll("'", '%27')}`;
}

/**
 * What turbo switches on in a Node.
 * @param {string} path
 */
function flagsOf(path) {
  const program = "console.log(globalThis[Symbol.for('lstm-wasm.turbo')].flags.join(' and '))";
  return execFileSync(path, [turbo, '--eval', program], { encoding: 'utf8' }).trim();
}
