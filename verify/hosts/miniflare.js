/**
 * Runs the bundled cloud.js in workerd with Miniflare and prints its results. In a separate process, because Miniflare
 * needs Node 22.
 *
 *   node miniflare.js /path/to/verify/node_modules cloud.js kernels.wasm
 */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [tools = '', script = '', kernels = ''] = process.argv.slice(2);
const { Miniflare } = createRequire(`${tools}/here.js`)('miniflare');

const miniflare = new Miniflare({
  // The first date with FinalizationRegistry, which frees the memory of models.
  compatibilityDate: '2025-05-05',
  modules: [
    { type: 'ESModule', path: 'cloud.js', contents: readFileSync(script, 'utf8') },
    { type: 'CompiledWasm', path: 'lstm-wasm/kernels.wasm', contents: readFileSync(kernels) },
  ],
  cf: false, // no request to Cloudflare for the location
});
try {
  const response = await miniflare.dispatchFetch('http://localhost/');
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  console.log(text);
} finally {
  await miniflare.dispose();
}
