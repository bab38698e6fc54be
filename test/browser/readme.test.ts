// The page in the README runs in browsers, without a bundler.

import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { blocksOf, root } from '../../scripts/documents.js';
import { browserPages, inBrowsers } from './browserSuites.ts';
import { type Site, serve } from './site.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const folder = `${root}build/readme-page`;
let site: Site;

beforeAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(`${folder}/node_modules/lstm-wasm`, { recursive: true });
  cpSync(`${root}dist`, `${folder}/node_modules/lstm-wasm/dist`, { recursive: true });
  const { code } = blocksOf('README.md').find(({ language }) => language === 'html')!;
  writeFileSync(`${folder}/index.html`, `<!doctype html><link rel="icon" href="data:," />\n${code}`);
  site = await serve(folder);
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
});
