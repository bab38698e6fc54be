// Threads that stop, or never start: calls continue on one thread, with the same bits. Each test imports the package anew.

import { spawnSync } from 'node:child_process';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CHUNK_BITS, word } from '../../src/wasm/threadProgram.ts';
import {
  customScores,
  type OptimizerName,
  optimized,
  type Package,
  type ProgramName,
  scored,
  trained,
} from './trainings.ts';

const workers = process.getBuiltinModule('node:worker_threads');
const { Worker: RealWorker } = workers;
/** The threads of the test, and what they run before their program. */
let threads: Worker[] = [];
let sabotage = '';

beforeEach(() => {
  vi.resetModules();
  threads = [];
  sabotage = '';
  workers.Worker = class extends RealWorker {
    constructor(program: string, options: object) {
      super(`${sabotage}\n${program}`, options);
      threads.push(this);
    }
  } as typeof RealWorker;
});
afterEach(() => {
  workers.Worker = RealWorker;
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const started = async (threads: number): Promise<Package> => {
  vi.resetModules();
  const lw = await import('lstm-wasm');
  const { rest } = await import('../../src/wasm/team.ts');
  rest.times = 0;
  lw.configure({ simd: 'strict', threads });
  return lw;
};

const expected = new Map<ProgramName, string>();
/** The result on one thread. */
async function onOneThread(name: ProgramName): Promise<string> {
  if (!expected.has(name)) expected.set(name, trained(await started(1), name));
  return expected.get(name)!;
}

const listen = () => vi.spyOn(console, 'warn').mockImplementation(() => {});
const warning = (reason: string) => [
  [`lstm-wasm: calls run on one thread, because ${reason}; the results are the same`],
];

/** What a thread runs before its program: it does half of a chunk of a kernel, the second that it gets, then `ends`. */
const inHalf = (kernel: string, ends: string) => `
  const { Instance } = WebAssembly;
  WebAssembly.Instance = function (...args) {
    const exports = { ...new Instance(...args).exports };
    const { ${kernel}: whole } = exports;
    if (!whole) return { exports }; // another module
    let calls = 0;
    exports.${kernel} = (plan, first, count) => {
      if (++calls === 2) {
        whole(plan, first, Math.ceil(count / 2));
        ${ends};
      }
      whole(plan, first, count);
    };
    return { exports };
  };
`;

/** Waits for the end of the team, then computes the same chunk again and again. */
const again = `
  const words = new Int32Array(require('node:worker_threads').workerData.control);
  while (Atomics.load(words, ${word.job}) !== -1);
  for (let n = 0; n < 3000; n++) whole(plan, first, count)`;

/** Makes the calling thread wait until another has begun a chunk, for each kernel call. */
function letOthersBegin(): void {
  const { load, store } = Atomics;
  vi.spyOn(Atomics, 'store').mockImplementation(((words: Int32Array, at: number, value: number) => {
    store(words, at, value);
    if (at !== word.job || value < 0) return value;
    Atomics.notify(words, word.job);
    const end = performance.now() + 200;
    while ((load(words, word.ticket) & (2 ** CHUNK_BITS - 1)) <= 1 && performance.now() < end);
    return value;
  }) as never);
}

test.each([
  ['stacked lstm', 'lstmForwardRows', 'process.exit()'],
  ['stacked lstm', 'lstmBackwardRows', 'process.exit()'],
  ['stacked lstm', 'lstmBackwardRows', 'throw 0'],
  ['stacked lstm', 'lstmBackwardWeights', 'throw 0'],
  ['stacked lstm', 'denseBackwardWeights', 'throw 0'],
  ['all stateful', 'lstmForwardRows', 'throw 0'],
  ['all stateful', 'lstmForwardEnd', 'throw 0'],
  ['all stateful', 'gruForwardRows', 'throw 0'],
  ['all stateful', 'gruForwardEnd', 'process.exit()'],
  ['all stateful', 'gruBackwardRows', 'throw 0'],
  ['all stateful', 'simpleRnnForwardRows', 'throw 0'],
  ['all stateful', 'simpleRnnBackwardWeights', 'throw 0'],
  ['lstm variants', 'lstmVariantForwardRows', 'throw 0'],
  ['lstm variants', 'lstmVariantBackwardRows', 'process.exit()'],
  ['lstm variants', 'lstmVariantBackwardWeights', 'throw 0'],
  ['minimal recurrent layers', 'minRnnForwardRows', 'throw 0'],
  ['minimal recurrent layers', 'minRnnForwardEnd', 'process.exit()'],
  ['minimal recurrent layers', 'minRnnBackwardRows', 'throw 0'],
  ['minimal recurrent layers', 'minRnnBackwardWeights', 'throw 0'],
  ['masked and bidirectional', 'gruBackwardRows', 'throw 0'],
  ['masked and bidirectional', 'denseForwardRows', 'throw 0'],
  ['a few rows', 'lstmStepGroups', 'throw 0'],
  ['a few rows', 'lstmStatesBackward', 'throw 0'],
  ['a few rows of gru', 'gruStepGroups', 'throw 0'],
  ['a few rows of gru', 'gruCandidateGroups', 'process.exit()'],
  ['a few rows of gru', 'gruTransposeColumns', 'throw 0'],
  ['a few rows of gru', 'gruCellsBackward', 'throw 0'],
  ['a few rows of gru', 'gruResetsBackward', 'throw 0'],
  ['a few rows of gru', 'gruStatesBackward', 'process.exit()'],
  ['a few rows of gru', 'gruBackwardWeights', 'throw 0'],
  ['convolutions', 'conv1dForwardRows', 'throw 0'],
  ['convolutions', 'conv1dBackwardRows', 'throw 0'],
  ['convolutions', 'conv1dBackwardWeights', 'throw 0'],
  ['a graph with attention', 'attentionForwardRows', 'throw 0'],
  ['a graph with attention', 'attentionBackwardRows', 'throw 0'],
  ['normalized', 'batchNormalizationForwardRows', 'throw 0'],
  ['normalized', 'batchNormalizationBackwardRows', 'process.exit()'],
  ['normalized', 'layerNormalizationForwardRows', 'throw 0'],
  ['normalized', 'layerNormalizationBackwardRows', 'throw 0'],
  ['normalized', 'layerNormalizationBackwardWeights', 'throw 0'],
  ['custom layers', 'lstmForwardRows', 'throw 0'],
  ['custom layers', 'gruForwardRows', 'process.exit()'],
  ['custom layers', 'gruBackwardRows', 'throw 0'],
  ['custom layers', 'lstmBackwardRows', 'process.exit()'],
] as const)('%s: after %s has ended halfway in a thread by %s, the bits are those of one thread', async (...args) => {
  const [name, kernel, ends] = args;
  const result = await onOneThread(name);
  const warn = listen();
  sabotage = inHalf(kernel, ends);
  const lw = await started(2);
  letOthersBegin();
  expect(trained(lw, name)).toBe(result);
  const reason = ends === 'throw 0' ? 'a kernel has failed in a thread' : 'a thread has stopped';
  expect(warn.mock.calls).toEqual(warning(reason));
  expect(lw.backendInfo().threads).toBe(1);
});

test.each([
  ['sgd', 'updateWeightsAside', 'throw 0'],
  ['sgd', 'updateWeightsStore', 'throw 0'],
  ['momentum', 'updateWeightsStore', 'throw 0'],
  ['nesterov momentum', 'updateWeightsStore', 'throw 0'],
  ['adam', 'updateWeightsAside', 'process.exit()'],
  ['adam', 'updateWeightsStore', 'process.exit()'],
  ['adam', 'clearGradients', 'throw 0'],
  ['adam with a global norm', 'checkGradients', 'throw 0'],
  ['adam with a global norm', 'updateWeightsStore', 'throw 0'],
  ['amsgrad', 'updateWeightsStore', 'throw 0'],
  ['adamw', 'updateWeightsAside', 'throw 0'],
  ['adamw', 'updateWeightsStore', 'throw 0'],
  ['nadam', 'updateWeightsStore', 'throw 0'],
  ['adamax', 'updateWeightsStore', 'throw 0'],
  ['rmsprop', 'updateWeightsStore', 'throw 0'],
  ['rmsprop centered, with momentum', 'updateWeightsStore', 'throw 0'],
  ['rmsprop with momentum', 'updateWeightsAside', 'throw 0'],
  ['rmsprop centered', 'updateWeightsStore', 'throw 0'],
  ['adagrad', 'updateWeightsStore', 'throw 0'],
  ['adadelta', 'updateWeightsStore', 'throw 0'],
] as const)(
  '%s: after %s has ended halfway in a thread by %s, an update has the bits of one thread',
  async (...args) => {
    const [name, kernel, ends] = args;
    const result = optimized(await started(1), name);
    const warn = listen();
    sabotage = inHalf(kernel, ends);
    const lw = await started(2);
    letOthersBegin();
    expect(optimized(lw, name)).toBe(result);
    const reason = ends === 'throw 0' ? 'a kernel has failed in a thread' : 'a thread has stopped';
    expect(warn.mock.calls).toEqual(warning(reason));
    expect(lw.backendInfo().threads).toBe(1);
  },
);

test.each([
  ['sparseCategoricalCrossentropy', 'throw 0'],
  ['categoricalCrossentropy', 'process.exit()'],
  ['huberLoss', 'throw 0'],
  ['ctc', 'process.exit()'],
] as const)(
  '%s: after lossRows has ended halfway in a thread by %s, the bits are those of one thread',
  async (...args) => {
    const [loss, ends] = args;
    const result = scored(await started(1), loss);
    const warn = listen();
    sabotage = inHalf('lossRows', ends);
    const lw = await started(2);
    letOthersBegin();
    expect(scored(lw, loss)).toBe(result);
    expect(warn).toHaveBeenCalledOnce();
    expect(lw.backendInfo().threads).toBe(1);
  },
);

test.each([
  ['derived', 'lstmForwardRows', 'throw 0'],
  ['derived', 'lstmBackwardRows', 'process.exit()'],
  ['derived', 'denseBackwardWeights', 'throw 0'],
  ['derived', 'updateWeightsStore', 'throw 0'],
  ['given', 'lstmForwardRows', 'process.exit()'],
  ['given', 'lstmBackwardRows', 'throw 0'],
] as const)(
  'custom loss with a %s gradient: after %s has ended halfway in a thread by %s, the bits are those of one thread',
  async (...args) => {
    const [gradient, kernel, ends] = args;
    const [calls, expectedCalls] = [{ count: 0 }, { count: 0 }];
    const result = trained(await started(1), 'stacked lstm', undefined, customScores(gradient, expectedCalls));
    const warn = listen();
    sabotage = inHalf(kernel, ends);
    const lw = await started(2);
    letOthersBegin();
    expect(trained(lw, 'stacked lstm', undefined, customScores(gradient, calls))).toBe(result);
    // A step that begins again does not call the functions of the user again
    expect(calls).toEqual(expectedCalls);
    const reason = ends === 'throw 0' ? 'a kernel has failed in a thread' : 'a thread has stopped';
    expect(warn.mock.calls).toEqual(warning(reason));
    expect(lw.backendInfo().threads).toBe(1);
  },
);

const slowUpdates: [OptimizerName, string][] = [
  ['adam', 'updateWeightsAside'],
  ['adam', 'updateWeightsStore'],
  ['adamw', 'updateWeightsStore'],
];
test.each(slowUpdates)(
  '%s: a slow thread that runs %s long after the team has ended changes no bits',
  async (...args) => {
    const [name, kernel] = args;
    const result = optimized(await started(1), name);
    listen();
    sabotage = inHalf(kernel, again);
    const lw = await started(2);
    lw.backendInfo();
    const terminate = vi.spyOn(RealWorker.prototype, 'terminate').mockResolvedValue(0);
    letOthersBegin();
    expect(optimized(lw, name)).toBe(result);
    expect(lw.backendInfo().threads).toBe(1);
    terminate.mockRestore();
    await threads[0]!.terminate();
  },
);

test.each(['lstmForwardRows', 'lstmBackwardRows', 'lstmBackwardWeights'])(
  'a slow thread that computes %s long after the team has ended changes no bits',
  async kernel => {
    const result = await onOneThread('all stateful');
    const warn = listen();
    sabotage = inHalf(kernel, again);
    const lw = await started(2);
    lw.backendInfo();
    const terminate = vi.spyOn(RealWorker.prototype, 'terminate').mockResolvedValue(0);
    letOthersBegin();
    expect(trained(lw, 'all stateful')).toBe(result);
    expect(warn.mock.calls).toEqual(warning('a thread has stopped'));
    terminate.mockRestore();
    await threads[0]!.terminate();
  },
);

/** Terminates a thread when the calling thread takes its chunk number `chunk` from now on. */
function terminateAt(chunk: number): void {
  const { add } = Atomics;
  let left = chunk;
  vi.spyOn(Atomics, 'add').mockImplementation(((words: Int32Array, at: number, value: number) => {
    if (at === word.ticket && left-- === 0) void threads.at(-1)!.terminate();
    return add(words, at, value);
  }) as never);
}

test.each([
  ['stacked lstm', 2, 5],
  ['all stateful', 3, 17],
  ['masked and bidirectional', 7, 11],
  ['all stateful', 10, 3],
  ['a few rows', 4, 40],
  ['a few rows of gru', 6, 70],
] as const)('%s: after a thread was terminated in step %i, the bits are those of one thread', async (...args) => {
  const [name, atStep, chunk] = args;
  const result = await onOneThread(name);
  const warn = listen();
  const lw = await started(3);
  expect(trained(lw, name, step => step === atStep && terminateAt(chunk))).toBe(result);
  expect(warn.mock.calls.length).toBeLessThan(2);
});

test('a thread that stops between two calls is noticed without a wait', async () => {
  const result = await onOneThread('all stateful');
  const warn = listen();
  const lw = await started(3);
  expect(trained(lw, 'all stateful')).toBe(result);
  expect(warn).not.toHaveBeenCalled();
  await threads[1]!.terminate();
  await vi.waitFor(() => expect(lw.backendInfo().threads).toBe(1));
  const take = vi.spyOn(Atomics, 'add');
  expect(trained(lw, 'all stateful')).toBe(result);
  expect(take).not.toHaveBeenCalled();
  expect(warn.mock.calls).toEqual(warning('a thread has stopped'));
  lw.configure({ threads: 3 }); // accepted as before
  expect(() => lw.configure({ threads: 2 })).toThrow('got 2 while 1 run');
});

test('where the host forbids workers, the calling thread computes everything and warns once', async () => {
  const result = await onOneThread('stacked lstm');
  const warn = listen();
  const lw = await started(3);
  lw.backendInfo();
  workers.Worker = class {
    constructor() {
      throw new Error('forbidden');
    }
  } as never;
  expect(trained(lw, 'stacked lstm')).toBe(result);
  expect(trained(lw, 'stacked lstm')).toBe(result);
  expect(warn.mock.calls).toEqual(warning('the host does not allow workers'));
});

test('after a thread was late, the calling thread works alone for a while, with the same bits', async () => {
  const result = await onOneThread('stacked lstm');
  const shared: number[] = [];
  for (const times of [0, 1e6]) {
    sabotage = inHalf('lstmForwardRows', 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)');
    const lw = await started(2);
    (await import('../../src/wasm/team.ts')).rest.times = times;
    lw.backendInfo();
    letOthersBegin();
    expect(trained(lw, 'stacked lstm')).toBe(result);
    const { calls } = vi.mocked(Atomics.store).mock;
    shared.push(calls.filter(([, at, value]) => at === word.job && value > 0).length);
    expect(lw.backendInfo().threads).toBe(2);
    vi.restoreAllMocks();
  }
  expect(shared[1]).toBeLessThan(shared[0]! / 2);
});

test('where memory cannot be shared, one thread runs, and a number of threads that was requested is warned of', async () => {
  vi.stubGlobal('SharedArrayBuffer', undefined);
  const warn = listen();
  const lw = await started(4);
  expect(lw.backendInfo().threads).toBe(1);
  expect(warn.mock.calls).toEqual(warning('the host cannot share memory'));
  warn.mockClear();
  vi.resetModules();
  const other = await import('lstm-wasm');
  other.configure({ threads: 'auto' });
  expect(other.backendInfo().threads).toBe(1);
  expect(warn).not.toHaveBeenCalled();
});

test('where no second memory fits, calls continue in the first one', async () => {
  const result = await onOneThread('stacked lstm');
  listen();
  sabotage = inHalf('lstmBackwardRows', 'throw 0');
  const lw = await started(2);
  lw.backendInfo();
  letOthersBegin();
  vi.spyOn(WebAssembly, 'Memory').mockImplementation(() => {
    throw new RangeError('out of memory');
  });
  expect(trained(lw, 'stacked lstm')).toBe(result);
  expect(lw.backendInfo().threads).toBe(1);
});

test('a stream continues with the same bits after a thread has stopped in another model', async () => {
  listen();
  const outputs = async (threads: number) => {
    const lw = await started(threads);
    lw.setRandomSeed(3);
    const model = lw.sequential({ layers: [lw.layers.lstm({ units: 8, inputShape: [null, 2] })] });
    const stream = model.stream();
    const step = () => [...stream.step(Float32Array.of(0.5, -0.25))];
    const before = [step(), step()];
    trained(lw, 'stacked lstm');
    const other = model.predictOnBatch(lw.ones([3, 4, 2])).dataSync();
    return [...before, step(), step(), [...other]];
  };
  const one = await outputs(1);
  sabotage = inHalf('lstmBackwardRows', 'throw 0');
  letOthersBegin();
  expect(await outputs(2)).toEqual(one);
});

/** Runs a program with the built package in a process of its own. */
function run(program: string) {
  const of = (name: string) => new URL(`../../dist/${name}.js`, import.meta.url).href;
  const source = `
    import workers from 'node:worker_threads';
    import { setTimeout } from 'node:timers/promises';
    const threads = [];
    const { Worker } = workers;
    workers.Worker = class extends Worker {
      constructor(...args) {
        super(...args);
        threads.push(this);
      }
    };
    const { configure, layers, randomNormal, sequential } = await import('${of('index')}');
    const { connect } = await import('${of('worker')}');
    const stack = () => [layers.lstm({ units: 64, inputShape: [20, 8] }), layers.dense({ units: 1 })];
    const [x, y] = [randomNormal([64, 20, 8]), randomNormal([64, 1])];
    const make = (count) => {
      configure({ threads: count });
      const model = sequential({ layers: stack() });
      model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
      return model;
    };
    ${program}
  `;
  const start = performance.now();
  const options = { encoding: 'utf8', timeout: 30_000 } as const;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '--eval', source], options);
  return { stdout, stderr, status, milliseconds: performance.now() - start };
}

