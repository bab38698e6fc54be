/** Lost messages and messages of other code between a program and its worker; tests the built package. */

import type { EventEmitter } from 'node:events';
import { Worker } from 'node:worker_threads';
import type * as Core from 'lstm-wasm';
import type * as Workers from 'lstm-wasm/worker';
import type { Host, RemoteSequential } from 'lstm-wasm/worker';
import { afterEach, expect, it } from 'vitest';

const built = (name: string) => new URL(`../../dist/${name}.js`, import.meta.url).href;
const lw: typeof Core = await import(/* @vite-ignore */ built('index'));
const { connect }: typeof Workers = await import(/* @vite-ignore */ built('worker'));

lw.configure({ simd: 'strict' });
const { callbacks, layers } = lw;
const hosts: Host[] = [];
afterEach(async () => {
  await Promise.all(hosts.splice(0).map(host => host.terminate()));
});

/** Messages of other code that resemble those of the package. The worker receives this function as source text. */
const foreign = `() => {
  const cyclic = { lstmWasm: 'call', id: 1, model: null };
  cyclic.args = cyclic;
  class Thing { get id() { return 1; } }
  return [
    'ready', '', 0, Number.NaN, true, null, undefined, 7n, [], [1, [2]], {}, new Date(0), new Map([['id', 1]]), /a/,
    new Error('not ours'), new Float32Array(3), new ArrayBuffer(8), new Thing(), cyclic,
    { id: 1, value: 5 }, { id: 1, error: { ours: true, name: 'ValueError', message: 'not ours' } },
    { id: 1, model: null, method: 'backendInfo', args: [] }, { id: 1, question: 1, name: 'callbacks', args: [[]] },
    { answer: 1, value: null }, { model: 1, stop: true, cancel: true }, { type: 'message', data: {} },
    { lstmWasm: 1 }, { lstmWasm: 'other' }, { lstmWasm: '__proto__' }, { lstmWasm: 'constructor' }, { lstmWasm: null },
    { lstmWasm: 'call' }, { lstmWasm: 'call', id: '1', model: null, method: 'backendInfo', args: [] },
    { lstmWasm: 'call', id: 1, model: 'a', method: 'fit', args: [] },
    { lstmWasm: 'call', id: 1, model: null, method: 7, args: [] },
    { lstmWasm: 'call', id: 1, model: null, method: 'backendInfo', args: { length: 1 } },
    { lstmWasm: 'call', id: 1e9, model: null, method: 'constructor', args: [] },
    { lstmWasm: 'call', id: 1e9, model: null, method: 'sequential', args: [1, null, 3] },
    { lstmWasm: 'call', id: 1e9, model: 1e9, method: 'fit', args: [] },
    { lstmWasm: 'call', id: 1e9, model: 1, method: 'constructor', args: [] },
    { lstmWasm: 'call', id: 1e9, model: 1, method: 'stopTraining', args: [cyclic] },
    { lstmWasm: 'answer', question: 1e9, value: cyclic }, { lstmWasm: 'answer', question: 1 },
    { lstmWasm: 'answer', question: 1, error: 'no' }, { lstmWasm: 'answer', question: '1', value: 1 },
    { lstmWasm: 'stop', model: 1e9, stop: true, cancel: true }, { lstmWasm: 'stop', model: 1, stop: 1, cancel: 1 },
    { lstmWasm: 'check' }, { lstmWasm: 'check', last: 'all' }, { lstmWasm: 'check', last: 0 },
    { lstmWasm: 'result', id: 1e9, value: cyclic }, { lstmWasm: 'result', id: 1 },
    { lstmWasm: 'result', id: 1, error: null }, { lstmWasm: 'result', id: 1, error: { message: 'no' } },
    { lstmWasm: 'question', id: 1e9, question: 1, name: 'callbacks', args: [] },
    { lstmWasm: 'question', id: 1, question: 1, name: 'callbacks', args: 'many' },
    { lstmWasm: 'lost' }, { lstmWasm: 'open' }, { lstmWasm: 'open', last: 1e9, calls: [1, 'a'], questions: [] },
    { lstmWasm: 'open', last: 0, calls: [], questions: [{ id: 1e9, question: 1 }] },
    { lstmWasm: 'open', last: 1e9, calls: [], questions: [null] },
  ];
}`;
const messages: () => unknown[] = new Function(`return (${foreign})();`) as () => unknown[];

