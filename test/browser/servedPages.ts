/**
 * Pages that have the package, with its workers: as it is built, and as Vite made or serves them, of the packed package and
 * of its sources.
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'puppeteer-core';
import { build, createServer, type InlineConfig } from 'vite';
import { afterAll, beforeAll } from 'vitest';
import demo from '../../demo/vite.config.ts';
import { type Site, serve } from './site.ts';

export const kinds = ['plain', 'bundled', 'bundled sources', 'developed', 'developed sources'] as const;
export type Kind = (typeof kinds)[number];

/** Of the package, whose dependencies pages inside of it find. */
const root = fileURLToPath(new URL('../..', import.meta.url));
export const policy = { 'content-security-policy': "script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'" };

/** A page that imports the package; how Vite finds that there, in the folder itself or in the sources, as the demo does. */
function write(folder: string, { resolve, worker }: Pick<InlineConfig, 'resolve' | 'worker'> = {}): InlineConfig {
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
export interface Shop {
  lw: typeof import('lstm-wasm');
  connect: typeof import('lstm-wasm/worker').connect;
  sineCosine: typeof import('lstm-wasm/data').sineCosine;
  numbers(count: number): Float32Array;
  layers(): import('lstm-wasm').Layer[];
  small(host: import('lstm-wasm/worker').Host): Promise<import('lstm-wasm/worker').RemoteSequential>;
}

/** Pages of some kinds, for the tests of a file. */
export function shopSites(name: string, wanted: readonly Kind[]): (kind: Kind) => Site {
  const home = join(root, 'build/worker-pages', name);
  const pages = new Map<Kind, Site>();
  beforeAll(async () => {
    rmSync(home, { recursive: true, force: true });
    const [installed, sources] = [write(join(home, 'installed')), write(join(home, 'sources'), demo)];
    install(installed.root!);
    const makers: Record<Kind, () => Promise<Site>> = {
      plain: () => serve(join(root, 'dist')),
      bundled: () => bundle(installed),
      'bundled sources': () => bundle(sources),
      developed: () => develop(installed),
      'developed sources': () => develop(sources),
    };
    for (const kind of wanted) pages.set(kind, await makers[kind]());
  });
  afterAll(async () => {
    for (const site of pages.values()) await site.close();
    rmSync(home, { recursive: true, force: true });
  });
  return kind => pages.get(kind)!;
}

/** Once a page has the shop. */
export async function openShop(tab: Page, kind: Kind): Promise<void> {
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
