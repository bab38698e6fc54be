/** Forecasters of the built package in pages, in Web Workers and in worker threads: the same bits as in Node. */

import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker as Thread } from 'node:worker_threads';
import type * as Core from 'lstm-wasm';
import type * as Forecasts from 'lstm-wasm/forecast';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { browserPages, inBrowsers } from './browserSuites.ts';
import { type Site, serve } from './site.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const dist = new URL('../../dist/', import.meta.url);

/** What a run computes. Plain numbers, which JSON keeps. */
interface Results {
  series: unknown;
  losses: number[];
  forecasts: unknown;
  /** The same forecasts from a forecaster in memory and in a store. */
  memory: unknown;
  stored: unknown;
  /** Those of the forecaster that was saved in Node. */
  served: unknown;
}

/** Reads a table, trains, forecasts, saves and loads. Its source runs in other places too, so it refers to nothing outside. */
async function run(
  lw: typeof Core,
  { forecaster, loadForecaster, readCsv }: typeof Forecasts,
  { store, url }: { store: string | null; url: string | null },
): Promise<Results> {
  lw.configure({ simd: 'strict' });
  let state = 5;
  const random = () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
  const rows = ['day;shop;sold;price'];
  for (let day = 1; day <= 120; day++) {
    for (const shop of ['north', 'south']) {
      const sold = day % 17 === 0 ? '' : Math.floor((day % 7 < 5 ? 4 : 9) * (0.3 + 1.4 * random()));
      const date = new Date(Date.UTC(2024, 0, day)).toISOString().slice(0, 10);
      rows.push(`${date};${shop};${day > 112 ? '' : sold};${(1 + random()).toFixed(2).replace('.', ',')}`);
    }
  }
  const series = readCsv(rows.join('\n'), { value: 'sold', id: 'shop', future: 'price' });
  const plain = (forecasts: Forecasts.Forecast[]) =>
    forecasts.map(({ id, time, mean, median, quantiles, samples }) => ({
      ...{ id, time, mean: [...mean], median: [...median] },
      quantiles: Object.entries(quantiles).map(([level, values]) => [level, ...values]),
      samples: samples.map(path => [...path]),
    }));
  const small = { horizon: 7, inputSteps: 28, units: 8, epochs: 2, batchesPerEpoch: 5, batchSize: 16, seed: 3 };
  const losses: number[] = [];
  const results: Results = { series: null, losses, forecasts: [], memory: [], stored: [], served: null };
  results.series = series.map(one => ({
    ...one,
    values: [...Float64Array.from(one.values)].map(String),
    future: null,
  }));
  const asked = { levels: [0.1, 0.5, 0.9], samples: 3, seed: 2 };
  const outputs = [
    { output: { quantiles: [0.1, 0.5, 0.9] } },
    { output: 'studentT', ensemble: 2, cell: 'gru' },
    { output: 'negativeBinomial', decoding: 'autoregressive' },
  ] as const;
  const all: [unknown[], unknown[], unknown[]] = [[], [], []];
  for (const [n, options] of outputs.entries()) {
    const model = forecaster({ ...small, ...options });
    await model.fit(series, { onProgress: ({ loss, validationLoss }) => losses.push(loss, validationLoss) });
    all[0].push(plain(await model.predict(series, asked)));
    let saved: Core.ModelArtifacts | undefined;
    await model.save(
      lw.io.withSaveHandler(async artifacts => {
        saved = artifacts;
        const sizes = { modelTopologyBytes: 0, weightSpecsBytes: 0, weightDataBytes: 0 };
        return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON', ...sizes } };
      }),
    );
    all[1].push(plain(await (await loadForecaster(lw.io.fromMemory(saved!))).predict(series, asked)));
    if (store === null) continue;
    await model.save(`${store}${n}`);
    all[2].push(plain(await (await loadForecaster(`${store}${n}`)).predict(series, asked)));
  }
  [results.forecasts, results.memory, results.stored] = all;
  if (url !== null) results.served = plain(await (await loadForecaster(url)).predict(series, asked));
  return results;
}

let folder: string;
let site: Site;
let expected: Results;

