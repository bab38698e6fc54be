/** Thousands of small models in a page with the built package: created and disposed in turn, and alive together. */

import { fileURLToPath } from 'node:url';
import type { Page } from 'puppeteer-core';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { browserPages, inBrowsers } from './browserSuites.ts';
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

/** Globals of the page: the package, and functions for models of four kinds. */
interface PageFixture {
  lw: typeof import('lstm-wasm');
  /** Returns a trained model of the n-th kind. */
  make(n: number): import('lstm-wasm').Sequential;
  predict(model: import('lstm-wasm').Sequential): string;
  kept: import('lstm-wasm').Sequential[];
}
declare global {
  var fixture: PageFixture;
  var lw: PageFixture['lw'];
}

/** Sets the globals of a page. */
async function setUp(page: Page): Promise<void> {
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
    globalThis.fixture = {
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
  const { sharePage } = browserPages(installed, { dark: false, reducedMotion: false }, () => site);
  const sharedPage = sharePage(({ page }) => setUp(page));
  const page = () => sharedPage().page;

  it('creating and disposing 2,000 models takes no more memory than the first 20', async () => {
    const [few, many, models] = await page().evaluate(count => {
      const { lw, make } = fixture;
      const cycle = (times: number) => {
        for (let n = 0; n < times; n++) make(n).dispose();
        return lw.backendInfo().memoryBytes;
      };
      return [cycle(20), cycle(count), lw.backendInfo().models];
    }, MANY);
    expect(many).toBe(few);
    expect(models).toBe(0);
  });

  // Firefox also frees them, but only within a minute or after gigabytes of other garbage.
  it.runIf(name === 'chromium')('frees the memory of 2,000 unreachable models that were not disposed', async () => {
    const { most, models } = await page().evaluate(async count => {
      const { lw, make } = fixture;
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
    // 500 models take 4 MiB, and 2,000 take 16 MiB.
    expect(most / MIB).toBeLessThanOrEqual(8);
    expect(models).toBe(0);
  });

  it('1,000 models in one page do not affect each other', async () => {
    const result = await page().evaluate(count => {
      const { lw, make, predict, kept } = fixture;
      const seededModel = (n: number) => {
        lw.setRandomSeed(n % 20);
        return make(n % 20);
      };
      const alone = Array.from({ length: 20 }, (_, n) => {
        const model = seededModel(n);
        const prediction = predict(model);
        model.dispose();
        return prediction;
      });
      for (let n = 0; n < count; n++) kept.push(seededModel(n));
      const wrong = kept.filter((model, n) => predict(model) !== alone[n % 20]).length;
      const distinct = new Set(alone).size;
      const models = lw.backendInfo().models;
      for (const model of kept) model.dispose();
      return { wrong, distinct, models };
    }, ALIVE);
    expect(result.wrong).toBe(0);
    expect(result.distinct).toBe(20);
    expect(result.models).toBe(ALIVE);
  });
});
