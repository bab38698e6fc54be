/** Threads in pages: with cross-origin isolation, and in a worker of such a page. */

import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Page } from 'puppeteer-core';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { browserPages, inBrowsers } from './browserSuites.ts';
import { loadFixture, type PageFixture } from './servedPages.ts';
import { type Site, serve } from './site.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

const isolation = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};
const dist = fileURLToPath(new URL('../../dist', import.meta.url));
const sites: { isolated?: Site; plain?: Site } = {};
beforeAll(async () => {
  sites.isolated = await serve(dist, isolation);
  sites.plain = await serve(dist);
});
afterAll(async () => {
  await sites.isolated?.close();
  await sites.plain?.close();
});

/** Trains ten steps in the page, or in a worker of it; returns the threads that ran, and all weights. */
async function train(page: Page, threads: number, inWorker = false) {
  await loadFixture(page, 'plain');
  return page.evaluate(
    async (threads, inWorker) => {
      const { lw, connect, numbers } = (globalThis as unknown as { fixture: PageFixture }).fixture;
      const host = inWorker ? connect() : lw;
      await host.configure({ simd: 'strict', threads });
      await host.setRandomSeed(2);
      const { layers } = lw;
      const model = await host.sequential({
        layers: [
          layers.gru({ units: 24, returnSequences: true, inputShape: [12, 6] }),
          layers.lstm({ units: 40 }),
          layers.dense({ units: 2 }),
        ],
      });
      await model.compile({ optimizer: lw.train.adam(0.01), loss: 'meanSquaredError' });
      const [x, y] = [lw.tensor(numbers(3600), [50, 12, 6]), lw.tensor(numbers(100), [50, 2])];
      for (let n = 0; n < 10; n++) await model.trainOnBatch(x, y);
      const weights = await model.getWeights();
      const info = await host.backendInfo();
      if ('terminate' in host) await host.terminate();
      return { threads: info.threads, weights: weights.flatMap(weight => [...weight.dataSync()]) };
    },
    threads,
    inWorker,
  );
}

const bits = (values: readonly number[]) => createHash('sha256').update(Float32Array.from(values)).digest('hex');

inBrowsers(installed => {
  const { openPage } = browserPages(installed, { dark: false, reducedMotion: false }, () => sites.isolated!);

  it('a page with cross-origin isolation trains to the same bits on three threads as on one', async () => {
    const one = await train((await openPage()).page, 1);
    const three = await train((await openPage()).page, 3);
    expect([one.threads, three.threads]).toEqual([1, 3]);
    expect(bits(three.weights)).toBe(bits(one.weights));
  });

  it('a worker of such a page trains to the same bits on three threads', async () => {
    const one = await train((await openPage()).page, 1);
    const three = await train((await openPage()).page, 3, true);
    expect(three.threads).toBe(3);
    expect(bits(three.weights)).toBe(bits(one.weights));
  });

  it('a page without isolation runs one thread', async () => {
    const { threads } = await train((await openPage('', sites.plain)).page, 3);
    expect(threads).toBe(1);
  });
});
