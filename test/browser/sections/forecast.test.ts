/** The forecast of a CSV file on the built demo page. */

import { unzipSync } from 'fflate';
import { io, tensor } from 'lstm-wasm';
import { loadForecaster } from 'lstm-wasm/forecast';
import type { Page } from 'puppeteer-core';
import { expect, it, vi } from 'vitest';
import { columnsOf, exampleText } from '../../../demo/forecast/table.ts';
import { accessibilityFaults } from '../accessibility.ts';
import { browserPages, browsersOfSections, builtSite, inBrowsers } from '../browserSuites.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const site = builtSite();

const day = (n: number) => new Date(Date.UTC(2024, 0, 1 + n)).toISOString().slice(0, 10);
/** Sixteen weeks of sales with a weekly pattern and a missing value. */
const table = [
  'day;shop;sales',
  ...Array.from(
    { length: 112 },
    (_, n) => `${day(n)};north;${n === 50 ? '' : `${10 + (n % 7) * 3 + ((n * n) % 4)},${n % 10}`}`,
  ),
].join('\n');

/** Downloads files by a click, as text of bytes. */
async function catchDownloads(
  page: Page,
): Promise<(button: string) => Promise<{ name: string; bytes: Uint8Array<ArrayBuffer> }>> {
  await page.evaluate(() => {
    const blobs = new Map<string, Blob>();
    const create = URL.createObjectURL.bind(URL);
    URL.createObjectURL = blob => {
      const url = create(blob);
      blobs.set(url, blob as Blob);
      return url;
    };
    HTMLAnchorElement.prototype.click = function () {
      Object.assign(globalThis, { taken: { name: this.download, blob: blobs.get(this.href)! } });
    };
  });
  return async text => {
    const [name, content] = await page.evaluate(async text => {
      const buttons = [...document.querySelectorAll<HTMLButtonElement>('.forecast button')];
      buttons.find(({ textContent }) => textContent === text)!.click();
      const { name, blob } = (globalThis as unknown as { taken: { name: string; blob: Blob } }).taken;
      return [name, [...new Uint8Array(await blob.arrayBuffer())]] as const;
    }, text);
    return { name, bytes: Uint8Array.from(content) };
  };
}

inBrowsers(installed => {
  const { name } = installed;
  // With reduced motion the live run does not start.
  const { openPage } = browserPages(installed, { dark: name === 'firefox', reducedMotion: true }, site);
  const text = (page: Page, selector: string) => page.$eval(`.forecast ${selector}`, each => each.textContent ?? '');
  const untilState = (page: Page, state: string) => page.waitForSelector(`.forecast[data-state="${state}"]`);
  const drop = (page: Page, content: string, file = 'sales.csv') =>
    page.evaluate(
      (content, file) => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([content], file));
        document
          .querySelector('.forecast-input')!
          .dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true }));
      },
      content,
      file,
    );
  const untilSummary = (page: Page, words: string) =>
    page.waitForFunction(words => document.querySelector('.forecast-summary')!.textContent!.includes(words), {}, words);

  it('forecasts a dropped file, with baselines, dates, and downloads that load', async () => {
    const demo = await openPage();
    const { page } = demo;
    await page.waitForSelector('.forecast[data-state="ready"]');
    await drop(page, table);
    await untilSummary(page, 'sales.csv: 112 values of sales, 2024-01-01 to 2024-04-21, 1 missing.');
    expect(await page.$eval('#forecast-horizon', input => (input as HTMLInputElement).value)).toBe('7');
    expect(await text(page, '#forecast-unit')).toBe('days');
    await page.$eval('.forecast .primary', button => (button as HTMLElement).click());
    await untilState(page, 'done');

    const rows = await page.$$eval('.forecast tbody tr', all =>
      all.map(row => [...row.children].map(each => each.textContent!)),
    );
    expect(rows.map(([name]) => name)).toEqual(['LSTM', 'Seasonal naive', 'Naive']);
    expect(await text(page, 'thead')).toMatch('MAE (sales)');
    expect(await text(page, 'caption')).toBe('Errors on the held-out end, over 3 forecasts of 7 steps');
    expect(await text(page, '.forecast-verdict')).toMatch(
      /of the LSTM is \d+ % (above|below) that of the .*naive forecast/,
    );
    expect(await page.$$eval('.forecast-plot svg', all => all.length)).toBe(2);

    const download = await catchDownloads(page);
    const csv = await download('Download forecast (CSV)');
    expect(csv.name).toBe('forecast.csv');
    const lines = new TextDecoder().decode(csv.bytes).trim().split('\r\n');
    expect(lines[0]).toBe('time,sales,sales quantile 0.1,sales quantile 0.9');
    expect(lines).toHaveLength(8);
    expect(lines[1]).toMatch(/^2024-04-22/);
    const model = await download('Download model (zip)');
    expect(model.name).toBe('forecast-model.zip');
    const files = Object.entries(unzipSync(model.bytes)).map(
      ([file, bytes]) => new File([bytes as Uint8Array<ArrayBuffer>], file),
    );
    const loaded = await loadForecaster(io.browserFiles(files));
    const [{ series }] = columnsOf(table) as [ReturnType<typeof columnsOf>[number]];
    const [forecast] = await loaded.predict(series, { levels: [0.1, 0.5, 0.9] });
    const medians = lines.slice(1).map(line => Number(line.split(',')[1]));
    const difference = tensor([...forecast!.median])
      .sub(tensor(medians))
      .abs()
      .max()
      .dataSync()[0];
    expect(difference).toBeLessThan(0.01);
    expect(await accessibilityFaults(page)).toEqual([]);
    await demo.screenshot(`${name}-forecast`, '#forecast');
  });

  it('has example data, and reports tables and horizons that it cannot use', async () => {
    const { page } = await openPage();
    await untilSummary(page, `Example data: invented monthly visitors.`);
    expect(columnsOf(exampleText())).toHaveLength(1);
    await page.$eval('#forecast-horizon', input => {
      (input as HTMLInputElement).value = '99';
    });
    await page.$eval('.forecast .primary', button => (button as HTMLElement).click());
    expect(await text(page, '#forecast-horizon-fault')).toBe(
      'Steps to forecast must be a whole number from 1 to 18, an eighth of the rows.',
    );
    await drop(page, 'day,sales\n2024-01-01,1\n2024-01-02,2');
    await untilState(page, 'refused');
    expect(await text(page, '.forecast-summary')).toBe('The table has 2 rows. A forecast needs at least 30.');
    await page.$eval(
      '.forecast textarea',
      (area, content) => {
        (area as HTMLTextAreaElement).value = content;
        area.dispatchEvent(new Event('input', { bubbles: true }));
      },
      table,
    );
    await untilSummary(page, 'Pasted: 112 values of sales');
    expect(await accessibilityFaults(page)).toEqual([]);
  });

  it('can be stopped and started again', async () => {
    const { page } = await openPage();
    await page.waitForSelector('.forecast[data-state="ready"]');
    const press = () => page.$eval('.forecast .primary', button => (button as HTMLElement).click());
    await press();
    await untilState(page, 'running');
    await press();
    await untilState(page, 'ready');
    expect(await text(page, '.forecast-status')).toBe('Stopped.');
    await press();
    await untilState(page, 'done');
    expect(await text(page, '.forecast-status')).toBe('Done: 12 months beyond the end of the data.');
  });
}, browsersOfSections);
