/** Finds and launches the browsers installed on this machine. */

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { sizes } from './screenshots.ts';

export interface InstalledBrowser {
  name: 'chromium' | 'firefox';
  /** Possible command names; the first one found is used. */
  commands: string[];
  executable: string | null;
}

export const browsers: InstalledBrowser[] = [
  find('chromium', ['chromium', 'chromium-browser', 'google-chrome']),
  find('firefox', ['firefox-esr', 'firefox']),
];

function find(name: InstalledBrowser['name'], commands: string[]): InstalledBrowser {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  const paths = commands.flatMap(command => folders.map(folder => join(folder, command)));
  return { name, commands, executable: paths.find(isExecutable) ?? null };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The user preferences that pages see. */
export interface Preferences {
  dark: boolean;
  reducedMotion: boolean;
}

export interface RunningBrowser {
  newPage(): Promise<Page>;
  close(): Promise<void>;
}

/** Launches a browser that has no page of other tests. */
export async function launch(installed: InstalledBrowser, preferences: Preferences): Promise<RunningBrowser> {
  return running(installed, preferences, await start(installed, preferences));
}

/** The browsers that all test files of this process share, because starting Firefox takes seconds. */
const started = new Map<string, Browser>();

/** A browser that stays open for the test files that follow, until this process ends. */
export async function share(
  installed: InstalledBrowser,
  preferences: Preferences,
): Promise<Pick<RunningBrowser, 'newPage'>> {
  const { dark, reducedMotion } = preferences;
  const key = installed.name === 'firefox' ? `firefox ${dark} ${reducedMotion}` : installed.name;
  let browser = started.get(key);
  if (!browser?.connected) {
    browser = await start(installed, preferences);
    started.set(key, browser);
  }
  return running(installed, preferences, browser);
}

// Vitest ends its workers with this signal
process.once('SIGTERM', () => {
  for (const browser of started.values()) browser.process()?.kill('SIGKILL');
});

const start = ({ name, executable }: InstalledBrowser, preferences: Preferences): Promise<Browser> =>
  name === 'firefox' ? startFirefox(executable!, preferences) : startChromium(executable!);

function running({ name }: InstalledBrowser, preferences: Preferences, browser: Browser): RunningBrowser {
  return {
    async newPage() {
      const page = await browser.newPage();
      if (name === 'chromium') {
        await page.emulateMediaFeatures([
          { name: 'prefers-color-scheme', value: preferences.dark ? 'dark' : 'light' },
          { name: 'prefers-reduced-motion', value: preferences.reducedMotion ? 'reduce' : 'no-preference' },
        ]);
      }
      return page;
    },
    close: () => browser.close(),
  };
}

const startChromium = (executablePath: string): Promise<Browser> =>
  puppeteer.launch({
    executablePath,
    headless: true,
    defaultViewport: sizes.wide,
    timeout: 120_000,
    args: [
      '--no-sandbox', // root has no sandbox, and only our own page is opened
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--js-flags=--expose-gc', // lets pages call gc()
    ],
  });

/**
 * Firefox reads these preferences from its settings only, so they apply to all its pages. The size of its pages is set
 * here, where Puppeteer ignores that Firefox 140 has no orientation of the screen; `page.setViewport` does not.
 */
const startFirefox = (executablePath: string, { dark, reducedMotion }: Preferences): Promise<Browser> =>
  puppeteer.launch({
    browser: 'firefox',
    executablePath,
    headless: true,
    defaultViewport: sizes.wide,
    timeout: 120_000,
    extraPrefsFirefox: {
      'layout.css.prefers-color-scheme.content-override': dark ? 0 : 1,
      'ui.prefersReducedMotion': reducedMotion ? 1 : 0,
    },
  });
