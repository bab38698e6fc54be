/**
 * TensorFlow.js Layers, with its plain JavaScript backend and its WebAssembly backend (SIMD, one thread). Data are converted to
 * tensors before timing starts, predictions are not read back, and all tensors are disposed.
 */

import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { load } from './rival.js';
import { rivalOf } from './tfjsModel.js';

/** @typedef {import('./rival.js').Rival} Rival */

/**
 * @param {'wasm' | 'cpu'} backend
 * @returns {Promise<Rival>}
 */
export async function tfjs(backend) {
  const tf = await load('@tensorflow/tfjs');
  tf.enableProdMode(); // no checks, and no advertisement of its native package on stderr
  if (backend === 'wasm') {
    const { setWasmPaths, setThreadsCount } = await load('@tensorflow/tfjs-backend-wasm');
    setWasmPaths(`${dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'))}/`);
    setThreadsCount(1);
  }
  await tf.setBackend(backend);
  await tf.ready();

  const build = backend === 'wasm' ? ', SIMD, 1 thread' : '';
  const version = `TensorFlow.js ${tf.version.tfjs}, backend ${backend}${build}`;
  return rivalOf(tf, backend, { name: `TF.js ${backend}`, version });
}
