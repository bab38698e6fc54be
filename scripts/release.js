/**
 * Prepares a checkout for publication in the release workflow: fails unless tag, package.json, package-lock.json and
 * CHANGELOG.md name the same version, and adds the URLs of the repository to package.json.
 *
 *   GITHUB_REF_NAME=v0.1.0 GITHUB_SERVER_URL=https://... GITHUB_REPOSITORY=owner/name node scripts/release.js
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {Record<string, unknown> & { version: string }} Manifest
 *
 * @typedef {object} Release
 * @property {string} tag such as v0.1.0
 * @property {string} changelog text of CHANGELOG.md
 * @property {Manifest} manifest
 * @property {string} locked the version in package-lock.json
 */

/**
 * The reasons why a release must not be published; none if it may.
 *
 * @param {Release} release
 * @returns {string[]}
 */
export function objections({ tag, changelog, manifest: { version }, locked }) {
  const [first = ''] = changelog.match(/^## .*$/m) ?? [];
  const dated = /^## (\d+\.\d+\.\d+), \d{4}-\d\d-\d\d$/.exec(first);
  return [
    /^v\d+\.\d+\.\d+$/.test(tag) ? '' : `the tag must be v and a version, got '${tag}'`,
    tag === `v${version}` ? '' : `package.json must have the version of the tag ${tag}, got ${version}`,
    locked === version ? '' : `package-lock.json must have the version of package.json, ${version}, got ${locked}`,
    dated?.[1] === version ? '' : `CHANGELOG.md must begin with '## ${version}, <date>', got '${first}'`,
  ].filter(Boolean);
}

/**
 * The manifest with the URLs of its repository.
 *
 * @param {Manifest} manifest
 * @param {{ server: string, repository: string }} home
 */
export function atHome(manifest, { server, repository }) {
  const url = `${server}/${repository}`;
  return {
    ...manifest,
    repository: { type: 'git', url: `git+${url}.git` },
    homepage: `${url}#readme`,
    bugs: { url: `${url}/issues` },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const read = (/** @type {string} */ name) => readFileSync(root + name, 'utf8');
  const { GITHUB_REF_NAME: tag = '', GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository } = process.env;
  const manifest = JSON.parse(read('package.json'));
  const { version: locked } = JSON.parse(read('package-lock.json'));
  const reasons = objections({ tag, changelog: read('CHANGELOG.md'), manifest, locked });
  if (!server || !repository) reasons.push('GITHUB_SERVER_URL and GITHUB_REPOSITORY must be set');
  for (const reason of reasons) console.error(`release: ${reason}`);
  if (reasons.length > 0 || !server || !repository) process.exit(1);
  writeFileSync(`${root}package.json`, `${JSON.stringify(atHome(manifest, { server, repository }), null, 2)}\n`);
}
