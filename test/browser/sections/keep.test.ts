/** What readers take home from the page and bring to it: files that open, curves and tables that become links. */

import { unzipSync } from 'fflate';
import { configure, io, loadLayersModel, type Sequential, sequential, setRandomSeed } from 'lstm-wasm';
import { loadKerasModel } from 'lstm-wasm/keras';
import { loadOnnxModel } from 'lstm-wasm/onnx';
import { loadSafetensors } from 'lstm-wasm/safetensors';
import type { Host } from 'lstm-wasm/worker';
import type { Page } from 'puppeteer-core';
import { beforeAll, expect, it, vi } from 'vitest';
import { programOf } from '../../../demo/keep/program.ts';
import { makeModel } from '../../../demo/model.ts';
import { pack, unpack } from '../../../demo/own/pack.ts';
import { presets } from '../../../demo/own/series.ts';
import { defaults, readAddress } from '../../../demo/settings.ts';
import { tasks } from '../../../demo/tasks/index.ts';
import { accessibilityFaults } from '../accessibility.ts';
import { browsersOfSections, builtSite, inBrowsers, readers } from '../readers.ts';
import { picture } from '../screenshots.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const site = builtSite();

beforeAll(() => {
  configure({ simd: 'strict' });
});

/** The page's model for the defaults, untrained. */
async function untrained(): Promise<Sequential> {
  const here = { setRandomSeed: async (seed: number) => setRandomSeed(seed), sequential: async () => sequential() };
  return (await makeModel(here as unknown as Host, defaults, tasks.cosine!)) as unknown as Sequential;
}

const weightsOf = (model: Sequential) => model.getWeights().map(weight => [...weight.dataSync()]);

interface Taken {
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/** A page to be on before ours. */
const nowhere = 'data:text/html,';

/** Files are caught where the browser would write them to the disk. */
async function catchDownloads(page: Page): Promise<(press: string) => Promise<Taken>> {
  await page.evaluateOnNewDocument(() => {
    const blobs = new Map<string, Blob>();
    const create = URL.createObjectURL.bind(URL);
    URL.createObjectURL = blob => {
      const url = create(blob);
      blobs.set(url, blob as Blob);
      return url;
    };
    const taken: { name: string; blob: Blob }[] = [];
    Object.assign(globalThis, { taken });
    HTMLAnchorElement.prototype.click = function () {
      taken.push({ name: this.download, blob: blobs.get(this.href)! });
    };
  });
  return async press => {
    const button = await page.waitForSelector(`.keep button[aria-label="${press}"]`);
    await button!.focus();
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => (globalThis as unknown as { taken: unknown[] }).taken.length > 0);
    const [name, text] = await page.evaluate(async () => {
      const { name, blob } = (globalThis as unknown as { taken: { name: string; blob: Blob }[] }).taken.pop()!;
      const bytes = new Uint8Array(await blob.arrayBuffer());
      return [name, Array.from(bytes, byte => String.fromCharCode(byte)).join('')] as const;
    });
    return { name, bytes: Uint8Array.from(text, character => character.charCodeAt(0)) };
  };
}

const text = ({ bytes }: Pick<Taken, 'bytes'>) => new TextDecoder().decode(bytes);

