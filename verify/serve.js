/** A static file server on this machine. */

import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, resolve, sep } from 'node:path';

/** @type {Record<string, string>} */
const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

/**
 * The file at a path, or null.
 * @param {string} folder without a slash at its end
 * @param {string} pathname as in a URL
 */
export function fileOf(folder, pathname) {
  const path = resolve(folder, `.${decodeURIComponent(pathname)}${pathname.endsWith('/') ? 'index.html' : ''}`);
  if (!path.startsWith(folder + sep)) return null;
  return existsSync(path) && statSync(path).isFile() ? path : null;
}

/**
 * @param {string} folder without a slash at its end
 * @param {Record<string, string>} [headers]
 * @returns {Promise<{ url: string, close(): Promise<void> }>} the URL ends with a slash
 */
export async function serve(folder, headers = {}) {
  const server = createServer((request, response) => {
    const file = fileOf(folder, new URL(request.url ?? '/', 'http://localhost').pathname);
    const type = types[extname(file ?? '')] ?? 'application/octet-stream';
    response.writeHead(file ? 200 : 404, { 'content-type': type, ...headers });
    response.end(file ? readFileSync(file) : 'not found');
  });
  await new Promise((listening, failed) => {
    server.once('error', failed).listen(0, '127.0.0.1', () => listening(undefined));
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}/`,
    async close() {
      server.closeAllConnections();
      await new Promise(closed => server.close(closed));
    },
  };
}
