/**
 * The engine `local` with Web Workers, on pages with the built package, with the packed package bundled by Vite under a strict
 * content security policy, and with the package and its sources from the development server of Vite.
 */

import type { Page } from 'puppeteer-core';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { built, open, scale, wave } from '../scale/engines.ts';
import { browserPages, inBrowsers } from './browserSuites.ts';
import { kinds, loadFixture, type PageFixture, packageSites, policy } from './servedPages.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

const site = packageSites('scale', kinds);
const options = { horizon: 4, inputSteps: 12, epochs: 2, units: 6 };
const series = [0, 1, 2, 3].map(phase => ({ id: `s${phase}`, values: Array.from(wave(60, phase)) }));

/** What Node computes. */
let expected: { models: (string | null)[]; forecasts: number[][]; task: string };

const taskParts = { kind: 'fit', input: { b: [1, 2.5], a: 'text', '10': null }, seed: 3 } as const;

beforeAll(async () => {
  const { configure } = await built('index');
  configure({ simd: 'strict' });
  const engine = open({ workers: 2 });
  const fits = await scale.fitEach(series, options, { engine });
  const predicted = await scale.predictEach(fits, series, { engine });
  expected = {
    models: fits.map(({ model }) => model),
    forecasts: predicted.map(({ forecast }) => Array.from(forecast!.mean)),
    task: (await scale.makeTask(taskParts)).id,
  };
  await engine.close();
});

const fitInPage = (tab: Page) =>
  tab.evaluate(
    async (series, options, taskParts) => {
      const { local, fitEach, predictEach, makeTask } = (globalThis as unknown as { fixture: PageFixture }).fixture
        .scale;
      const engine = local({ workers: 2 });
      const fits = await fitEach(series, options, { engine });
      const predicted = await predictEach(fits, series, { engine });
      await engine.close();
      const { headers } = await fetch(location.href);
      return {
        errors: fits.map(({ error }) => error && String(error)),
        models: fits.map(({ model }) => model),
        forecasts: predicted.map(({ forecast }) => Array.from(forecast?.mean ?? [])),
        task: (await makeTask(taskParts)).id,
        policy: headers.get('content-security-policy'),
      };
    },
    series,
    options,
    taskParts,
  );

inBrowsers(installed => {
  const { openPage, sharePage } = browserPages(installed, { dark: false, reducedMotion: false }, () => site('plain'));

  describe('without a bundler', () => {
    const sharedPage = sharePage(
      ({ page }) => loadFixture(page, 'plain'),
      () => site('plain'),
    );

    it('fits and forecasts the bits of Node, and gives tasks the same ids', async () => {
      const found = await fitInPage(sharedPage().page);
      expect(found).toEqual({ ...expected, errors: [null, null, null, null], policy: null });
    });

    it('replaces workers that die, three times, and runs task files with strict kernels', async () => {
      const found = await sharedPage().page.evaluate(async () => {
        const { local, makeTask } = (globalThis as unknown as { fixture: PageFixture }).fixture.scale;
        const engine = local({ workers: 1 });
        const script = `
          import { backendInfo } from '${location.origin}/index.js';
          const ways = {
            close: () => { self.close(); return new Promise(() => {}); },
            throwLater: () => { setTimeout(() => { throw new Error('test failure'); }); return new Promise(() => {}); },
            forever: () => { for (;;); },
            fine: () => ({ value: [backendInfo().simd, typeof document] }),
          };
          export default ({ params }) => ways[params.how]();`;
        const file = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
        const run = async (how: string, signal?: AbortSignal) => {
          const task = await makeTask({ kind: 'file', file, input: { params: { how } }, seed: 1 });
          return engine.run(task, signal && { signal }).then(
            ({ value }) => value,
            (error: Error) => `${error.name}: ${error.message}`,
          );
        };
        const results = [await run('close'), await run('throwLater')];
        const control = new AbortController();
        setTimeout(() => control.abort(), 200);
        results.push(await run('forever', control.signal), await run('fine'));
        await engine.close();
        return results;
      });
      const dead = (how: string, reason: string) =>
        new RegExp(
          `^TaskError: 3 threads have ended while they ran the task 'file' with .*"how":"${how}".*; ${reason}$`,
        );
      expect(found[0]).toMatch(dead('close', 'it has ended itself'));
      expect(found[1]).toMatch(dead('throwLater', '.*test failure'));
      expect(found[2]).toMatch(/^AbortError/);
      expect(found[3]).toMatchObject({ value: ['strict', 'undefined'] });
    });
  });

  it.each(['bundled', 'bundled sources', 'developed', 'developed sources'] as const)(
    '%s: fits and forecasts the bits of Node',
    async kind => {
      const { page } = await openPage('', site(kind));
      await loadFixture(page, kind);
      const found = await fitInPage(page);
      const isGuarded = kind === 'bundled' || kind === 'bundled sources';
      const header = isGuarded ? policy['content-security-policy'] : null;
      expect(found).toEqual({ ...expected, errors: [null, null, null, null], policy: header });
    },
  );
});
