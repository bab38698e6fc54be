/** The client side of a worker: sends calls, and answers the questions that the worker asks during them. */

import type { BaseCallback } from '../training/callback.ts';
import type { Reader } from '../training/dataset.ts';
import { ValueError } from '../util/errors.ts';
import type { KernelModule } from '../wasm/decode.ts';
import { modulesInUse } from '../wasm/engine.ts';
import { sentKernels } from '../wasm/sentKernels.ts';
import type { CallbackEvent } from './callbackEvents.ts';
import { type Channel, channelTo, openChannel, type WorkerLike, type WorkerScript } from './channel.ts';
import type { ClientCall } from './clientCalls.ts';
import { type ClientMessage, isServerMessage, type Reply, type ServerMessage } from './messages.ts';
import { pack, packError, postReply, type TransferList, unpack, unpackError } from './serialization.ts';

interface Pending extends ClientCall {
  readonly call: string;
  readonly target: object | null;
  /** The open readers of data sets; null if closed. */
  readonly readers: (Promise<Reader> | null)[];
  resolve(value: unknown): void;
  reject(error: unknown): void;
  /** An error of a callback or data set of the client. */
  failure: { error: unknown } | null;
}

const script: WorkerScript = {
  inPage: () => new Worker(new URL('./thread.ts', import.meta.url), { type: 'module' }),
  file: 'thread.js',
};

/** Messages arrive in the order in which they are sent, so calls start in the order in which they are made. */
export class Connection {
  readonly #pending = new Map<number, Pending>();
  /** The questions that are being answered. */
  readonly #questions = new Set<number>();
  readonly #opening: Promise<Channel>;
  #channel: Channel | null = null;
  /** The kernels that the worker has. */
  readonly #sent = new Set<KernelModule>();
  /** How many modules were in use at the last call: what it needs is in use, because the page has created it too. */
  #modulesSeen = 0;
  /** The reason why no further calls are possible. */
  #closed: string | null = null;

  constructor(worker: WorkerLike | undefined) {
    const onEnded = (reason: string) => {
      this.#end(`the worker failed: ${reason}`);
      void this.#channel?.close();
    };
    this.#opening = new Promise(resolve => {
      const receive = (message: unknown) => isServerMessage(message) && this.#receive(message);
      const listener = { receive, missed: () => this.#check(), ended: onEnded };
      const channel = worker ? channelTo(worker, listener) : openChannel(script, listener);
      if ('send' in channel) this.#channel = channel;
      resolve(channel);
    });
    this.#opening.then(
      opened => {
        this.#channel = opened;
      },
      error => onEnded(error.message),
    );
  }

  /**
   * Calls a method in the worker. Throws without sending anything if an argument cannot be sent.
   *
   * @param model its id; null for calls of the host
   * @param target the model that callbacks receive
   */
  call(
    call: string,
    model: number | null,
    method: string,
    clientCall: ClientCall,
    target: object | null = null,
  ): Promise<unknown> {
    if (this.#closed !== null) return Promise.reject(new ValueError(`${call}: ${this.#closed}`));
    const { signal, args, transfer = false } = clientCall;
    if (signal?.aborted) return Promise.reject(signal.reason);
    const transferList: TransferList = new Set();
    const packed = args.map(arg => pack(call, 'the argument', arg, transferList, transfer));
    const id = ++calls;
    const done = new Promise((resolve, reject) => {
      this.#pending.set(id, { ...clientCall, call, target, readers: [], resolve, reject, failure: null });
    });
    if (signal && model !== null) {
      const stop = () => this.#send({ lstmWasm: 'stop', model, stop: true, cancel: true });
      signal.addEventListener('abort', stop);
      const settled = () => signal.removeEventListener('abort', stop);
      done.then(settled, settled);
    }
    if (modulesInUse.size !== this.#modulesSeen) this.sendKernels(modulesInUse);
    this.#modulesSeen = modulesInUse.size;
    const message: ClientMessage = { lstmWasm: 'call', id, model, method, args: packed };
    this.#send(message, transferList, error => this.#settle(id, { error: packError(error) }));
    return done;
  }

  /** Sends kernels that the worker lacks. */
  sendKernels(modules: Iterable<KernelModule>): void {
    const missing = Array.from(modules).filter(module => !this.#sent.has(module));
    for (const module of missing) this.#sent.add(module);
    if (missing.length > 0) this.#send({ lstmWasm: 'kernels', ...sentKernels(missing) });
  }

  stop(model: number, stop: boolean): void {
    if (this.#closed === null) this.#send({ lstmWasm: 'stop', model, stop, cancel: false });
  }

  async terminate(): Promise<void> {
    this.#end('the worker has been terminated');
    const channel = await this.#opening.catch(() => null);
    await channel?.close();
  }

  #send(message: ClientMessage, transferList: TransferList = new Set(), failed?: (error: unknown) => void): void {
    const send = (channel: Channel) => {
      try {
        channel.send(message, [...transferList]);
        channel.busy(this.#pending.size > 0);
      } catch (error) {
        failed?.(error);
      }
    };
    if (this.#channel) send(this.#channel);
    else this.#opening.then(send, () => {});
  }

  #receive(message: ServerMessage): void {
    if (message.lstmWasm === 'result') this.#settle(message.id, message);
    else if (message.lstmWasm === 'question') void this.#answer(message);
    else if (message.lstmWasm === 'lost') this.#check();
    else this.#compare(message);
  }

  /** Asks for the open calls after a message in either direction could not be read. */
  #check(): void {
    if (this.#pending.size > 0) this.#send({ lstmWasm: 'check', last: calls });
  }

  /** Rejects calls and questions whose messages were lost: one side waits for them and the other does not know them. */
  #compare({ last, calls, questions }: Kind<'open'>): void {
    const error = packError(new Error('a message between the program and its worker could not be read'));
    for (const { id, question } of questions) {
      const isLost = this.#pending.has(id) && !this.#questions.has(question);
      if (isLost) this.#send({ lstmWasm: 'answer', question, error });
    }
    for (const id of this.#pending.keys()) if (id <= last && !calls.includes(id)) this.#settle(id, { error });
  }

  async #answer({ id, question, name, args }: Kind<'question'>): Promise<void> {
    const pending = this.#pending.get(id);
    if (!pending) return;
    const port = {
      postMessage: (message: unknown, transfer: ArrayBuffer[]) =>
        this.#send(message as ClientMessage, new Set(transfer as ArrayBuffer[]), error => {
          throw error;
        }),
    };
    const work = async () => {
      try {
        return await answer(pending, name, args);
      } catch (error) {
        pending.failure ??= { error };
        throw error;
      }
    };
    const what = name === 'callbacks' ? 'logs' : 'dataset';
    this.#questions.add(question);
    await postReply(port, { lstmWasm: 'answer', question }, work, pending.transfer ?? false, pending.call, what);
    this.#questions.delete(question);
  }

  #settle(id: number, reply: Reply): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#channel?.busy(false);
    closeAll(pending);
    const { signal, failure, resolve, reject, done = (value: unknown) => value } = pending;
    if (signal?.aborted) reject(signal.reason);
    else if ('error' in reply) reject(failure ? failure.error : unpackError(reply.error));
    else {
      try {
        resolve(done(unpack(reply.value) as never));
      } catch (error) {
        reject(error);
      }
    }
  }

  /** Rejects all pending calls. */
  #end(reason: string): void {
    if (this.#closed !== null) return;
    this.#closed = reason;
    for (const pending of this.#pending.values()) {
      closeAll(pending);
      pending.reject(new Error(`${pending.call}: the worker ended before the call was complete; ${reason}`));
    }
    this.#pending.clear();
    this.#channel?.busy(false);
  }
}

