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

    it('trains on a memory task, in which the LSTM beats the plain RNN beside it', async () => {
      const demo = await openPage();
      await demo.until(1);
      if (screenshotsEnabled) await demo.until(40);
      await demo.screenshot(`${name}-light-1-learns`);

      expect(await demo.setSpeed('End')).toBe('full speed');
      await demo.until('done');
      const { step, status, button } = await demo.state();
      expect(step).toBe(601);
      expect(status).toMatch(/601 steps in \d+\.\d seconds/);
      expect(button).toBe('Continue');
      const [cost, rival] = [Number(await demo.text('cost')), Number(await demo.text('rival-cost'))];
      expect(rival).toBeGreaterThan(5 * cost);
      expect(status).toMatch(`The plain RNN is at ${await demo.text('rival-cost')}.`);
      await demo.screenshot(`${name}-light-2-done`);

      // The cost of the last batch may be above that of the batch before it.
      await demo.page.click('#toggle');
      await demo.untilCostBelow(0.01);
      await demo.until(800);
      expect((await demo.state()).state).toBe('training');
    });

    it('moves the prediction of a cosine to the target', async () => {
      const demo = await openPage('#task=cosine');
      await demo.until(1);
      const distance = await demo.distance();
      await demo.setSpeed('End');
      await demo.until('done');
      expect(await demo.distance()).toBeLessThan(distance / 2);
    });

    it('draws every unit of both networks, with their input and prediction', async () => {
      const demo = await openPage('#units=6');
      await demo.until(2);
      const lines = () =>
        demo.page.$$eval('#units section', rows =>
          rows.map(row => ({
            title: row.querySelector('h2')!.textContent,
            points: [...row.querySelectorAll('polyline')].map(line => line.getAttribute('points') ?? ''),
          })),
        );
      await demo.page.waitForFunction(() =>
        [...document.querySelectorAll('#units polyline')].every(line => line.getAttribute('points')),
      );
      await demo.press('#toggle');
      await demo.until('paused');
      const before = await lines();
      expect(before.map(({ title }) => title)).toEqual(['LSTM6 units', 'Plain RNN6 units']);
      for (const { points } of before) {
        expect(points).toHaveLength(8);
        for (const line of points) expect(line.split(' ')).toHaveLength(120);
        expect(new Set(points).size).toBe(8);
      }
      await demo.press('#step');
      await demo.page.waitForFunction(
        last => document.querySelector('#units .units-unit polyline')!.getAttribute('points') !== last,
        {},
        before[0]!.points[1]!,
      );
      await demo.choose('simpleRNN');
      expect(await lines()).toHaveLength(1);
      expect(await demo.page.$eval('#rival', each => (each as HTMLElement).hidden)).toBe(true);
    });

    it('keeps the speed when another task is chosen, and changes counters at most four times a second', async () => {
      const demo = await openPage();
      await demo.until(2);
      await demo.choose('adding');
      expect(await demo.text('speed-name')).toBe('60 steps per second');
      const changes = await demo.page.evaluate(async () => {
        let [changes, last] = [0, ''];
        const watch = new MutationObserver(() => {
          const text = document.getElementById('steps')!.textContent!;
          if (text !== last) changes++;
          last = text;
        });
        watch.observe(document.getElementById('steps')!, { childList: true, characterData: true, subtree: true });
        await new Promise(resolve => setTimeout(resolve, 2000));
        watch.disconnect();
        return changes;
      });
      expect(changes).toBeGreaterThan(0);
      expect(changes).toBeLessThanOrEqual(9);
    });

    it('links to the guide, the API reference and the README at the top and the bottom', async () => {
      const demo = await openPage();
      for (const place of ['header', 'footer']) {
        const links = await demo.page.$$eval(`${place} nav a`, all => all.map(each => each.getAttribute('href')));
        expect(links).toEqual(['../docs/guide/', '../api/', '../README.html']);
        expect(await demo.page.$eval(`${place} nav`, each => each.textContent)).toMatch('npm install lstm-wasm');
      }
    });

    it('a link to a section keeps the settings', async () => {
      const demo = await openPage('#units=6');
      await demo.until(1);
      await demo.press('a[href="#forecast"]');
      await demo.page.waitForFunction(
        () => document.querySelector('#forecast')!.getBoundingClientRect().top < innerHeight / 2,
      );
      expect(await demo.page.evaluate(() => location.hash)).toBe('#units=6');
      const other = await openPage('#forecast');
      await other.until(1);
      expect(await other.text('settings-said')).toBe('');
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
      const links = await page.$$('header a');
      for (let n = 0; n <= links.length; n++) await page.keyboard.press('Tab');
      expect(await page.evaluate(() => (document.activeElement as HTMLInputElement).value)).toBe('hold');
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
