/**
 * Runs tasks, in the thread that calls it.
 *
 * **Task files** (kind 'file'). The module of the task has a default export, usually an async function:
 *
 *     export default async ({ params, data, seed, report, snapshot, from, to, signal }) => {
 *       const model = build(params, seed); // lstm-wasm as usual; random numbers without a seed of their own follow `seed` too
 *       if (snapshot) model.restore(snapshot);
 *       for (let epoch = from + 1; epoch <= 50; epoch++) {
 *         const loss = await trainEpoch(model, data, signal);
 *         await report(epoch, loss, model);
 *       }
 *       return { value: loss, model };
 *     };
 *
 * What it receives:
 *
 * - `params`: `input.params` of the task, `{}` if there are none.
 * - `data`: the data of the blob `data`, unpacked by `unpackData`; null without one.
 * - `seed`: the seed of the task.
 * - `from` and `snapshot`: the steps that are complete, and the bytes of the blob `snapshot`, from which to continue: what an
 *   earlier task has saved after step `from`. Without the blob, 0 and null: the task starts at the beginning.
 * - `to`: `input.to`, the step after which the task ends; null for a task that runs to its end.
 * - `report(step, value, model?)`: the value after a step, from 1; the steps must increase. `await` it. At step `to` and later
 *   it saves `model.snapshot()`, or the bytes that it is given instead of a model, and throws `Pruned`, which the task must not
 *   catch. A task that ends before step `to` returns as usual.
 * - `signal`: aborts when the result is no longer needed. A task that ignores it is ended with its thread.
 *
 * What it returns: `{ value, model?, snapshot? }`. `value` is a number or other plain data; `model` a model, a forecaster or
 * bytes; `snapshot` a model or bytes.
 *
 * The result of the task is `{ value, blobs }`. `value` is a `FileValue`. `blobs.model` and `blobs.snapshot` are the hashes of
 * bytes in the store, present if the task has saved them: `fromBytes` reads those of a model, `model.restore` a snapshot.
 * Progress is `{ step, value }`, for each report. Numbers that are not finite become null.
 *
 * **Forecasters.** `input.options` are the options of `forecaster` without `seed`. The blob `series` is a packed series, or a
 * list of them.
 *
 * - 'fit': the result has `blobs.model`, and as `value` a `FitValue`. Progress is that of `forecaster.fit`.
 * - 'predict': the blob `model` is a fitted forecaster, `input.options` the options of `predict`. The result has
 *   `blobs.forecasts`, a packed list.
 * - 'backtest': `input.backtest` are the options of `backtest`. The result has `blobs.report`, a packed report.
 */

import type { BacktestOptions } from '../forecast/backtest.ts';
import type { ForecasterProgress } from '../forecast/fitForecaster.ts';
import { forecaster, loadForecaster } from '../forecast/forecaster.ts';
import type { ForecasterOptions } from '../forecast/forecasterOptions.ts';
import type { ForecasterPredictOptions } from '../forecast/predictForecaster.ts';
import type { Series } from '../forecast/series.ts';
import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkOptions, isPlain } from '../util/options.ts';
import { taskThread } from '../util/taskThread.ts';
import { checkTask } from './checkTask.ts';
import type { Json, Result, Store, Task } from './engine.ts';
import { checkJson, sha256 } from './hash.ts';
import { fromBytes, modelBytes } from './models.ts';
import { packData, unpackData } from './pack.ts';

/** Ends a task at the step that it was to reach, or because its result is no longer of interest. Thrown by `report`. */
export class Pruned extends Error {
  override readonly name = 'Pruned';

  constructor(message = 'the task has reached its last step') {
    super(message);
  }
}

/** What the function of a task file receives. */
export interface TaskArguments<P = Record<string, unknown>, D = unknown> {
  readonly params: P;
  readonly data: D;
  readonly seed: number;
  /** The steps that are complete in `snapshot`. */
  readonly from: number;
  /** The step after which the task ends; null for a task that runs to its end. */
  readonly to: number | null;
  readonly snapshot: Uint8Array | null;
  readonly signal: AbortSignal;
  /**
   * Reports the value after a step.
   * @throws {Pruned} at the last step of the task
   */
  report(step: number, value: number, model?: Snapshotted | Uint8Array): Promise<void>;
}

