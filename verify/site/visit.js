/** What a browser says of a page. */

/**
 * Opens a page, does something on it, and tells what was wrong: messages in the console, errors, failed requests, and
 * requests to anywhere else.
 *
 * @param {import('puppeteer-core').Browser} browser
 * @param {string} origin with a slash at its end
 * @param {string} path
 * @param {(page: import('puppeteer-core').Page) => Promise<void>} [act] throws where the page does not do what it should
 */
export async function visit(browser, origin, path, act = async () => {}) {
  const page = await browser.newPage();
  /** @type {string[]} */
  const wrong = [];
  page.on('console', message => wrong.push(`console: ${message.text()}`));
  page.on('pageerror', error => wrong.push(`error: ${error instanceof Error ? error.message : String(error)}`));
  page.on('requestfailed', request => wrong.push(`failed: ${request.url()}`));
  page.on('request', request => {
    if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(origin)) wrong.push(`asks ${request.url()}`);
  });
  page.on('response', response => {
    if (response.status() >= 400) wrong.push(`${response.status()}: ${response.url()}`);
  });
  try {
    await page.goto(origin + path, { waitUntil: 'networkidle0', timeout: 60_000 });
    await act(page);
  } catch (error) {
    wrong.push(error instanceof Error ? error.message : String(error));
  } finally {
    await page.close();
  }
  return wrong;
}
