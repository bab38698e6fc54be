/** The dependencies: vulnerabilities, install scripts, licences, and the SBOM. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask, firstLines } from './commands.js';

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
export function checkAudit({ home }) {
  const what = 'npm audit of what a user installs';
  const { stdout, stderr } = ask('npm', ['audit', '--json', '--audit'], home);
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
  const { total = 0 } = report.metadata.vulnerabilities;
  const names = Object.keys(report.vulnerabilities ?? {}).join(', ');
  return { what, status: total === 0 ? 'passed' : 'failed', note: total === 0 ? 'no known vulnerabilities' : names };
}

/**
 * @param {import('../run.js').Context} context
 * @returns {import('../run.js').Outcome}
 */
export function checkScripts({ home }) {
  const packages = installed(home);
  const running = packages.filter(([path, { hasInstallScript }]) => {
    const { scripts = {} } = JSON.parse(readFileSync(join(home, path, 'package.json'), 'utf8'));
    // `prepare` runs for folders and git only, not for packages from a registry.
    const names = path === 'node_modules/lstm-wasm' ? INSTALLING : INSTALLING.slice(0, 3);
    return hasInstallScript || names.some(name => name in scripts);
  });
  return {
    what: 'no install scripts',
    status: running.length === 0 && packages.length > 1 ? 'passed' : 'failed',
    note:
      running.length === 0
        ? `in none of ${packages.length} packages`
        : `in ${running.map(([path]) => path).join(', ')}`,
  };
}

/**
 * @param {import('../run.js').Context} context
 * @returns {import('../run.js').Outcome}
 */
export function checkLicences({ home }) {
  const free = /^\(?(MIT|ISC|BSD-[23]-Clause|0BSD|Apache-2\.0)\b/;
  const named = installed(home).map(([path]) => {
    const { name, license } = JSON.parse(readFileSync(join(home, path, 'package.json'), 'utf8'));
    return { name, license: String(license) };
  });
  const others = named.filter(({ license }) => !free.test(license));
  const kinds = [...new Set(named.map(({ license }) => license))].sort().join(', ');
  return {
    what: 'licences of the dependencies',
    status: others.length === 0 ? 'passed' : 'failed',
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
  const words = [
    'sbom',
    '--sbom-format',
    'cyclonedx',
    '--sbom-type',
    'library',
    '--omit',
    'dev',
    '--package-lock-only',
  ];
  const { status, stdout, stderr } = ask('npm', words, root);
  if (status !== 0) return { what, status: 'failed', note: firstLines(stderr) };
  /** @type {{ bomFormat: string, specVersion: string, metadata: { component: { purl: string } }, components: { name: string, group?: string, version: string, purl: string, hashes?: unknown[] }[] }} */
  const list = JSON.parse(stdout);
  const { name, version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
  const nameOf = (/** @type {{ name: string, group?: string }} */ part) =>
    part.group ? `${part.group}/${part.name}` : part.name;
  const listed = new Set(list.components.map(nameOf));
  const needed = installed(home)
    .map(([path]) => path.split('node_modules/').at(-1) ?? path)
    .filter(each => each !== name);
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
        : `version ${list.specVersion}, ${list.components.length} packages for ${name} ${version}, all ${needed.length} that a user gets among them`,
  };
}
