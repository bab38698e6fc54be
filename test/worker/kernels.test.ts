/** The kernels that a program sends to its workers; tests the built package. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { WorkerLike } from 'lstm-wasm/worker';
import { afterEach, expect, test } from 'vitest';
import { modules } from '../setup/modules.ts';
import { connect, lw, messageOf, small } from './hosts.ts';

const dist = fileURLToPath(new URL('../../dist/', import.meta.url));
const { layers } = lw;

/** Layers of each group of kernels that only some programs have, on input [6, 4]; those of attention have two inputs. */
const groups = {
  core: 'layers.lstm({ units: 3, inputShape })',
  gru: 'layers.gru({ units: 3, inputShape })',
  minRnn: 'layers.bidirectional({ layer: layers.minGRU({ units: 3 }), inputShape })',
  simpleRnn: 'layers.rnn({ cell: layers.simpleRNNCell({ units: 3 }), inputShape })',
  lstmVariants: 'layers.lstm({ units: 3, usePeepholes: true, inputShape })',
  conv: 'layers.conv1d({ filters: 3, kernelSize: 2, inputShape }), layers.flatten()',
  normalization: 'layers.batchNormalization({ inputShape }), layers.flatten()',
  others: 'layers.maxPooling1d({ poolSize: 2, inputShape }), layers.flatten()',
  activations: "layers.lstm({ units: 3, activation: 'softsign', inputShape })",
  dropout: 'layers.lstm({ units: 3, dropout: 0.5, seed: 1, inputShape })',
  constraints: "layers.lstm({ units: 3, kernelConstraint: 'nonNeg', inputShape })",
};

/** Options of compile that need kernels of a group. */
const options = {
  losses: "loss: 'meanAbsoluteError'",
  optimizers: "optimizer: 'rmsprop'",
};

/** Runs a program in a process of its own, which has used no kernels, and returns what it prints as JSON. */
function run(program: string): unknown {
  const text = `
    import { configure, io, layers, loadLayersModel, input, model as functional, sequential, setRandomSeed } from '${dist}index.js';
    import { connect } from '${dist}worker.js';
    configure({ simd: 'strict' });
    const inputShape = [6, 4];
    const x = Float32Array.from({ length: 5 * 24 }, (_, n) => Math.sin(n));
    const y = Float32Array.from({ length: 5 }, (_, n) => Math.cos(n));
    const compiled = { optimizer: 'adam', loss: 'mse' };
    const host = connect({ simd: 'strict', seed: 2 });
    ${program}
    await host.terminate();`;
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', text], { encoding: 'utf8' }));
}

/** Trains a model, and returns its loss and predictions. */
const train = `
  const train = async model => {
    await model.compile(compiled);
    const loss = Number(await model.trainOnBatch(x, y));
    return [loss, ...(await model.predict(x)).dataSync()];
  };`;

test.each(Object.entries(groups))('a worker gets the kernels %s with the first model that needs them', (_, layer) => {
  const [there, here] = run(`${train}
      const make = () => [${layer}, layers.dense({ units: 1 })];
      const there = await train(await host.sequential({ layers: make() }));
      setRandomSeed(2);
      console.log(JSON.stringify([there, await train(sequential({ layers: make() }))]));`) as number[][];
  expect(there).toHaveLength(6);
  expect(there).toEqual(here);
});

test.each(Object.entries(options))(
  'a worker gets the kernels %s with the first compile that needs them',
  (_, option) => {
    const [there, here] = run(`${train}
      const make = () => [layers.lstm({ units: 3, inputShape }), layers.dense({ units: 1 })];
      Object.assign(compiled, { ${option} });
      const there = await train(await host.sequential({ layers: make() }));
      setRandomSeed(2);
      console.log(JSON.stringify([there, await train(sequential({ layers: make() }))]));`) as number[][];
    expect(there).toHaveLength(6);
    expect(there).toEqual(here);
  },
);

test('the groups tested here are all', () => {
  const tested = [...Object.keys(groups), ...Object.keys(options), 'attention', 'training'];
  expect(tested.toSorted()).toEqual(Object.keys(modules).toSorted());
});

test('a worker gets the kernels of attention, and others later', () => {
  const [there, here] = run(`${train}
    const make = () => {
      const inputs = input({ shape: inputShape });
      const attended = layers.multiHeadAttention({ numHeads: 2, keyDim: 2 }).apply([inputs, inputs]);
      return { inputs, outputs: layers.dense({ units: 1 }).apply(layers.flatten().apply(attended)) };
    };
    const all = [await train(await host.model(make()))];
    all.push(await train(await host.sequential({ layers: [${groups.gru}, layers.dense({ units: 1 })] })));
    setRandomSeed(2);
    const local = await train(functional(make()));
    local.push(...(await train(sequential({ layers: [${groups.gru}, layers.dense({ units: 1 })] }))));
    console.log(JSON.stringify([all.flat(), local]));`) as number[][];
  expect(there).toHaveLength(12);
  expect(there).toEqual(here);
});

