/** A site with all plots of the package. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { afterAll, beforeAll } from 'vitest';
import { type Site, serve } from './site.ts';
import type { TestPage } from './testPage.ts';

/** Builds and serves the site for the tests of a file. */
export function plotSite(): () => Site {
  let folder: string;
  let site: Site;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lstm-wasm-plots-'));
    await build({
      configFile: false,
      logLevel: 'warn',
      build: {
        outDir: folder,
        emptyOutDir: true,
        minify: false,
        lib: {
          entry: fileURLToPath(new URL('fixture/plots.ts', import.meta.url)),
          formats: ['es'],
          fileName: () => 'plots.js',
        },
      },
    });
    site = await serve(folder);
  });
  afterAll(async () => {
    await site?.close();
    if (folder) await rm(folder, { recursive: true, force: true });
  });
  return () => site;
}

/** Loads the plots into a page of the site, as the global `gallery`. */
export async function openGallery({ page }: TestPage): Promise<void> {
  await page.addScriptTag({ type: 'module', url: new URL('/plots.js', page.url()).href });
  await page.waitForFunction(() => 'gallery' in globalThis);
}
