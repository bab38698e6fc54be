/** The live training run of the built demo page, in real browsers. */

import { describe, expect, it, vi } from 'vitest';
import { browserPages, builtSite, inBrowsers } from './browserSuites.ts';
import { threeSteps } from './fixture/threeSteps.ts';
import { screenshotsEnabled } from './screenshots.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const site = builtSite();

inBrowsers(installed => {
  const { name } = installed;

  describe('the live run', () => {
    const { openPage } = browserPages(installed, { dark: false, reducedMotion: false }, site);

    it('trains on the cosine to the end and shows the result', async () => {
      const demo = await openPage();
      await demo.until(1);
      const distance = await demo.distance();
      if (screenshotsEnabled) await demo.until(40);
      await demo.screenshot(`${name}-light-1-learns`);

      expect(await demo.setSpeed('End')).toBe('full speed');
      await demo.until('done');
      const { step, status, button } = await demo.state();
      expect(step).toBe(501);
      expect(status).toMatch(/501 steps in \d+\.\d seconds/);
      expect(button).toBe('Keep going');
      expect(await demo.distance()).toBeLessThan(distance / 2);
      await demo.screenshot(`${name}-light-2-done`);

      // The cost of the last batch may be above that of the batch before it.
      await demo.page.click('#toggle');
      await demo.untilCostBelow(0.01);
      await demo.until(700);
      expect((await demo.state()).state).toBe('training');
    });

    it('pauses and continues', async () => {
      const demo = await openPage();
      await demo.until(3);
      await demo.page.click('#toggle');
      await demo.until('paused');
      const paused = await demo.state();
      expect(paused).toMatchObject({ state: 'paused', button: 'Continue' });
      await demo.waitFrames();
      expect(await demo.state()).toEqual(paused);

      await demo.page.click('#toggle');
      await demo.until(paused.step + 3);
      expect(await demo.state()).toMatchObject({ state: 'training', button: 'Pause' });
    });

    it('single steps after a reset start from the same initial weights', async () => {
      const demo = await openPage();
      const costs = async () => {
        await demo.press('#reset');
        await demo.until('ready');
        expect(await demo.state()).toMatchObject({ state: 'ready', step: 0, cost: '', button: 'Start' });
        const line = await demo.line('prediction');
        const all: string[] = [];
        for (let step = 1; step <= 4; step++) all.push(await demo.step(step));
        expect((await demo.state()).step).toBe(4);
        expect(await demo.line('prediction')).not.toEqual(line);
        return { line, all };
      };
      await demo.until(3);
      const first = await costs();
      expect(new Set(first.all).size).toBe(4);
      expect(await costs()).toEqual(first);
    });

    it('all controls work with the keyboard', async () => {
      const demo = await openPage();
      const { page } = demo;
      const focused = () => page.evaluate(() => document.activeElement?.id);
      await demo.until(1);
      await page.keyboard.press('Tab');
      expect(await page.evaluate(() => (document.activeElement as HTMLInputElement).value)).toBe('cosine');
      await page.keyboard.press('Tab');
      expect(await focused()).toBe('toggle');
      await page.keyboard.press(' ');
      await demo.until('paused');
      const { step } = await demo.state();
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      await demo.until(step + 1);
      await page.keyboard.press('Tab');
      expect(await focused()).toBe('reset');
      await page.keyboard.press('Enter');
      await demo.until('ready');
      await page.keyboard.press('Tab');
      expect(await focused()).toBe('speed');
      await page.focus('[value="cosine"]');
      await page.keyboard.press('ArrowRight');
      await demo.until('training');
      expect(await page.evaluate(() => location.hash)).toBe('#task=waves');
    });

    it('requests fewer than 12 files, all from its own host', async () => {
      const demo = await openPage();
      await demo.until(20);
      await demo.page.click('#toggle');
      await demo.page.click('#reset');
      const files = demo.requests.filter(url => url.startsWith('http'));
      expect(files.length).toBeGreaterThanOrEqual(3);
      expect(files.length).toBeLessThan(12);
    });

    it('trains to the same bits as Node', async () => {
      const demo = await openPage('three-steps/');
      await demo.page.waitForSelector('[data-done]');
      const result = JSON.parse(await demo.page.$eval('body', body => body.textContent ?? ''));
      expect(result).toEqual(threeSteps());
      expect(result.simd).toBe('strict');
      expect(new Set(result.losses).size).toBe(3);
    });
  });
});
