/** Threads in pages: with cross-origin isolation, and in a worker of such a page. */

import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
const isolate = fileURLToPath(new URL('../../examples/isolate.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'lstm-wasm-isolate-'));
const forbidden = { ...isolation, 'content-security-policy': "worker-src 'self'" };
const sites: { isolated?: Site; forbidden?: Site; plain?: Site; withoutHeaders?: Site } = {};
beforeAll(async () => {
  sites.isolated = await serve(dist, isolation);
  sites.forbidden = await serve(dist, forbidden);
  sites.plain = await serve(dist);
  cpSync(dist, folder, { recursive: true });
  copyFileSync(isolate, join(folder, 'isolate.js'));
  const html = '<!doctype html><link rel="icon" href="data:,"><script src="isolate.js"></script>';
  writeFileSync(
    join(folder, 'index.html'),
    `${html}<script>if (crossOriginIsolated) fetch('isolated.txt').then(answer => answer.text());</script>`,
  );
  writeFileSync(join(folder, 'isolated.txt'), 'yes');
  sites.withoutHeaders = await serve(folder);
});
afterAll(async () => {
  await sites.isolated?.close();
  await sites.forbidden?.close();
  await sites.plain?.close();
  await sites.withoutHeaders?.close();
  rmSync(folder, { recursive: true });
});

/**
 * Trains ten steps in the page, or in a worker of it, and terminates the threads before one of the steps; returns the
 * threads that ran in the end, all weights, and the warnings of the page. Before the last step, it waits until at most `left`
 * threads run.
 */
async function train(page: Page, threads: number, { inWorker = false, lastStep = 10, left = threads } = {}) {
  await loadFixture(page, 'plain');
  return page.evaluate(
    async (threads, inWorker, lastStep, left) => {
      const warnings: string[] = [];
      console.warn = (message: string) => warnings.push(message);
      const workers: Worker[] = [];
      globalThis.Worker = class extends Worker {
        constructor(...args: ConstructorParameters<typeof Worker>) {
          super(...args);
          workers.push(this);
        }
      };
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
      for (let n = 0; n < 10; n++) {
        if (n === lastStep) for (const worker of workers) worker.terminate();
        // A busy browser reports late that it has not started a worker
        for (let tries = 0; n === 9 && tries < 500 && (await host.backendInfo()).threads > left; tries++) {
          await new Promise(resolve => setTimeout(resolve, 20));
        }
        await model.trainOnBatch(x, y);
        await new Promise(resolve => setTimeout(resolve)); // events of workers
      }
      const weights = await model.getWeights();
      const info = await host.backendInfo();
      if ('terminate' in host) await host.terminate();
      return { threads: info.threads, warnings, weights: weights.flatMap(weight => [...weight.dataSync()]) };
    },
    threads,
    inWorker,
    lastStep,
    left,
  );
}

const bits = (values: readonly number[]) => createHash('sha256').update(Float32Array.from(values)).digest('hex');

const warning = (reason: string) => `lstm-wasm: calls run on one thread, because ${reason}; the results are the same`;

inBrowsers(installed => {
  const { openPage } = browserPages(installed, { dark: false, reducedMotion: false }, () => sites.isolated!);

  it('a page with cross-origin isolation trains to the same bits on three threads as on one', async () => {
    const one = await train((await openPage()).page, 1);
    const three = await train((await openPage()).page, 3);
    expect([one.threads, three.threads]).toEqual([1, 3]);
    expect([...one.warnings, ...three.warnings]).toEqual([]);
    expect(bits(three.weights)).toBe(bits(one.weights));
  });

  it('a worker of such a page trains to the same bits on three threads', async () => {
    const one = await train((await openPage()).page, 1);
    const three = await train((await openPage()).page, 3, { inWorker: true });
    expect(three.threads).toBe(3);
    expect(bits(three.weights)).toBe(bits(one.weights));
  });

  it('after its threads were terminated, a page trains to the same bits', async () => {
    const one = await train((await openPage()).page, 1);
    const three = await train((await openPage()).page, 3, { lastStep: 5 });
    expect(bits(three.weights)).toBe(bits(one.weights));
    expect(three.warnings.length).toBeLessThan(2);
  });

  it('a page that may not start workers from blobs trains to the same bits on one thread, and warns once', async () => {
    const one = await train((await openPage()).page, 1);
    const page = await openPage('', sites.forbidden);
    const three = await train(page.page, 3, { left: 1 });
    page.faults.length = 0; // the browser reports the policy
    expect(three.threads).toBe(1);
    expect(three.warnings).toEqual([warning('the host does not allow workers')]);
    expect(bits(three.weights)).toBe(bits(one.weights));
  });

  it('a page whose host sends no headers runs threads with the service worker of examples/isolate.js', async () => {
    const first = await openPage('', sites.withoutHeaders);
    // By its requests, because Firefox cannot evaluate scripts in a page while it is loaded again
    await expect.poll(() => first.requests.some(url => url.endsWith('isolated.txt')), { timeout: 60_000 }).toBe(true);
    first.faults.length = 0; // its requests end when it is loaded again
    const { page } = await openPage('', sites.withoutHeaders);
    const { threads, warnings, weights } = await train(page, 2);
    expect([threads, warnings]).toEqual([2, []]);
    expect(bits(weights)).toBe(bits((await train((await openPage()).page, 1)).weights));
  });

  it('a page without isolation runs one thread, and warns once', async () => {
    const { threads, warnings } = await train((await openPage('', sites.plain)).page, 3);
    expect(threads).toBe(1);
    expect(warnings).toEqual([warning('the host cannot share memory')]);
  });
});
