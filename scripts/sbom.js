/**
 * Prints the SBOM of the package in CycloneDX: the libraries inside it (scripts/libraries.js), as npm describes them. The
 * package must be built.
 *
 *   node scripts/sbom.js > lstm-wasm.cdx.json
 */

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { bundledLibraries } from './libraries.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const words = [
  'sbom',
  '--sbom-format',
  'cyclonedx',
  '--sbom-type',
  'library',
  '--include',
  'dev',
  '--package-lock-only',
];
const all = JSON.parse(
  execFileSync('npm', words, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    shell: process.platform === 'win32',
  }),
);

const inside = new Set(bundledLibraries().map(({ name, version }) => `${name}@${version}`));
/** @param {{ group?: string, name: string, version: string }} component */
const nameOf = ({ group, name, version }) => `${group && !name.startsWith('@') ? `${group}/` : ''}${name}@${version}`;
const components = all.components
  .filter((/** @type {any} */ each) => inside.has(nameOf(each)))
  .map((/** @type {any} */ each) => ({ ...each, scope: 'required', properties: [] }));
const refs = new Set(components.map((/** @type {any} */ each) => each['bom-ref']));
const own = all.metadata.component['bom-ref'];
const dependencies = [
  { ref: own, dependsOn: [...refs] },
  ...all.dependencies
    .filter((/** @type {any} */ { ref }) => refs.has(ref))
    .map((/** @type {any} */ { ref, dependsOn = [] }) => ({
      ref,
      dependsOn: dependsOn.filter((/** @type {string} */ each) => refs.has(each)),
    })),
];
console.log(JSON.stringify({ ...all, components, dependencies }, null, 2));
