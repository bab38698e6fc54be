/**
 * Models in a Web Worker: from the package as it is built, from a page that Vite made of the packed package, under a strict
 * policy, and from pages that Vite serves while they are written, of the package and of its sources.
 */

import type { Page } from 'puppeteer-core';
import { describe, expect, it, vi } from 'vitest';
import { inBrowsers, readers } from './readers.ts';
import { kinds, openShop, policy, type Shop, shopSites } from './servedPages.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

const site = shopSites('worker', kinds);

/** Costs of a training with state, losses of one with dropout and shuffling: here, and in a worker. */
const trainBoth = (tab: Page) =>
  tab.evaluate(async () => {
    const { lw, connect, sineCosine, numbers, layers, small } = (globalThis as unknown as { shop: Shop }).shop;
    const stack = () => [
      lw.layers.lstm({ units: 20, returnSequences: true, stateful: true, batchInputShape: [50, 20, 1] }),
      lw.layers.timeDistributed({ layer: lw.layers.dense({ units: 1 }) }),
    ];
    const host = connect({ seed: 3, simd: 'strict' });
    lw.setRandomSeed(3);
    const here = lw.sequential({ layers: stack() });
    const there = await host.sequential({ layers: stack() });
    here.compile({ optimizer: lw.train.adam(0.006), loss: 'meanSquaredError' });
    await there.compile({ optimizer: lw.train.adam(0.006), loss: 'meanSquaredError' });
    const batches = sineCosine({ batchSize: 50, timeSteps: 20 });
    const costs: [unknown[], Promise<unknown>[]] = [[], []];
    for (let step = 0; step < 30; step++) {
      const { xs, ys } = batches.next().value!;
      costs[0].push(here.trainOnBatch(xs, ys));
      costs[1].push(there.trainOnBatch(xs, ys));
    }
    const pair = [costs[0], await Promise.all(costs[1])];
    lw.setRandomSeed(4);
    await host.setRandomSeed(4);
    const model = lw.sequential({ layers: layers() });
    model.compile({ optimizer: 'adam', loss: 'mse' });
    const remote = await small(host);
    const [x, y] = [numbers(3000), numbers(300)];
    const losses = [
      (await model.fit(x, y, { epochs: 3, verbose: 0 })).history.loss,
      (await remote.fit(x, y, { epochs: 3, verbose: 0 })).history.loss,
    ];
    await host.terminate();
    const { headers } = await fetch(location.href);
    return { costs: pair, losses, policy: headers.get('content-security-policy') };
  });

function expectSame({ costs, losses }: Awaited<ReturnType<typeof trainBoth>>): void {
  expect(costs[0]).toHaveLength(30);
  expect(costs[1]).toEqual(costs[0]);
  expect(losses[0]).toHaveLength(3);
  expect(losses[1]).toEqual(losses[0]);
}

inBrowsers(installed => {
  const { stay, visit } = readers(installed, { dark: false, reducedMotion: false }, () => site('plain'));

  describe.each(['plain', 'bundled'] as const)('%s', kind => {
    const here = stay(
      ({ page }) => openShop(page, kind),
      () => site(kind),
    );
    const tab = () => here().page;

    it('gives the same bits as without a worker', async () => {
      const found = await trainBoth(tab());
      expectSame(found);
      expect(found.policy).toBe(kind === 'bundled' ? policy['content-security-policy'] : null);
    });

    it('ends a training when asked, passes errors on, takes arrays that are given up', async () => {
      const found = await tab().evaluate(async () => {
        const { lw, connect, numbers, small } = (globalThis as unknown as { shop: Shop }).shop;
        const host = connect();
        const model = await small(host);
        const [x, y] = [numbers(3000), numbers(300)];
        const control = new AbortController();
        setTimeout(() => control.abort(), 200);
        const aborted = await model
          .fit(x, y, { epochs: 1e6, verbose: 0, signal: control.signal })
          .catch((error: Error) => error.name);
        let stops = 0;
        const onEpochEnd = (epoch: number) => {
          if (epoch === 5) model.stopTraining = true;
          stops = epoch;
        };
        const { epoch } = await model.fit(x, y, { epochs: 1e6, verbose: 0, callbacks: { onEpochEnd } });
        const error = await model.setWeights([[1]]).catch((error: Error) => error);
        const copied = [x.length, y.length];
        await model.fit(x, y, { epochs: 1, verbose: 0, transfer: true });
        const given = [x.length, y.length];
        await host.terminate();
        const kind = error instanceof lw.ValueError;
        return { aborted, ended: epoch.length > 5, heard: stops === epoch.at(-1), kind, copied, given };
      });
      const lengths = { copied: [3000, 300], given: [0, 0] };
      expect(found).toEqual({ aborted: 'AbortError', ended: true, heard: true, kind: true, ...lengths });
    });

    // The policy forbids such a worker
    it.runIf(kind === 'plain')('says why where the worker dies in mid-training', async () => {
      const [fit, later] = await tab().evaluate(async () => {
        const { connect, numbers, small } = (globalThis as unknown as { shop: Shop }).shop;
        const dying = `import '${location.origin}/thread.js'; setTimeout(() => { throw new Error('no such luck'); }, 500);`;
        const url = URL.createObjectURL(new Blob([dying], { type: 'text/javascript' }));
        const worker = new Worker(url, { type: 'module' });
        worker.addEventListener('error', event => event.preventDefault());
        const model = await small(connect({ worker }));
        const [x, y] = [numbers(3000), numbers(300)];
        const said = await model.fit(x, y, { epochs: 1e6, verbose: 0 }).catch((error: Error) => error.message);
        return [said, await model.predict(x).catch((error: Error) => error.message)];
      });
      const reason = /the worker failed: .*no such luck$/;
      expect(fit).toMatch(reason);
      expect(fit).toMatch(/^model.fit: the worker ended before the call was complete; /);
      expect(later).toMatch(reason);
    });

    it('leaves nothing hanging when it is terminated in mid-training, again and again', async () => {
      const found = await tab().evaluate(async times => {
        const { connect, numbers, small } = (globalThis as unknown as { shop: Shop }).shop;
        const [x, y] = [numbers(3000), numbers(300)];
        const said = new Set<string>();
        for (let n = 0; n < times; n++) {
          const host = connect();
          const model = await small(host);
          const fit = model.fit(x, y, { epochs: 1e6, verbose: 0 }).catch((error: Error) => error.message);
          await new Promise(resolve => setTimeout(resolve, n));
          await host.terminate();
          said.add(String(await fit));
        }
        return [...said];
      }, 8);
      expect(found).toEqual([
        'model.fit: the worker ended before the call was complete; the worker has been terminated',
      ]);
    });
  });

  it.each(['bundled sources', 'developed', 'developed sources'] as const)('%s', async kind => {
    const { page } = await visit('', site(kind));
    await openShop(page, kind);
    expectSame(await trainBoth(page));
  });
});
