/**
 * TensorFlow.js 4.22 for the tests in test/tfjs and for `--tfjs` of the examples, installed into test/tfjs/node_modules on
 * first use.
 */

import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { install } from './install.js';

const folder = fileURLToPath(new URL('../test/tfjs/', import.meta.url));

/** Installs TensorFlow.js if it is missing. Several processes may call it at the same time. */
export const installTfjs = () =>
  install({ folder: 'test/tfjs', what: 'TensorFlow.js 4.22', size: '100 MB', script: 'scripts/tfjs.js' });

/**
 * TensorFlow.js, core and layers in one object like `@tensorflow/tfjs`, without types.
 * @param {'cpu' | 'wasm'} backend plain JavaScript, or WebAssembly with SIMD on one thread
 * @returns {Promise<any>}
 */
export async function loadTfjs(backend = 'cpu') {
  await installTfjs();
  const load = createRequire(`${folder}package.json`);
  const core = load('@tensorflow/tfjs-core');
  const layers = load('@tensorflow/tfjs-layers');
  load('@tensorflow/tfjs-backend-cpu');
  chain(core, readdirSync(`${folder}node_modules/@tensorflow/tfjs-core/dist/public/chained_ops`));
  core.enableProdMode(); // otherwise it prints a greeting
  if (backend === 'wasm') {
    const { setWasmPaths, setThreadsCount } = load('@tensorflow/tfjs-backend-wasm');
    setWasmPaths(`${dirname(load.resolve('@tensorflow/tfjs-backend-wasm'))}/`);
    setThreadsCount(1);
    addFilterGradient(core);
  }
  await core.setBackend(backend);
  return { ...core, ...layers, version: layers.version_layers };
}

/**
 * Adds a kernel that the WebAssembly backend lacks, without which it cannot train a `conv1d`: the gradient of the filters,
 * as a matrix product for each step of the filter. Of `conv1d` only, which calls `conv2d` with a height of 1, and with
 * `valid` padding and strides of 1.
 * @param {any} core
 */
function addFilterGradient(core) {
  core.registerKernel({
    kernelName: 'Conv2DBackpropFilter',
    backendName: 'wasm',
    kernelFunc: (/** @type {any} */ { inputs: { x, dy }, attrs: { strides, pad, filterShape } }) => {
      const [height, size, channels, filters] = filterShape;
      const [batch, , steps] = dy.shape;
      if (height !== 1 || pad !== 'valid' || String([strides].flat()) !== String([strides].flat().map(() => 1))) {
        throw new Error('Conv2DBackpropFilter must be of a conv1d with valid padding and strides of 1');
      }
      return core.tidy(() => {
        const gradients = core.reshape(dy, [batch * steps, filters]);
        const products = Array.from({ length: size }, (_, k) => {
          const read = core.slice(x, [0, 0, k, 0], [batch, 1, steps, channels]);
          return core.matMul(core.reshape(read, [batch * steps, channels]), gradients, true);
        });
        return core.reshape(core.stack(products), filterShape);
      });
    },
  });
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
