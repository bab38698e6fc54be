/**
 * `npm test`: makes the checkout ready, checks it, and runs all tests. Arguments after `--` go to vitest.
 */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { check } from './check.js';
import { ready } from './ready.js';

const root = fileURLToPath(new URL('..', import.meta.url));
await ready();
await check();
const args = ['node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2)];
const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
process.exit(status ?? 1);
