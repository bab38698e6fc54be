/** Compares package.json with the contents of the package. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { passedIf } from '../outcome.js';
import { ask, firstLines } from './commands.js';

const NAMES_OF_HOME = ['repository', 'homepage', 'bugs'];

/**
 * @param {import('../run.js').Context} context
 * @returns {Promise<import('../run.js').Outcome[]>}
 */
export async function checkManifest({ root, home, tarball }) {
  const folder = join(home, 'node_modules/lstm-wasm');
  const said = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return [
    fields(folder, said),
    targets(folder, said),
    effects(folder, said),
    addresses(said),
    changelog(root, said),
    ...publishing(home, tarball),
  ];
}

/**
 * @param {string} folder
 * @param {any} said
 * @returns {import('../run.js').Outcome}
 */
function fields(folder, said) {
  const licence = existsSync(join(folder, 'LICENSE')) ? readFileSync(join(folder, 'LICENSE'), 'utf8') : '';
  const wrong = [
    said.license === 'MIT' && licence.startsWith('MIT License') ? '' : 'license and LICENSE',
    /^.{20,120}$/.test(said.description ?? '') ? '' : 'description',
    said.keywords?.length >= 5 && new Set(said.keywords).size === said.keywords.length ? '' : 'keywords',
    said.type === 'module' ? '' : 'type',
    said.engines?.node ? '' : 'engines.node',
    /^\d+\.\d+\.\d+$/.test(said.version) ? '' : 'version',
    existsSync(join(folder, 'README.md')) ? '' : 'README.md',
  ].filter(Boolean);
  const note = wrong.length > 0 ? `wrong: ${wrong.join(', ')}` : `${said.license}, Node ${said.engines.node}`;
  return { what: 'fields of package.json', status: wrong.length === 0 ? 'passed' : 'failed', note };
}

/**
 * @param {string} folder
 * @param {any} said
 * @returns {import('../run.js').Outcome}
 */
function targets(folder, said) {
  const files = leaves(said.exports);
  const missing = files.filter(file => !existsSync(join(folder, file)));
  return {
    what: 'every file that exports names is there',
    status: files.length > 10 && missing.length === 0 ? 'passed' : 'failed',
    note: missing.length > 0 ? `missing: ${missing.join(', ')}` : `${files.length} files`,
  };
}

/** @param {unknown} value @returns {string[]} */
const leaves = value =>
  typeof value === 'string' ? [value] : Object.values(/** @type {object} */ (value)).flatMap(leaves);

/**
 * Bundlers of users read those in dist/; our own build reads those in src/.
 *
 * @param {string} folder
 * @param {any} said
 * @returns {import('../run.js').Outcome}
 */
function effects(folder, said) {
  const named = /** @type {string[]} */ (said.sideEffects).filter(file => file.startsWith('./dist/'));
  const missing = named.filter(file => !existsSync(join(folder, file)));
  return {
    what: 'every file that sideEffects names is there',
    status: named.length > 0 && missing.length === 0 ? 'passed' : 'failed',
    note: missing.length > 0 ? `missing: ${missing.join(', ')}` : named.join(', '),
  };
}

/**
 * @param {any} said
 * @returns {import('../run.js').Outcome}
 */
function addresses(said) {
  const what = 'where the package is at home';
  const missing = NAMES_OF_HOME.filter(name => !(name in said));
  if (missing.length === 0) return { what, status: 'passed', note: said.repository.url };
  return {
    what,
    status: 'not here',
    note: `${missing.join(', ')}: not known in a checkout; release.yml writes them from the repository it runs in`,
  };
}

/**
 * @param {string} root
 * @param {any} said
 * @returns {import('../run.js').Outcome}
 */
function changelog(root, said) {
  const text = readFileSync(`${root}CHANGELOG.md`, 'utf8');
  const [first = ''] = text.match(/^## .*$/m) ?? [];
  const right = new RegExp(
    `^## (${said.version.replaceAll('.', '\\.')}, (not yet released|\\d{4}-\\d\\d-\\d\\d)|Unreleased)$`,
  );
  return { what: 'CHANGELOG.md speaks of this version', status: right.test(first) ? 'passed' : 'failed', note: first };
}

/**
 * Publishes with --dry-run.
 *
 * @param {string} home
 * @param {string} tarball
 * @returns {import('../run.js').Outcome[]}
 */
function publishing(home, tarball) {
  const { status, stderr } = ask('npm', ['publish', tarball, '--dry-run', '--ignore-scripts', '--provenance'], home);
  const [, size = ''] = /package size: (.*)/.exec(stderr) ?? [];
  // Between a release and the next version npm refuses only because of the version.
  const taken = /previously published/.test(stderr);
  const identity = 'ACTIONS_ID_TOKEN_REQUEST_URL' in process.env;
  return [
    {
      what: 'npm publish --dry-run',
      status: passedIf(status === 0 || taken),
      note: status === 0 ? size : firstLines(stderr),
    },
    {
      what: 'provenance',
      status: 'not here',
      note: identity
        ? 'it is signed where release.yml publishes'
        : 'no identity to sign with outside of release.yml, which test/package/release.test.ts reads',
    },
  ];
}
