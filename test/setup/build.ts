/** Starts the build of the kernels that the vitest project names, before any test touches the package. */

import { readFileSync } from 'node:fs';
import v8 from 'node:v8';
import { afterAll } from 'vitest';
// The engine alone: what tests kernels on their own needs nothing else of the package
import { init } from '../../src/wasm/engine.ts';
import { turbo } from '../../src/wasm/turbo.ts';

const build = process.env.LSTM_WASM_BUILD;
if (!build) throw new Error('LSTM_WASM_BUILD must name a build');

// Node 20 has relaxed SIMD behind a flag; from 21 on it is there.
if (build === 'relaxed' && process.version.startsWith('v20.'))
  v8.setFlagsFromString('--experimental-wasm-relaxed-simd');
// Selects the tiles and panels of lstm-wasm/turbo, whether or not V8 joins vectors.
if (process.env.LSTM_WASM_WIDE) turbo.flags = ['revectorize'];
init({ bytes: readFileSync(new URL(`../../build/${build}.wasm`, import.meta.url)) });
if (build === 'debug' && !process.env.LSTM_WASM_WIDE) {
  const { lookAtAll, raise } = await import('./fences.ts');
  raise();
  afterAll(() => lookAtAll('some call'));
}
