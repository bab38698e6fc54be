/** The page, built and served as anybody would. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import demo from '../../demo/vite.config.ts';

export interface Site {
  /** Ends with a slash; the page lies there, the three steps at `three-steps/`. */
  url: string;
  close(): Promise<void>;
}

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

export async function openSite(): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), 'lstm-wasm-demo-'));
  await buildInto(folder);
  const { url, close } = await serve(folder);
  return {
    url,
    async close() {
      await close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

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

async function buildInto(folder: string): Promise<void> {
  const quiet = { configFile: false, logLevel: 'warn' } as const;
  const steps = { outDir: join(folder, 'three-steps'), emptyOutDir: true };
  // Tests run with NODE_ENV=test, which would be built in.
  const environment = process.env.NODE_ENV;
  process.env.NODE_ENV = 'production';
  try {
    await build({ ...demo, ...quiet, build: { ...demo.build, outDir: folder } });
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
