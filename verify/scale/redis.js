/** A Redis server on a free port, with an append-only file in a temporary folder, and workers of its queue. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';

const tasks = fileURLToPath(new URL('tasks', import.meta.url));
const cli = fileURLToPath(new URL('./cli.js', import.meta.resolve('lstm-wasm')));
const pause = (/** @type {number} */ milliseconds) => new Promise(resolve => setTimeout(resolve, milliseconds));

export class Server {
  folder = mkdtempSync(join(tmpdir(), 'lstm-wasm-redis-'));
  port = 0;
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #process;
  /** @type {Redis | undefined} */
  #client;

  get url() {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** For what a test does behind the back of the engine. */
  get client() {
    if (!this.#client) {
      this.#client = new Redis(this.url, { maxRetriesPerRequest: null });
      this.#client.on('error', () => undefined);
    }
    return this.#client;
  }

  async start() {
    this.port ||= await freePort();
    const words = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--dir', this.folder, '--save', ''];
    this.#process = spawn('redis-server', [...words, '--appendonly', 'yes', '--appendfsync', 'always'], {
      stdio: 'ignore',
    });
    await this.client.ping();
    return this;
  }

  /** Kills the server as a crash would, and starts it again. */
  async restart() {
    await this.#kill();
    await pause(100);
    await this.start();
  }

  async remove() {
    this.#client?.disconnect();
    await this.#kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #kill() {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * Starts a worker that runs one task at a time, and waits until it is ready.
 *
 * @param {string} url
 * @param {readonly string[]} words
 */
export async function startWorker(url, ...words) {
  const own = ['--redis', url, '--folder', tasks, '--concurrency', '1'];
  const child = spawn(process.execPath, [cli, 'worker', ...own, ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve, reject) => {
    child.stdout.on('data', data => String(data).includes('ready') && resolve(undefined));
    child.on('exit', () => reject(new Error('a worker has ended before it was ready')));
  });
  return child;
}

/** @param {import('node:child_process').ChildProcess} child @param {NodeJS.Signals} signal */
export async function endWorker(child, signal = 'SIGKILL') {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}
