/** Pictures of a part of the page, for eyes, at both sizes. */

import type { Page } from 'puppeteer-core';
import { show } from './eyes.ts';
import { sizes } from './visit.ts';

export async function picture(page: Page, name: string, selector: string): Promise<void> {
  for (const [size, viewport] of Object.entries(sizes)) {
    await page.setViewport(viewport);
    await page.evaluate(async () => {
      for (let i = 0; i < 6; i++) await new Promise(requestAnimationFrame);
    });
    await show(await page.$(selector), `${name}-${size}`);
  }
  await page.setViewport(sizes.wide);
}