/** What the function of a task file returns. */
export interface TaskReturn {
  readonly value: Json;
  readonly model?: unknown;
  readonly snapshot?: Snapshotted | Uint8Array;
}

/** The value of the result of a task file. */
export interface FileValue {
  /** What the function has returned; for a task that `report` has ended, the last value reported. */
  readonly value: Json;
  /** All steps reported, in order, with their values. They start after `from`. */
  readonly reports: readonly (readonly [step: number, value: number | null])[];
  /** Whether `report` has ended the task. */
  readonly stopped: boolean;
}

/** The value of the result of a fit. */
export interface FitValue {
  /** Epochs trained, of all networks of the ensemble. */
  readonly epochs: number;
  /** The lowest loss on the held-out end, averaged over the ensemble; null if it was never finite. */
  readonly validationLoss: number | null;
}

/** A model that can take a snapshot of its training. */
export interface Snapshotted {
  snapshot(): Uint8Array;
}

export interface RunTaskOptions {
  readonly signal?: AbortSignal;
  readonly report?: (progress: Json) => void;
}

/**
 * Runs a task to its end. The store must have its blobs, and receives those of the result. Rejects with the error of the task
 * file or of the forecaster.
 */
export async function runTask(task: Task, store: Store, options?: RunTaskOptions): Promise<Result> {
  rejectExtraArguments('runTask', 3, arguments);
  checkTask('runTask', task);
  const { signal, report } = checkOptions<RunTaskOptions>('runTask', options, ['signal', 'report']);
  const call = `task '${task.kind}'`;
  const thread = taskThread();
  if (thread) thread.task = { seed: task.seed };
  const context: Context = {
    call,
    task,
    input: isPlain(task.input) ? (task.input as Context['input']) : {},
    signal: signal ?? new AbortController().signal,
    report: report ?? (() => {}),
    async bytes(name) {
      const hash = task.blobs[name];
      if (hash === undefined) return null;
      return (await store.get(hash)) ?? fail(call, `the store must have the blob ${name}, got none under ${hash}`);
    },
  };
  context.signal.throwIfAborted();
  const { value, saved } = await runners[task.kind](context);
  const blobs: { [name: string]: string } = {};
  for (const [name, bytes] of Object.entries(saved)) {
    blobs[name] = await sha256(bytes);
    await store.put(blobs[name], bytes);
  }
  return { value: checkJson(call, 'the value of the result', value), blobs };
}

interface Context {
  readonly call: string;
  readonly task: Task;
  readonly input: { readonly [name: string]: unknown };
  readonly signal: AbortSignal;
  report(progress: Json): void;
  /** The bytes of a blob; null without it. */
  bytes(name: string): Promise<Uint8Array | null>;
}

interface Outcome {
  readonly value: unknown;
  readonly saved: { readonly [name: string]: Uint8Array };
}

const runners: { readonly [kind in Task['kind']]: (context: Context) => Promise<Outcome> } = {
  file: runFile,
  fit: runFit,
  predict: runPredict,
  backtest: runBacktest,
};

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

