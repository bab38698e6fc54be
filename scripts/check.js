/** `npm run check`: generated files, types, lint and format. Stops at the first that is not as it should be. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ready } from './ready.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const checks = [
  ['scripts/generate-tiles.js', '--check'],
  ['scripts/fit-activations.js', '--check'],
  ['scripts/fit-log.js', '--check'],
  ['node_modules/typescript/bin/tsc', '-p', '.'],
  ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings'],
];

export async function check() {
  await ready('kernels');
  for (const words of checks) {
    const { status } = spawnSync(process.execPath, words, { cwd: root, stdio: 'inherit' });
    if (status !== 0) {
      console.error(`npm run check: ${words.join(' ')} failed`);
      process.exit(1);
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await check();
