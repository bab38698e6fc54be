/**
 * Models in a Web Worker, on pages with the built package, with the packed package bundled by Vite under a strict content
 * security policy, and with the package and its sources from the development server of Vite.
 */

import type { Page } from 'puppeteer-core';
import { describe, expect, it, vi } from 'vitest';
import { browserPages, inBrowsers } from './browserSuites.ts';
import { kinds, loadFixture, type PageFixture, packageSites, policy } from './servedPages.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

const site = packageSites('worker', kinds);

/**
 * Trains in the page and in a worker; returns the losses of a stateful model and those of a model with dropout and
 * shuffling.
 */
const trainBoth = (tab: Page) =>
  tab.evaluate(async () => {
    const { lw, connect, sineCosine, numbers, layers, small } = (globalThis as unknown as { fixture: PageFixture })
      .fixture;
    const stack = () => [
      lw.layers.lstm({ units: 20, returnSequences: true, stateful: true, batchInputShape: [50, 20, 1] }),
      lw.layers.timeDistributed({ layer: lw.layers.dense({ units: 1 }) }),
    ];
    const host = connect({ seed: 3, simd: 'strict' });
    lw.setRandomSeed(3);
    const local = lw.sequential({ layers: stack() });
    const remoteStateful = await host.sequential({ layers: stack() });
    local.compile({ optimizer: lw.train.adam(0.006), loss: 'meanSquaredError' });
    await remoteStateful.compile({ optimizer: lw.train.adam(0.006), loss: 'meanSquaredError' });
    const batches = sineCosine({ batchSize: 50, timeSteps: 20 });
    const costs: [unknown[], Promise<unknown>[]] = [[], []];
    for (let step = 0; step < 30; step++) {
      const { xs, ys } = batches.next().value!;
      costs[0].push(local.trainOnBatch(xs, ys));
      costs[1].push(remoteStateful.trainOnBatch(xs, ys));
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
  const { openPage, sharePage } = browserPages(installed, { dark: false, reducedMotion: false }, () => site('plain'));

  describe.each(['plain', 'bundled'] as const)('%s', kind => {
    const sharedPage = sharePage(
      ({ page }) => loadFixture(page, kind),
      () => site(kind),
    );
    const tab = () => sharedPage().page;

    it('training in a worker gives the same bits as in the page', async () => {
      const found = await trainBoth(tab());
      expectSame(found);
      expect(found.policy).toBe(kind === 'bundled' ? policy['content-security-policy'] : null);
    });

    it('fit can be aborted and stopped, errors are passed on, and arrays can be transferred', async () => {
      const found = await tab().evaluate(async () => {
        const { lw, connect, numbers, small } = (globalThis as unknown as { fixture: PageFixture }).fixture;
        const host = connect();
        const model = await small(host);
        const [x, y] = [numbers(3000), numbers(300)];
        const control = new AbortController();
        setTimeout(() => control.abort(), 200);
        const aborted = await model
          .fit(x, y, { epochs: 1e6, verbose: 0, signal: control.signal })
          .catch((error: Error) => error.name);
        let lastEpoch = 0;
        const onEpochEnd = (epoch: number) => {
          if (epoch === 5) model.stopTraining = true;
          lastEpoch = epoch;
        };
        const { epoch } = await model.fit(x, y, { epochs: 1e6, verbose: 0, callbacks: { onEpochEnd } });
        const error = await model.setWeights([[1]]).catch((error: Error) => error);
        const lengthsAfterCopy = [x.length, y.length];
        await model.fit(x, y, { epochs: 1, verbose: 0, transfer: true });
        const lengthsAfterTransfer = [x.length, y.length];
        await host.terminate();
        const isValueError = error instanceof lw.ValueError;
        return {
          aborted,
          ended: epoch.length > 5,
          lastEpochReported: lastEpoch === epoch.at(-1),
          isValueError,
          lengthsAfterCopy,
          lengthsAfterTransfer,
        };
      });
      const lengths = { lengthsAfterCopy: [3000, 300], lengthsAfterTransfer: [0, 0] };
      expect(found).toEqual({
        aborted: 'AbortError',
        ended: true,
        lastEpochReported: true,
        isValueError: true,
        ...lengths,
      });
    });

    // The content security policy of the bundled page forbids this worker.
    it.runIf(kind === 'plain')('pending and later calls report why the worker failed during training', async () => {
      const [fit, later] = await tab().evaluate(async () => {
        const { connect, numbers, small } = (globalThis as unknown as { fixture: PageFixture }).fixture;
        const script = `import '${location.origin}/thread.js'; setTimeout(() => { throw new Error('test failure'); }, 500);`;
        const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
        const worker = new Worker(url, { type: 'module' });
        worker.addEventListener('error', event => event.preventDefault());
        const model = await small(connect({ worker }));
        const [x, y] = [numbers(3000), numbers(300)];
        const fitError = await model.fit(x, y, { epochs: 1e6, verbose: 0 }).catch((error: Error) => error.message);
        return [fitError, await model.predict(x).catch((error: Error) => error.message)];
      });
      const reason = /the worker failed: .*test failure$/;
      expect(fit).toMatch(reason);
      expect(fit).toMatch(/^model.fit: the worker ended before the call was complete; /);
      expect(later).toMatch(reason);
    });

    it('terminate rejects a pending fit at any time', async () => {
      const found = await tab().evaluate(async times => {
        const { connect, numbers, small } = (globalThis as unknown as { fixture: PageFixture }).fixture;
        const [x, y] = [numbers(3000), numbers(300)];
        const messages = new Set<string>();
        for (let n = 0; n < times; n++) {
          const host = connect();
          const model = await small(host);
          const fit = model.fit(x, y, { epochs: 1e6, verbose: 0 }).catch((error: Error) => error.message);
          await new Promise(resolve => setTimeout(resolve, n));
          await host.terminate();
          messages.add(String(await fit));
        }
        return [...messages];
      }, 8);
      expect(found).toEqual([
        'model.fit: the worker ended before the call was complete; the worker has been terminated',
      ]);
    });
  });

  it.each(['bundled sources', 'developed', 'developed sources'] as const)(
    '%s: training in a worker gives the same bits as in the page',
    async kind => {
      const { page } = await openPage('', site(kind));
      await loadFixture(page, kind);
      expectSame(await trainBoth(page));
    },
  );
});
