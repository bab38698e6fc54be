/** What runs inside the worker: the models, and calls of them as they arrive. */

import { nodeModule } from '../saving/files.ts';
import { trainedBy } from '../sequential.ts';
import { act, actOfHost, type Models } from './acts.ts';
import { type Order, type Port, report, unpack, unpackError } from './wire.ts';

const models: Models = new Map();
const questions = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
let asked = 0;

function receive(port: Port, order: Order): void {
  if ('answer' in order) {
    const waiting = questions.get(order.answer);
    questions.delete(order.answer);
    if ('error' in order) waiting?.reject(unpackError(order.error));
    else waiting?.resolve(unpack(order.value));
  } else if ('stop' in order) {
    const model = models.get(order.model);
    if (!model) return;
    if (order.cancel) trainedBy(model).signal = AbortSignal.abort();
    else model.stopTraining = order.stop;
  } else {
    const { id, model, method, args } = order;
    const ask = (name: string, ...rest: unknown[]) =>
      new Promise<unknown>((resolve, reject) => {
        questions.set(++asked, { resolve, reject });
        port.postMessage({ id, question: asked, name, args: rest }, []);
      });
    const work = () => {
      const given = args.map(unpack);
      return model === null ? actOfHost(models, method, given) : act(models, model, method, given, ask);
    };
    void report(port, { id }, work, true, model === null ? method : `model.${method}`, 'what it returns');
  }
}

async function listen(): Promise<void> {
  const scope = globalThis as unknown as Port & { addEventListener: typeof addEventListener };
  if (typeof scope.postMessage === 'function') {
    scope.addEventListener('message', event => receive(scope, (event as MessageEvent<Order>).data));
    return;
  }
  const threads = await nodeModule<typeof import('node:worker_threads')>('node:worker_threads');
  const port = threads?.parentPort;
  port?.on('message', (order: Order) => receive(port as unknown as Port, order));
}

void listen();
