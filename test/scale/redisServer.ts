/** A real Redis server for tests, on a free port, with its files in a temporary folder. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const hasRedis = spawnSync('redis-server', ['--version']).status === 0;
if (!hasRedis) console.warn('redis-server is not installed: tests of queues are skipped');

export class RedisServer {
  readonly folder = mkdtempSync(join(tmpdir(), 'lstm-wasm-redis-'));
  #process: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    readonly words: readonly string[],
  ) {}

  /** @param words more options, such as '--requirepass', 'secret' */
  static async start(...words: string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), words);
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts the server again, with the data that it had. */
  async start(): Promise<void> {
    const own = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--dir', this.folder, '--save', ''];
    const durable = ['--appendonly', 'yes', '--appendfsync', 'always'];
    this.#process = spawn('redis-server', [...own, ...durable, ...this.words], { stdio: 'ignore' });
    while (!(await answers(this.port))) {
      if (this.#process.exitCode !== null) throw new Error(`redis-server ${this.words.join(' ')} has ended`);
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  }

  /** Deletes all data. */
  async clear(): Promise<void> {
    await this.send('FLUSHALL');
  }

  /** Sends a command; resolves to the answer. */
  send(command: string): Promise<string> {
    return ask(this.port, command);
  }

  /** Kills the server as a crash would. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Whether a server accepts connections and answers. */
const answers = (port: number): Promise<boolean> =>
  ask(port, 'PING').then(
    answer => /^(?:\+PONG|-NOAUTH)/.test(answer),
    () => false,
  );

async function ask(port: number, command: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    socket.write(`${command}\r\n`);
    const [data] = await once(socket, 'data');
    return String(data);
  } finally {
    socket.destroy();
  }
}
