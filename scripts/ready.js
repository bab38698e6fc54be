/**
 * Installs packages and builds whatever is missing or out of date.
 *
 *   node scripts/ready.js            packages, kernels, package
 *   node scripts/ready.js kernels    packages and kernels
 *
 * build/stamps.json keeps a hash of the sources of each product, so a second call only reads the sources.
 */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { groupNames } from './kernelGroups.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const stampFile = `${root}build/stamps.json`;

/** The sources of each product, and the files that it must produce. */
const products = {
  packages: {
    from: ['package-lock.json', 'package.json'],
    makes: ['node_modules/assemblyscript', 'node_modules/vite'],
  },
  kernels: {
    from: [
      ...['assembly', 'asconfig.json', 'asconfig.testing.json', 'asconfig.predict.json', 'package-lock.json'],
      ...['build', 'fused', 'kernelGroups', 'kernelModule', 'moduleReader', 'shared', 'split'].map(
        name => `scripts/${name}.js`,
      ),
    ],
    makes: [
      ...['strict', 'relaxed', 'testing-strict', 'testing-relaxed', 'debug'].map(build => `build/${build}.wasm`),
      ...['predict/binaries', 'wasm/shared'].map(name => `src/${name}.generated.ts`),
      'test/kernels/testKernels.generated.ts',
      ...[...groupNames, 'all', 'hash', 'operations'].map(name => `src/wasm/modules/${name}.generated.ts`),
    ],
  },
  package: {
    from: [
      'src',
      'vite.config.ts',
      'tsconfig.json',
      'tsconfig.build.json',
      'scripts/build.js',
      'scripts/factories.js',
      'scripts/libraries.js',
      'package.json',
    ],
    makes: ['dist/index.js', 'dist/bundler/index.js', 'dist/plot-node.js', 'dist/index.d.ts'],
  },
};

/**
 * @param {'kernels' | 'package'} upTo
 * @param {(line: string) => void} say
 */
export async function ready(upTo = 'package', say = console.log) {
  await make('packages', say, 'Installing packages (once)', install);
  const { buildKernels, buildPackage } = await import('./build.js');
  await make('kernels', say, 'Compiling the kernels to WebAssembly', buildKernels);
  if (upTo === 'package') await make('package', say, 'Bundling the package', buildPackage);
}

/** Uses the npm that runs this script, if any. */
function install() {
  const npm = process.env.npm_execpath;
  const words = ['ci', '--no-audit', '--no-fund', '--loglevel', 'error'];
  if (npm?.endsWith('.js')) execFileSync(process.execPath, [npm, ...words], { cwd: root, stdio: 'inherit' });
  else execFileSync('npm', words, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
}

/**
 * @param {keyof typeof products} name
 * @param {(line: string) => void} say
 * @param {string} what
 * @param {() => unknown} work
 */
async function make(name, say, what, work) {
  const { from, makes } = products[name];
  const stamps = existsSync(stampFile) ? JSON.parse(readFileSync(stampFile, 'utf8')) : {};
  const stamp = hashOf(from);
  if (stamps[name] === stamp && makes.every(path => existsSync(root + path))) return;
  say(`${what} ...`);
  await work();
  mkdirSync(`${root}build`, { recursive: true });
  writeFileSync(stampFile, `${JSON.stringify({ ...stamps, [name]: hashOf(from) }, null, 2)}\n`);
}

/** @param {readonly string[]} paths */
function hashOf(paths) {
  const hash = createHash('sha256');
  for (const path of paths.flatMap(filesUnder)) hash.update(`${path}\0`).update(readFileSync(root + path));
  return hash.digest('hex');
}

/**
 * @param {string} path
 * @returns {string[]}
 */
function filesUnder(path) {
  if (!existsSync(root + path)) return [];
  if (!statSync(root + path).isDirectory()) return [path];
  return readdirSync(root + path)
    .sort()
    .flatMap(name => filesUnder(`${path}/${name}`));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await ready(process.argv[2] === 'kernels' ? 'kernels' : 'package');
}
