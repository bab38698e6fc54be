/** Worker processes: the command `lstm-wasm worker`, as built. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
export const taskFolder = fileURLToPath(new URL('tasks', import.meta.url));

export class WorkerProcess {
  output = '';
  readonly #listeners = new Set<() => void>();

  private constructor(readonly child: ChildProcess) {
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', data => {
        this.output += String(data);
        for (const listener of this.#listeners) listener();
      });
    }
    child.on('close', () => {
      for (const listener of this.#listeners) listener();
    });
  }

  /** Starts a worker. @param words the options of the command */
  static spawn(...words: string[]): WorkerProcess {
    return WorkerProcess.spawnWith({}, ...words);
  }

  /** @param env more variables of the environment */
  static spawnWith(env: NodeJS.ProcessEnv, ...words: string[]): WorkerProcess {
    const options = { stdio: ['ignore' as const, 'pipe' as const, 'pipe' as const], env: { ...process.env, ...env } };
    return new WorkerProcess(spawn(process.execPath, [cli, 'worker', ...words], options));
  }

  /** Starts workers of a queue that run one task at a time, and waits until they are ready. */
  static async start(count: number, url: string, queue: string, ...words: string[]): Promise<WorkerProcess[]> {
    const own = ['--redis', url, '--queue', queue, '--folder', taskFolder, '--concurrency', '1'];
    const workers = Array.from({ length: count }, () => WorkerProcess.spawn(...own, ...words));
    await Promise.all(workers.map(worker => worker.prints(/ready/)));
    return workers;
  }

  /** Resolves when the output matches. */
  prints(pattern: RegExp): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const isEnded = this.child.exitCode !== null || this.child.signalCode !== null;
        if (pattern.test(this.output)) resolve();
        else if (isEnded) reject(new Error(`the worker has ended: ${this.output}`));
        else return;
        this.#listeners.delete(look);
      };
      this.#listeners.add(look);
      look();
    });
  }

  /** Resolves to the exit code when the process has ended. */
  async ended(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'close');
    return this.child.exitCode;
  }

  /** Sends a signal; resolves to the exit code when the process has ended. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const closed = once(this.child, 'close');
      this.child.kill(signal);
      await closed;
    }
    return this.child.exitCode;
  }
}
