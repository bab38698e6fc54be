/** Starts the worker and exchanges messages with it: a Web Worker in browsers, a worker thread in Node. */

import { nodeModule } from '../saving/stores/nodeFiles.ts';
import type { Port } from './serialization.ts';

/** The part of a worker that this package uses. */
export interface WorkerLike extends Port {
  terminate(): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: browsers and Node have different events
  addEventListener?(type: string, listener: (event: any) => void): void;
  /** In Node: keeps the process alive. */
  ref?(): void;
  unref?(): void;
}

interface NodeWorker extends WorkerLike {
  on(type: string, listener: (value: never) => void): void;
}
type Threads = { Worker: new (file: URL, options?: { execArgv: string[] }) => NodeWorker };
interface NodeProcess {
  execArgv?: string[];
  getBuiltinModule?(name: string): unknown;
}

export interface Channel {
  send(message: object, transfer: ArrayBuffer[]): void;
  /** Whether a reply is pending; only then, the thread keeps a Node process alive. */
  busy(is: boolean): void;
  close(): Promise<void>;
}

export interface Listener {
  /** Receives every message of the thread, including those of other code. */
  receive(message: unknown): void;
  /** Called when a message of the thread could not be read. */
  missed(): void;
  /** Called when the thread has ended or could not be started. */
  ended(reason: string): void;
  /** Whether the console of a page does not show errors that `ended` receives. */
  readonly isQuiet?: boolean;
}

/** A script that runs in workers. */
export interface WorkerScript {
  /** Starts a Web Worker. Bundlers look for the address in `new Worker(new URL(...))`. */
  inPage(): WorkerLike;
  /** The file beside this one in the package, for threads of Node. */
  readonly file: string;
}

/** Starts a worker. Synchronous if the host allows it, so that messages are sent in the order of the calls. */
export function openChannel(script: WorkerScript, listener: Listener): Channel | Promise<Channel> {
  if (typeof Worker === 'function') return channelTo(script.inPage(), listener);
  const host = (globalThis as { process?: NodeProcess }).process;
  // A thread inherits the flags of `node --input-type=module --eval`, which do not allow a file
  const options = host?.execArgv?.some(word => word.startsWith('--input-type')) ? { execArgv: [] } : undefined;
  const start = (threads: Threads | null | undefined) => {
    if (!threads) throw new Error('this host does not support workers');
    // Written so that bundlers do not detect the worker, because browsers use the other branch
    const base = import.meta.url;
    return channelTo(new threads.Worker(new URL(script.file, base), options), listener);
  };
  const name = 'node:worker_threads';
  const threads = host?.getBuiltinModule?.(name) as Threads | undefined;
  return threads ? start(threads) : nodeModule<Threads>(name).then(start);
}

/** Listens to a worker that has been started. */
export function channelTo(worker: WorkerLike, { receive, missed, ended, isQuiet }: Listener): Channel {
  if ('on' in worker) {
    const { on } = worker as NodeWorker;
    on.call(worker, 'message', receive);
    on.call(worker, 'messageerror', missed);
    on.call(worker, 'error', (error: Error) => ended(error.message));
    on.call(worker, 'exit', (code: number) => ended(`it exited with code ${code}`));
  } else {
    worker.addEventListener?.('message', (event: MessageEvent) => receive(event.data));
    worker.addEventListener?.('messageerror', missed);
    worker.addEventListener?.('error', (event: ErrorEvent) => {
      if (isQuiet) event.preventDefault();
      ended(event.message || 'its file could not be loaded');
    });
  }
  worker.unref?.();
  return {
    send: (message, transfer) => worker.postMessage(message, transfer),
    busy: is => (is ? worker.ref?.() : worker.unref?.()),
    close: async () => {
      await worker.terminate();
    },
  };
}
