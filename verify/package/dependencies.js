/** What a user installs, and the libraries inside it: vulnerabilities, install scripts, licences, and the SBOM. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundledLibraries } from '../../scripts/libraries.js';
import { passedIf } from '../outcome.js';
import { ask, firstLines } from './commands.js';

/** Where our package is installed. */
const OURS = 'node_modules/lstm-wasm';

/** Scripts that npm runs while it installs a package. */
const INSTALLING = ['preinstall', 'install', 'postinstall', 'prepare'];

/**
 * Every installed package, by its path: `node_modules/pbf`.
 *
 * @param {string} home
 * @returns {[string, { version: string, hasInstallScript?: boolean }][]}
 */
function installed(home) {
  const { packages } = JSON.parse(readFileSync(join(home, 'package-lock.json'), 'utf8'));
  return Object.entries(packages).filter(([path]) => path !== '');
}

/**
 * @param {import('../run.js').Context} context
 * @returns {import('../run.js').Outcome}
 */
export function checkAudit({ root, home }) {
  const what = 'npm audit of the libraries inside the package';
  // The libraries are dependencies of the build only: npm knows their versions from the checkout.
  const { stdout, stderr } = ask('npm', ['audit', '--json', '--audit'], root);
  /** @type {{ metadata?: { vulnerabilities: Record<string, number> }, vulnerabilities?: Record<string, unknown>, message?: string, error?: { summary?: string } }} */
  let report = {};
  try {
    report = JSON.parse(stdout);
  } catch {
    return { what, status: 'failed', note: firstLines(stderr || stdout) };
  }
  if (!report.metadata) {
    // Without URLs: the results are committed, and must not name the registry of a machine.
    const reason = String(report.message ?? report.error?.summary ?? stderr).replace(/( - [A-Z]+)? ?https?:\S+/g, '');
    return { what, status: 'not here', note: `the registry does not support audits: ${firstLines(reason, 2)}` };
  }
  const inside = new Set(bundledLibraries(join(home, 'node_modules/lstm-wasm')).map(({ name }) => name));
  const found = Object.keys(report.vulnerabilities ?? {}).filter(name => inside.has(name));
  const note = found.length === 0 ? `no known vulnerabilities in ${inside.size} libraries` : found.join(', ');
  return { what, status: passedIf(found.length === 0 && inside.size > 0), note };
}

/**
 * @param {import('../run.js').Context} context
 * @returns {import('../run.js').Outcome[]}
 */
export function checkScripts({ home }) {
  const packages = installed(home).map(([path]) => path);
  const { scripts = {} } = JSON.parse(readFileSync(join(home, OURS, 'package.json'), 'utf8'));
  const running = INSTALLING.filter(name => name in scripts);
  return [
    {
      what: 'npm install lstm-wasm installs one package',
      status: passedIf(packages.length === 1 && packages[0] === OURS),
      note: packages.join(', '),
    },
    {
      what: 'no install scripts',
      status: passedIf(running.length === 0),
      note: running.length === 0 ? 'none' : running.join(', '),
    },
  ];
}

/**
 * @param {import('../run.js').Context} context
 * @returns {import('../run.js').Outcome}
 */
export function checkLicences({ home }) {
  const free = /^\(?(MIT|ISC|BSD-[23]-Clause|0BSD|Apache-2\.0)\b/;
  const named = bundledLibraries(join(home, OURS));
  const others = named.filter(({ license }) => !free.test(license));
  const kinds = [...new Set(named.map(({ license }) => license))].sort().join(', ');
  return {
    what: 'licences of the libraries inside the package',
    status: passedIf(others.length === 0 && named.length > 0),
    note: others.length === 0 ? kinds : others.map(({ name, license }) => `${name}: ${license}`).join(', '),
  };
}

/**
 * The SBOM of a release, made as in .github/workflows/release.yml.
 *
 * @param {import('../run.js').Context} context
 * @returns {import('../run.js').Outcome}
 */
export function checkSbom({ root, home }) {
  const what = 'SBOM in CycloneDX';
  const { status, stdout, stderr } = ask(process.execPath, ['scripts/sbom.js'], root);
  if (status !== 0) return { what, status: 'failed', note: firstLines(stderr) };
  /** @type {{ bomFormat: string, specVersion: string, metadata: { component: { purl: string } }, components: { name: string, group?: string, version: string, purl: string, hashes?: unknown[] }[] }} */
  const list = JSON.parse(stdout);
  const { name, version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
  const nameOf = (/** @type {{ name: string, group?: string }} */ part) =>
    part.group ? `${part.group}/${part.name}` : part.name;
  const listed = new Set(list.components.map(nameOf));
  const needed = bundledLibraries(join(home, OURS)).map(each => each.name);
  const missing = needed.filter(each => !listed.has(each));
  const nameless = list.components.filter(({ purl, version }) => !purl?.startsWith('pkg:npm/') || !version);
  const { component } = list.metadata;
  // npm names the component after the folder.
  const ours = component.purl === `pkg:npm/${name}@${version}`;
  const whole = list.bomFormat === 'CycloneDX' && ours && needed.length > 0;
  return {
    what,
    status: whole && missing.length === 0 && nameless.length === 0 ? 'passed' : 'failed',
    note:
      missing.length + nameless.length > 0 || !whole
        ? `it misses ${missing.join(', ') || 'nothing'}; nameless: ${nameless.length}; it is of ${component.purl}`
        : `version ${list.specVersion}, ${list.components.length} packages for ${name} ${version}, all ${needed.length} libraries inside the package among them`,
  };
}
