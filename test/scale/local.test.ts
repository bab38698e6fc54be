/** The engine `local` in Node, with the built package. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FileValue, Json, Result, TaskError } from 'lstm-wasm/scale';
import { afterAll, afterEach, expect, it } from 'vitest';
import { built, closeEngines, fileTask, open, put, samples, scale, sha256, wave } from './engines.ts';

const { makeTask, memoryStore, runTask, fromBytes } = scale;

const folder = mkdtempSync(join(tmpdir(), 'lstm-wasm-'));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(closeEngines);

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('must be rejected'),
    (error: TaskError) => error,
  );
const misbehave = (how: string, more = {}) => fileTask('misbehave', { params: { how }, ...more });
const fileValue = ({ value }: Result) => value as unknown as FileValue;

const fitTask = async (engine: ReturnType<typeof open>, phase: number) =>
  makeTask({
    kind: 'fit',
    input: { options: { horizon: 4, inputSteps: 12, epochs: 2, units: 6 } },
    seed: 3,
    blobs: { series: await put(engine, { values: wave(60, phase) }) },
  });

it('one thread, two threads and runTask in this process fit the same weights', async () => {
  const { configure } = await built('index');
  configure({ simd: 'strict' });
  const models: string[][] = [];
  for (const workers of [1, 2]) {
    const engine = open({ workers });
    const tasks = await Promise.all([0, 1, 2].map(phase => fitTask(engine, phase)));
    const results = await Promise.all(tasks.map(task => engine.run(task)));
    models.push(results.map(({ blobs }) => blobs.model!));
    for (const hash of models.at(-1)!) expect(sha256((await engine.store.get(hash))!)).toBe(hash);
  }
  const store = memoryStore();
  const here: string[] = [];
  for (const phase of [0, 1, 2]) {
    const { blobs } = await runTask(await fitTask({ store } as ReturnType<typeof open>, phase), store);
    here.push(blobs.model!);
  }
  expect(models[0]).toEqual(here);
  expect(models[1]).toEqual(here);
  expect(new Set(here).size).toBe(3);
});

it.each([true, false])(
  'a task file that is cut into steps gives the same model as one run (drawn seed: %s)',
  async drawn => {
    const engine = open({ workers: 2 });
    const data = await put(engine, samples);
    const input = { params: { units: 5, drawn } };
    const whole = await engine.run(await fileTask('train', input, { blobs: { data } }));
    const first = await engine.run(await fileTask('train', { ...input, to: 2 }, { blobs: { data } }));
    const { snapshot } = first.blobs;
    const rest = await fileTask('train', { ...input, from: 2, to: 9 }, { blobs: { data, snapshot: snapshot! } });
    const last = await engine.run(rest);
    expect(fileValue(first)).toMatchObject({ stopped: true, value: fileValue(whole).reports[1]![1] });
    expect(fileValue(last)).toMatchObject({ stopped: false, value: fileValue(whole).value });
    expect([...fileValue(first).reports, ...fileValue(last).reports]).toEqual(fileValue(whole).reports);
    expect(last.blobs.model).toBe(whole.blobs.model);
    const { loadLayersModel } = await built('index');
    const model = await loadLayersModel(fromBytes((await engine.store.get(whole.blobs.model!))!));
    expect(model.countParams()).toBe(4 * 5 * (1 + 5 + 1) + 6);
  },
);

it('a task whose random numbers have no seed of their own gives the same model in every thread and order', async () => {
  const [one, two] = [open({ workers: 1 }), open({ workers: 1 })];
  const data = await put(one, samples);
  await put(two, samples);
  const task = await fileTask('train', { params: { units: 4, drawn: true } }, { blobs: { data } });
  const other = await fileTask('train', { params: { units: 3, drawn: true } }, { blobs: { data }, seed: 2 });
  const alone = await one.run(task);
  await two.run(other);
  expect((await two.run(task)).blobs.model).toBe(alone.blobs.model);
});

it('progress arrives in order, for every caller of a shared task', async () => {
  const engine = open({ workers: 1 });
  const task = await fileTask('train', { params: { units: 2 } }, { blobs: { data: await put(engine, samples) } });
  const seen: Json[][] = [[], []];
  const results = await Promise.all(
    seen.map(list => engine.run(task, { onProgress: progress => list.push(progress) })),
  );
  expect(results[0]).toEqual(results[1]);
  expect(seen[0]).toEqual(seen[1]);
  expect(seen[0]!.map(progress => (progress as { step: number }).step)).toEqual([1, 2, 3, 4, 5, 6]);
});

it('a caller that joins a running task receives the progress from then on', async () => {
  const engine = open({ workers: 1 });
  const task = await misbehave('steps');
  const first = engine.run(task);
  await new Promise(resolve => setTimeout(resolve, 200));
  const seen: Json[] = [];
  const second = await engine.run(task, { onProgress: progress => seen.push(progress) });
  expect(second).toEqual(await first);
  expect(seen.at(-1)).toEqual({ step: 40, value: 40 });
  expect(seen.length).toBeLessThanOrEqual(40);
});

it('a repeated task is served from the memory, and in a new engine from the folder', async () => {
  const task = await misbehave('count');
  const engine = open({ workers: 1 });
  const first = await engine.run(task);
  expect(await engine.run(task)).toEqual(first);
  expect(await open({ workers: 1 }).run(task)).not.toEqual(first);
  const cache = join(folder, 'cache');
  const kept = await open({ workers: 1, cache }).run(task);
  expect(await open({ workers: 1, cache }).run(task)).toEqual(kept);
  expect(readdirSync(cache)).toEqual([task.id.slice(0, 2)]);
});

it('a thread that dies is replaced, and its task runs again, twice', async () => {
  const engine = open({ workers: 1 });
  const log = join(folder, 'twice');
  const { value } = await engine.run(await fileTask('dieAndRecover', { params: { log, deaths: 2 } }));
  expect(value).toMatchObject({ value: 2 });
});

it('a task whose threads die three times fails with its parameters, and others go on', async () => {
  const engine = open({ workers: 2 });
  const [error, fine] = await Promise.all([
    failure(engine.run(await misbehave('exit'))),
    engine.run(await misbehave('notFinite')),
  ]);
  expect(error).toBeInstanceOf(scale.TaskError);
  expect(error.message).toMatch(
    /^3 threads have ended while they ran the task 'file' with .*"how":"exit".*; it exited with code 7$/,
  );
  expect(error.task).toEqual(await misbehave('exit'));
  expect(fine.value).toMatchObject({ value: null });
  expect((await failure(engine.run(await misbehave('throwLater')))).message).toMatch(/thrown outside of the task$/);
  expect((await engine.run(await misbehave('count'))).value).toMatchObject({ value: { calls: 1 } });
});

it.each([
  ['throw', {}, /^the loss has exploded; in the task 'file' with .*"how":"throw"/],
  ['nothing', {}, /must return \{ value \}, got undefined/],
  ['catchPruned', { to: 1 }, /must not catch the error Pruned/],
  ['backwards', {}, /^report: step must be an integer above 2, the last step, got 1/],
])('a task that fails rejects with a TaskError and is not run again: %s', async (how, more, message) => {
  const engine = open({ workers: 1 });
  const error = await failure(engine.run(await misbehave(how, more)));
  expect(error).toBeInstanceOf(scale.TaskError);
  expect(error.message).toMatch(message);
});

it('a file without a default export and a missing file fail with a sentence', async () => {
  const engine = open({ workers: 1 });
  const empty = new URL('data:text/javascript,export const a = 1');
  const task = await makeTask({ kind: 'file', file: empty, input: null, seed: 1 });
  expect((await failure(engine.run(task))).message).toMatch(
    /the default export of data:.* must be a function, got undefined/,
  );
  const missing = makeTask({ kind: 'file', file: new URL('./no.js', import.meta.url), input: null, seed: 1 });
  await expect(missing).rejects.toThrow(/^makeTask: file must be a module that can be read, got 'file:.*ENOENT/);
});

it('an aborted task ends, also one that never yields, and its slot is free again', async () => {
  const engine = open({ workers: 1 });
  for (const how of ['sleep', 'forever']) {
    const control = new AbortController();
    const run = engine.run(await misbehave(how), { signal: control.signal });
    setTimeout(() => control.abort(new Error('enough')), 100);
    expect((await failure(run)).message).toBe('enough');
  }
  expect((await engine.run(await misbehave('count'))).value).toMatchObject({ value: { calls: 1 } });
});

it('many tasks share a signal without a warning of Node about its listeners', async () => {
  const engine = open({ workers: 1 });
  const warnings: Error[] = [];
  const note = (warning: Error) => warnings.push(warning);
  process.on('warning', note);
  const control = new AbortController();
  const tasks = await Promise.all(Array.from({ length: 30 }, (_, n) => misbehave('sleep', { n })));
  const runs = tasks.map(task => failure(engine.run(task, { signal: control.signal })));
  await new Promise(resolve => setTimeout(resolve, 50));
  control.abort(new Error('all of them'));
  for (const { message } of await Promise.all(runs)) expect(message).toBe('all of them');
  process.off('warning', note);
  expect(warnings).toEqual([]);
});

it('a shared task goes on while one caller still waits', async () => {
  const engine = open({ workers: 1 });
  const task = await fileTask('train', { params: { units: 2 } }, { blobs: { data: await put(engine, samples) } });
  const control = new AbortController();
  const aborted = failure(engine.run(task, { signal: control.signal }));
  const kept = engine.run(task);
  control.abort();
  expect((await aborted).name).toBe('AbortError');
  expect((await kept).blobs.model).toBeDefined();
});

it('an error of onProgress rejects its call, and no other', async () => {
  const engine = open({ workers: 1 });
  const task = await fileTask('train', { params: { units: 2 } }, { blobs: { data: await put(engine, samples) } });
  const onProgress = () => {
    throw new Error('no terminal');
  };
  const failed = failure(engine.run(task, { onProgress }));
  const kept = engine.run(task);
  expect((await failed).message).toBe('no terminal');
  expect((await kept).blobs.model).toBeDefined();
  await expect(fitEachOnce(engine, onProgress)).rejects.toThrow(/^no terminal$/);
});

const fitEachOnce = (engine: ReturnType<typeof open>, onProgress: () => void) =>
  scale.fitEach([{ values: wave(60) }], { horizon: 4, inputSteps: 12, epochs: 1, units: 3 }, { engine, onProgress });

it('a program ends while its threads are idle, although the engine is open', async () => {
  const program = `
    import { fitEach, local } from ${JSON.stringify(new URL('../../dist/scale.js', import.meta.url).href)};
    const [fit] = await fitEach([{ values: Array.from({ length: 60 }, (_, n) => n % 7) }],
      { horizon: 4, inputSteps: 12, epochs: 1, units: 3 }, { engine: local({ workers: 2 }) });
    console.log(fit.error, fit.model.length);`;
  const words = ['--input-type=module', '--eval', program];
  expect(execFileSync(process.execPath, words, { encoding: 'utf8', timeout: 20_000 })).toBe('null 64\n');
});

it('close rejects what is running and later calls', async () => {
  const engine = open({ workers: 1 });
  const running = failure(engine.run(await misbehave('sleep')));
  const waiting = failure(engine.run(await misbehave('count')));
  await new Promise(resolve => setTimeout(resolve, 50));
  await engine.close();
  const closed = 'engine.close: the engine was closed before the task was complete';
  expect((await running).message).toBe(closed);
  expect((await waiting).message).toBe(closed);
  const late = await failure(engine.run(await misbehave('count')));
  expect(late.message).toBe('engine.run: the engine must be open, but close has been called');
});

it('the folder of a cache is made when the first result is stored', async () => {
  const cache = join(folder, 'new', 'folder');
  const engine = open({ workers: 1, cache });
  expect(existsSync(cache)).toBe(false);
  await engine.run(await misbehave('count'));
  expect(existsSync(cache)).toBe(true);
});

it('a thread fits the same weights after other series, sizes and aborts as a thread of its own', async () => {
  const { configure } = await built('index');
  configure({ simd: 'strict' });
  const store = memoryStore();
  const engine = open({ workers: 1, cache: store });
  const task = async (phase: number, seed: number, more: { [name: string]: Json } = {}, count = 60) =>
    makeTask({
      kind: 'fit',
      input: { options: { horizon: 4, inputSteps: 12, epochs: 2, units: 6, ...more } },
      seed,
      blobs: { series: await put({ store }, { values: wave(count, phase) }) },
    });
  const tasks = await Promise.all([
    task(0, 3),
    task(1, 3), // another series
    task(1, 4), // another seed
    task(0, 3, { learningRate: 0.02, epochs: 3 }),
    task(1, 5, { season: 4 }, 90), // another number of windows
    task(0, 3, { units: 5 }),
    task(0, 4, { ensemble: 2 }),
    task(1, 6, { decoding: 'autoregressive' }),
    task(0, 6, { decoding: 'autoregressive' }),
    task(0, 7),
  ]);
  const [long, last] = await Promise.all([task(0, 3, { epochs: 500, patience: 500 }), task(0, 8)]);
  const control = new AbortController();
  const models: string[] = [];
  for (const one of tasks) models.push((await engine.run(one)).blobs.model!);
  await failure(engine.run(long, { signal: control.signal, onProgress: () => control.abort() }));
  models.push((await engine.run(last)).blobs.model!);
  const fresh: string[] = [];
  for (const one of [...tasks, last]) fresh.push((await runTask(one, store)).blobs.model!);
  expect(models).toEqual(fresh);
});
