/**
 * TensorFlow.js 4.22 for the tests in test/tfjs and for `--tfjs` of the examples, installed into test/tfjs/node_modules on
 * first use.
 */

import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { install } from './install.js';

const folder = fileURLToPath(new URL('../test/tfjs/', import.meta.url));

/** Installs TensorFlow.js if it is missing. Several processes may call it at the same time. */
export const installTfjs = () =>
  install({ folder: 'test/tfjs', what: 'TensorFlow.js 4.22', size: '80 MB', script: 'scripts/tfjs.js' });

/**
 * TensorFlow.js on its plain CPU backend, core and layers in one object like `@tensorflow/tfjs`, without types.
 * @returns {Promise<any>}
 */
export async function loadTfjs() {
  await installTfjs();
  const load = createRequire(`${folder}package.json`);
  const core = load('@tensorflow/tfjs-core');
  const layers = load('@tensorflow/tfjs-layers');
  load('@tensorflow/tfjs-backend-cpu');
  chain(core, readdirSync(`${folder}node_modules/@tensorflow/tfjs-core/dist/public/chained_ops`));
  core.enableProdMode(); // otherwise it prints a greeting
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
