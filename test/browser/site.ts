/** Builds the demo page and serves it. It is built once for all test files, until its sources change. */

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
  /** URL of the page, with a slash at the end; the three-step page is at `three-steps/`. */
  url: string;
  close(): Promise<void>;
}

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

export const openSite = async (headers: Record<string, string> = {}): Promise<Site> => serve(await built(), headers);

/** Serves a folder, given without a slash at its end. A root without an index.html is an empty page. */
export async function serve(folder: string, headers: Record<string, string> = {}): Promise<Site> {
  const server = createServer(async (request, response) => {
    const found = (await read(folder, request.url ?? '/')) ?? (request.url === '/' ? emptyPage : null);
    response.writeHead(found ? 200 : 404, { 'content-type': found?.type ?? 'text/plain', ...headers });
    response.end(found?.body ?? 'not found');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async close() {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

const emptyPage = { type: 'text/html; charset=utf-8', body: '<!doctype html><link rel="icon" href="data:,">' };

const root = path('../..');
/** Files and folders whose content determines the built page. */
const sources = ['demo', 'src', 'test/browser/fixture', 'test/browser/site.ts', 'package-lock.json'];
const notSources = join(root, 'demo/dist');
/** Milliseconds after which the lock of an unfinished build is ignored. */
const lockTimeout = 60_000;
/** Milliseconds after which old builds are deleted. */
const maxAge = 3_600_000;

/** Returns the folder of the built page. The first process builds it, and the others wait. */
async function built(): Promise<string> {
  const all = join(root, 'build/test-pages');
  const folder = join(all, await hashOf(sources));
  const lock = `${folder}.building`;
  await mkdir(all, { recursive: true });
  while (!(await ageOf(folder))) {
    const first = await mkdir(lock).then(
      () => true,
      () => false,
    );
    if (!first) {
      if (((await ageOf(lock)) ?? 0) > lockTimeout) await rm(lock, { recursive: true, force: true });
      await wait(100);
      continue;
    }
    try {
      if (await ageOf(folder)) break; // another process finished before this one took the lock
      for (const old of await readdir(all)) {
        if (((await ageOf(join(all, old))) ?? 0) > maxAge) await rm(join(all, old), { recursive: true, force: true });
      }
      const newFolder = await mkdtemp(join(all, 'new-'));
      await buildInto(newFolder);
      await rename(newFolder, folder).catch(async error => {
        await rm(newFolder, { recursive: true, force: true });
        if (!(await ageOf(folder))) throw error; // otherwise a build whose lock timed out has finished after all
      });
    } finally {
      await rm(lock, { recursive: true, force: true });
    }
  }
  return folder;
}

/** Milliseconds since the last change of a file or folder; null if it does not exist. */
const ageOf = (path: string): Promise<number | null> =>
  stat(path).then(
    ({ mtimeMs }) => Math.max(1, Date.now() - mtimeMs),
    () => null,
  );

/** A hash of the names and contents of files and folders. */
async function hashOf(paths: string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const path of paths) {
    const whole = join(root, path);
    const names = await readdir(whole, { recursive: true }).catch(() => ['']); // it is a file
    for (const name of names.sort()) {
      const file = join(whole, name);
      if (file.startsWith(notSources)) continue;
      const body = await readFile(file).catch(() => null); // it is a folder
      if (body) hash.update(`${file}\0${body.length}\0`).update(body);
    }
  }
  return hash.digest('hex').slice(0, 16);
}

async function buildInto(folder: string): Promise<void> {
  const quiet = { configFile: false, logLevel: 'warn' } as const;
  // Chunk sizes do not matter in tests.
  const large = { chunkSizeWarningLimit: Number.POSITIVE_INFINITY };
  const steps = { outDir: join(folder, 'three-steps'), emptyOutDir: true, ...large };
  // Tests run with NODE_ENV=test, which Vite would build into the page.
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
