/** The script of the threads of `local`: runs one task at a time. */

import { nodeModule } from '../saving/stores/nodeFiles.ts';
import { becomeTaskThread } from '../util/taskThread.ts';
import { checkReceived, receiveKernels } from '../wasm/sentKernels.ts';
import { type Port, packError } from '../worker/serialization.ts';
import type { Store } from './engine.ts';
import { runTask } from './runTask.ts';
import { type FromThread, isTaskMessage, type ToThread } from './threadMessages.ts';

becomeTaskThread();
const running = new Map<number, { readonly control: AbortController; isWatched: boolean }>();
let isLocked = false;

async function receive(port: Port, message: unknown): Promise<void> {
  if (!isTaskMessage<ToThread>(message)) return;
  if (message.lstmTask !== 'run') {
    const run = running.get(message.run);
    if (run && message.lstmTask === 'watch') run.isWatched = true;
    else run?.control.abort();
    return;
  }
  const { run, task, bytes, kernels, lock, isWatched } = message;
  if (kernels) receiveKernels(kernels);
  const state = { control: new AbortController(), isWatched };
  running.set(run, state);
  if (lock !== null && !isLocked) {
    isLocked = true;
    await new Promise<void>(locked => {
      const forever = () => {
        locked();
        return new Promise(() => {});
      };
      void navigator.locks.request(lock, forever);
    });
    port.postMessage({ lstmTask: 'locked', run } satisfies FromThread, []);
  }
  const made: { [hash: string]: Uint8Array } = {};
  const store: Store = {
    get: async hash => bytes[hash] ?? made[hash],
    put: async (hash, found) => {
      made[hash] = found;
    },
  };
  try {
    if (task.kind !== 'file') checkReceived(`task '${task.kind}'`);
    const { value, blobs } = await runTask(task, store, {
      signal: state.control.signal,
      report: progress => {
        if (state.isWatched) port.postMessage({ lstmTask: 'progress', run, progress } satisfies FromThread, []);
      },
    });
    // Cloned, because several arrays of a task file may share a buffer
    port.postMessage({ lstmTask: 'done', run, value, blobs, bytes: made } satisfies FromThread, []);
  } catch (error) {
    port.postMessage({ lstmTask: 'failed', run, error: packError(error) } satisfies FromThread, []);
  } finally {
    running.delete(run);
  }
}

async function listen(): Promise<void> {
  const scope = globalThis as unknown as Port & { addEventListener: typeof addEventListener };
  if (typeof scope.postMessage === 'function') {
    scope.addEventListener('message', event => void receive(scope, (event as MessageEvent).data));
    return;
  }
  const threads = await nodeModule<typeof import('node:worker_threads')>('node:worker_threads');
  const port = threads?.parentPort as unknown as
    | (Port & { on(type: string, listener: (message: unknown) => void): void })
    | null;
  port?.on('message', message => void receive(port, message));
}

void listen();