/** A worker that also runs the code `own`. */
const thread = (own = '') =>
  new Worker(
    `const { parentPort } = require('node:worker_threads'); import('${built('thread')}').then(() => { ${own} });`,
    { eval: true },
  );

const start = (worker: Worker | Workers.WorkerLike) => {
  hosts.push(connect({ worker: worker as Workers.WorkerLike, seed: 7, simd: 'strict' }));
  return hosts.at(-1)!;
};

const make = () => [layers.gru({ units: 4, inputShape: [5, 2], dropout: 0.2 }), layers.dense({ units: 1 })];
const x = Float32Array.from({ length: 320 }, (_, n) => Math.sin(n));
const y = Float32Array.from({ length: 32 }, (_, n) => Math.cos(n));
const compiled = { optimizer: 'adam', loss: 'mse' } as const;

async function small(host: Host): Promise<RemoteSequential> {
  const model = await host.sequential({ layers: make() });
  await model.compile(compiled);
  return model;
}

/** Makes calls of every kind, including callbacks and data sets, and returns their results. */
async function runCalls(model: RemoteSequential | Core.Sequential, duringCalls = () => {}) {
  let events = 0;
  const onBatchEnd = () => {
    events++;
    duringCalls();
  };
  const batches = async function* () {
    for (let n = 0; n < 3; n++) {
      duringCalls();
      yield { xs: x.slice(0, 40), ys: y.slice(n, n + 4) };
    }
  };
  const options = { epochs: 2, verbose: 0 as const, batchSize: 8, callbacks: [{ onBatchEnd }] };
  const { history } = await model.fit(x, y, options);
  const other = await model.fitDataset(batches, { epochs: 2, verbose: 0 });
  const tested = Number(await model.evaluateDataset(batches));
  const predicted = [...(await model.predict(x)).dataSync()];
  return { history, other: other.history, tested, predicted, events };
}

function expected() {
  lw.setRandomSeed(7);
  const model = lw.sequential({ layers: make() });
  model.compile(compiled);
  return runCalls(model);
}

const reasonOf = (promise: Promise<unknown>) => promise.then(() => 'nothing', String);

it('a worker that also sends other messages, and echoes those of the package, computes the same', async () => {
  const worker = thread(`
    const messages = ${foreign};
    const send = () => { for (const message of messages()) parentPort.postMessage(message); };
    send();
    parentPort.on('message', message => {
      parentPort.postMessage(message);
      if (message.lstmWasm === 'call') send();
    });
  `);
  expect(await runCalls(await small(start(worker)))).toEqual(await expected());
});

it('a program that also sends other messages to the worker computes the same', async () => {
  const worker = thread();
  const send = () => {
    for (const message of messages()) worker.postMessage(message);
  };
  send();
  const model = await small(start(worker));
  send();
  expect(await runCalls(model, send)).toEqual(await expected());
  expect(await reasonOf(model.predict([[1]] as never))).toMatch(/^ValueError: model.predict: x must have/);
});

it('a message whose getters throw is ignored', async () => {
  const worker = thread();
  const model = await small(start(worker));
  const thrower = {
    get lstmWasm() {
      throw new Error('do not look');
    },
  };
  const inner = { lstmWasm: 'result', id: 1, error: new Proxy({}, { get: () => thrower.lstmWasm }) };
  const send = () => {
    for (const message of [thrower, inner, ...messages()]) (worker as EventEmitter).emit('message', message);
  };
  expect(await runCalls(model, send)).toEqual(await expected());
});

it('unreadable messages of other code are ignored', async () => {
  const worker = thread(`setInterval(() => parentPort.emit('messageerror', new Error('no')), 1)`);
  const model = await small(start(worker));
  const miss = () => void (worker as EventEmitter).emit('messageerror', new Error('no'));
  expect(await runCalls(model, miss)).toEqual(await expected());
});

