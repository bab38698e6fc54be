/** A Web Worker of the user that imports the package; `page.js` is entry.js with URLs instead of package names. */

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
