/** Saving models in browser storage: the built package in real browsers, together with TF.js. */

import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { installTfjs } from '../../scripts/tfjs.js';
import { browsers, share } from './browsers.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** The folder for each first part of the URL path. */
const folders: Record<string, string> = {
  package: path('../../dist/'),
  tfjs: path('../tfjs/node_modules/@tensorflow/'),
};

const page = `<!doctype html>
<html lang="en">
  <meta charset="utf-8" />
  <title>Storage</title>
  <link rel="icon" href="data:," />
  <script src="tfjs/tfjs-core/dist/tf-core.min.js"></script>
  <script src="tfjs/tfjs-layers/dist/tf-layers.min.js"></script>
  <script src="tfjs/tfjs-backend-cpu/dist/tf-backend-cpu.min.js"></script>
  <script type="module">
    import * as lw from './package/index.js';
    window.lw = lw;
    // Adds the chained tensor methods, as @tensorflow/tfjs does.
    const methods = tf.Tensor.prototype;
    for (const [name, operation] of Object.entries(tf)) {
      if (typeof operation !== 'function' || name in methods) continue;
      methods[name] = function (...rest) { return operation(this, ...rest); };
    }
    methods.flatten = function () { return tf.reshape(this, [this.size]); };
    await tf.setBackend('cpu');
    window.isReady = true;
  </script>
</html>`;

const types: Record<string, string> = { '.js': 'text/javascript', '.html': 'text/html' };

