/** Visits to a page in the browsers of this machine. */

import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import { browsers, type InstalledBrowser, type Preferences, share } from './browsers.ts';
import { openSite, type Site } from './site.ts';
import { Visit } from './visit.ts';

/** The page as it is built, for the tests of a file. */
export function builtSite(): () => Site {
  let site: Site;
  beforeAll(async () => {
    site = await openSite();
  });
  afterAll(() => site?.close());
  return () => site;
}

/** The sections of the page are tested in one browser; page.test.ts opens the page in all of them. */
export const browsersOfSections = browsers.slice(0, 1);

/** Suites for each browser. One that is missing is named, and its suites are skipped. */
export function inBrowsers(suites: (installed: InstalledBrowser) => void, all = browsers): void {
  for (const installed of all) {
    const { name, commands, executable } = installed;
    if (!executable) console.warn(`No ${name} (${commands.join(', ')}) in PATH: its tests are skipped.`);
    describe.skipIf(!executable)(name, () => suites(installed));
  }
}

export interface Readers {
  /** For a test. The path may be a whole address. */
  visit(path?: string, elsewhere?: Site): Promise<Visit>;
  /** For all tests of a suite; `settle` does what comes before them. */
  stay(settle: (visit: Visit) => Promise<void>, elsewhere?: () => Site): () => Visit;
}

/** Visits, which must all pass without a fault. */
export function readers(installed: InstalledBrowser, preferences: Preferences, site: () => Site): Readers {
  const begin = async (path: string, { url }: Site) =>
    Visit.begin(await share(installed, preferences), url, new URL(path, url).href);
  let visits: Visit[] = [];
  beforeAll(async () => {
    await share(installed, preferences); // a start counts for no test
  });
  afterEach(async () => {
    const faults = visits.flatMap(visit => visit.faults);
    for (const { page } of visits) await page.close();
    visits = [];
    expect(faults).toEqual([]);
  });
  return {
    async visit(path = '', elsewhere = site()) {
      const visit = await begin(path, elsewhere);
      visits.push(visit);
      return visit;
    },
    stay(settle, elsewhere = site) {
      let visit: Visit;
      beforeAll(async () => {
        visit = await begin('', elsewhere());
        await settle(visit);
      });
      afterEach(() => expect(visit.faults).toEqual([]));
      afterAll(() => visit?.page.close());
      return () => visit;
    },
  };
}
