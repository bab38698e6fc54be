import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { accessibilityFaults } from './accessibility.ts';
import { browsers, launch, type Preferences, type RunningBrowser } from './browsers.ts';
import { threeSteps } from './fixture/threeSteps.ts';
import { openSite, type Site } from './site.ts';
import { Visit } from './visit.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

let site: Site;

beforeAll(async () => {
  site = await openSite();
});

afterAll(() => site?.close());

for (const installed of browsers) {
  const { name, commands, executable } = installed;
  if (!executable) console.warn(`No ${name} (${commands.join(', ')}) in PATH: its tests are skipped.`);

  describe.skipIf(!executable)(name, () => {
    describe('as it opens', () => {
      const { visit } = readers({ dark: false, reducedMotion: false });

      it('learns the cosine within seconds', async () => {
        const reader = await visit();
        await reader.until(1);
        const distance = await reader.distance();
        await reader.screenshot(`${name}-light-1-begins`);
        await reader.until(40);
        await reader.screenshot(`${name}-light-2-learns`);

        expect(await reader.setSpeed('End')).toBe('full speed');
        await reader.until('done');
        const { step, status, button } = await reader.state();
        expect(step).toBe(501);
        expect(status).toMatch(/501 steps, \d+\.\d\d seconds of training time/);
        expect(button).toBe('Keep going');
        expect(await reader.distance()).toBeLessThan(distance / 2);
        await reader.screenshot(`${name}-light-3-done`);

        // Some runs happen to end on a batch that costs more than the one before.
        await reader.page.click('#toggle');
        await reader.untilCostBelow(0.01);
        await reader.until(1200);
        expect((await reader.state()).state).toBe('training');
      });

      it('pauses and goes on', async () => {
        const reader = await visit();
        await reader.until(3);
        await reader.page.click('#toggle');
        const paused = await reader.state();
        expect(paused).toMatchObject({ state: 'paused', button: 'Continue' });
        await reader.pass();
        expect(await reader.state()).toEqual(paused);

        await reader.page.click('#toggle');
        await reader.until(paused.step + 3);
        expect(await reader.state()).toMatchObject({ state: 'training', button: 'Pause' });
      });

      it('begins anew with other weights', async () => {
        const reader = await visit();
        await reader.until(3);
        await reader.page.click('#reset');
        const reset = { state: 'ready', step: 0, cost: '', button: 'Start' };
        expect(await reader.state()).toMatchObject(reset);
        const first = await reader.line('prediction');

        await reader.page.click('#reset');
        await reader.pass();
        expect(await reader.state()).toMatchObject(reset);
        expect(await reader.line('prediction')).not.toEqual(first);

        await reader.page.click('#toggle');
        await reader.until(3);
        expect((await reader.state()).state).toBe('training');
      });

      it('obeys the keyboard', async () => {
        const reader = await visit();
        const { page } = reader;
        await reader.until(1);
        await page.keyboard.press('Tab');
        expect(await page.evaluate(() => document.activeElement?.id)).toBe('toggle');
        await page.keyboard.press(' ');
        await reader.until('paused');
        await page.keyboard.press('Tab');
        await page.keyboard.press('Enter');
        await reader.until('ready');
        await page.keyboard.press('Tab');
        expect(await page.evaluate(() => document.activeElement?.id)).toBe('speed');
        expect(await reader.setSpeed('Home')).toBe('1 step per second');

        expect(await reader.line('target')).toHaveLength(396);
        await page.keyboard.press('Tab');
        await page.keyboard.press('ArrowRight');
        expect(await reader.line('target')).toHaveLength(20);
        await page.keyboard.press('ArrowLeft');
        expect(await reader.line('target')).toHaveLength(396);
      });

      it('asks for nothing but its own few files', async () => {
        const reader = await visit();
        await reader.until(20);
        await reader.page.click('#toggle');
        await reader.page.click('#reset');
        const files = reader.requests.filter(url => url.startsWith('http'));
        expect(files.length).toBeGreaterThanOrEqual(3);
        expect(files.length).toBeLessThan(8);
      });

      it('fits every width', async () => {
        const reader = await visit();
        await reader.until(1);
        for (const width of [360, 640, 901, 1280, 1900]) {
          await reader.page.setViewport({ width, height: 800 });
          await reader.page.waitForFunction(() =>
            [...document.querySelectorAll('svg')].every(
              svg => svg.getBoundingClientRect().width === svg.parentElement!.clientWidth,
            ),
          );
          const [content, room] = await reader.page.evaluate(() => [
            document.documentElement.scrollWidth,
            document.documentElement.clientWidth,
          ]);
          expect(content, `at ${width} pixels`).toBeLessThanOrEqual(room!);
        }
      });

      it('is accessible as far as a program can tell', async () => {
        const reader = await visit();
        await reader.until(1);
        expect(await accessibilityFaults(reader.page)).toEqual([]);
      });

      it('trains to the same bits as Node', async () => {
        const reader = await visit('three-steps/');
        await reader.page.waitForSelector('[data-done]');
        const outcome = JSON.parse(await reader.page.$eval('body', body => body.textContent ?? ''));
        expect(outcome).toEqual(threeSteps());
        expect(outcome.simd).toBe('strict');
        expect(new Set(outcome.losses).size).toBe(3);
      });
    });

    describe('for readers of dark pages who want less motion', () => {
      const { visit } = readers({ dark: true, reducedMotion: true });

      it('waits to be started', async () => {
        const reader = await visit();
        await reader.until('ready');
        await reader.pass();
        expect(await reader.state()).toMatchObject({ state: 'ready', step: 0, button: 'Start' });
        expect((await reader.state()).status).toMatch('reduced motion');
        await reader.screenshot(`${name}-dark-1-waits`);

        await reader.page.click('#toggle');
        await reader.until(40);
        await reader.screenshot(`${name}-dark-2-learns`);
        await reader.setSpeed('End');
        await reader.until('done');
        await reader.screenshot(`${name}-dark-3-done`);
      });

      it('is dark, and accessible all the same', async () => {
        const reader = await visit();
        await reader.until('ready');
        const paper = await reader.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        expect(paper).toBe('rgb(15, 20, 26)');
        expect(await accessibilityFaults(reader.page)).toEqual([]);
      });
    });

    /** A browser for the tests of a suite, and a visit for each of them that must pass without a fault. */
    function readers(preferences: Preferences): { visit: (path?: string) => Promise<Visit> } {
      let browser: RunningBrowser;
      let current: Visit | null = null;
      beforeAll(async () => {
        browser = await launch(installed, preferences);
      });
      afterAll(() => browser?.close());
      afterEach(async () => {
        const faults = current?.faults;
        await current?.page.close();
        current = null;
        expect(faults ?? []).toEqual([]);
      });
      return {
        async visit(path = '') {
          current = await Visit.begin(browser, site.url, `${site.url}${path}`);
          return current;
        },
      };
    }
  });
}
