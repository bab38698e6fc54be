/** Initializes the package with the kernels of the vitest project, before any test uses it. */

import { readFileSync } from 'node:fs';
import v8 from 'node:v8';
import { afterAll } from 'vitest';
// Not from 'lstm-wasm': tests of kernels need only the engine.
import { init } from '../../src/wasm/engine.ts';
import { turbo } from '../../src/wasm/turbo.ts';

const build = process.env.LSTM_WASM_BUILD;
if (!build) throw new Error('LSTM_WASM_BUILD must name a build');

// Node 20 needs a flag for relaxed SIMD.
if (build === 'relaxed' && process.version.startsWith('v20.'))
  v8.setFlagsFromString('--experimental-wasm-relaxed-simd');
// Selects the tiles and panels of lstm-wasm/turbo, whether or not V8 combines vectors.
if (process.env.LSTM_WASM_WIDE) turbo.flags = ['revectorize'];
init({ bytes: readFileSync(new URL(`../../build/${build}.wasm`, import.meta.url)) });
if (build === 'debug' && !process.env.LSTM_WASM_WIDE) {
  const { checkAllFences, installFences } = await import('./fences.ts');
  installFences();
  afterAll(() => checkAllFences('a call'));
}
