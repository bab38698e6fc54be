/** Visits to a page in the browsers of this machine, each launched once for the tests of a suite. */

import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import { browsers, type InstalledBrowser, launch, type Preferences, type RunningBrowser } from './browsers.ts';
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
  // One that was launched ahead for a suite that did not run
  afterAll(async () => {
    for (const launched of open) await (await launched).close();
  });
}

const open = new Set<Promise<RunningBrowser>>();
/** The browsers of a file, in their order: each is launched while the one before it is at work. */
const order: (() => Promise<RunningBrowser>)[] = [];
let ahead = true;

/** For tests that look at a clock: nothing is launched ahead of its time. */
export function oneByOne(): void {
  ahead = false;
}

/** A browser for the tests of a suite. */
function running(installed: InstalledBrowser, preferences: Preferences): () => RunningBrowser {
  let launched: Promise<RunningBrowser> | null = null;
  let browser: RunningBrowser;
  const begin = () => {
    if (!launched) {
      launched = launch(installed, preferences);
      open.add(launched);
      launched.catch(() => {}); // heard where it is waited for
    }
    return launched;
  };
  const place = order.push(begin);
  beforeAll(async () => {
    browser = await begin();
    if (ahead) void order[place]?.();
  });
  afterAll(async () => {
    if (launched) open.delete(launched);
    await browser?.close();
  });
  return () => browser;
}

export interface Readers {
  /** For a test. The path may be a whole address. */
  visit(path?: string, elsewhere?: Site): Promise<Visit>;
  /** For all tests of a suite; `settle` does what comes before them. */
  stay(settle: (visit: Visit) => Promise<void>, elsewhere?: () => Site): () => Visit;
}

/** Visits, which must all pass without a fault. */
export function readers(installed: InstalledBrowser, preferences: Preferences, site: () => Site): Readers {
  const browser = running(installed, preferences);
  const begin = (path: string, { url }: Site) => Visit.begin(browser(), url, new URL(path, url).href);
  let visits: Visit[] = [];
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
