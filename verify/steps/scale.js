/**
 * Tasks on BullMQ: a hundred runs with workers killed, Redis restarted and tasks delivered twice at random.
 *
 * LSTM_WASM_LONG=0.1 in the environment runs a tenth of it.
 */

import { execFile, execFileSync } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { NotHere, passedIf } from '../outcome.js';
import { hasRedis } from '../scale/hasRedis.js';

const RUNS = 100;
const TIMEOUT = 60 * 60_000;

/** @type {import('../run.js').Step} */
export const scale = {
  name: 'scale',
  about:
    'a hundred runs of tasks in worker processes that are killed, while Redis is restarted and tasks are delivered twice',
  async run({ root, home }) {
    if (!hasRedis) throw new NotHere('redis-server is not installed');
    const runs = Math.max(3, Math.round(RUNS * Number(process.env.LSTM_WASM_LONG || 1)));
    const { devDependencies } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
    const peers = ['bullmq', 'ioredis'].map(name => `${name}@${devDependencies[name]}`);
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel', 'error', ...peers], {
      cwd: home,
      shell: process.platform === 'win32',
    });
    const folder = join(home, 'scale');
    cpSync(`${root}verify/scale`, folder, { recursive: true });
    const options = { cwd: folder, timeout: TIMEOUT, killSignal: /** @type {const} */ ('SIGKILL') };
    const { stdout } = await promisify(execFile)(process.execPath, ['chaos.js', String(runs), '1'], options);
    const { done, failures, seconds, kills, restarts, duplicates, repeated } = JSON.parse(
      stdout.trim().split('\n').at(-1) ?? '',
    );
    const note =
      failures[0] ??
      `the same results as undisturbed, each task once; ${kills} workers killed, Redis restarted ${restarts} times, ` +
        `${duplicates} tasks delivered twice, ${repeated} run again after three deaths; ${Math.round(seconds)} s`;
    return [{ what: `${done} runs with disturbances`, status: passedIf(failures.length === 0 && done === runs), note }];
  },
};
