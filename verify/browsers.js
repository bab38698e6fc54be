/** The browsers of this machine. */

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import puppeteer from 'puppeteer-core';
import { NotHere } from './outcome.js';

/** @typedef {import('puppeteer-core').Browser} Browser */

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
      '--no-sandbox', // root has none, and all pages are our own
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
