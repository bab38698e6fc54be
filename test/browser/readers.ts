/** Readers of the page: one browser for the tests of a suite. */

import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { type InstalledBrowser, launch, type Preferences, type RunningBrowser } from './browsers.ts';
import type { Site } from './site.ts';
import { Visit } from './visit.ts';

/** A browser for the tests of a suite, and visits for each of them that must pass without a fault. */
export function readers(
  installed: InstalledBrowser,
  preferences: Preferences,
  site: () => Site,
): { visit: (path?: string) => Promise<Visit> } {
  let browser: RunningBrowser;
  let visits: Visit[] = [];
  beforeAll(async () => {
    browser = await launch(installed, preferences);
  });
  afterAll(() => browser?.close());
  afterEach(async () => {
    const faults = visits.flatMap(visit => visit.faults);
    for (const { page } of visits) await page.close();
    visits = [];
    expect(faults).toEqual([]);
  });
  return {
    async visit(path = '') {
      const visit = await Visit.begin(browser, site().url, `${site().url}${path}`);
      visits.push(visit);
      return visit;
    },
  };
}
