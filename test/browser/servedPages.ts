/**
 * Pages that load the package and its workers: the built package without a bundler, and pages that Vite builds or serves,
 * from the packed package and from its sources.
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

/** The package folder. Pages inside it resolve its dependencies. */
const root = fileURLToPath(new URL('../..', import.meta.url));
export const policy = { 'content-security-policy': "script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'" };

/** Writes a page that imports the package, which Vite resolves in the folder itself or, with the demo's settings, in the sources. */
function writePage(folder: string, { resolve, worker }: Pick<InlineConfig, 'resolve' | 'worker'> = {}): InlineConfig {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'main.js'), page('lstm-wasm', 'lstm-wasm/worker', 'lstm-wasm/data', 'lstm-wasm/scale'));
  const html = '<!doctype html><link rel="icon" href="data:,"><script type="module" src="./main.js"></script>';
  writeFileSync(join(folder, 'index.html'), html);
  const cacheDir = join(folder, 'cache');
  return { root: folder, base: './', configFile: false, logLevel: 'error', cacheDir, resolve, worker };
}

/** Packs the package and installs it into the folder of a page. */
function install(folder: string): void {
  const modules = join(folder, 'node_modules');
  mkdirSync(modules, { recursive: true });
  const packArguments = ['pack', '--json', '--ignore-scripts', '--loglevel', 'error', '--pack-destination', folder];
  const [{ filename }] = JSON.parse(execFileSync('npm', packArguments, { cwd: root, encoding: 'utf8' }));
  execFileSync('tar', ['-xf', join(folder, filename), '-C', modules]);
  renameSync(join(modules, 'package'), join(modules, 'lstm-wasm'));
}

/** Builds a page for production and serves it. */
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

/** Serves a page from the development server of Vite. */
async function develop(config: InlineConfig): Promise<Site> {
  const server = await createServer({
    ...config,
    server: { host: '127.0.0.1', port: 0, fs: { strict: false } },
  });
  await server.listen();
  return { url: server.resolvedUrls!.local[0]!, close: () => server.close() };
}

const page = (core: string, worker: string, data: string, scale: string) => `
  import * as lw from '${core}';
  import { connect } from '${worker}';
  import { sineCosine } from '${data}';
  import * as scale from '${scale}';
  lw.configure({ simd: 'strict' });
  globalThis.fixture = { lw, connect, sineCosine, scale };`;

/** Globals of a page: the package, and test data and models. */
export interface PageFixture {
  lw: typeof import('lstm-wasm');
  connect: typeof import('lstm-wasm/worker').connect;
  sineCosine: typeof import('lstm-wasm/data').sineCosine;
  scale: typeof import('lstm-wasm/scale');
  numbers(count: number): Float32Array;
  layers(): import('lstm-wasm').Layer[];
  small(host: import('lstm-wasm/worker').Host): Promise<import('lstm-wasm/worker').RemoteSequential>;
}

/** Serves the pages of the given kinds for the tests of a file. */
export function packageSites(name: string, requested: readonly Kind[]): (kind: Kind) => Site {
  const sitesFolder = join(root, 'build/worker-pages', name);
  const pages = new Map<Kind, Site>();
  beforeAll(async () => {
    rmSync(sitesFolder, { recursive: true, force: true });
    const [installed, sources] = [
      writePage(join(sitesFolder, 'installed')),
      writePage(join(sitesFolder, 'sources'), demo),
    ];
    install(installed.root!);
    const serveKind: Record<Kind, () => Promise<Site>> = {
      plain: () => serve(join(root, 'dist')),
      bundled: () => bundle(installed),
      'bundled sources': () => bundle(sources),
      developed: () => develop(installed),
      'developed sources': () => develop(sources),
    };
    for (const kind of requested) pages.set(kind, await serveKind[kind]());
  });
  afterAll(async () => {
    for (const site of pages.values()) await site.close();
    rmSync(sitesFolder, { recursive: true, force: true });
  });
  return kind => pages.get(kind)!;
}

/** Loads the package into a page and sets its globals. */
export async function loadFixture(tab: Page, kind: Kind): Promise<void> {
  if (kind === 'plain') {
    await tab.addScriptTag({ type: 'module', content: page('/index.js', '/worker.js', '/data.js', '/scale.js') });
  }
  // Polls, because the content security policy forbids waitForFunction.
  while (!(await tab.evaluate(() => 'fixture' in globalThis))) await new Promise(resolve => setTimeout(resolve, 50));
  await tab.evaluate(() => {
    const { fixture } = globalThis as unknown as { fixture: PageFixture };
    const { layers } = fixture.lw;
    fixture.numbers = count => Float32Array.from({ length: count }, (_, n) => Math.sin(n * 0.7));
    fixture.layers = () => [
      layers.gru({ units: 6, inputShape: [5, 2], dropout: 0.2 }),
      layers.dropout({ rate: 0.3 }),
      layers.dense({ units: 1 }),
    ];
    fixture.small = async host => {
      const model = await host.sequential({ layers: fixture.layers() });
      await model.compile({ optimizer: 'adam', loss: 'mse' });
      return model;
    };
  });
}
