/** How fast the page is: the tests that look at a clock, which run alone. */

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { speeds } from '../../demo/pace.ts';
import { browsers } from './browsers.ts';
import { readers } from './readers.ts';
import { openSite, type Site } from './site.ts';

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
    const { visit } = readers(installed, { dark: false, reducedMotion: false }, () => site);

    it('goes as fast as it is told to', async () => {
      const reader = await visit();
      await reader.until(3);
      expect(await reader.setSpeed('Home')).toBe('1 step per second');
      const before = (await reader.state()).step;
      await new Promise(passed => setTimeout(passed, 3000));
      const slow = (await reader.state()).step - before;
      expect(slow).toBeGreaterThanOrEqual(2);
      expect(slow).toBeLessThanOrEqual(8); // the first few were on their way
      expect(await reader.setSpeed('End')).toBe('full speed');
      await reader.until(400);
      const most = Number((await reader.text('rate')).replace(',', ''));
      expect(most).toBeGreaterThan(speeds.at(-2)! / 4);
    });

    it('draws 30 frames a second and more while it trains at full speed', async () => {
      const reader = await visit('#batch=32');
      await reader.until(3);
      await reader.setSpeed('End');
      await reader.until('done');
      /** The share of frames that come in time, over four seconds; at will beside a worker that does nothing but turn. */
      const inTime = (busy: boolean) =>
        reader.page.evaluate(async busy => {
          const url = URL.createObjectURL(new Blob(['for (;;);'], { type: 'text/javascript' }));
          const worker = busy ? new Worker(url) : null;
          const gaps: number[] = [];
          for (let last = performance.now(), end = last + 4000; last < end; ) {
            await new Promise(requestAnimationFrame);
            gaps.push(performance.now() - last);
            last = performance.now();
          }
          worker?.terminate();
          return gaps.filter(gap => gap < 34).length / gaps.length;
        }, busy);
      // Others may be at work on this machine: then a page that rests drops frames as well, and it is tried again.
      let [possible, found, tries] = [1, 0, 0];
      for (; tries < 8 && found < 0.95 * possible; tries++) {
        possible = await inTime(true);
        await reader.page.click('#toggle');
        await reader.until('training');
        found = await inTime(false);
        await reader.page.click('#toggle');
        await reader.until('paused');
      }
      console.log(`${name}: frames in time ${found.toFixed(3)}, of a page that rests ${possible.toFixed(3)}`);
      expect(found).toBeGreaterThanOrEqual(0.95 * possible);
      expect((await reader.state()).step).toBeGreaterThan(1000);
    });

    it('paints within a second', async () => {
      const reader = await visit();
      await reader.until(1);
      const first = await reader.page.evaluate(() => performance.getEntriesByType('paint').at(-1)?.startTime ?? 0);
      expect(first).toBeGreaterThan(0);
      expect(first).toBeLessThan(1000);
    });

    it('leaves a network that takes seconds for a step at once', async () => {
      const reader = await visit('#units=128&layers=3&batch=128&timeSteps=100');
      await reader.until(1);
      const clicked = performance.now();
      await reader.choose('echo');
      await reader.until(5);
      expect(performance.now() - clicked).toBeLessThan(5000);
      expect(await reader.page.evaluate(() => location.hash)).toBe('#task=echo');
    });
  });
}
