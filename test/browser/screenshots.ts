/** Screenshots for a person to look at, in test/browser/screenshots, if SCREENSHOTS is set. No test compares them. */

import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { ElementHandle, Page } from 'puppeteer-core';

const folder = fileURLToPath(new URL('screenshots', import.meta.url));

/** Whether screenshots are taken; tests skip steps that only serve a screenshot. */
export const screenshotsEnabled = Boolean(process.env.SCREENSHOTS);

export const sizes = { wide: { width: 1280, height: 800 }, narrow: { width: 390, height: 844 } };

/** Saves a screenshot of a page or an element at its current size. */
export async function saveScreenshot(
  target: Page | ElementHandle | null,
  name: string,
  fullPage = false,
): Promise<void> {
  if (!screenshotsEnabled) return;
  await mkdir(folder, { recursive: true });
  await (target as Page).screenshot({ path: `${folder}/${name}.png`, fullPage });
}

/** Saves screenshots of a page, or of one of its elements, at both sizes. */
export async function saveScreenshots(page: Page, name: string, part?: string): Promise<void> {
  if (!screenshotsEnabled) return;
  for (const [size, viewport] of Object.entries(sizes)) {
    await page.setViewport(viewport);
    await page.evaluate(async () => {
      for (let i = 0; i < 12; i++) await new Promise(requestAnimationFrame);
    });
    await saveScreenshot(part ? await page.$(part) : page, `${name}-${size}`);
  }
  await page.setViewport(sizes.wide);
}
