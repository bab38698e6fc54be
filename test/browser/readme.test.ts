// The pages in the README and in the guide run in browsers, without a bundler.

import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { blocksOf, root } from '../../scripts/documents.js';
import { browserPages, inBrowsers } from './browserSuites.ts';
import { type Site, serve } from './site.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const folder = `${root}build/readme-page`;
let site: Site;

/** Serves the page of a document beside an installed package. */
async function serveDocument(document: string): Promise<Site> {
  const to = `${folder}/${basename(document, '.md')}`;
  mkdirSync(`${to}/node_modules/lstm-wasm`, { recursive: true });
  cpSync(`${root}dist`, `${to}/node_modules/lstm-wasm/dist`, { recursive: true });
  const blocks = blocksOf(document);
  const { code } = blocks.find(({ language }) => language === 'html')!;
  writeFileSync(`${to}/index.html`, `<!doctype html><link rel="icon" href="data:," />\n${code}`);
  const serviceWorker = blocks.find(({ words }) => words.endsWith('as a service worker'));
  if (serviceWorker) writeFileSync(`${to}/service-worker.js`, serviceWorker.code);
  return serve(to);
}

beforeAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  site = await serveDocument('README.md');
});

afterAll(async () => {
  await site.close();
  rmSync(folder, { recursive: true, force: true });
});

inBrowsers(installed => {
  const { openPage } = browserPages(installed, { dark: false, reducedMotion: false }, () => site);

  it('the page of the README trains and draws a forecast with its interval', async () => {
    const { page } = await openPage();
    await page.waitForSelector('#plot svg', { timeout: 50_000 });
    const text = await page.$eval('#plot svg', svg => svg.textContent);
    for (const label of ['history', 'median', '80 % interval']) expect(text).toContain(label);
  });

  it('the page of the guide trains in a worker, also without a network after the second visit', async () => {
    const server = await serveDocument('docs/guide/browser.md');
    try {
      const opened = await openPage('', server);
      const { page } = opened;
      const train = async () => {
        await page.click('button');
        await page.waitForFunction(() => document.querySelector('#plot svg')?.textContent?.includes('forecast'));
        expect(await page.$eval('output', output => output.textContent)).toMatch(/^epoch 20, loss 0\.\d+$/);
      };
      await page.evaluate(async () => void (await navigator.serviceWorker.ready));
      await page.reload();
      await train();
      await server.close();
      await page.reload();
      await train();
      opened.faults.length = 0; // the browser reports requests without a network
    } finally {
      await server.close();
    }
  });
});