test('a worker that loads a file gets the kernels of its layers, which the program never created', async () => {
  const model = lw.sequential({
    layers: [
      layers.conv1d({ filters: 3, kernelSize: 2, inputShape: [6, 4] }),
      layers.layerNormalization(),
      layers.gru({ units: 3 }),
      layers.dense({ units: 1 }),
    ],
  });
  let saved = '';
  const save = async (artifacts: object) => {
    const asText = (_: string, value: unknown) => (value instanceof ArrayBuffer ? [...new Uint8Array(value)] : value);
    saved = JSON.stringify(artifacts, asText);
    return {} as never;
  };
  await model.save({ save });
  const x = Float32Array.from({ length: 5 * 24 }, (_, n) => Math.sin(n));
  const there = run(`
    const artifacts = ${saved};
    artifacts.weightData = new Uint8Array([artifacts.weightData].flat(2)).buffer;
    const model = await host.loadLayersModel(io.fromMemory(artifacts));
    console.log(JSON.stringify([...(await model.predict(x)).dataSync()]));`);
  expect(there).toEqual([...model.predict(x).dataSync()]);
});

const thread = new URL('../../dist/thread.js', import.meta.url);

/** A worker that receives what `change` makes of each message; null withholds it. */
class ChangingWorker {
  readonly #worker = new Worker(thread);
  readonly #change: (message: Message) => Message | null;
  readonly terminate = () => this.#worker.terminate();

  constructor(change: (message: Message) => Message | null) {
    this.#change = change;
  }

  postMessage(message: Message, transfer: never[]): void {
    const changed = this.#change(message);
    if (changed) this.#worker.postMessage(changed, transfer);
  }

  on(type: string, listener: (value: unknown) => void): void {
    this.#worker.on(type, listener);
  }
}

interface Message {
  readonly lstmWasm: string;
  readonly build?: string;
  readonly modules?: readonly { readonly name: string }[];
}

const workers: ChangingWorker[] = [];
afterEach(() => Promise.all(workers.splice(0).map(worker => worker.terminate())));

function startWith(change: (message: Message) => Message | null) {
  workers.push(new ChangingWorker(change));
  return connect({ worker: workers.at(-1) as unknown as WorkerLike, simd: 'strict' });
}

test('each module of the kernels is sent to a worker once, before the first call that needs it', async () => {
  const sent: string[] = [];
  const host = startWith(message => {
    sent.push(...(message.modules?.map(({ name }) => name) ?? [message.lstmWasm]));
    return message;
  });
  await small(host);
  const first = sent.filter(name => name in modules);
  expect(first).toEqual(expect.arrayContaining(['core', 'gru', 'training']));
  expect(sent.indexOf('core')).toBeLessThan(sent.indexOf('call'));
  await small(host);
  expect(sent.filter(name => name in modules)).toEqual(first);
});

test('calls to a worker of another version are rejected with both versions', async () => {
  const host = startWith(message =>
    message.lstmWasm === 'kernels' ? { ...message, build: '0.9.0 (kernels 01234567)' } : message,
  );
  const reason =
    /^ValueError sequential: the worker must run lstm-wasm 0\.9\.0 \(kernels 01234567\) that the program has, got \d+\.\d+\.\d+ \(kernels [0-9a-f]{8}\)$/;
  expect(await messageOf(host.sequential({ layers: [] }))).toMatch(reason);
  expect(await messageOf(host.backendInfo())).toContain('backendInfo: the worker must run lstm-wasm 0.9.0');
});

test('calls to a worker that is sent no kernels are rejected', async () => {
  const host = startWith(message => (message.lstmWasm === 'kernels' ? null : message));
  expect(await messageOf(host.backendInfo())).toMatch(
    /^ValueError backendInfo: the worker must run the older version of lstm-wasm that the program has, got /,
  );
});

test.each(['thread.js', 'task-thread.js'])('%s contains no kernels', name => {
  const text = readFileSync(dist + name, 'utf8');
  expect(text).toContain('receivedModule("core", {');
  for (const module of Object.values(modules)) {
    const quoted = JSON.stringify(module.text).slice(1, -1);
    for (let at = 0; at + 60 <= quoted.length; at += 1000) expect(text.includes(quoted.slice(at, at + 60))).toBe(false);
  }
});
