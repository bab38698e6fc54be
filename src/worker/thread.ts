/** The script of the worker: holds the models and executes the calls of the client. */

import { nodeModule } from '../saving/stores/nodeFiles.ts';
import { checkReceived, receiveKernels } from '../wasm/sentKernels.ts';
import { type ClientMessage, isClientMessage, type ServerMessage } from './messages.ts';
import { type Port, postReply, unpack, unpackError } from './serialization.ts';
import { type Models, serveHostCall, serveModelCall } from './serverCalls.ts';

const models: Models = new Map();
/** The running calls, and their unanswered questions. */
const calls = new Set<number>();
const questions = new Map<number, Waiting>();
let lastQuestion = 0;

interface Waiting {
  /** The id of the call. */
  readonly id: number;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

function receive(port: Port, message: unknown): void {
  if (!isClientMessage(message)) return;
  if (message.lstmWasm === 'call') void call(port, message);
  else if (message.lstmWasm === 'answer') settle(message);
  else if (message.lstmWasm === 'stop') stop(message);
  else if (message.lstmWasm === 'kernels') receiveKernels(message);
  else {
    const waiting = Array.from(questions, ([question, { id }]) => ({ id, question }));
    post(port, { lstmWasm: 'open', last: message.last, calls: [...calls], questions: waiting });
  }
}

type Kind<K extends ClientMessage['lstmWasm']> = Extract<ClientMessage, { lstmWasm: K }>;

const post = (port: Port, message: ServerMessage) => port.postMessage(message, []);

async function call(port: Port, { id, model, method, args }: Kind<'call'>): Promise<void> {
  const ask = (name: string, ...rest: unknown[]) =>
    new Promise<unknown>((resolve, reject) => {
      questions.set(++lastQuestion, { id, resolve, reject });
      post(port, { lstmWasm: 'question', id, question: lastQuestion, name, args: rest });
    });
  const name = model === null ? method : `model.${method}`;
  const work = () => {
    checkReceived(name);
    const given = args.map(arg => unpack(arg));
    return model === null ? serveHostCall(models, method, given) : serveModelCall(models, model, method, given, ask);
  };
  calls.add(id);
  await postReply(port, { lstmWasm: 'result', id }, work, true, name, 'the result');
  calls.delete(id);
}

function settle(answer: Kind<'answer'>): void {
  const waiting = questions.get(answer.question);
  questions.delete(answer.question);
  try {
    if ('error' in answer) waiting?.reject(unpackError(answer.error));
    else waiting?.resolve(unpack(answer.value));
  } catch (error) {
    waiting?.reject(error);
  }
}

function stop({ model: id, stop, cancel }: Kind<'stop'>): void {
  const model = models.get(id);
  if (!model) return;
  if (cancel) model.trained.signal = AbortSignal.abort();
  else model.stopTraining = stop;
}

async function listen(): Promise<void> {
  const scope = globalThis as unknown as Port & { addEventListener: typeof addEventListener };
  if (typeof scope.postMessage === 'function') {
    scope.addEventListener('message', event => receive(scope, (event as MessageEvent).data));
    scope.addEventListener('messageerror', () => post(scope, { lstmWasm: 'lost' }));
    return;
  }
  const threads = await nodeModule<typeof import('node:worker_threads')>('node:worker_threads');
  const port = threads?.parentPort as unknown as (Port & NodePort) | null;
  port?.on('message', message => receive(port, message));
  port?.on('messageerror', () => post(port, { lstmWasm: 'lost' }));
}

interface NodePort {
  on(type: string, listener: (message: unknown) => void): void;
}

void listen();