/** A worker that, once armed, replaces the first message of a kind by an unreadable one. */
class LossyWorker {
  readonly #worker = thread(`parentPort.on('message', text => text === 'miss' && parentPort.emit('messageerror'))`);
  readonly #kind: string;
  #isArmed = false;
  #miss = (_error: Error) => {};

  constructor(kind: string) {
    this.#kind = kind;
  }

  arm(): void {
    this.#isArmed = true;
  }

  postMessage(message: unknown, transfer: never[]): void {
    this.#worker.postMessage(this.#loses(message) ? 'miss' : message, transfer);
  }

  on(type: string, listener: (value: unknown) => void): void {
    if (type === 'messageerror') this.#miss = listener;
    this.#worker.on(type, value => {
      if (type === 'message' && this.#loses(value)) this.#miss(new Error('no'));
      else listener(value);
    });
  }

  terminate(): Promise<number> {
    return this.#worker.terminate();
  }

  #loses(message: unknown): boolean {
    const { lstmWasm, method } = message as { lstmWasm: string; method?: string };
    const loses = this.#isArmed && (lstmWasm === this.#kind || method === this.#kind);
    if (loses) this.#isArmed = false;
    return loses;
  }
}

it.each(['fit', 'result', 'question', 'answer'])('a call ends with an error when its %s is lost', async kind => {
  const worker = new LossyWorker(kind);
  const model = await small(start(worker));
  worker.arm();
  const fit = model.fit(x, y, { epochs: 2, verbose: 0, callbacks: { onBatchEnd: () => {} } });
  expect(await reasonOf(fit)).toBe('Error: a message between the program and its worker could not be read');
  expect((await model.predict(x)).shape).toEqual([32, 1]);
});

it('fit rejects with the value that a callback throws, whatever it is', async () => {
  const model = await small(start(thread()));
  const thrownValues = [
    null,
    7,
    { toString: () => thrownValues },
    Object.defineProperty(new Error('a'), 'message', { get: () => fail() }),
    Object.assign(new Error('b'), { name: Symbol('c') }),
  ];
  const fail = () => {
    throw new RangeError('do not look');
  };
  for (const thrown of thrownValues) {
    const onBatchEnd = () => {
      throw thrown;
    };
    const fit = model.fit(x, y, { epochs: 1, verbose: 0, callbacks: { onBatchEnd } });
    expect(
      await fit.then(
        () => 'nothing',
        error => error === thrown,
      ),
    ).toBe(true);
  }
  expect((await model.fit(x, y, { epochs: 1, verbose: 0, callbacks: callbacks.terminateOnNaN() })).epoch).toEqual([0]);
});

it('two hosts connected to one worker receive only their own results', async () => {
  const worker = thread();
  const [one, other] = [start(worker), start(worker)];
  const [a, b] = await Promise.all([one, other].map(host => host.sequential({ layers: make() })));
  await Promise.all([a, b].map(model => model!.compile(compiled)));
  const answers = await Promise.all([a!.predict(x), b!.getWeights(), b!.predict(x), a!.getWeights()]);
  expect(answers.map(answer => (Array.isArray(answer) ? answer.length : answer.shape))).toEqual([
    [32, 1],
    5,
    [32, 1],
    5,
  ]);
  await Promise.all([runCalls(a!), runCalls(b!)]);
});

it('a host loads several models concurrently', async () => {
  const host = start(thread());
  const saved = [1, 2, 3].map(units => {
    const model = lw.sequential({ layers: [layers.dense({ units, inputShape: [2] })] });
    let artifacts: Core.ModelArtifacts = {};
    return model
      .save({
        save: async given => {
          artifacts = given;
          return {} as Core.SaveResult;
        },
      })
      .then(() => artifacts);
  });
  const all = await Promise.all((await Promise.all(saved)).map(given => host.loadLayersModel(lw.io.fromMemory(given))));
  const shapes = await Promise.all(all.map(async model => (await model.predict([[1, 2]])).shape));
  expect(shapes).toEqual([
    [1, 1],
    [1, 2],
    [1, 3],
  ]);
});
