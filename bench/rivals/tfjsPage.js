/** TensorFlow.js with the threads of its WebAssembly backend, which run only in pages: in Chromium, with cross-origin isolation. */

import { fileURLToPath } from 'node:url';
import { launch, titleOf } from '../../verify/browsers.js';
import { serve } from '../../verify/serve.js';
import { remote } from './remote.js';
import { named } from './rival.js';

const isolation = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };

/** @param {number} threads */
export async function tfjsInPage(threads) {
  const name = named('TF.js wasm', threads);
  const browser = await launch('chromium');
  const site = await serve(fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, ''), isolation);
  const close = () => void Promise.allSettled([browser.close(), site.close()]);
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(0);
    // TF.js starts at most half as many threads as the host has logical cores
    await page.evaluateOnNewDocument(threads => {
      Object.defineProperty(navigator, 'hardwareConcurrency', { get: () => 2 * threads });
    }, threads);
    await page.goto(`${site.url}page.html`);
    await page.evaluate(
      async (name, threads) => {
        const { tf } = /** @type {any} */ (globalThis);
        const files = /** @type {string} */ ('./requests.js');
        const models = /** @type {string} */ ('./rivals/tfjsModel.js');
        const [{ handlersOf, replyTo }, { rivalOf }] = await Promise.all([import(files), import(models)]);
        tf.enableProdMode();
        tf.wasm.setWasmPaths('/node_modules/@tensorflow/tfjs-backend-wasm/dist/');
        tf.wasm.setThreadsCount(threads);
        await tf.setBackend('wasm');
        await tf.ready();
        const running = tf.wasm.getThreadsCount();
        if (running !== threads) throw new Error(`expected ${threads} threads, got ${running}`);
        const version = `TensorFlow.js ${tf.version.tfjs}, backend wasm, SIMD, ${running} threads`;
        const handlers = handlersOf(rivalOf(tf, 'wasm', { name, version }));
        Object.assign(globalThis, { reply: (/** @type {any} */ request) => replyTo(handlers, request) });
      },
      name,
      threads,
    );
    const send = (/** @type {Record<string, unknown>} */ request) =>
      page.evaluate(request => /** @type {any} */ (globalThis).reply(request), request);
    const title = await titleOf(browser);
    return await remote(send, { name, threads, version: ({ version }) => `${version}, ${title}`, close });
  } catch (error) {
    close();
    throw error;
  }
}
