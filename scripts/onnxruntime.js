/**
 * ONNX Runtime for the tests in test/onnx, as WebAssembly: that of `npm run bench:peers` where it has been installed,
 * or else its own in test/onnx/node_modules, which is installed there once, when somebody asks for it.
 */

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { install } from './install.js';

/** @param {string} folder */
const requireFrom = folder => createRequire(fileURLToPath(new URL(`../${folder}/package.json`, import.meta.url)));

export const installOnnxRuntime = () =>
  install({ folder: 'test/onnx', what: 'ONNX Runtime 1.30', size: '140 MB', script: 'scripts/onnxruntime.js' });

/** @param {string} name @returns {any} null where the bench has not been installed */
function fromBench(name) {
  try {
    return requireFrom('bench')(name);
  } catch {
    return null;
  }
}

/**
 * Load it or onnxruntime-node in a process, never both: they share what knows the one that runs.
 * Its types are those of a package that is not installed with this one, so it has none here.
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

/** @returns {any} onnxruntime-node, or null where `npm run bench:peers` has not installed it */
export const loadOnnxRuntimeNode = () => fromBench('onnxruntime-node');

if (process.argv[1] === fileURLToPath(import.meta.url)) await installOnnxRuntime();
