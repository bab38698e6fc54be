/** Compares package.json with the contents of the package. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { passedIf } from '../outcome.js';
import { ask, firstLines } from './commands.js';

const NAMES_OF_HOME = ['repository', 'homepage', 'bugs'];

/**
 * @param {import('../run.js').Context} context
 * @returns {Promise<import('../run.js').Outcome[]>}
 */
export async function checkManifest({ root, home, tarball }) {
  const folder = join(home, 'node_modules/lstm-wasm');
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return [
    fields(folder, manifest),
    targets(folder, manifest),
    effects(folder, manifest),
    addresses(manifest),
    changelog(root, manifest),
    ...publishing(home, tarball),
  ];
}

/**
 * @param {string} folder
 * @param {any} manifest
 * @returns {import('../run.js').Outcome}
 */
function fields(folder, manifest) {
  const licence = existsSync(join(folder, 'LICENSE')) ? readFileSync(join(folder, 'LICENSE'), 'utf8') : '';
  const wrong = [
    manifest.license === 'MIT' && licence.startsWith('MIT License') ? '' : 'license and LICENSE',
    /^.{20,120}$/.test(manifest.description ?? '') ? '' : 'description',
    manifest.keywords?.length >= 5 && new Set(manifest.keywords).size === manifest.keywords.length ? '' : 'keywords',
    manifest.type === 'module' ? '' : 'type',
    manifest.engines?.node ? '' : 'engines.node',
    /^\d+\.\d+\.\d+$/.test(manifest.version) ? '' : 'version',
    existsSync(join(folder, 'README.md')) ? '' : 'README.md',
  ].filter(Boolean);
  const note = wrong.length > 0 ? `wrong: ${wrong.join(', ')}` : `${manifest.license}, Node ${manifest.engines.node}`;
  return { what: 'fields of package.json', status: wrong.length === 0 ? 'passed' : 'failed', note };
}

/**
 * @param {string} folder
 * @param {any} manifest
 * @returns {import('../run.js').Outcome}
 */
function targets(folder, manifest) {
  const files = leaves(manifest.exports);
  const missing = files.filter(file => !existsSync(join(folder, file)));
  return {
    what: 'every file in exports exists',
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
 * @param {any} manifest
 * @returns {import('../run.js').Outcome}
 */
function effects(folder, manifest) {
  const named = /** @type {string[]} */ (manifest.sideEffects).filter(file => file.startsWith('./dist/'));
  // Files for Node have a hash in their names
  const exists = (/** @type {string} */ file) => {
    const [start = '', end = ''] = basename(file).split('*');
    const found = (/** @type {string} */ name) =>
      file.includes('*') ? name.startsWith(start) && name.endsWith(end) : name === start;
    return existsSync(join(folder, dirname(file))) && readdirSync(join(folder, dirname(file))).some(found);
  };
  const missing = named.filter(file => !exists(file));
  return {
    what: 'every file in sideEffects exists',
    status: named.length > 0 && missing.length === 0 ? 'passed' : 'failed',
    note: missing.length > 0 ? `missing: ${missing.join(', ')}` : named.join(', '),
  };
}

/**
 * @param {any} manifest
 * @returns {import('../run.js').Outcome}
 */
function addresses(manifest) {
  const what = 'URLs of the repository';
  const missing = NAMES_OF_HOME.filter(name => !(name in manifest));
  if (missing.length === 0) return { what, status: 'passed', note: manifest.repository.url };
  return {
    what,
    status: 'not here',
    note: `${missing.join(', ')}: unknown in a checkout; release.yml adds them from the repository it runs in`,
  };
}

/**
 * @param {string} root
 * @param {any} manifest
 * @returns {import('../run.js').Outcome}
 */
function changelog(root, manifest) {
  const text = readFileSync(`${root}CHANGELOG.md`, 'utf8');
  const [first = ''] = text.match(/^## .*$/m) ?? [];
  const right = new RegExp(
    `^## (${manifest.version.replaceAll('.', '\\.')}, (not yet released|\\d{4}-\\d\\d-\\d\\d)|Unreleased)$`,
  );
  return {
    what: 'CHANGELOG.md starts with this version',
    status: right.test(first) ? 'passed' : 'failed',
    note: first,
  };
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
        ? 'release.yml signs it when it publishes'
        : 'only release.yml can sign it; test/package/release.test.ts checks that it does',
    },
  ];
}
