/**
 * ONNX Runtime for the tests in test/onnx, as WebAssembly: the one of `npm run bench:peers` if it is installed, or else one
 * that is installed into test/onnx/node_modules on first use.
 */

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { install } from './install.js';

/** @param {string} folder */
const requireFrom = folder => createRequire(fileURLToPath(new URL(`../${folder}/package.json`, import.meta.url)));

export const installOnnxRuntime = () =>
  install({ folder: 'test/onnx', what: 'ONNX Runtime 1.30', size: '140 MB', script: 'scripts/onnxruntime.js' });

/** @param {string} name @returns {any} null if the packages of bench/ are not installed */
function fromBench(name) {
  try {
    return requireFrom('bench')(name);
  } catch {
    return null;
  }
}

/**
 * A process must not load both it and onnxruntime-node: they share global state. It has no types here, because theirs are
 * in a package that is not installed.
 * @returns {Promise<any>} onnxruntime-web, on one thread
 */
export async function loadOnnxRuntimeWeb() {
  let ort = fromBench('onnxruntime-web');
  if (!ort) {
    await installOnnxRuntime();
    ort = requireFrom('test/onnx')('onnxruntime-web');
  }
  ort.env.wasm.numThreads = 1;
  return ort;
}

/** @returns {any} onnxruntime-node, or null if `npm run bench:peers` has not installed it */
export const loadOnnxRuntimeNode = () => fromBench('onnxruntime-node');

if (process.argv[1] === fileURLToPath(import.meta.url)) await installOnnxRuntime();
