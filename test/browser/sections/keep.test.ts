/** Downloads from the demo page, and curves that users draw, which become part of the URL. */

import { unzipSync } from 'fflate';
import {
  configure,
  io,
  type LayersModel,
  loadLayersModel,
  type Sequential,
  sequential,
  setRandomSeed,
} from 'lstm-wasm';
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
import { browserPages, browsersOfSections, builtSite, inBrowsers } from '../browserSuites.ts';
import { saveScreenshots } from '../screenshots.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const site = builtSite();

beforeAll(() => {
  configure({ simd: 'strict' });
});

/** The untrained model of the page for the default settings. */
async function untrained(): Promise<Sequential> {
  const here = { setRandomSeed: async (seed: number) => setRandomSeed(seed), sequential: async () => sequential() };
  return (await makeModel(here as unknown as Host, defaults, tasks[defaults.task])) as unknown as Sequential;
}

const weightsOf = (model: LayersModel) => model.getWeights().map(weight => [...weight.dataSync()]);

interface Download {
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/** A page to open first, so that scripts are set up before the demo page loads. */
const blankPage = 'data:text/html,';

/** Intercepts downloads: returns a function that presses a button and returns the file it downloads. */
async function catchDownloads(page: Page): Promise<(press: string) => Promise<Download>> {
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
    const outcome = await page.waitForFunction(() => {
      const { textContent } = document.querySelector('.keep-said')!;
      if (textContent?.includes('could not')) return textContent;
      return (globalThis as unknown as { taken: unknown[] }).taken.length > 0 && 'taken';
    });
    expect(await outcome.jsonValue()).toBe('taken');
    const [name, text] = await page.evaluate(async () => {
      const { name, blob } = (globalThis as unknown as { taken: { name: string; blob: Blob }[] }).taken.pop()!;
      const bytes = new Uint8Array(await blob.arrayBuffer());
      return [name, Array.from(bytes, byte => String.fromCharCode(byte)).join('')] as const;
    });
    return { name, bytes: Uint8Array.from(text, character => character.charCodeAt(0)) };
  };
}

const text = ({ bytes }: Pick<Download, 'bytes'>) => new TextDecoder().decode(bytes);

