/**
 * Packages that only tests and examples need, each set in a folder with its own lock file. They are installed on first use.
 */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const LONGEST_INSTALL_MS = 10 * 60_000;

/**
 * @typedef {object} Packages
 * @property {string} folder relative to the root; it has package.json and package-lock.json
 * @property {string} what name for messages
 * @property {string} size for messages
 * @property {string} script that installs them
 */

/**
 * Installs packages if they are missing. Several processes may call it at the same time.
 * @param {Packages} packages
 * @param {(line: string) => void} say
 */
export async function install({ folder, what, size, script }, say = console.log) {
  const home = `${root}${folder}/`;
  const stampFile = `${home}node_modules/.stamp`;
  /** A folder, because mkdir is atomic. */
  const lock = `${home}.installing`;
  const stamp = createHash('sha256')
    .update(readFileSync(`${home}package-lock.json`))
    .digest('hex');
  const isInstalled = () => existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp;
  while (!isInstalled()) {
    if (!takeLock(lock)) {
      await new Promise(resolve => setTimeout(resolve, 200));
      continue;
    }
    try {
      if (isInstalled()) return;
      say(`Installing ${what} in ${folder} (once, ${size}) ...`);
      npmCi(
        home,
        reason =>
          `${what} could not be installed in ${folder}. Connect to the npm registry, run \`node ${script}\`, and try again. npm said:\n${reason}`,
      );
      writeFileSync(stampFile, stamp);
    } finally {
      rmdirSync(lock);
    }
  }
}

/** @param {string} lock */
function takeLock(lock) {
  try {
    mkdirSync(lock);
    return true;
  } catch {
    const since = existsSync(lock) ? statSync(lock).mtimeMs : Date.now();
    if (Date.now() - since > LONGEST_INSTALL_MS) rmdirSync(lock); // the process that took it was killed
    return false;
  }
}

/**
 * @param {string} home
 * @param {(reason: string) => string} describeFailure
 */
function npmCi(home, describeFailure) {
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--fetch-retries', '1', '--loglevel', 'error'];
  // Under `npm test`, this variable would make npm install into our package instead of `home`.
  const { npm_config_local_prefix: _, npm_execpath: npm, ...env } = process.env;
  const options = { cwd: home, stdio: /** @type {const} */ ('pipe'), env };
  try {
    if (npm?.endsWith('.js')) execFileSync(process.execPath, [npm, ...args], options);
    else execFileSync('npm', args, { ...options, shell: process.platform === 'win32' });
  } catch (error) {
    const reason = String(/** @type {{ stderr?: Buffer }} */ (error).stderr ?? error);
    throw new Error(describeFailure(reason.split('\n').slice(0, 4).join('\n')));
  }
}
