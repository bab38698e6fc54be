/**
 * Terminates a thread at a random moment of a program, a thousand times: between calls, while a call begins, or in the middle
 * of a chunk. Each program runs in a process of its own, which must end by itself, with the results of one thread to the bit.
 * Prints the counts as JSON.
 *
 *   node kills.js 1000
 */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import workers from 'node:worker_threads';

/** Milliseconds after which a program counts as hanging. */
const TIMEOUT = 120_000;
/** Milliseconds of a call that waited for a thread. */
const WAIT = 1000;

const KINDS = 4;
/** Words with which a team directs its threads, as in src/wasm/threadProgram.ts. */
const word = { ticket: 1, chunks: 3, done: 8 };
const [argument = '', seed = ''] = process.argv.slice(2);
if (seed) await runOne(Number(argument), Number(seed));
else await runAll(Number(argument));

/** @param {number} count */
async function runAll(count) {
  const expected = await Promise.all(Array.from({ length: KINDS }, (_, kind) => run(1, kind + KINDS)));
  const report = { count, wrong: /** @type {string[]} */ ([]), warned: 0, waited: 0, slowest: 0 };
  for (let n = 0; n < count; n++) {
    const own = n + KINDS;
    try {
      const { hash, warnings, slowest } = await run(2 + (n % 3), own);
      if (hash !== expected[own % KINDS]?.hash) report.wrong.push(`program ${own}: other results`);
      if (warnings.length > 1) report.wrong.push(`program ${own}: ${warnings.length} warnings`);
      report.warned += warnings.length;
      report.waited += Number(slowest > WAIT);
      report.slowest = Math.max(report.slowest, Math.round(slowest));
    } catch (error) {
      report.wrong.push(`program ${own}: ${error instanceof Error ? error.message.slice(0, 300) : error}`);
    }
  }
  console.log(JSON.stringify(report));
}

/**
 * Runs a program in a process of its own.
 *
 * @param {number} threads
 * @param {number} seed
 * @returns {Promise<{ hash: string, warnings: string[], slowest: number }>}
 */
function run(threads, seed) {
  const file = process.argv[1] ?? '';
  return new Promise((resolve, reject) => {
    const options = { timeout: TIMEOUT, killSignal: /** @type {const} */ ('SIGKILL') };
    execFile(process.execPath, [file, String(threads), String(seed)], options, (error, stdout) => {
      if (error) reject(error.killed ? new Error('hangs') : error);
      else resolve(JSON.parse(stdout));
    });
  });
}

/**
 * Trains, evaluates and predicts; with more than one thread, terminates one of them. The model depends on the rest of
 * `seed` by the number of kinds, the moment on all of it.
 *
 * @param {number} count the number of threads
 * @param {number} seed
 */
async function runOne(count, seed) {
  const random = generator(seed);
  /** @type {workers.Worker[]} */
  const threads = [];
  const { Worker } = workers;
  workers.Worker = class extends Worker {
    /** @param {ConstructorParameters<typeof Worker>} args */
    constructor(...args) {
      super(...args);
      threads.push(this);
    }
  };
  /** @type {string[]} */
  const warnings = [];
  console.warn = message => warnings.push(message);
  const { configure, layers, randomNormal, sequential, setRandomSeed, train } = await import('lstm-wasm');
  configure({ simd: 'strict', threads: count });
  setRandomSeed(5);

  const batch = 64;
  const steps = 20;
  const sequence = { returnSequences: true, stateful: true };
  const first = { batchInputShape: [batch, steps, 6] };
  const stacks = [
    [
      layers.lstm({ units: 72, ...sequence, ...first }),
      layers.lstm({ units: 64, stateful: true, recurrentDropout: 0.2 }),
    ],
    [layers.gru({ units: 72, ...sequence, ...first, dropout: 0.1 }), layers.gru({ units: 64, resetAfter: false })],
    [layers.lstm({ units: 80, ...sequence, ...first }), layers.timeDistributed({ layer: layers.dense({ units: 64 }) })],
    [
      layers.bidirectional({ layer: layers.lstm({ units: 56 }), ...first }),
      layers.dense({ units: 256, activation: 'relu' }),
    ],
  ];
  const kind = seed % KINDS;
  const model = sequential({ layers: [...(stacks[kind] ?? []), ...(kind === 2 ? [layers.flatten()] : [])] });
  model.add(layers.dense({ units: 2 }));
  model.compile({ optimizer: train.adam({ learningRate: 0.01, globalClipNorm: 0.5 }), loss: 'meanSquaredError' });
  const [x, y] = [randomNormal([2 * batch, steps, 6]), randomNormal([2 * batch, 2])];
  const [x1, y1] = [x.slice(0, batch), y.slice(0, batch)];

  const hash = createHash('sha256');
  /** @param {any} values a tensor, or a number */
  const add = values => hash.update(typeof values === 'number' ? Float64Array.of(values) : values.dataSync());
  const options = /** @type {const} */ ({ batchSize: batch, verbose: 0 });
  const calls = [
    ...Array.from({ length: 6 }, () => () => add(model.trainOnBatch(x1, y1))),
    () => add(model.evaluate(x, y, options)),
    async () => add((await model.fit(x, y, { ...options, epochs: 2 })).history.loss?.[1]),
    () => add(model.predict(x, { batchSize: batch })),
    () => add(model.predictOnBatch(x1)),
    () => add(model.trainOnBatch(x1, y1)),
  ];
  let slowest = 0;
  const target = Math.floor(random() * calls.length);
  const moment = random();
  for (const [n, call] of calls.entries()) {
    const start = performance.now();
    if (n === target && count > 1) {
      if (moment < 0.15 && threads.length > 0) await one().terminate();
      else if (moment < 0.3) void one()?.terminate();
      else terminateInCall();
    }
    await call();
    slowest = Math.max(slowest, performance.now() - start);
    if (random() < 0.3) await new Promise(resolve => setTimeout(resolve, random() * 5));
  }
  for (const weight of model.getWeights()) add(weight);
  if (random() < 0.5) model.dispose();
  console.log(JSON.stringify({ hash: hash.digest('hex'), warnings, slowest }));

  function one() {
    return /** @type {workers.Worker} */ (threads[Math.floor(random() * threads.length)]);
  }

  /** Terminates a thread, or all, some microseconds after the calling thread has taken a chunk and another has begun one. */
  function terminateInCall() {
    const { add: plain, load } = Atomics;
    let left = Math.floor(random() * 12);
    const wait = random() * 0.3;
    const all = random() < 0.5;
    /** @type {(words: Int32Array, at: number, value: number) => number} */
    const hooked = (words, at, value) => {
      const result = plain(words, at, value);
      if (at !== word.ticket || left > 0) {
        left -= Number(at === word.ticket);
        return result;
      }
      const begun = () => Math.min(load(words, word.ticket) & 4095, load(words, word.chunks)) - load(words, word.done);
      for (const end = performance.now() + 5; begun() < 2 && performance.now() < end; );
      if (begun() < 2) return result; // in a later chunk
      Atomics.add = plain;
      for (const end = performance.now() + wait; performance.now() < end; );
      for (const thread of all ? threads : [one()]) void thread.terminate();
      return result;
    };
    Atomics.add = /** @type {typeof Atomics.add} */ (hooked);
  }
}

/**
 * Random numbers from 0 to 1 (Mulberry32).
 *
 * @param {number} state
 */
function generator(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