/** The id of the last call. Ids are unique across workers, and across two hosts of one worker. */
let calls = 0;

type Kind<K extends ServerMessage['lstmWasm']> = Extract<ServerMessage, { lstmWasm: K }>;

/** Answers a question that the worker asks during a call. */
async function answer(pending: Pending, name: string, args: readonly unknown[]): Promise<unknown> {
  const { callbacks, sources, readers, target, signal } = pending;
  if (name === 'callbacks') {
    let last: unknown;
    for (const [n, method, given] of args[0] as CallbackEvent[]) {
      const callback = callbacks![n]!;
      if (method === 'setParams') callback.setModel(target as never);
      await (callback[method as keyof BaseCallback] as (...args: readonly unknown[]) => unknown)(...given);
      last = given.at(-1);
    }
    return last;
  }
  const n = args[0] as number;
  if (name === 'close') {
    // A generator closes after its current batch; an aborted call does not wait for that
    if (!signal?.aborted) await closeReader(readers, n);
    return null;
  }
  signal?.throwIfAborted();
  if (name === 'open') {
    const index = readers.push(sources![n]!.open()) - 1;
    await unlessAborted(signal, readers[index]!);
    return index;
  }
  const reader = await readers[n]!;
  const batch = await unlessAborted(signal, reader.next());
  if (!batch) return null;
  const { xs, ys, weights } = batch;
  batch.release();
  return { xs, ys, ...weights };
}

/** Waits for a promise, or until the signal aborts. */
function unlessAborted<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop);
    void work.then(resolve, reject).then(() => signal.removeEventListener('abort', stop));
  });
}

async function closeReader(readers: Pending['readers'], n: number): Promise<void> {
  const reader = readers[n];
  readers[n] = null;
  await (await reader)?.close();
}

/** Closes the readers that the call has left open, without waiting. */
function closeAll({ readers }: Pending): void {
  for (const n of readers.keys()) void closeReader(readers, n).catch(() => {});
}
