/** Initializes the package with the kernels of the vitest project: once for all test files of a worker. */

import { readFileSync } from 'node:fs';
import v8 from 'node:v8';
// Not from 'lstm-wasm': tests of kernels need only the engine.
import { init } from '../../src/wasm/engine.ts';
import { turbo } from '../../src/wasm/turbo.ts';

const { LSTM_WASM_BUILD: build, LSTM_WASM_WIDE: wide } = process.env;
if (!build) throw new Error('LSTM_WASM_BUILD must name a build');

// Node 20 needs a flag for relaxed SIMD.
if (build === 'relaxed' && process.version.startsWith('v20.'))
  v8.setFlagsFromString('--experimental-wasm-relaxed-simd');
// Selects the tiles and panels of lstm-wasm/turbo, whether or not V8 combines vectors.
if (wide) turbo.flags = ['revectorize'];
init({ bytes: readFileSync(new URL(`../../build/${build}.wasm`, import.meta.url)) });
/** Whether blocks and buffers have fences. */
export const fenced = build === 'debug' && !wide;
if (fenced) (await import('./fences.ts')).installFences();

/** Fails if this worker was initialized for another project. */
export function checkProject(): void {
  const { LSTM_WASM_BUILD, LSTM_WASM_WIDE } = process.env;
  if (LSTM_WASM_BUILD !== build || LSTM_WASM_WIDE !== wide) {
    throw new Error(`this worker must run tests on the build ${build}, got ${LSTM_WASM_BUILD}`);
  }
}
