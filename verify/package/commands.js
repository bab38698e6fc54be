/** Commands whose output is read even if they exit with an error. */

import { spawnSync } from 'node:child_process';

/**
 * @param {string} command
 * @param {readonly string[]} words
 * @param {string} cwd
 * @param {Record<string, string>} [more] environment
 */
export function ask(command, words, cwd, more) {
  // Under `npm run`, this variable would make npm work in our package instead of `cwd`.
  const { npm_config_local_prefix: _, ...env } = process.env;
  const shell = process.platform === 'win32' && command === 'npm';
  const { status, stdout, stderr, error } = spawnSync(command, words, {
    cwd,
    env: { ...env, NO_COLOR: '1', ...more },
    encoding: 'utf8',
    shell,
    maxBuffer: 2 ** 26,
  });
  if (error) throw error;
  return { status, stdout, stderr };
}

/** @param {string} text */
export const firstLines = (text, most = 6) =>
  text
    .split('\n')
    .map(line => line.trim())
    .filter(Boolean)
    .slice(0, most)
    .join('; ');
