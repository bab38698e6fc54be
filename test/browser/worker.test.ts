/**
 * Models in a Web Worker: from the package as it is built, from a page that Vite made of the packed package, under a strict
 * policy, and from pages that Vite serves while they are written, of the package and of its sources.
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'puppeteer-core';
import { build, createServer, type InlineConfig } from 'vite';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import demo from '../../demo/vite.config.ts';
import { browsers, launch, type RunningBrowser } from './browsers.ts';
import { type Site, serve } from './site.ts';
import { Visit } from './visit.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

const root = fileURLToPath(new URL('../../', import.meta.url));
const home = join(root, 'build/worker-pages'); // inside the package, whose dependencies it then finds
const policy = { 'content-security-policy': "script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'" };

/** A page that imports the package; how Vite finds that there, in the folder itself or in the sources, as the demo does. */
function write(name: string, { resolve, worker }: Pick<InlineConfig, 'resolve' | 'worker'> = {}): InlineConfig {
  const folder = join(home, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'main.js'), page('lstm-wasm', 'lstm-wasm/worker', 'lstm-wasm/data'));
  const html = '<!doctype html><link rel="icon" href="data:,"><script type="module" src="./main.js"></script>';
  writeFileSync(join(folder, 'index.html'), html);
  const cacheDir = join(folder, 'cache');
  return { root: folder, base: './', configFile: false, logLevel: 'error', cacheDir, resolve, worker };
}

/** The package where a page finds it that has it installed. */
function install(folder: string): void {
  const modules = join(folder, 'node_modules');
  mkdirSync(modules, { recursive: true });
  const words = ['pack', '--json', '--ignore-scripts', '--loglevel', 'error', '--pack-destination', folder];
  const [{ filename }] = JSON.parse(execFileSync('npm', words, { cwd: root, encoding: 'utf8' }));
  execFileSync('tar', ['-xf', join(folder, filename), '-C', modules]);
  renameSync(join(modules, 'package'), join(modules, 'lstm-wasm'));
}

/** As it is put on a server. */
async function bundle(config: InlineConfig): Promise<Site> {
  const environment = process.env.NODE_ENV;
  process.env.NODE_ENV = 'production';
  try {
    await build({ ...config, build: { target: 'es2023' } });
  } finally {
    process.env.NODE_ENV = environment;
  }
  return serve(join(config.root!, 'dist'), policy);
}

/** As its author sees it. */
async function develop(config: InlineConfig): Promise<Site> {
  const server = await createServer({
    ...config,
    server: { host: '127.0.0.1', port: 0, fs: { strict: false } },
  });
  await server.listen();
  return { url: server.resolvedUrls!.local[0]!, close: () => server.close() };
}

const page = (core: string, worker: string, data: string) => `
  import * as lw from '${core}';
  import { connect } from '${worker}';
  import { sineCosine } from '${data}';
  lw.configure({ simd: 'strict' });
  globalThis.shop = { lw, connect, sineCosine };`;

/** What the page has, and what the tests make of it in every page. */
interface Shop {
  lw: typeof import('lstm-wasm');
  connect: typeof import('lstm-wasm/worker').connect;
  sineCosine: typeof import('lstm-wasm/data').sineCosine;
  numbers(count: number): Float32Array;
  layers(): import('lstm-wasm').Layer[];
  small(host: import('lstm-wasm/worker').Host): Promise<import('lstm-wasm/worker').RemoteSequential>;
}

const pages: Record<string, Site> = {};

beforeAll(async () => {
  rmSync(home, { recursive: true, force: true });
  const [installed, sources] = [write('installed'), write('sources', demo)];
  install(installed.root!);
  pages.plain = await serve(join(root, 'dist'));
  pages.bundled = await bundle(installed);
  pages['bundled sources'] = await bundle(sources);
  pages.developed = await develop(installed);
  pages['developed sources'] = await develop(sources);
});

afterAll(async () => {
  for (const site of Object.values(pages)) await site.close();
  rmSync(home, { recursive: true, force: true });
});

async function open(tab: Page, kind: string): Promise<void> {
  if (kind === 'plain') {
    await tab.addScriptTag({ type: 'module', content: page('/index.js', '/worker.js', '/data.js') });
  }
  // Not waitForFunction, which the policy forbids
  while (!(await tab.evaluate(() => 'shop' in globalThis))) await new Promise(resolve => setTimeout(resolve, 50));
  await tab.evaluate(() => {
    const { shop } = globalThis as unknown as { shop: Shop };
    const { layers } = shop.lw;
    shop.numbers = count => Float32Array.from({ length: count }, (_, n) => Math.sin(n * 0.7));
    shop.layers = () => [
      layers.gru({ units: 6, inputShape: [5, 2], dropout: 0.2 }),
      layers.dropout({ rate: 0.3 }),
      layers.dense({ units: 1 }),
    ];
    shop.small = async host => {
      const model = await host.sequential({ layers: shop.layers() });
      await model.compile({ optimizer: 'adam', loss: 'mse' });
      return model;
    };
  });
}

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

