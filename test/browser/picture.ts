/** Pictures of a part of the page, for eyes, at both sizes. */

import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Page } from 'puppeteer-core';
import { sizes } from './visit.ts';

const folder = fileURLToPath(new URL('screenshots', import.meta.url));

export async function picture(page: Page, name: string, selector: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [size, viewport] of Object.entries(sizes)) {
    await page.setViewport(viewport);
    await page.evaluate(async () => {
      for (let i = 0; i < 6; i++) await new Promise(requestAnimationFrame);
    });
    const part = await page.$(selector);
    await part!.screenshot({ path: `${folder}/${name}-${size}.png` });
  }
  await page.setViewport(sizes.wide);
}
