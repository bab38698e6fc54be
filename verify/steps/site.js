/** The site of the guide, the reference and the page: whether it builds, leads nowhere wrong, and is quiet in a browser. */

import { join } from 'node:path';
import { buildSite } from '../../scripts/build-site.js';
import { documents } from '../../scripts/documents.js';
import { launch } from '../browsers.js';
import { NotHere, passedIf } from '../outcome.js';
import { serve } from '../serve.js';
import { checkLinks } from '../site/links.js';
import { visit } from '../site/visit.js';

/** @typedef {import('../run.js').Outcome} Outcome */

/** @type {import('../run.js').Step} */
export const site = {
  name: 'site',
  about: 'the guide, the API reference and the page, built into one site, its links, and how it is in Chromium',
  async run({ home, tools }) {
    const folder = join(home, 'site');
    await buildSite(folder, tools);
    const { pages, links, dead } = checkLinks(folder);
    // Each document is a page, and leads at least back to the front page.
    const least = documents().length;
    return [
      { what: 'the site builds', status: passedIf(pages > least), note: `${pages} pages` },
      outcome('links inside the site', links > least ? dead : ['none are there'], `${links} links lead somewhere`),
      ...(await look(folder)),
    ];
  },
};

/** @type {{ what: string, path: string, act?: (page: import('puppeteer-core').Page) => Promise<void> }[]} */
const visits = [
  { what: 'the front page', path: '', act: followToGuide },
  { what: 'a page of the guide, and its search', path: 'docs/guide/first-model.html', act: search },
  { what: 'the API reference', path: 'api/index.html' },
  { what: 'the page to play with', path: 'play/', act: train },
];

/**
 * @param {string} folder
 * @returns {Promise<Outcome[]>}
 */
async function look(folder) {
  const name = (/** @type {string} */ what) => `${what}, in Chromium`;
  const browser = await launch('chromium').catch(error => {
    if (error instanceof NotHere) return error.message;
    throw error;
  });
  if (typeof browser === 'string') {
    return visits.map(({ what }) => ({ what: name(what), status: 'not here', note: browser }));
  }
  try {
    const host = await serve(folder);
    try {
      const outcomes = [];
      for (const { what, path, act } of visits) {
        outcomes.push(outcome(name(what), await visit(browser, host.url, path, act), 'nothing in the console'));
      }
      return outcomes;
    } finally {
      await host.close();
    }
  } finally {
    await browser.close();
  }
}

/**
 * @param {string} what @param {string[]} wrong @param {string} note
 * @returns {Outcome}
 */
function outcome(what, wrong, note) {
  if (wrong.length === 0) return { what, status: 'passed', note };
  return { what, status: 'failed', note: `${wrong.length} wrong: ${wrong.slice(0, 20).join('; ')}` };
}

/** @param {import('puppeteer-core').Page} page */
async function followToGuide(page) {
  await page.click('.VPHero a[href$="first-model.html"]');
  await page.waitForSelector('.vp-doc img[src*="first-model"]', { timeout: 20_000 });
}

/** @param {import('puppeteer-core').Page} page */
async function search(page) {
  await page.click('.VPNavBarSearch button');
  await page.waitForSelector('#localsearch-input', { timeout: 20_000 });
  await page.type('#localsearch-input', 'stateful');
  await page.waitForSelector('#localsearch-list a[href*="/docs/guide/stateful.html"]', { timeout: 20_000 });
}

/** The network in the page does a step. @param {import('puppeteer-core').Page} page */
async function train(page) {
  await page.waitForSelector('#main:not([data-state="loading"])', { timeout: 30_000 });
  await page.click('#step');
  await page.waitForFunction("Number(document.querySelector('#main').dataset.step) > 0", { timeout: 30_000 });
}
