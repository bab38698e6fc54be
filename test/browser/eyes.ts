/** Pictures for eyes: taken where SCREENSHOTS is set, into test/browser/screenshots. The tests compare none of them. */

import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { ElementHandle, Page } from 'puppeteer-core';

const folder = fileURLToPath(new URL('screenshots', import.meta.url));

/** Of the page, or of an element, as it stands. */
export async function show(what: Page | ElementHandle | null, name: string, fullPage = false): Promise<void> {
  if (!process.env.SCREENSHOTS) return;
  await mkdir(folder, { recursive: true });
  await (what as Page).screenshot({ path: `${folder}/${name}.png`, fullPage });
}
