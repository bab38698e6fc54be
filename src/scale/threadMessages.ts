/** The messages between an engine and its threads. Task files may send messages of their own: ours have the key `lstmTask`. */

import type { SentKernels } from '../wasm/sentKernels.ts';
import type { PlainError } from '../worker/messages.ts';
import type { Json, Task } from './engine.ts';

interface Bytes {
  readonly [hash: string]: Uint8Array;
}

/** To a thread. */
export type ToThread =
  /**
   * Runs a task. `bytes` has its blobs by hash. The thread holds `lock`, if there is one, until it ends. `kernels` has those
   * of all layers, null if the thread has them, or if the task is a file, which imports the package.
   */
  | {
      readonly lstmTask: 'run';
      readonly run: number;
      readonly task: Task;
      readonly bytes: Bytes;
      readonly kernels: SentKernels | null;
      readonly lock: string | null;
      /** Whether to send progress, which takes time for both threads. */
      readonly isWatched: boolean;
    }
  | { readonly lstmTask: 'watch'; readonly run: number }
  | { readonly lstmTask: 'abort'; readonly run: number };

/** From a thread. */
export type FromThread =
  | { readonly lstmTask: 'locked'; readonly run: number }
  | { readonly lstmTask: 'progress'; readonly run: number; readonly progress: Json }
  /** The result, with its blobs by hash. */
  | {
      readonly lstmTask: 'done';
      readonly run: number;
      readonly value: Json;
      readonly blobs: { readonly [name: string]: string };
      readonly bytes: Bytes;
    }
  | { readonly lstmTask: 'failed'; readonly run: number; readonly error: PlainError };

/** Whether a message is one of ours. */
export const isTaskMessage = <M extends ToThread | FromThread>(message: unknown): message is M =>
  typeof message === 'object' && message !== null && 'lstmTask' in message && 'run' in message;
