/** The live run, in real browsers, on the page as it is built. */

import { describe, expect, it, vi } from 'vitest';
import { threeSteps } from './fixture/threeSteps.ts';
import { builtSite, inBrowsers, readers } from './readers.ts';
import { wanted } from './screenshots.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const site = builtSite();

inBrowsers(installed => {
  const { name } = installed;

  describe('for anybody', () => {
    const { visit } = readers(installed, { dark: false, reducedMotion: false }, site);

    it('learns the cosine within seconds', async () => {
      const reader = await visit();
      await reader.until(1);
      const distance = await reader.distance();
      if (wanted) await reader.until(40);
      await reader.screenshot(`${name}-light-1-learns`);

      expect(await reader.setSpeed('End')).toBe('full speed');
      await reader.until('done');
      const { step, status, button } = await reader.state();
      expect(step).toBe(501);
      expect(status).toMatch(/501 steps in \d+\.\d seconds/);
      expect(button).toBe('Keep going');
      expect(await reader.distance()).toBeLessThan(distance / 2);
      await reader.screenshot(`${name}-light-2-done`);

      // Some runs happen to end on a batch that costs more than the one before.
      await reader.page.click('#toggle');
      await reader.untilCostBelow(0.01);
      await reader.until(700);
      expect((await reader.state()).state).toBe('training');
    });

    it('pauses and goes on', async () => {
      const reader = await visit();
      await reader.until(3);
      await reader.page.click('#toggle');
      await reader.until('paused');
      const paused = await reader.state();
      expect(paused).toMatchObject({ state: 'paused', button: 'Continue' });
      await reader.pass();
      expect(await reader.state()).toEqual(paused);

      await reader.page.click('#toggle');
      await reader.until(paused.step + 3);
      expect(await reader.state()).toMatchObject({ state: 'training', button: 'Pause' });
    });

    it('takes single steps, and goes back to the same first weights', async () => {
      const reader = await visit();
      const costs = async () => {
        await reader.press('#reset');
        await reader.until('ready');
        expect(await reader.state()).toMatchObject({ state: 'ready', step: 0, cost: '', button: 'Start' });
        const line = await reader.line('prediction');
        const all: string[] = [];
        for (let step = 1; step <= 4; step++) all.push(await reader.step(step));
        expect((await reader.state()).step).toBe(4);
        expect(await reader.line('prediction')).not.toEqual(line);
        return { line, all };
      };
      await reader.until(3);
      const first = await costs();
      expect(new Set(first.all).size).toBe(4);
      expect(await costs()).toEqual(first);
    });

    it('obeys the keyboard', async () => {
      const reader = await visit();
      const { page } = reader;
      const focused = () => page.evaluate(() => document.activeElement?.id);
      await reader.until(1);
      await page.keyboard.press('Tab');
      expect(await page.evaluate(() => (document.activeElement as HTMLInputElement).value)).toBe('cosine');
      await page.keyboard.press('Tab');
      expect(await focused()).toBe('toggle');
      await page.keyboard.press(' ');
      await reader.until('paused');
      const { step } = await reader.state();
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      await reader.until(step + 1);
      await page.keyboard.press('Tab');
      expect(await focused()).toBe('reset');
      await page.keyboard.press('Enter');
      await reader.until('ready');
      await page.keyboard.press('Tab');
      expect(await focused()).toBe('speed');
      await page.focus('[value="cosine"]');
      await page.keyboard.press('ArrowRight');
      await reader.until('training');
      expect(await page.evaluate(() => location.hash)).toBe('#task=waves');
    });

    it('asks for nothing but its own few files', async () => {
      const reader = await visit();
      await reader.until(20);
      await reader.page.click('#toggle');
      await reader.page.click('#reset');
      const files = reader.requests.filter(url => url.startsWith('http'));
      expect(files.length).toBeGreaterThanOrEqual(3);
      expect(files.length).toBeLessThan(12);
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
});
