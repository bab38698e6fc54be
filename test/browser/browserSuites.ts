/** Test suites in the installed browsers, and the pages that they open. */

import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import { browsers, type InstalledBrowser, type Preferences, share } from './browsers.ts';
import { openSite, type Site } from './site.ts';
import { TestPage } from './testPage.ts';

/** Serves the built demo page for the tests of a file. @param headers of all its files */
export function builtSite(headers: Record<string, string> = {}): () => Site {
  let site: Site;
  beforeAll(async () => {
    site = await openSite(headers);
  });
  afterAll(() => site?.close());
  return () => site;
}

/** The sections of the demo page are tested in one browser; page.test.ts opens the page in all browsers. */
export const browsersOfSections = browsers.slice(0, 1);

/** Defines suites for each browser. The suites of a missing browser are skipped with a warning. */
export function inBrowsers(suites: (installed: InstalledBrowser) => void, all = browsers): void {
  for (const installed of all) {
    const { name, commands, executable } = installed;
    if (!executable) console.warn(`No ${name} (${commands.join(', ')}) in PATH: its tests are skipped.`);
    describe.skipIf(!executable)(name, () => suites(installed));
  }
}

export interface BrowserPages {
  /** Opens a page for one test. `path` may also be an absolute URL. */
  openPage(path?: string, elsewhere?: Site): Promise<TestPage>;
  /** Opens a page for all tests of a suite; `setUp` prepares it. */
  sharePage(setUp: (page: TestPage) => Promise<void>, elsewhere?: () => Site): () => TestPage;
}

/** Opens pages. A test fails if one of its pages had a fault. */
export function browserPages(installed: InstalledBrowser, preferences: Preferences, site: () => Site): BrowserPages {
  const open = async (path: string, { url }: Site) =>
    TestPage.open(await share(installed, preferences), url, new URL(path, url).href);
  let pages: TestPage[] = [];
  // Starts the browser, so that no test spends time on it
  beforeAll(async () => void (await share(installed, preferences)));
  afterEach(async () => {
    const faults = pages.flatMap(page => page.faults);
    for (const { page } of pages) await page.close();
    pages = [];
    expect(faults).toEqual([]);
  });
  return {
    async openPage(path = '', elsewhere = site()) {
      const page = await open(path, elsewhere);
      pages.push(page);
      return page;
    },
    sharePage(setUp, elsewhere = site) {
      let page: TestPage;
      beforeAll(async () => {
        page = await open('', elsewhere());
        await setUp(page);
      });
      afterEach(() => expect(page.faults).toEqual([]));
      afterAll(() => page?.page.close());
      return () => page;
    },
  };
}
