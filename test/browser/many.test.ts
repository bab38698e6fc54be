/** Many small models in a page, from the package as it is built: made and dropped by the thousand, and alive together. */

import { fileURLToPath } from 'node:url';
import type { Page } from 'puppeteer-core';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { inBrowsers, readers } from './readers.ts';
import { type Site, serve } from './site.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const MIB = 2 ** 20;
const MANY = 2000;
const ALIVE = 1000;

let site: Site;

beforeAll(async () => {
  site = await serve(fileURLToPath(new URL('../../dist', import.meta.url)));
});

afterAll(() => site?.close());

/** What a page keeps between the calls of a test: the package, and models of four kinds. */
interface Shop {
  lw: typeof import('lstm-wasm');
  /** A trained model of the n-th kind. */
  make(n: number): import('lstm-wasm').Sequential;
  predict(model: import('lstm-wasm').Sequential): string;
  kept: import('lstm-wasm').Sequential[];
}
declare global {
  var shop: Shop;
  var lw: Shop['lw'];
}

/** Opens the shop in a page. */
async function open(page: Page): Promise<void> {
  await page.addScriptTag({ type: 'module', content: "import * as lw from '/index.js'; globalThis.lw = lw;" });
  await page.waitForFunction(() => 'lw' in globalThis);
  await page.evaluate(() => {
    const { layers, sequential, tensor } = lw;
    const x = tensor(
      Float32Array.from({ length: 24 }, (_, n) => Math.sin(n)),
      [3, 4, 2],
    );
    const inputShape = [4, 2];
    const kinds = [
      () => layers.lstm({ units: 3, inputShape }),
      () => layers.gru({ units: 5, inputShape }),
      () => layers.simpleRNN({ units: 4, stateful: true, batchInputShape: [3, 4, 2] }),
      () => layers.bidirectional({ layer: layers.lstm({ units: 2 }), inputShape }),
    ];
    globalThis.shop = {
      lw,
      make(n) {
        const model = sequential({ layers: [kinds[n % kinds.length]!(), layers.dense({ units: 1 })] });
        model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
        model.trainOnBatch(x, [1, 0, -1]);
        return model;
      },
      predict: model => [...model.predict(x).dataSync()].join(),
      kept: [],
    };
  });
}

inBrowsers(installed => {
  const { name } = installed;
  const { stay } = readers(installed, { dark: false, reducedMotion: false }, () => site);
  const here = stay(({ page }) => open(page));
  const page = () => here().page;

  it('makes and disposes 2,000 models in the memory of the first few', async () => {
    const [few, many, models] = await page().evaluate(count => {
      const { lw, make } = shop;
      const cycle = (times: number) => {
        for (let n = 0; n < times; n++) make(n).dispose();
        return lw.backendInfo().memoryBytes;
      };
      return [cycle(20), cycle(count), lw.backendInfo().models];
    }, MANY);
    expect(many).toBe(few);
    expect(models).toBe(0);
  });

  // Firefox gives them back too, when it pleases: within a minute, after gigabytes of other garbage.
  it.runIf(name === 'chromium')('reclaims the memory of 2,000 models that were not disposed of', async () => {
    const { most, models } = await page().evaluate(async count => {
      const { lw, make } = shop;
      let most = 0;
      for (let n = 0; n < count; n++) {
        make(n);
        if (n % 500 < 499) continue;
        most = Math.max(most, lw.backendInfo().memoryBytes);
        // Finalizers run some time after a collection.
        for (let turn = 0; turn < 400 && lw.backendInfo().models > 0; turn++) {
          globalThis.gc!();
          await new Promise(resolve => setTimeout(resolve, 5));
        }
      }
      return { most, models: lw.backendInfo().models };
    }, MANY);
    // 500 of them take 4 MiB, and all together 16.
    expect(most / MIB).toBeLessThanOrEqual(8);
    expect(models).toBe(0);
  });

  it('holds 1,000 models, each for itself', async () => {
    const outcome = await page().evaluate(count => {
      const { lw, make, predict, kept } = shop;
      const one = (n: number) => {
        lw.setRandomSeed(n % 20);
        return make(n % 20);
      };
      const alone = Array.from({ length: 20 }, (_, n) => {
        const model = one(n);
        const prediction = predict(model);
        model.dispose();
        return prediction;
      });
      for (let n = 0; n < count; n++) kept.push(one(n));
      const wrong = kept.filter((model, n) => predict(model) !== alone[n % 20]).length;
      const different = new Set(alone).size;
      const models = lw.backendInfo().models;
      for (const model of kept) model.dispose();
      return { wrong, different, models };
    }, ALIVE);
    expect(outcome.wrong).toBe(0);
    expect(outcome.different).toBe(20);
    expect(outcome.models).toBe(ALIVE);
  });
});
