/** The race of plain JavaScript and WebAssembly, on the page as it is built. */

import { expect, it, vi } from 'vitest';
import { accessibilityFaults } from '../accessibility.ts';
import { browsersOfSections, builtSite, inBrowsers, readers } from '../readers.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const site = builtSite();

inBrowsers(installed => {
  const { name } = installed;
  // Less motion: the page's own run waits, and leaves the race alone
  const { visit } = readers(installed, { dark: name === 'firefox', reducedMotion: true }, site);

  async function open(address = '') {
    const reader = await visit(address);
    const { page } = reader;
    await page.waitForSelector('.compare[data-state="ready"]');
    const state = (wanted: string) => page.waitForSelector(`.compare[data-state="${wanted}"]`);
    const text = (selector: string) => page.$eval(`.compare ${selector}`, each => each.textContent ?? '');
    return { reader, page, state, text };
  }

  it('ends with WebAssembly first and the same costs', async () => {
    // Of fewer rows than the page begins with: a race of the most steps there are, in a fraction of the time, and careful ones
    const { reader, page, state, text } = await open('#batch=4&learningRate=0.001');
    expect(await text('.compare-title')).toBe('LSTM with 20 units, 4 rows of 20 steps, Adam');
    await page.focus('.compare button');
    await page.keyboard.press('Enter');
    await state('racing');
    await page.waitForSelector('.compare-track:nth-child(2)[data-steps]');
    await reader.screenshot(`compare-${name}-1-racing`, '.compare');
    await state('done');
    const found = await page.$eval('.compare', place => ({
      ratio: Number((place as HTMLElement).dataset.ratio),
      difference: Number((place as HTMLElement).dataset.difference),
      bars: [...place.querySelectorAll('progress')].map(({ value }) => value),
    }));
    console.log(`${name}: ${await text('.compare-said')}`);
    expect(found.ratio).toBeGreaterThan(1.5);
    expect(found.difference).toBeLessThan(0.01);
    expect(found.bars).toEqual([1, 1]);
    expect(await text('.compare-said')).toMatch(
      /^WebAssembly was \d+\.\d times as fast\. Both arrived at the same costs: after [\d,]+ steps/,
    );
    expect(await accessibilityFaults(page)).toEqual([]);
    await reader.screenshot(`compare-${name}-2-done`, '.compare');
  });

  it('can be stopped, and run again', async () => {
    const { page, state, text } = await open();
    expect(await text('.compare-title')).toBe('LSTM with 20 units, 50 rows of 20 steps, Adam');
    await page.click('.compare button');
    await state('racing');
    await page.click('.compare button');
    await state('stopped');
    const racing = () => page.workers().filter(worker => /\/(plain|wasm)-/.test(worker.url()));
    await vi.waitFor(() => expect(racing()).toEqual([]), 10_000);
    await page.click('.compare button');
    await state('racing');
    await page.click('.compare button');
    await state('stopped');
  });

  it('takes the nearest where the plain version cannot follow, and says so', async () => {
    const { page, state, text } = await open('#cell=gru&layers=2&units=4&batch=4&optimizer=sgd');
    expect(await text('.compare-instead')).toMatch('an LSTM in place of the GRU, one layer in place of 2 and Adam');
    await page.click('.compare button');
    await state('done');
    expect(Number(await page.$eval('.compare', place => (place as HTMLElement).dataset.difference))).toBeLessThan(0.01);
  });
}, browsersOfSections);