inBrowsers(installed => {
  const { name } = installed;
  // With reduced motion the model of the page stays untrained, so its weights are known exactly.
  const { openPage } = browserPages(installed, { dark: name === 'firefox', reducedMotion: true }, site);
  const open = async (address?: string) => (await openPage(address)).page;

  it('a download pressed before the network is made starts once it is made', async () => {
    const page = await open(blankPage);
    const download = await catchDownloads(page);
    await page.evaluateOnNewDocument(() => {
      // The network is made in a worker. Its messages arrive 200 ms late here.
      const post = Worker.prototype.postMessage as (...message: unknown[]) => void;
      Worker.prototype.postMessage = function (...message: unknown[]) {
        setTimeout(() => post.apply(this, message), 200);
      };
    });
    await page.goto(site().url);
    const { name } = await download('Download model.snapshot');
    expect(name).toBe('model.snapshot');
  });

  it('downloads of the model in every format load with the same weights', async () => {
    const page = await open(blankPage);
    const download = await catchDownloads(page);
    await page.goto(site().url);
    await page.waitForSelector('.keep button');
    const model = await untrained();
    const weights = weightsOf(model);

    const zip = await download('Download model.zip');
    expect(zip.name).toBe('model.zip');
    const files = unzipSync(zip.bytes);
    expect(Object.keys(files)).toEqual(['model.json', 'weights.bin']);
    const chosenFiles = Object.entries(files).map(
      ([file, bytes]) => new File([bytes as Uint8Array<ArrayBuffer>], file),
    );
    expect(weightsOf(await loadLayersModel(io.browserFiles(chosenFiles)))).toEqual(weights);

    const zeroed = await untrained();
    zeroed.setWeights(zeroed.getWeights().map(weight => weight.mul(0)));
    loadSafetensors(zeroed, (await download('Download model.safetensors')).bytes, { strict: false });
    expect(weightsOf(zeroed)).toEqual(weights);

    expect(weightsOf(await loadOnnxModel((await download('Download model.onnx')).bytes))).toEqual(weights);

    expect(weightsOf(await loadKerasModel((await download('Download model.keras')).bytes))).toEqual(weights);

    const trained = await untrained();
    const { xs, ys } = tasks[defaults.task].batches(defaults).next().value;
    trained.trainOnBatch(xs, ys);
    trained.restore((await download('Download model.snapshot')).bytes);
    expect(weightsOf(trained)).toEqual(weights);
    expect(trained.trainOnBatch(xs, ys)).toBe(model.trainOnBatch(xs, ys));
    expect(await page.$eval('.keep-said', said => said.textContent)).toMatch(/^Downloaded model\.snapshot, /);
  });

  it('downloads plots as SVG and PNG, and the program', async () => {
    const page = await open(blankPage);
    const download = await catchDownloads(page);
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
      const svg = text(await download(offer));
      const [width, height, fault] = await page.evaluate(svg => {
        const { documentElement: root } = new DOMParser().parseFromString(svg, 'image/svg+xml');
        const size = (side: string) => Number.parseFloat(root.getAttribute(side) ?? '');
        return [size('width'), size('height'), root.querySelector('parsererror')?.textContent ?? ''] as const;
      }, svg);
      expect(fault).toBe('');
      const png = await download(offer.replace(/SVG$/, 'PNG'));
      const view = new DataView(png.bytes.buffer);
      expect([...png.bytes.subarray(0, 4)]).toEqual([0x89, 0x50, 0x4e, 0x47]);
      expect([view.getUint32(16), view.getUint32(20)]).toEqual([2 * width, 2 * height]);
      // The background is that of the page, light or dark.
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
    const program = text(await download('Download program.mjs'));
    expect(program).toBe(programOf(defaults, tasks[defaults.task]));
    expect(await page.$eval('.keep code', code => code.textContent)).toBe(program);
    expect(await accessibilityFaults(page)).toEqual([]);
    await saveScreenshots(page, `keep-${name}`, '.keep');
  });

  it('accepts a curve drawn with the pointer or the keyboard', async () => {
    const page = await open('#task=drawn');
    const own = () => readAddress(new URL(page.url()).hash).own;
    const pad = (await page.waitForSelector('.own-paper'))!;
    await pad.scrollIntoView();
    const box = (await pad.boundingBox())!;
    const position = (x: number, y: number) => [box.x + x * box.width, box.y + y * box.height] as const;
    await page.mouse.move(...position(0.02, 0.1));
    await page.mouse.down();
    await page.mouse.move(...position(0.5, 0.1), { steps: 5 });
    await page.mouse.move(...position(0.98, 0.9), { steps: 5 });
    await page.mouse.up();
    await page.waitForFunction(() => location.hash.includes('own='));
    const drawn = unpack(own());
    expect(drawn).toHaveLength(64);
    // The upper edge of the pad is slightly above 1 and counts as 1.
    expect([drawn[10], drawn[31]].map(value => Number(value!.toFixed(1)))).toEqual([0.9, 0.9]);
    expect(drawn[62]!).toBeLessThan(-0.7);
    for (let n = 33; n < 62; n++) expect(drawn[n]!).toBeLessThan(drawn[n - 1]! + 1e-6);

    const before = own();
    await page.focus('.own-sliders label:nth-child(2) input');
    await page.keyboard.press('ArrowDown');
    await page.waitForFunction(before => !location.hash.includes(before), {}, before);
    const moved = unpack(own());
    expect(moved.some((value, n) => Math.abs(value - drawn[n]!) > 0.005)).toBe(true);
    const adjusted = own();
    await page.click('.own-presets button:nth-of-type(4)');
    await page.waitForFunction(adjusted => !location.hash.includes(adjusted), {}, adjusted);
    expect(await accessibilityFaults(page)).toEqual([]);
    await saveScreenshots(page, `own-drawn-${name}`, '.own-pad');
  });

  it('a drawn curve stays with its task, and a link replaces it', async () => {
    const demo = await openPage('#task=drawn');
    const { page } = demo;
    await page.waitForSelector('.own-paper');
    const line = () => page.$eval('.own-line', each => each.getAttribute('points')!);
    const defaultLine = await line();
    await page.click('.own-presets button:nth-of-type(4)');
    await page.waitForFunction(() => location.hash.includes('own='));
    const heartbeat = await line();
    await page.click('[value="cosine"] + span');
    await page.waitForFunction(() => location.hash === '#task=cosine');
    await page.click('[value="drawn"] + span');
    await page.waitForFunction(() => location.hash.includes('own='));
    expect(await line()).toBe(heartbeat);

    const steps = pack(presets.Steps);
    await page.evaluate(own => {
      location.hash = `#task=drawn&own=${own}`;
    }, steps);
    await page.waitForFunction(
      heartbeat => document.querySelector('.own-line')!.getAttribute('points') !== heartbeat,
      {},
      heartbeat,
    );
    expect((await line()).split(' ')[0]).toBe('5,155.2');
    await page.evaluate(() => {
      location.hash = '#task=drawn&own=nothing';
    });
    await page.waitForFunction(() => /damaged/.test(document.querySelector('#settings-said')!.textContent!));
    expect(await line()).toBe(defaultLine);
  });
}, browsersOfSections);
