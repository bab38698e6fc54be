/** The browsers of this machine, and the program in a page of theirs. */

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import puppeteer from 'puppeteer-core';
import { NotHere } from './tools.js';

/**
 * @typedef {import('puppeteer-core').Browser} Browser
 * @typedef {'here' | 'worker' | 'inside'} Place in the page, in a worker of the package, in a worker of one's own
 */

const commands = {
  chromium: ['chromium', 'chromium-browser', 'google-chrome'],
  firefox: ['firefox-esr', 'firefox'],
};

/** @param {keyof typeof commands} name @returns {Promise<Browser>} */
export async function launch(name) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  const paths = commands[name].flatMap(command => folders.map(folder => join(folder, command)));
  const executablePath = paths.find(isExecutable);
  if (!executablePath) throw new NotHere(`no ${commands[name].join(', ')} in the path`);
  const options = { executablePath, headless: true, timeout: 120_000 };
  if (name === 'firefox') return puppeteer.launch({ ...options, browser: 'firefox' });
  return puppeteer.launch({
    ...options,
    args: [
      '--no-sandbox', // there is none for root, and the only pages it sees are ours
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Such as "Chromium 150.0.1". @param {Browser} browser */
export async function titleOf(browser) {
  const [name = '', version] = (await browser.version()).split('/');
  return `${/firefox/i.test(name) ? 'Firefox' : 'Chromium'} ${version}`;
}

/**
 * Opens a page and runs the program there, or in a worker of it.
 * @param {Browser} browser @param {string} url @param {'strict' | 'auto'} simd @param {Place} place
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
    // As text, because each browser has its own way of handing numbers over.
    const { found, error } = JSON.parse(await page.evaluate(inThePage, simd, place, inside));
    if (error) throw new Error(error);
    return found;
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new Error([said.split('\n')[0], ...faults].join('; '));
  } finally {
    await page.close();
  }
}

/**
 * Goes into the page as it stands, so it uses nothing from around it.
 * @param {'strict' | 'auto'} simd @param {Place} place @param {string} inside
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