async function serve(): Promise<Server> {
  const server = createServer(async (request, response) => {
    const [, first = '', ...rest] = normalize(new URL(request.url!, 'http://localhost').pathname).split('/');
    const file = folders[first] && join(folders[first], ...rest);
    const body = file ? await readFile(file).catch(() => null) : first === '' ? page : null;
    response.writeHead(body ? 200 : 404, { 'content-type': types[extname(file || 'index.html')] ?? 'text/plain' });
    response.end(body ?? 'not found');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  return server;
}

let server: Server;

beforeAll(async () => {
  await installTfjs();
  server = await serve();
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

// biome-ignore lint/suspicious/noExplicitAny: the functions that use these run in the page
declare const lw: any, tf: any;

for (const installed of browsers) {
  const { name, commands, executable } = installed;
  if (!executable) console.warn(`No ${name} (${commands.join(', ')}) in PATH: its tests are skipped.`);

  describe.skipIf(!executable)(name, () => {
    let tab: Page;
    const faults: string[] = [];

    beforeAll(async () => {
      const browser = await share(installed, { dark: false, reducedMotion: false });
      tab = await browser.newPage();
      tab.on('pageerror', error => faults.push(`${error}`));
      await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      await tab.waitForFunction('window.isReady');
    });

    afterAll(() => tab?.close());

    it.each(['localstorage', 'indexeddb'])('%s:// saves, lists, loads, moves and removes models', async scheme => {
      const found = await tab.evaluate(async scheme => {
        const { layers } = lw;
        const model = lw.sequential({
          layers: [layers.lstm({ units: 3, inputShape: [4, 2], dropout: 0.1 }), layers.dense({ units: 1 })],
        });
        model.compile({ optimizer: lw.train.adam(0.01), loss: 'mse' });
        const x = lw.ones([2, 4, 2]);
        const y = lw.ones([2, 1]);
        model.trainOnBatch(x, y);
        const url = `${scheme}://a/b`;
        const saved = await model.save(url, { includeOptimizer: true });
        const listed = Object.keys(await lw.io.listModels());
        const loaded = await lw.loadLayersModel(url);
        const same = model.trainOnBatch(x, y) === loaded.trainOnBatch(x, y);
        await lw.io.moveModel(url, `${scheme}://c`);
        const moved = Object.keys(await lw.io.listModels());
        const info = await lw.io.removeModel(`${scheme}://c`);
        const listedAfterRemoval = Object.keys(await lw.io.listModels());
        const loadError = await lw.loadLayersModel(url).catch((error: Error) => error.message);
        const predictions = [model, loaded].map(each => [...each.predict(x).dataSync()]);
        return {
          bytes: saved.modelArtifactsInfo.weightDataBytes,
          listed,
          same,
          moved,
          info,
          listedAfterRemoval,
          loadError,
          predictions,
        };
      }, scheme);
      expect(found.listed).toEqual([`${scheme}://a/b`]);
      expect(found.same).toBe(true);
      expect(found.moved).toEqual([`${scheme}://c`]);
      expect(found.info.weightDataBytes).toBe(found.bytes);
      expect(found.listedAfterRemoval).toEqual([]);
      expect(found.loadError).toBe(`loadLayersModel: ${scheme}://a/b must be a saved model, got none`);
      expect(found.predictions[0]).toEqual(found.predictions[1]);
    });

    it('indexeddb:// keeps the old model when the new one cannot be stored', async () => {
      const found = await tab.evaluate(async () => {
        const make = (units: number) => lw.sequential({ layers: [lw.layers.dense({ units, inputShape: [2] })] });
        const url = 'indexeddb://kept';
        await make(3).save(url);
        const before = (await lw.io.listModels())[url];
        const { put } = IDBObjectStore.prototype;
        IDBObjectStore.prototype.put = function (this: IDBObjectStore, value: unknown) {
          if (this.name === 'models_store') throw new DOMException('no room', 'DataCloneError');
          return put.call(this, value);
        };
        const failed = await make(40)
          .save(url)
          .catch((error: Error) => error.message);
        IDBObjectStore.prototype.put = put;
        const after = (await lw.io.listModels())[url];
        const { shape } = (await lw.loadLayersModel(url)).outputs[0];
        await lw.io.removeModel(url);
        return { before, after, failed, shape };
      });
      expect(found.failed).toBe('model.save: indexeddb:// needs a usable database, got no room');
      expect(found.after).toEqual(found.before);
      expect(found.shape).toEqual([null, 3]);
    });

    it.each(['localstorage', 'indexeddb'])(
      'TF.js and lstm-wasm load the models of each other from %s://',
      async scheme => {
        const found = await tab.evaluate(async scheme => {
          const values = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6];
          const make = (library: typeof tf) =>
            library.sequential({
              layers: [library.layers.simpleRNN({ units: 3, inputShape: [3, 2] }), library.layers.dense({ units: 1 })],
            });
          const predict = (model: typeof tf, library: typeof tf) => [
            ...model.predict(library.tensor(values, [1, 3, 2])).dataSync(),
          ];
          const [ours, theirs] = [make(lw), make(tf)];
          await ours.save(`${scheme}://ours`);
          await theirs.save(`${scheme}://theirs`);
          const listed = [Object.keys(await lw.io.listModels()).sort(), Object.keys(await tf.io.listModels()).sort()];
          const infos = Object.values(await lw.io.listModels()).map(info => Object.keys(info as object).sort());
          const keys: Record<string, string[]> = { ours: [], theirs: [] };
          for (let n = 0; n < localStorage.length; n++) {
            const [, name, key] = localStorage.key(n)!.split('/');
            keys[name!]!.push(key!);
          }
          const predictions = {
            ours: [predict(ours, lw), predict(await tf.loadLayersModel(`${scheme}://ours`), tf)],
            theirs: [predict(theirs, tf), predict(await lw.loadLayersModel(`${scheme}://theirs`), lw)],
          };
          await tf.io.removeModel(`${scheme}://ours`);
          await lw.io.removeModel(`${scheme}://theirs`);
          const remaining = [...Object.keys(await lw.io.listModels()), ...Object.keys(await tf.io.listModels())];
          return { listed, infos, keys, predictions, remaining, items: localStorage.length };
        }, scheme);
        const both = [`${scheme}://ours`, `${scheme}://theirs`];
        expect(found.listed).toEqual([both, both]);
        expect(found.infos[0]).toEqual(found.infos[1]);
        expect(found.keys.ours!.sort()).toEqual(found.keys.theirs!.sort());
        for (const [one, other] of Object.values(found.predictions)) {
          for (const [n, value] of one!.entries()) expect(Math.abs(value - other![n]!)).toBeLessThan(1e-6);
        }
        expect(found.remaining).toEqual([]);
        expect(found.items).toBe(0);
      },
    );

    it('downloads:// downloads two files, which io.browserFiles loads again', async () => {
      const found = await tab.evaluate(async () => {
        const model = lw.sequential({ layers: [lw.layers.gru({ units: 2, inputShape: [3, 1] })], name: 'one' });
        const files: File[] = [];
        const waiting: Promise<unknown>[] = [];
        const create = document.createElement.bind(document);
        document.createElement = ((tag: string) => {
          const element = create(tag) as HTMLAnchorElement;
          element.addEventListener('click', event => {
            event.preventDefault();
            const { download, href } = element;
            const n = files.length;
            files.push(new File([], download));
            waiting.push(
              fetch(href)
                .then(response => response.blob())
                .then(blob => {
                  files[n] = new File([blob], download);
                }),
            );
          });
          return element;
        }) as never;
        await model.save('downloads://mine');
        document.createElement = create;
        await Promise.all(waiting);
        const loaded = await lw.loadLayersModel(lw.io.browserFiles(files));
        const numbers = (model: typeof lw) => model.getWeights().map((weight: typeof lw) => [...weight.dataSync()]);
        return { names: files.map(file => file.name), weights: [numbers(model), numbers(loaded)], name: loaded.name };
      });
      expect(found.names).toEqual(['mine.json', 'mine.weights.bin']);
      expect(found.weights[0]).toEqual(found.weights[1]);
      expect(found.name).toBe('one');
    });

    it('reports missing files and unknown schemes, and a failed save to full local storage keeps the old model', async () => {
      const found = await tab.evaluate(async () => {
        const missing = await lw.loadLayersModel('nothing/model.json').catch((error: Error) => error.message);
        const file = await lw.loadLayersModel('file://x').catch((error: Error) => error.message);
        const small = lw.sequential({ layers: [lw.layers.dense({ units: 2, inputShape: [3] })] });
        await small.save('localstorage://kept');
        const large = lw.sequential({ layers: [lw.layers.dense({ units: 2000, inputShape: [1000] })] });
        const full = await large.save('localstorage://kept').catch((error: Error) => error.message);
        const kept = (await lw.loadLayersModel('localstorage://kept')).countParams();
        await lw.io.removeModel('localstorage://kept');
        return { missing, file, full, kept };
      });
      expect(found.missing).toBe('loadLayersModel: nothing/model.json: must be reachable, got HTTP status 404');
      expect(found.file).toMatch(/file:\/\/ needs Node/);
      expect(found.full).toMatch(/^model.save: localstorage:\/\/kept needs space for \d+ characters/);
      expect(found.kept).toBe(8);
      expect(faults).toEqual([]);
    });
  });
}
