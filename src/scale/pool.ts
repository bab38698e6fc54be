/**
 * Threads that run one task at a time each: Web Workers in pages, Deno and Bun, worker threads in Node.
 *
 * A pool of our own instead of workerpool 10.0.3: bundled for a page by esbuild, that adds 10,278 bytes (gzip), and as much
 * again to the file of the thread; this file and the way to start workers, which `lstm-wasm/worker` has already, are 1,265.
 * The retries, sharing and results of local.ts would be needed with either.
 */

import { Lazy } from '../util/lazy.ts';
import { type SentKernels, sentKernels } from '../wasm/sentKernels.ts';
import { type Channel, openChannel, type WorkerScript } from '../worker/channel.ts';
import type { PlainError } from '../worker/messages.ts';
import { packError } from '../worker/serialization.ts';
import type { Json, Result, Task } from './engine.ts';
import { type FromThread, isTaskMessage, type ToThread } from './threadMessages.ts';

const script: WorkerScript = {
  inPage: () => new Worker(new URL('./taskThread.ts', import.meta.url), { type: 'module' }),
  file: 'task-thread.js',
};

/** Task files import kernels of their own, so a program that runs nothing else does not load these. */
const kernels = /* @__PURE__ */ new Lazy(() => import('../wasm/modules/all.generated.ts'));

/** What became of a run. */
export type Outcome =
  | { readonly result: Result; readonly bytes: { readonly [hash: string]: Uint8Array } }
  | { readonly error: PlainError }
  /** The thread has ended. */
  | { readonly died: string };

interface Run {
  readonly id: number;
  onProgress(progress: Json): void;
  settle(outcome: Outcome): void;
}

/** Locks of the page; null elsewhere. In Node, threads have an event at their end. */
const locks = (): LockManager | null =>
  (typeof Worker === 'function' && (globalThis.navigator as { locks?: LockManager } | undefined)?.locks) || null;

/** A thread. It does not keep the process alive while it is idle. */
export class TaskThread {
  #channel: Promise<Channel>;
  #hasKernels = false;
  #run: Run | null = null;
  #lastRun = 0;
  #ended: string | null = null;
  /** Pages have no event for a worker that ends itself, but the browser then frees the lock of the worker. */
  readonly #lock = locks() && `lstm-wasm ${crypto.randomUUID()}`;

  constructor() {
    const listener = {
      receive: (message: unknown) => isTaskMessage<FromThread>(message) && this.#receive(message),
      missed: () => void this.end('a message between the program and its thread could not be read'),
      ended: (reason: string) => void this.end(reason),
      isQuiet: true,
    };
    this.#channel = Promise.resolve().then(() => openChannel(script, listener));
    this.#channel.catch((error: unknown) => this.end(error instanceof Error ? error.message : String(error)));
  }

  /** Whether the thread has ended, so that another one must run the tasks. */
  get isDead(): boolean {
    return this.#ended !== null;
  }

  /** Runs a task; the thread must be idle. */
  async run(
    task: Task,
    bytes: { readonly [hash: string]: Uint8Array },
    isWatched: boolean,
    onProgress: (progress: Json) => void,
  ): Promise<Outcome> {
    const run = ++this.#lastRun;
    const outcome = new Promise<Outcome>(settle => {
      this.#run = { id: run, onProgress, settle };
    });
    if (this.#ended !== null) return { died: this.#ended };
    const send = async (channel: Channel) => {
      try {
        channel.busy(true);
        const kernels = task.kind === 'file' ? null : await this.#missingKernels();
        const message: ToThread = { lstmTask: 'run', run, task, bytes, kernels, lock: this.#lock, isWatched };
        channel.send(message, []);
      } catch (error) {
        this.#settle({ error: packError(error) });
      }
      return channel;
    };
    this.#channel = this.#channel.then(send); // what is sent later waits for it
    this.#channel.catch(() => {});
    return outcome;
  }

  /** The kernels, unless the thread has them. */
  async #missingKernels(): Promise<SentKernels | null> {
    if (this.#hasKernels) return null;
    const { allModules } = await kernels.get();
    this.#hasKernels = true;
    return sentKernels(allModules);
  }

  /** Asks the task that is running to end. */
  abort(): void {
    this.#tell('abort');
  }

  /** Asks for the progress of the task that is running. */
  watch(): void {
    this.#tell('watch');
  }

  #tell(lstmTask: 'abort' | 'watch'): void {
    if (!this.#run) return;
    const message: ToThread = { lstmTask, run: this.#run.id };
    this.#channel.then(
      channel => channel.send(message, []),
      () => {},
    );
  }

  /** Ends the thread, and with it the run. */
  async end(reason: string): Promise<void> {
    this.#ended ??= reason;
    this.#settle({ died: reason });
    await this.#channel.then(
      channel => channel.close(),
      () => {},
    );
  }

  #receive(message: FromThread): void {
    if (message.lstmTask === 'locked') {
      void locks()?.request(this.#lock!, () => this.end('it has ended itself'));
      return;
    }
    if (message.run !== this.#run?.id) return;
    if (message.lstmTask === 'progress') this.#run.onProgress(message.progress);
    else if (message.lstmTask === 'failed') this.#settle({ error: message.error });
    else this.#settle({ result: { value: message.value, blobs: message.blobs }, bytes: message.bytes });
  }

  #settle(outcome: Outcome): void {
    const run = this.#run;
    this.#run = null;
    void this.#channel.then(
      channel => channel.busy(false),
      () => {},
    );
    run?.settle(outcome);
  }
}
