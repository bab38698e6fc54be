/** A site with all pictures of the package, for a page to draw. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { afterAll, beforeAll } from 'vitest';
import { type Site, serve } from './site.ts';
import type { Visit } from './visit.ts';

/** For the tests of a file. */
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

/** Puts the pictures within reach of a page of the site, as `gallery`. */
export async function openGallery({ page }: Visit): Promise<void> {
  await page.addScriptTag({ type: 'module', url: new URL('/plots.js', page.url()).href });
  await page.waitForFunction(() => 'gallery' in globalThis);
}
