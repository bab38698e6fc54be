/**
 * The files of examples/electron/ without Electron: the page in browsers, under the headers of the main process, whose part
 * without Electron runs in Node. `window.models` of the preload script is replaced by a function of the test.
 */

import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'vite';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { browserPages, browsersOfSections, inBrowsers } from './browserSuites.ts';
import type { Site } from './site.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const root = fileURLToPath(new URL('../../', import.meta.url));
/** Inside the package, so that the programs can import the package by name. */
const folder = `${root}build/electron`;
const app = join(folder, 'app');
const model = join(folder, 'model');

interface Files {
  answer(folder: string, url: string): Promise<Response>;
  saveModel(folder: string, artifacts: object): Promise<object>;
  readModel(folder: string): Promise<{ weightData: ArrayBuffer; modelTopology: object }>;
}
let files: Files;
let site: Site;

const policy = /Content-Security-Policy"\s+content="([^"]+)"/;

/** The page as a classic script, with the policy of the example, which also a page of `file://` can load. */
const classic = `
  import { layers, loadLayersModel, sequential } from 'lstm-wasm';
  async function run() {
    const model = sequential({ layers: [layers.gru({ units: 4, inputShape: [6, 1] }), layers.dense({ units: 1 })], seed: 1 });
    model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
    const x = Float32Array.from({ length: 60 }, (_, n) => Math.sin(n));
    await model.fit(x, new Float32Array(10).fill(1), { epochs: 2, verbose: 0 });
    await model.save('indexeddb://forecast');
    const loaded = await loadLayersModel('indexeddb://forecast');
    const [one, two] = [model, loaded].map(each => [...each.predict(x).dataSync()].join());
    let evaluated = true;
    try {
      new Function('');
    } catch {
      evaluated = false;
    }
    document.title = JSON.stringify({ equal: one === two, evaluated });
  }
  run().catch(error => { document.title = String(error); });`;

beforeAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  cpSync(`${root}examples/electron`, app, { recursive: true });
  const quiet = { root: app, configFile: false as const, logLevel: 'error' as const };
  await build({ ...quiet, build: { target: 'es2023' } });

  writeFileSync(join(app, 'classic.js'), classic);
  await build({
    ...quiet,
    build: {
      outDir: 'classic',
      target: 'es2023',
      rolldownOptions: {
        input: join(app, 'classic.js'),
        output: { format: 'iife', codeSplitting: false, entryFileNames: 'page.js' },
      },
    },
  });
  const [, content] = policy.exec(readFileSync(join(app, 'index.html'), 'utf8'))!;
  writeFileSync(
    join(app, 'classic/index.html'),
    `<!doctype html><meta http-equiv="Content-Security-Policy" content="${content}"><script defer src="page.js"></script>`,
  );

  files = await import(/* @vite-ignore */ pathToFileURL(join(app, 'files.js')).href);
  const server = createServer(async (request, response) => {
    const answered = await files.answer(join(app, 'dist'), `app://page${request.url}`);
    response.writeHead(answered.status, Object.fromEntries(answered.headers));
    response.end(Buffer.from(await answered.arrayBuffer()));
  });
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve));
  site = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async close() {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
});

afterAll(async () => {
  await site?.close();
  rmSync(folder, { recursive: true, force: true });
});

it('the handler of the scheme answers 404 for files outside the folder of the page', async () => {
  const status = async (path: string) => (await files.answer(join(app, 'dist'), `app://page${path}`)).status;
  expect(await status('/')).toBe(200);
  expect(await status('/..%2fmain.js')).toBe(404);
  expect(await status('/absent.js')).toBe(404);
});

it('the main process rejects what is not a model, and writes nothing', async () => {
  await expect(files.saveModel(join(folder, 'none'), { weightData: new ArrayBuffer(4) })).rejects.toThrow();
  await expect(files.readModel(join(folder, 'none'))).rejects.toThrow();
});