test.each([
  [
    'process.exit() during training',
    `let batches = 0;
    const onBatchEnd = () => {
      if (++batches === 40) process.exit();
    };
    await make(3).fit(x, y, { epochs: 1e6, batchSize: 64, verbose: 0, callbacks: { onBatchEnd } });`,
    '',
  ],
  [
    'process.exit() in the turn of a batch',
    `const model = make(3);
    setTimeout(100).then(() => process.exit());
    for (;;) {
      model.trainOnBatch(x, y);
      await new Promise(setImmediate);
    }`,
    '',
  ],
  [
    'dispose while threads look for work',
    `const model = make(3);
    for (let n = 0; n < 10; n++) model.trainOnBatch(x, y);
    model.dispose();
    console.log('disposed');`,
    'disposed\n',
  ],
  [
    'the termination of a worker that trains with threads',
    `const host = connect();
    await host.configure({ threads: 3 });
    const model = await host.sequential({ layers: stack() });
    await model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
    const fit = model.fit(x, y, { epochs: 1e6, batchSize: 64, verbose: 0 }).catch(error => error.message);
    await setTimeout(300);
    await host.terminate();
    console.log(await fit);`,
    'model.fit: the worker ended before the call was complete; the worker has been terminated\n',
  ],
  [
    'the termination of a thread',
    `console.warn = console.log;
    const model = make(3);
    for (let n = 0; n < 20; n++) {
      if (n === 10) threads.at(-1).terminate();
      model.trainOnBatch(x, y);
      await setTimeout(10);
    }
    console.log(threads.length);`,
    'lstm-wasm: calls run on one thread, because a thread has stopped; the results are the same\n2\n',
  ],
])('after %s, the process ends', (_title, program, output) => {
  const { stdout, stderr, status, milliseconds } = run(program);
  expect(stderr).toBe('');
  expect(stdout).toBe(output);
  expect(status).toBe(0);
  expect(milliseconds).toBeLessThan(15_000);
});
