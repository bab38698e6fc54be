/** The program in a page of a browser. */

/**
 * @typedef {import('puppeteer-core').Browser} Browser
 * @typedef {'here' | 'worker' | 'inside'} Place in the page, in a worker of the package, in a worker of the user
 */

/**
 * Opens a page and runs the program there, or in a worker of it.
 * @param {Browser} browser @param {string} url @param {import('./hosts.js').Simd} simd @param {Place} place
 * @returns {Promise<import('./program.js').Found>}
 */
export async function runInPage(browser, url, simd, place) {
  const page = await browser.newPage();
  /** @type {string[]} */
  const faults = [];
  page.on('pageerror', error => faults.push(String(error)));
  page.on('console', message => {
    if (message.type() === 'error') faults.push(message.text());
  });
  try {
    await page.goto(url, { waitUntil: 'load', timeout: 60_000 });
    if (!(await page.evaluate(() => 'runProgram' in globalThis)))
      throw new Error('the page has not loaded the program');
    const inside = new URL('inside.js', url).href;
    // As text, because browsers serialize numbers differently.
    const { found, error } = JSON.parse(await page.evaluate(inThePage, simd, place, inside));
    if (error) throw new Error(error);
    return found;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error([message.split('\n')[0], ...faults].join('; '));
  } finally {
    await page.close();
  }
}

/**
 * Runs in the page, so it uses no variable of this module.
 * @param {import('./hosts.js').Simd} simd @param {Place} place @param {string} inside
 * @returns {Promise<string>}
 */
async function inThePage(simd, place, inside) {
  if (place !== 'inside') {
    try {
      return JSON.stringify({ found: await /** @type {any} */ (globalThis).runProgram(simd, place) });
    } catch (error) {
      return JSON.stringify({ error: String(error) });
    }
  }
  const worker = new Worker(inside, { type: 'module' });
  try {
    return await new Promise(resolve => {
      worker.onerror = ({ message }) => resolve(JSON.stringify({ error: message || 'the worker could not be loaded' }));
      worker.onmessage = ({ data }) => {
        if (data === 'ready') worker.postMessage(simd);
        else resolve(JSON.stringify(data));
      };
    });
  } finally {
    worker.terminate();
  }
}
