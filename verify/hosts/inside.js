/** A Web Worker of one's own that imports the package; `page.js` is entry.js with addresses in place of names. */

// @ts-expect-error it is written where the package is installed
await import('./page.js');
const { runProgram } = /** @type {any} */ (globalThis);

addEventListener('message', async ({ data: simd }) => {
  try {
    postMessage({ found: await runProgram(simd, 'here') });
  } catch (error) {
    postMessage({ error: String(error) });
  }
});
postMessage('ready');
