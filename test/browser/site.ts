/** The page, built and served as anybody would; built once for all files of tests, until its sources change. */

import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, resolve, sep } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import demo from '../../demo/vite.config.ts';

export interface Site {
  /** Ends with a slash; the page lies there, the three steps at `three-steps/`. */
  url: string;
  close(): Promise<void>;
}

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

export const openSite = async (): Promise<Site> => serve(await built());

/** A folder, named without a slash at its end, with an empty page at its root where it has none. */
export async function serve(folder: string, headers: Record<string, string> = {}): Promise<Site> {
  const server = createServer(async (request, response) => {
    const found = (await read(folder, request.url ?? '/')) ?? (request.url === '/' ? emptyPage : null);
    response.writeHead(found ? 200 : 404, { 'content-type': found?.type ?? 'text/plain', ...headers });
    response.end(found?.body ?? 'not found');
  });
  await new Promise<void>((listening, failed) => {
    server.once('error', failed).listen(0, '127.0.0.1', listening);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async close() {
      server.closeAllConnections();
      await new Promise(closed => server.close(closed));
    },
  };
}

const emptyPage = { type: 'text/html; charset=utf-8', body: '<!doctype html><link rel="icon" href="data:,">' };

const root = path('../..');
/** What the page is made of, and how. */
const sources = ['demo', 'src', 'test/browser/fixture', 'test/browser/site.ts', 'package-lock.json'];
const notSources = join(root, 'demo/dist');
/** Milliseconds after which a builder is given up that has left its mark and nothing else, and old builds are dropped. */
const patience = 60_000;
const keep = 3_600_000;

/** The folder of the page. Who comes first builds it, and the others wait. */
async function built(): Promise<string> {
  const all = join(root, 'build/test-pages');
  const folder = join(all, await stateOf(sources));
  const mark = `${folder}.building`;
  await mkdir(all, { recursive: true });
  while (!(await ageOf(folder))) {
    const first = await mkdir(mark).then(
      () => true,
      () => false,
    );
    if (!first) {
      if (((await ageOf(mark)) ?? 0) > patience) await rm(mark, { recursive: true, force: true });
      await wait(100);
      continue;
    }
    try {
      if (await ageOf(folder)) break; // while this one was about to leave its mark
      for (const old of await readdir(all)) {
        if (((await ageOf(join(all, old))) ?? 0) > keep) await rm(join(all, old), { recursive: true, force: true });
      }
      const made = await mkdtemp(join(all, 'new-'));
      await buildInto(made);
      await rename(made, folder).catch(async error => {
        await rm(made, { recursive: true, force: true });
        if (!(await ageOf(folder))) throw error; // otherwise the one that was given up has come to its end
      });
    } finally {
      await rm(mark, { recursive: true, force: true });
    }
  }
  return folder;
}

/** Milliseconds since it came to be; null where it is not there. */
const ageOf = (path: string): Promise<number | null> =>
  stat(path).then(
    ({ mtimeMs }) => Math.max(1, Date.now() - mtimeMs),
    () => null,
  );

/** The same for the same files, in name and content. */
async function stateOf(places: string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const place of places) {
    const whole = join(root, place);
    const names = await readdir(whole, { recursive: true }).catch(() => ['']); // of a file
    for (const name of names.sort()) {
      const file = join(whole, name);
      if (file.startsWith(notSources)) continue;
      const body = await readFile(file).catch(() => null); // of a folder
      if (body) hash.update(`${file}\0${body.length}\0`).update(body);
    }
  }
  return hash.digest('hex').slice(0, 16);
}

async function buildInto(folder: string): Promise<void> {
  const quiet = { configFile: false, logLevel: 'warn' } as const;
  // Chunks are as large as they are, and nobody downloads these.
  const large = { chunkSizeWarningLimit: Number.POSITIVE_INFINITY };
  const steps = { outDir: join(folder, 'three-steps'), emptyOutDir: true, ...large };
  // Tests run with NODE_ENV=test, which would be built in.
  const environment = process.env.NODE_ENV;
  process.env.NODE_ENV = 'production';
  try {
    await build({ ...demo, ...quiet, build: { ...demo.build, ...large, outDir: folder } });
    await build({ ...quiet, root: path('fixture'), base: './', resolve: demo.resolve, build: steps });
  } finally {
    process.env.NODE_ENV = environment;
  }
}

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

async function read(folder: string, url: string): Promise<{ type: string; body: Buffer } | null> {
  const { pathname } = new URL(url, 'http://localhost');
  const file = resolve(folder, `.${decodeURIComponent(pathname)}${pathname.endsWith('/') ? 'index.html' : ''}`);
  if (!file.startsWith(folder + sep)) return null;
  const body = await readFile(file).catch(() => null);
  return body && { type: types[extname(file)] ?? 'application/octet-stream', body };
}