async function runFile(context: Context): Promise<Outcome> {
  const { call, task, input, signal } = context;
  const [data, snapshot] = [await context.bytes('data'), await context.bytes('snapshot')];
  const unpacked = data && unpackData(call, 'data', data);
  const { default: run } = (await import(/* @vite-ignore */ /* webpackIgnore: true */ task.file!)) as {
    default?: unknown;
  };
  if (typeof run !== 'function') fail(call, `the default export of ${task.file} must be a function, got ${show(run)}`);
  const from = snapshot ? ((input.from as number | undefined) ?? 0) : 0;
  const to = (input.to as number | undefined) ?? null;
  const reports: [number, number | null][] = [];
  const saved: { [name: string]: Uint8Array } = {};
  let ended: Pruned | null = null;
  const given: TaskArguments = {
    params: (input.params ?? {}) as Record<string, unknown>,
    data: unpacked,
    seed: task.seed,
    from,
    to,
    snapshot,
    signal,
    async report(step, value, model) {
      signal.throwIfAborted();
      if (ended) throw ended;
      checkReport(step, value, reports.at(-1)?.[0] ?? from);
      const bytes = to !== null && step >= to && model !== undefined ? snapshotBytes('report', 'model', model) : null;
      reports.push([step, finite(value)]);
      context.report({ step, value: finite(value) });
      if (to === null || step < to) return;
      if (bytes) saved.snapshot = bytes;
      ended = new Pruned();
      throw ended;
    },
  };
  let returned: unknown;
  try {
    returned = await run(given);
  } catch (error) {
    if (ended === null || error !== ended) throw error;
    return { value: { value: reports.at(-1)![1], reports, stopped: true }, saved };
  }
  if (ended) fail(call, `${task.file} must not catch the error Pruned of report; throw it again`);
  if (!isPlain(returned)) fail(call, `${task.file} must return { value }, got ${show(returned)}`);
  const { value, model, snapshot: last } = returned as Partial<TaskReturn>;
  if (value === undefined) fail(call, `${task.file} must return { value }, got no value`);
  if (model !== undefined && model !== null) saved.model = await modelBytes(call, 'model', model);
  if (last !== undefined && last !== null) saved.snapshot = snapshotBytes(call, 'snapshot', last);
  return { value: { value: typeof value === 'number' ? finite(value) : value, reports, stopped: false }, saved };
}

function checkReport(step: unknown, value: unknown, before: number): void {
  if (!Number.isSafeInteger(step) || (step as number) <= before) {
    fail('report', `step must be an integer above ${before}, the last step, got ${show(step)}`);
  }
  if (typeof value !== 'number') fail('report', `value must be a number, got ${show(value)}`);
}

function snapshotBytes(call: string, name: string, model: unknown): Uint8Array {
  if (model instanceof Uint8Array) return model;
  const { snapshot } = model as Partial<Snapshotted>;
  if (typeof snapshot === 'function') return snapshot.call(model);
  return fail(call, `${name} must be a model with snapshot() or a Uint8Array, got ${show(model)}`);
}

async function seriesOf(context: Context): Promise<Series | readonly Series[]> {
  const bytes = (await context.bytes('series')) ?? fail(context.call, 'blobs must have series, got none');
  return unpackData(context.call, 'series', bytes) as Series;
}

const optionsOf = ({ task, input }: Context) => ({ ...(input.options as object), seed: task.seed });

async function runFit(context: Context): Promise<Outcome> {
  const { call, signal } = context;
  const series = await seriesOf(context);
  const model = forecaster(optionsOf(context) as ForecasterOptions);
  const lowest: number[] = [];
  let epochs = 0;
  const onProgress = (progress: ForecasterProgress) => {
    const { member, loss, validationLoss } = progress;
    epochs++;
    lowest[member - 1] = Math.min(lowest[member - 1] ?? Number.POSITIVE_INFINITY, validationLoss);
    context.report({ ...progress, loss: finite(loss), validationLoss: finite(validationLoss) });
  };
  await model.fit(series, { signal, onProgress });
  const saved = { model: await modelBytes(call, 'model', model) };
  model.release();
  const mean = lowest.reduce((sum, loss) => sum + loss, 0) / lowest.length;
  return { value: { epochs, validationLoss: finite(mean) } satisfies FitValue, saved };
}

async function runPredict(context: Context): Promise<Outcome> {
  const { call } = context;
  const bytes = (await context.bytes('model')) ?? fail(call, 'blobs must have model, got none');
  const series = await seriesOf(context);
  const model = await loadForecaster(fromBytes(bytes));
  try {
    const forecasts = await model.predict(series, optionsOf(context) as ForecasterPredictOptions);
    return { value: null, saved: { forecasts: packData(call, 'forecasts', forecasts) } };
  } finally {
    model.model?.dispose();
  }
}

async function runBacktest(context: Context): Promise<Outcome> {
  const { call, input, signal } = context;
  const series = await seriesOf(context);
  const report = await forecaster(optionsOf(context) as ForecasterOptions).backtest(series, {
    ...(input.backtest as BacktestOptions),
    signal,
    onProgress: progress => {
      const { loss, validationLoss } = progress;
      context.report({ ...progress, loss: finite(loss), validationLoss: finite(validationLoss) });
    },
  });
  return { value: null, saved: { report: packData(call, 'report', report) } };
}
