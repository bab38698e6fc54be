/** The race between plain JavaScript and WebAssembly on the built demo page. */

import { expect, it, vi } from 'vitest';
import { accessibilityFaults } from '../accessibility.ts';
import { browserPages, browsersOfSections, builtSite, inBrowsers } from '../browserSuites.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const site = builtSite();

inBrowsers(installed => {
  const { name } = installed;
  // With reduced motion the live run does not start, so it does not slow down the race.
  const { openPage } = browserPages(installed, { dark: name === 'firefox', reducedMotion: true }, site);

  async function open(address = '') {
    const demo = await openPage(address);
    const { page } = demo;
    await page.waitForSelector('.compare[data-state="ready"]');
    const untilState = (state: string) => page.waitForSelector(`.compare[data-state="${state}"]`);
    const text = (selector: string) => page.$eval(`.compare ${selector}`, each => each.textContent ?? '');
    return { demo, page, untilState, text };
  }

  it('WebAssembly wins the race, and both have the same costs', async () => {
    const { demo, page, untilState, text } = await open();
    expect(await text('.compare-title')).toBe('LSTM with 16 units, 32 rows of 40 steps, Adam');
    await page.focus('.compare button');
    await page.keyboard.press('Enter');
    await untilState('racing');
    await page.waitForSelector('.compare-track:nth-child(2)[data-steps]');
    await demo.screenshot(`compare-${name}-1-racing`, '.compare');
    await untilState('done');
    const found = await page.$eval('.compare', place => ({
      ratio: Number((place as HTMLElement).dataset.ratio),
      difference: Number((place as HTMLElement).dataset.difference),
      bars: [...place.querySelectorAll('progress')].map(({ value, max }) => value / max),
    }));
    console.log(`${name}: ${await text('.compare-said')}`);
    expect(found.ratio).toBeGreaterThan(1.5);
    expect(found.difference).toBeLessThan(0.01);
    // Both bars have the time axis of the slower one.
    expect(found.bars[0]).toBe(1);
    expect(found.bars[1]! * found.ratio).toBeCloseTo(1, 6);
    expect(await text('.compare-axis')).toMatch(/^0 straining time\d+\.\d s$/);
    expect(await text('.compare-said')).toMatch(
      /^WebAssembly was \d+\.\d times as fast\. Both have the same costs: after [\d,]+ steps/,
    );
    expect(await accessibilityFaults(page)).toEqual([]);
    await demo.screenshot(`compare-${name}-2-done`, '.compare');
  });

  it('a race can be stopped and started again', async () => {
    const { page, untilState, text } = await open();
    expect(await text('.compare-title')).toBe('LSTM with 16 units, 32 rows of 40 steps, Adam');
    await page.click('.compare button');
    await untilState('racing');
    await page.click('.compare button');
    await untilState('stopped');
    const raceWorkers = () => page.workers().filter(worker => /\/(plain|wasm)-/.test(worker.url()));
    await vi.waitFor(() => expect(raceWorkers()).toEqual([]), 10_000);
    await page.click('.compare button');
    await untilState('racing');
    await page.click('.compare button');
    await untilState('stopped');
  });

  it('uses the nearest settings that the plain version supports, and reports them', async () => {
    const { page, untilState, text } = await open('#task=cosine&cell=gru&layers=2&units=4&batch=4&optimizer=sgd');
    expect(await text('.compare-instead')).toMatch('an LSTM in place of the GRU, one layer in place of 2 and Adam');
    await page.click('.compare button');
    await untilState('done');
    expect(Number(await page.$eval('.compare', place => (place as HTMLElement).dataset.difference))).toBeLessThan(0.01);
  });
}, browsersOfSections);