inBrowsers(installed => {
  const { name } = installed;
  // Less motion: the page's model waits, untrained, and so it is known to the bit
  const { visit } = readers(installed, { dark: name === 'firefox', reducedMotion: true }, site);
  const open = async (address?: string) => (await visit(address)).page;

  it('hands over the model in formats that open', async () => {
    const page = await open(nowhere);
    const take = await catchDownloads(page);
    await page.goto(site().url);
    await page.waitForSelector('.keep button');
    const model = await untrained();
    const weights = weightsOf(model);

    const zip = await take('Download model.zip');
    expect(zip.name).toBe('model.zip');
    const files = unzipSync(zip.bytes);
    expect(Object.keys(files)).toEqual(['model.json', 'weights.bin']);
    const chosen = Object.entries(files).map(([file, bytes]) => new File([bytes as Uint8Array<ArrayBuffer>], file));
    expect(weightsOf(await loadLayersModel(io.browserFiles(chosen)))).toEqual(weights);

    const blank = await untrained();
    blank.setWeights(blank.getWeights().map(weight => weight.mul(0)));
    loadSafetensors(blank, (await take('Download model.safetensors')).bytes, { strict: false });
    expect(weightsOf(blank)).toEqual(weights);

    expect(weightsOf(await loadOnnxModel((await take('Download model.onnx')).bytes))).toEqual(weights);

    expect(weightsOf(await loadKerasModel((await take('Download model.keras')).bytes))).toEqual(weights);

    const other = await untrained();
    const { xs, ys } = tasks.cosine!.batches(defaults).next().value;
    other.trainOnBatch(xs, ys);
    other.restore((await take('Download model.snapshot')).bytes);
    expect(weightsOf(other)).toEqual(weights);
    expect(other.trainOnBatch(xs, ys)).toBe(model.trainOnBatch(xs, ys));
    expect(await page.$eval('.keep-said', said => said.textContent)).toMatch(/^model\.snapshot, .* downloads\.$/);
  });

  it('hands over pictures and the program', async () => {
    const page = await open(nowhere);
    const take = await catchDownloads(page);
    await page.goto(site().url);
    await page.$eval('#understand', place => place.scrollIntoView());
    await page.waitForSelector('.understand[data-trained]');
    await page.$eval('.keep', place => place.scrollIntoView());
    await page.waitForSelector('.keep button[aria-label="Download LSTM heat map as SVG"]');
    const offers = await page.$$eval('.keep button[aria-label$="as SVG"]', all => all.map(each => each.ariaLabel!));
    expect(offers).toEqual(
      ['Prediction', 'Cost', 'Plain RNN chain', 'LSTM chain', 'Plain RNN cell', 'LSTM cell', 'LSTM heat map'].map(
        name => `Download ${name} as SVG`,
      ),
    );
    for (const offer of offers) {
      const svg = text(await take(offer));
      const [width, height, fault] = await page.evaluate(svg => {
        const { documentElement: root } = new DOMParser().parseFromString(svg, 'image/svg+xml');
        const size = (side: string) => Number.parseFloat(root.getAttribute(side) ?? '');
        return [size('width'), size('height'), root.querySelector('parsererror')?.textContent ?? ''] as const;
      }, svg);
      expect(fault).toBe('');
      const png = await take(offer.replace(/SVG$/, 'PNG'));
      const view = new DataView(png.bytes.buffer);
      expect([...png.bytes.subarray(0, 4)]).toEqual([0x89, 0x50, 0x4e, 0x47]);
      expect([view.getUint32(16), view.getUint32(20)]).toEqual([2 * width, 2 * height]);
      // The paper is as on the page, light or dark
      const [r] = await page.evaluate(
        async bytes => {
          const image = await createImageBitmap(new Blob([Uint8Array.from(bytes)]));
          const canvas = new OffscreenCanvas(image.width, image.height);
          const context = canvas.getContext('2d')!;
          context.drawImage(image, 0, 0);
          return [...context.getImageData(6, image.height >> 1, 1, 1).data];
        },
        [...png.bytes],
      );
      expect(r).toBe(name === 'firefox' ? 15 : 255);
    }
    const program = text(await take('Download program.ts'));
    expect(program).toBe(programOf(defaults, tasks.cosine!));
    expect(await page.$eval('.keep code', code => code.textContent)).toBe(program);
    expect(await accessibilityFaults(page)).toEqual([]);
    await picture(page, `keep-${name}`, '.keep');
  });

  it('takes a curve drawn by pointer and by keyboard', async () => {
    const page = await open('#task=drawn');
    const own = () => readAddress(new URL(page.url()).hash).own;
    const pad = (await page.waitForSelector('.own-paper'))!;
    await pad.scrollIntoView();
    const box = (await pad.boundingBox())!;
    const at = (x: number, y: number) => [box.x + x * box.width, box.y + y * box.height] as const;
    await page.mouse.move(...at(0.02, 0.1));
    await page.mouse.down();
    await page.mouse.move(...at(0.5, 0.1), { steps: 5 });
    await page.mouse.move(...at(0.98, 0.9), { steps: 5 });
    await page.mouse.up();
    await page.waitForFunction(() => location.hash.includes('own='));
    const drawn = unpack(own());
    expect(drawn).toHaveLength(64);
    // The upper edge is a little above 1, and is taken for 1
    expect([drawn[10], drawn[31]].map(value => Number(value!.toFixed(1)))).toEqual([0.9, 0.9]);
    expect(drawn[62]!).toBeLessThan(-0.7);
    for (let n = 33; n < 62; n++) expect(drawn[n]!).toBeLessThan(drawn[n - 1]! + 1e-6);

    const before = own();
    await page.focus('.own-sliders label:nth-child(2) input');
    await page.keyboard.press('ArrowDown');
    await page.waitForFunction(before => !location.hash.includes(before), {}, before);
    const moved = unpack(own());
    expect(moved.some((value, n) => Math.abs(value - drawn[n]!) > 0.005)).toBe(true);
    const bent = own();
    await page.click('.own-presets button:nth-of-type(4)');
    await page.waitForFunction(bent => !location.hash.includes(bent), {}, bent);
    expect(await accessibilityFaults(page)).toEqual([]);
    await picture(page, `own-drawn-${name}`, '.own-pad');
  });

  it('takes a table that is pasted or dropped', async () => {
    const page = await open('#task=csv');
    const own = () => readAddress(new URL(page.url()).hash).own;
    const said = (words: string) =>
      page.waitForFunction(words => document.querySelector('.own-said')!.textContent!.includes(words), {}, words);
    const rows = Array.from({ length: 60 }, (_, n) => `${2000 + n};${n === 7 ? '' : `${n % 12},5`};x`);
    await page.waitForSelector('.own-csv textarea');
    await page.$eval(
      '.own-csv textarea',
      (area, text) => {
        (area as HTMLTextAreaElement).value = text;
        area.dispatchEvent(new Event('input', { bubbles: true }));
      },
      ['year;sales;note', ...rows].join('\n'),
    );
    await said('60 rows of sales. One row has no number there');
    await page.waitForFunction(() => location.hash.includes('own='));
    expect(unpack(own()).length).toBe(60);
    expect([...unpack(own())].slice(0, 9).map(value => Number(value.toFixed(2)))).toEqual([
      0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5,
    ]);
    await picture(page, `own-csv-${name}`, '.own-csv');

    const before = own();
    await page.select('.own-choice select', '0');
    await said('60 rows of year.');
    await page.waitForFunction(before => !location.hash.includes(before), {}, before);
    expect(unpack(own())[0]).toBe(2000);

    await page.evaluate(text => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([text], 'short.csv'));
      document.querySelector('.own-drop')!.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true }));
    }, rows.slice(0, 5).join('\n'));
    await said('It has 5 rows of numbers; there must be at least 20.');
    expect(await accessibilityFaults(page)).toEqual([]);
  });

  it('keeps what readers bring with its task, and follows a link to another', async () => {
    const reader = await visit('#task=csv');
    const { page } = reader;
    const drop = (text: string) =>
      page.evaluate(text => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([text], 'table.csv'));
        document.querySelector('#own > *')!.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true }));
      }, text);
    const table = Array.from({ length: 30 }, (_, n) => `${n % 7}`).join('\n');
    await page.waitForSelector('.own-csv textarea');
    await drop(table);
    await page.waitForFunction(() => location.hash.includes('own='));

    await page.click('[value="drawn"] + span');
    await page.waitForSelector('.own-paper');
    const line = () => page.$eval('.own-line', each => each.getAttribute('points')!);
    const hills = await line();
    await drop(table);
    await reader.pass();
    expect(new URL(page.url()).hash).toBe('#task=drawn');

    const steps = pack(presets.Steps);
    await page.evaluate(own => {
      location.hash = `#task=drawn&own=${own}`;
    }, steps);
    await page.waitForFunction(
      hills => document.querySelector('.own-line')!.getAttribute('points') !== hills,
      {},
      hills,
    );
    expect((await line()).split(' ')[0]).toBe('5,155.2');
    await page.evaluate(() => {
      location.hash = '#task=drawn&own=nothing';
    });
    await page.waitForFunction(() => /damaged/.test(document.querySelector('#settings-said')!.textContent!));
    expect(await line()).toBe(hills);
  });
}, browsersOfSections);