for (const installed of browsers) {
  const { name, commands, executable } = installed;
  if (!executable) console.warn(`No ${name} (${commands.join(', ')}) in PATH: its tests are skipped.`);

  describe.skipIf(!executable).each(['plain', 'bundled'])(`${name}, %s`, kind => {
    let browser: RunningBrowser;
    let visit: Visit;
    let tab: Page;

    beforeAll(async () => {
      browser = await launch(installed, { dark: false, reducedMotion: false, gc: true });
      visit = await Visit.begin(browser, pages[kind]!.url);
      tab = visit.page;
      await open(tab, kind);
    });

    afterAll(async () => {
      await browser?.close();
      expect(visit.faults).toEqual([]);
    });

    it('gives the same bits as without a worker', async () => {
      const found = await trainBoth(tab);
      expectSame(found);
      expect(found.policy).toBe(kind === 'bundled' ? policy['content-security-policy'] : null);
    });

    it('ends a training when asked, passes errors on, takes arrays that are given up', async () => {
      const found = await tab.evaluate(async () => {
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
      const [fit, later] = await tab.evaluate(async () => {
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
      const reason = /the worker must be running, but failed: .*no such luck$/;
      expect(fit).toMatch(reason);
      expect(fit).toMatch(/^model.fit: the worker ended before the call did; /);
      expect(later).toMatch(reason);
    });

    it('leaves nothing hanging when it is terminated in mid-training, 20 times', async () => {
      const found = await tab.evaluate(async () => {
        const { connect, numbers, small } = (globalThis as unknown as { shop: Shop }).shop;
        const [x, y] = [numbers(3000), numbers(300)];
        const said = new Set<string>();
        for (let n = 0; n < 20; n++) {
          const host = connect();
          const model = await small(host);
          const fit = model.fit(x, y, { epochs: 1e6, verbose: 0 }).catch((error: Error) => error.message);
          await new Promise(resolve => setTimeout(resolve, n));
          await host.terminate();
          said.add(String(await fit));
        }
        return [...said];
      });
      expect(found).toEqual([
        'model.fit: the worker ended before the call did; the worker must not be used after terminate()',
      ]);
    });

    it.runIf(name === 'chromium')('lets the page draw while it trains, and keeps to its memory', async () => {
      const found = await tab.evaluate(async () => {
        const { lw, connect, numbers } = (globalThis as unknown as { shop: Shop }).shop;
        const host = connect();
        const model = await host.sequential({
          layers: [lw.layers.lstm({ units: 128, inputShape: [50, 8] }), lw.layers.dense({ units: 1 })],
        });
        await model.compile({ optimizer: 'adam', loss: 'mse' });
        const [x, y] = [numbers(64 * 16 * 400), numbers(64 * 16)];
        let batches = 0;
        const train = (epochs: number) =>
          model.fit(x, y, { epochs, batchSize: 64, callbacks: { onBatchEnd: () => void batches++ } });
        await train(1);
        const memory = () => {
          globalThis.gc!();
          return (performance as unknown as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize;
        };
        const before = [(await host.backendInfo()).memoryBytes, memory()] as const;
        const fit = train(4);
        const gaps: number[] = [];
        let going = true;
        void fit.then(() => {
          going = false;
        });
        for (let last = performance.now(); going; ) {
          await new Promise(requestAnimationFrame);
          const now = performance.now();
          gaps.push(now - last);
          last = now;
        }
        await fit;
        const after = [(await host.backendInfo()).memoryBytes, memory()] as const;
        await host.terminate();
        const slow = gaps.sort((a, b) => a - b)[Math.floor(gaps.length * 0.9)]!;
        return { batches, frames: gaps.length, slow, before, after };
      });
      expect(found.batches).toBe(80);
      expect(found.frames).toBeGreaterThan(30);
      // Not the longest: one frame may wait for whatever else the machine does.
      expect(found.slow).toBeLessThan(50);
      expect(found.after[0]).toBe(found.before[0]);
      expect(found.after[1] - found.before[1]).toBeLessThan(4 * 2 ** 20);
      console.log(`${found.frames} frames, nine in ten at most ${found.slow.toFixed(1)} ms apart`);
    });
  });

  describe.skipIf(!executable)(`${name}, other pages of Vite`, () => {
    let browser: RunningBrowser;

    beforeAll(async () => {
      browser = await launch(installed, { dark: false, reducedMotion: false });
    });

    afterAll(() => browser?.close());

    it.each(['bundled sources', 'developed', 'developed sources'])('%s', async kind => {
      const visit = await Visit.begin(browser, pages[kind]!.url);
      await open(visit.page, kind);
      expectSame(await trainBoth(visit.page));
      expect(visit.faults).toEqual([]);
    });
  });
}
