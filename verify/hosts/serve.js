/** Serves a folder as any server would. */

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, resolve, sep } from 'node:path';

/** @type {Record<string, string>} */
const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.wasm': 'application/wasm',
};

/**
 * @param {string} folder without a slash at its end
 * @param {Record<string, string>} headers
 * @returns {Promise<{ url: string, close: () => Promise<void> }>}
 */
export async function serve(folder, headers = {}) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const file = resolve(folder, `.${decodeURIComponent(pathname)}`);
    const body = file.startsWith(folder + sep) ? await readFile(file).catch(() => null) : null;
    response.writeHead(body ? 200 : 404, { 'content-type': types[extname(file)] ?? 'text/plain', ...headers });
    response.end(body ?? 'not found');
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