beforeAll(async () => {
  const all = fileURLToPath(new URL('../../build/forecast-pages', import.meta.url));
  await mkdir(all, { recursive: true });
  folder = await mkdtemp(join(all, 'site-'));
  await symlink(fileURLToPath(dist), join(folder, 'package'));
  const imports = "import * as lw from '/package/index.js'; import * as forecast from '/package/forecast.js';";
  const start = `(${String(run)})(lw, forecast, options)`;
  await writeFile(join(folder, 'page.js'), `${imports} globalThis.runForecasts = options => ${start};`);
  const answer = 'result => postMessage({ result }), error => postMessage({ error: String(error) })';
  await writeFile(join(folder, 'worker.js'), `${imports} onmessage = ({ data: options }) => ${start}.then(${answer});`);
  const [lw, forecasts] = (await Promise.all(
    ['index.js', 'forecast.js'].map(name => import(/* @vite-ignore */ new URL(name, dist).href)),
  )) as [typeof Core, typeof Forecasts];
  expected = await run(lw, forecasts, { store: `file://${folder}/saved`, url: null });
  site = await serve(folder);
});

afterAll(async () => {
  await site?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

/** The results must be those of Node; the served forecaster is the last one that Node saved. */
function expectSame({ series, losses, forecasts, memory, stored, served }: Results): void {
  expect(series).toEqual(expected.series);
  expect(losses).toEqual(expected.losses);
  expect(forecasts).toEqual(expected.forecasts);
  expect(memory).toEqual(expected.forecasts);
  expect(stored).toEqual(expected.forecasts);
  expect(served).toEqual((expected.forecasts as unknown[]).at(-1));
}

it('forecasters in Node have finite forecasts that a saved file repeats', () => {
  const { forecasts, memory, stored, losses } = expected;
  expect(losses.length).toBe(2 * 2 * 4);
  expect(losses.every(Number.isFinite)).toBe(true);
  expect(memory).toEqual(forecasts);
  expect(stored).toEqual(forecasts);
});

it('a worker thread of Node computes the same bits', async () => {
  const code = `
    const { parentPort, workerData } = require('node:worker_threads');
    (async () => {
      const [lw, forecast] = await Promise.all(['index.js', 'forecast.js'].map(name => import(workerData.dist + name)));
      parentPort.postMessage(await (${String(run)})(lw, forecast, workerData.options));
    })();`;
  const options = { store: `file://${folder}/thread`, url: `${site.url}saved2/model.json` };
  const thread = new Thread(code, { eval: true, workerData: { dist: dist.href, options } });
  const results = await new Promise<Results>((resolve, reject) => {
    thread.once('message', resolve).once('error', reject);
  });
  await thread.terminate();
  expectSame(results);
});

inBrowsers(installed => {
  describe('forecasters', () => {
    const { openPage } = browserPages(installed, { dark: false, reducedMotion: false }, () => site);

    it('in a page compute the same bits, and in IndexedDB keep them', async () => {
      const { page } = await openPage();
      await page.addScriptTag({ type: 'module', content: "import '/page.js'; globalThis.isReady = true;" });
      await page.waitForFunction(() => 'isReady' in globalThis);
      const results = await page.evaluate(async url => {
        const { runForecasts } = globalThis as unknown as { runForecasts(options: object): Promise<object> };
        return JSON.stringify(await runForecasts({ store: 'indexeddb://page', url }));
      }, `${site.url}saved2/model.json`);
      expectSame(JSON.parse(results));
    });

    it('in a Web Worker compute the same bits, and in IndexedDB keep them', async () => {
      const { page } = await openPage();
      const results = await page.evaluate(async url => {
        const worker = new Worker('/worker.js', { type: 'module' });
        const { result, error } = await new Promise<{ result?: object; error?: string }>((resolve, reject) => {
          worker.onmessage = ({ data }) => resolve(data);
          worker.onerror = event => reject(new Error(event.message));
          worker.postMessage({ store: 'indexeddb://worker', url });
        });
        worker.terminate();
        if (error !== undefined) throw new Error(error);
        return JSON.stringify(result);
      }, `${site.url}saved2/model.json`);
      expectSame(JSON.parse(results));
    });
  });
});
