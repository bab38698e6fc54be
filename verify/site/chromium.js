/** Chromium, where this machine has it, and what it says of a page. */

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import puppeteer from 'puppeteer-core';

const commands = ['chromium', 'chromium-browser', 'google-chrome'];

/** The path of the program, or null. */
export function findChromium() {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  return commands.flatMap(command => folders.map(folder => join(folder, command))).find(isExecutable) ?? null;
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

/** @param {string} executablePath */
export const launch = executablePath =>
  puppeteer.launch({
    executablePath,
    headless: true,
    timeout: 120_000,
    // No sandbox: there is none for root, and the only pages it sees are ours.
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-sync'],
  });

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
