/**
 * Runs cloud.js, bundled, in workerd by Miniflare and prints what it found. A process of its own, because Miniflare wants
 * Node 22.
 *
 *   node miniflare.js /path/to/verify/node_modules cloud.js kernels.wasm
 */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [tools = '', script = '', kernels = ''] = process.argv.slice(2);
const { Miniflare } = createRequire(`${tools}/here.js`)('miniflare');

const miniflare = new Miniflare({
  // The first with FinalizationRegistry, by which the memory of models is given back.
  compatibilityDate: '2025-05-05',
  modules: [
    { type: 'ESModule', path: 'cloud.js', contents: readFileSync(script, 'utf8') },
    { type: 'CompiledWasm', path: 'lstm-wasm/kernels.wasm', contents: readFileSync(kernels) },
  ],
  cf: false, // or it would ask Cloudflare where it is
});
try {
  const response = await miniflare.dispatchFetch('http://localhost/');
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  console.log(text);
} finally {
  await miniflare.dispose();
}
