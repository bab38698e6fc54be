/**
 * TensorFlow.js 4.22 for the tests in test/tfjs and for `--tfjs` of the examples. It lives in test/tfjs/node_modules,
 * and is installed there once, when somebody asks for it.
 */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../test/tfjs/', import.meta.url));
const stampFile = `${folder}node_modules/.stamp`;
/** A folder, because making one either succeeds or not, whoever else tries. */
const lock = `${folder}.installing`;
const LONGEST_INSTALL_MS = 10 * 60_000;

/**
 * Installs TensorFlow.js where it is missing; several processes may ask at the same time.
 * @param {(line: string) => void} say
 */
export async function installTfjs(say = console.log) {
  const stamp = createHash('sha256')
    .update(readFileSync(`${folder}package-lock.json`))
    .digest('hex');
  const isThere = () => existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp;
  while (!isThere()) {
    if (!lockIsOurs()) {
      await new Promise(resolve => setTimeout(resolve, 200));
      continue;
    }
    try {
      if (isThere()) return;
      say('Installing TensorFlow.js 4.22 in test/tfjs (once, 80 MB) ...');
      npmCi();
      writeFileSync(stampFile, stamp);
    } finally {
      rmdirSync(lock);
    }
  }
}

function lockIsOurs() {
  try {
    mkdirSync(lock);
    return true;
  } catch {
    const since = existsSync(lock) ? statSync(lock).mtimeMs : Date.now();
    if (Date.now() - since > LONGEST_INSTALL_MS) rmdirSync(lock); // whoever made it has died
    return false;
  }
}

function npmCi() {
  const words = ['ci', '--include=dev', '--no-audit', '--no-fund', '--fetch-retries', '1', '--loglevel', 'error'];
  // Under `npm test`, npm says by this variable which package it runs in, and would install there.
  const { npm_config_local_prefix: _, npm_execpath: npm, ...env } = process.env;
  const options = { cwd: folder, stdio: /** @type {const} */ ('pipe'), env };
  try {
    if (npm?.endsWith('.js')) execFileSync(process.execPath, [npm, ...words], options);
    else execFileSync('npm', words, { ...options, shell: process.platform === 'win32' });
  } catch (error) {
    const reason = String(/** @type {{ stderr?: Buffer }} */ (error).stderr ?? error);
    throw new Error(
      'TensorFlow.js could not be installed in test/tfjs. With the npm registry in reach, run `node scripts/tfjs.js`, ' +
        `and try again. npm said:\n${reason.split('\n').slice(0, 4).join('\n')}`,
    );
  }
}

/**
 * TensorFlow.js on its plain CPU backend, core and layers in one object, as `@tensorflow/tfjs` has them.
 * It has types of its own, but they describe three packages; it is used here under ours, or under none.
 * @returns {Promise<any>}
 */
export async function loadTfjs() {
  await installTfjs();
  const load = createRequire(`${folder}package.json`);
  const core = load('@tensorflow/tfjs-core');
  const layers = load('@tensorflow/tfjs-layers');
  load('@tensorflow/tfjs-backend-cpu');
  chain(core, readdirSync(`${folder}node_modules/@tensorflow/tfjs-core/dist/public/chained_ops`));
  core.enableProdMode(); // it greets otherwise
  await core.setBackend('cpu');
  return { ...core, ...layers, version: layers.version_layers };
}

/**
 * Gives tensors their methods. `@tensorflow/tfjs` does that with one file for each method, in a form that Node cannot
 * load; all but a few call the function of the same name with the tensor as its first argument.
 * @param {any} core @param {string[]} files
 */
function chain(core, files) {
  const methods = core.Tensor.prototype;
  for (const file of files.filter(file => /^\w+\.js$/.test(file))) {
    const name = file.slice(0, -3).replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
    if (typeof core[name] !== 'function' || name in methods) continue;
    methods[name] = /** @this {any} */ function (/** @type {unknown[]} */ ...rest) {
      return core[name](this, ...rest);
    };
  }
  /** @type {(shape: (self: any, sizes: number[]) => number[]) => any} */
  const reshaped = shape =>
    function (/** @type {number[]} */ ...sizes) {
      // @ts-expect-error a method
      return core.reshape(this, shape(this, sizes));
    };
  for (const name of ['as1D', 'flatten']) methods[name] = reshaped(self => [self.size]);
  for (const name of ['as2D', 'as3D', 'as4D']) methods[name] = reshaped((_, sizes) => sizes);
  methods.asScalar = reshaped(() => []);
  methods.concat = /** @this {any} */ function (/** @type {any} */ others, /** @type {number} */ axis) {
    return core.concat([this, ...(Array.isArray(others) ? others : [others])], axis);
  };
  methods.stack = /** @this {any} */ function (/** @type {any} */ others, /** @type {number} */ axis) {
    return core.stack([this, ...(Array.isArray(others) ? others : [others])], axis);
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await installTfjs();