/** What main.js calls of Electron. */
const standIn = `
  const calls = (globalThis.electronCalls = { schemes: [], handlers: {}, windows: [], urls: [] });
  export const protocol = {
    registerSchemesAsPrivileged: schemes => calls.schemes.push(...schemes),
    handle: (scheme, answer) => { calls.answer = answer; },
  };
  export const ipcMain = { handle: (channel, work) => { calls.handlers[channel] = work; } };
  export const app = { whenReady: async () => {}, getPath: () => ${JSON.stringify(folder)}, on() {}, quit() {} };
  export class BrowserWindow {
    constructor(options) { calls.windows.push(options); }
    async loadURL(url) { calls.urls.push(url); }
  }`;

it('main.js, in Node with a stand-in for Electron, isolates the page and answers no other senders', async () => {
  mkdirSync(join(app, 'node_modules/electron'), { recursive: true });
  writeFileSync(join(app, 'node_modules/electron/package.json'), '{ "type": "module", "exports": "./index.js" }');
  writeFileSync(join(app, 'node_modules/electron/index.js'), standIn);
  await import(/* @vite-ignore */ pathToFileURL(join(app, 'main.js')).href);
  interface Calls {
    windows: { webPreferences: object }[];
    urls: string[];
    handlers: Record<string, (event: object, ...values: unknown[]) => unknown>;
    answer(request: { url: string }): Promise<Response>;
  }
  const { electronCalls } = globalThis as unknown as { electronCalls: Calls };
  const { windows, urls, handlers, answer } = electronCalls;
  expect(windows[0]!.webPreferences).toMatchObject({ contextIsolation: true, nodeIntegration: false, sandbox: true });
  expect((await answer({ url: urls[0]! })).status).toBe(200);
  const sender = (url: string) => ({ senderFrame: { url } });
  expect(() => handlers['models:load']!(sender('https://example.com/'))).toThrow('unknown sender');
  await expect(handlers['models:load']!(sender('app://page/'))).rejects.toThrow(); // nothing is saved yet
});

inBrowsers(installed => {
  const { openPage } = browserPages(installed, { dark: false, reducedMotion: false }, () => site);

  it('the page of the Electron example trains in a worker and saves through the main half in Node', async () => {
    const { page } = await openPage();
    await page.exposeFunction('saveInNode', async (artifacts: { weightData: number[] }) =>
      files.saveModel(model, { ...artifacts, weightData: Uint8Array.from(artifacts.weightData).buffer }),
    );
    await page.exposeFunction('loadInNode', async () => {
      const artifacts = await files.readModel(model);
      return { ...artifacts, weightData: [...new Uint8Array(artifacts.weightData)] };
    });
    await page.evaluate(() => {
      const host = globalThis as unknown as Record<string, (value?: object) => Promise<{ weightData: number[] }>>;
      const models = {
        save: (artifacts: { weightData: ArrayBuffer }) =>
          host.saveInNode!({ ...artifacts, weightData: [...new Uint8Array(artifacts.weightData)] }),
        load: async () => {
          const artifacts = await host.loadInNode!();
          return { ...artifacts, weightData: Uint8Array.from(artifacts.weightData).buffer };
        },
      };
      Object.assign(globalThis, { models });
    });
    await page.click('button');
    await page.waitForFunction(() => document.querySelector('output')!.value !== '');
    expect(await page.$eval('output', output => output.value)).toMatch(/^next value -?\d\.\d{3}$/);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    expect(await page.evaluate(async () => (await indexedDB.databases()).length)).toBe(1);
    expect((await files.readModel(model)).modelTopology).toBeTypeOf('object');
  });
}, browsersOfSections);

inBrowsers(installed => {
  const address = pathToFileURL(`${folder}/app/classic/`).href;
  const opened: Site = { url: address, close: async () => {} };
  const { openPage } = browserPages(installed, { dark: false, reducedMotion: false }, () => opened);

  it('a classic script under the policy of the example loads from file:// what it saved in IndexedDB', async () => {
    const { page } = await openPage('index.html');
    await page.waitForFunction(() => document.title !== '');
    expect(JSON.parse(await page.title())).toEqual({ equal: true, evaluated: false });
  });
}, browsersOfSections);
