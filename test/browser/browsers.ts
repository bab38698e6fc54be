/** The browsers of this machine. */

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';

export interface InstalledBrowser {
  name: 'chromium' | 'firefox';
  /** What it may be called, the first one found wins. */
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

/** What the reader's system asks of pages. */
export interface Preferences {
  dark: boolean;
  reducedMotion: boolean;
}

export interface RunningBrowser {
  newPage(): Promise<Page>;
  close(): Promise<void>;
}

/** A browser with no page of other tests. */
export async function launch(installed: InstalledBrowser, asked: Preferences): Promise<RunningBrowser> {
  return running(installed, asked, await start(installed, asked));
}

/** The browsers that all files of tests in this process share; a start of Firefox takes several seconds of a core. */
const started = new Map<string, Browser>();

/** A browser that stays open for the files of tests that follow. It ends with this process. */
export async function share(installed: InstalledBrowser, asked: Preferences): Promise<Pick<RunningBrowser, 'newPage'>> {
  const key = installed.name === 'firefox' ? `firefox ${asked.dark} ${asked.reducedMotion}` : installed.name;
  let browser = started.get(key);
  if (!browser?.connected) {
    browser = await start(installed, asked);
    started.set(key, browser);
  }
  return running(installed, asked, browser);
}

// Vitest ends its workers by this signal, and half a second later by force.
process.once('SIGTERM', () => {
  for (const browser of started.values()) browser.process()?.kill('SIGKILL');
});

const start = ({ name, executable }: InstalledBrowser, asked: Preferences): Promise<Browser> =>
  name === 'firefox' ? startFirefox(executable!, asked) : startChromium(executable!);

function running({ name }: InstalledBrowser, asked: Preferences, browser: Browser): RunningBrowser {
  return {
    async newPage() {
      const page = await browser.newPage();
      if (name === 'chromium') {
        await page.emulateMediaFeatures([
          { name: 'prefers-color-scheme', value: asked.dark ? 'dark' : 'light' },
          { name: 'prefers-reduced-motion', value: asked.reducedMotion ? 'reduce' : 'no-preference' },
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
    timeout: 120_000,
    args: [
      '--no-sandbox', // there is none for root, and the only page it sees is ours
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--js-flags=--expose-gc', // pages may collect garbage by `gc()`
    ],
  });

/** Firefox takes these wishes from its settings only, and so they hold for all of its pages. */
const startFirefox = (executablePath: string, { dark, reducedMotion }: Preferences): Promise<Browser> =>
  puppeteer.launch({
    browser: 'firefox',
    executablePath,
    headless: true,
    timeout: 120_000,
    extraPrefsFirefox: {
      'layout.css.prefers-color-scheme.content-override': dark ? 0 : 1,
      'ui.prefersReducedMotion': reducedMotion ? 1 : 0,
    },
  });
