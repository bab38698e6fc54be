/** Pictures for eyes: taken where SCREENSHOTS is set, into test/browser/screenshots. The tests compare none of them. */

import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { ElementHandle, Page } from 'puppeteer-core';

const folder = fileURLToPath(new URL('screenshots', import.meta.url));

/** Whether anybody has asked for them; what is done for a picture alone can be left out otherwise. */
export const wanted = Boolean(process.env.SCREENSHOTS);

export const sizes = { wide: { width: 1280, height: 800 }, narrow: { width: 390, height: 844 } };

/** Of the page, or of an element, as it stands. */
export async function show(what: Page | ElementHandle | null, name: string, fullPage = false): Promise<void> {
  if (!wanted) return;
  await mkdir(folder, { recursive: true });
  await (what as Page).screenshot({ path: `${folder}/${name}.png`, fullPage });
}

/** Of the page, or of a part of it, at both sizes. */
export async function picture(page: Page, name: string, part?: string): Promise<void> {
  if (!wanted) return;
  for (const [size, viewport] of Object.entries(sizes)) {
    await page.setViewport(viewport);
    await page.evaluate(async () => {
      for (let i = 0; i < 12; i++) await new Promise(requestAnimationFrame);
    });
    await show(part ? await page.$(part) : page, `${name}-${size}`);
  }
  await page.setViewport(sizes.wide);
}
