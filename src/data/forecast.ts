/** Forecasts of several steps, by models that tell one step or several at once. */

import type { Sequential } from '../model/sequential.ts';
import type { Stream } from '../model/stream.ts';
import { Tensor } from '../tensor/tensor.ts';
import { noMore } from '../util/arguments.ts';
import { fail, show, ValueError } from '../util/errors.ts';
import { checkBoolean, checkCount, checkOptions } from '../util/options.ts';
import { floatsFor, type Shape, showShape } from '../util/shapes.ts';
import type { RemoteSequential } from '../worker/model.ts';
import type { ForecastTask } from './forecastTask.ts';
import { type SavedScaler, type Scaler, scalerOf } from './scalers.ts';
import { checkColumns, readSeries, type Series } from './series.ts';

/** Options of `forecast`. */
export interface ForecastOptions {
  /**
   * The scaler of the training data: it scales the history, and its inverse scales the forecast back. Also accepts a
   * scaler that was saved as JSON, for example in the metadata of a model: `scaler: model.getUserDefinedMetadata()`.
   */
  scaler?: Scaler | SavedScaler | null;
  /** The columns the model tells, by index, where these are not all; as given to `windows`. */
  target?: number | readonly number[];
  /**
   * True for a model that tells `steps` steps at once, false for one that tells the next step and is fed its own
   * output. Found out from the shapes where absent.
   */
  direct?: boolean;
  /**
   * Whether a model that tells the next step runs on with its states, which costs microseconds a step, or looks at a
   * new window of steps each time. By default it runs on where it is stateful or leaves its time axis open, and no layer
   * needs the whole sequence.
   */
  stream?: boolean;
  /** The steps of such a window, where the model leaves them open; default all of the history. */
  inputSteps?: number;
}

/**
 * The steps that follow a history.
 *
 * A model whose output is as wide as its input, [B, D] or [B, T, D] with a step for each of the input (of which the last
 * counts), tells the next step and is fed what it told. A model of a single column may tell a block of any length, [B, K],
 * and is fed the block where more steps are asked for. Any other model must tell all `steps` at once: [B, steps],
 * [B, steps * W] or [B, steps, W].
 *
 * States that the model carries stay as they are.
 *
 * @param model a `sequential()` model, in this thread or in a worker
 * @param history numbers, or rows of the D columns the model takes, the latest last
 * @returns [steps] for a history of plain numbers, or where the model predicts one column of several; [steps, W]
 *   otherwise. A promise of it for a model in a worker
 */
export function forecast(model: Sequential, history: Series, steps: number, options?: ForecastOptions): Tensor;
export function forecast(
  model: RemoteSequential,
  history: Series,
  steps: number,
  options?: ForecastOptions,
): Promise<Tensor>;
export function forecast(
  model: Sequential | RemoteSequential,
  history: Series,
  steps: number,
  options?: ForecastOptions,
): Tensor | Promise<Tensor> {
  const call = 'forecast';
  const given = arguments;
  const plan = () => {
    noMore(call, 4, given);
    return planned(call, model, history, steps, options);
  };
  if ('tell' in Object(model)) {
    return (async () => {
      const { task, finish } = plan();
      return finish(await (model as RemoteSequential).tell(task));
    })();
  }
  const { task, finish } = plan();
  return finish(tell(model as Sequential, task));
}

/** Checks all arguments and allocates the result before anything is computed. */
function planned(
  call: string,
  model: Sequential | RemoteSequential,
  history: Series,
  steps: number,
  options: ForecastOptions | undefined,
): { task: ForecastTask; finish: (told: Float32Array) => Tensor } {
  if (typeof model?.predict !== 'function') fail(call, `model must be a sequential() model, got ${show(model)}`);
  if ('layers' in model && model.layers.length === 0) {
    fail(call, 'model must have a layer, got none; call model.add first');
  }
  const known = checkOptions<ForecastOptions>(call, options, ['scaler', 'target', 'direct', 'stream', 'inputSteps']);
  const past = readSeries(call, 'history', history);
  const wanted = checkCount(call, 'steps', steps);
  const D = past.width;
  const scaler = known.scaler === undefined ? null : checkScaler(call, known.scaler, D);
  const target = known.target === undefined ? null : checkColumns(call, 'target', known.target, D);
  const direct = known.direct === undefined ? undefined : checkBoolean(call, 'direct', known.direct);
  const streams = known.stream === undefined ? null : checkBoolean(call, 'stream', known.stream);

  const input = model.inputs[0]!.shape;
  if (input.length !== 3 || input[2] !== D) {
    fail(call, `history must have the width of the model's input, ${showShape(input)}, got a width of ${D}`);
  }
  const { outputSteps: K, width: W } = formOf(call, model, D, wanted, direct, target?.length);
  if (target && target.length !== W) {
    fail(call, `target must name the columns that the model tells, ${W} of them, got ${show(known.target)}`);
  }
  if (scaler && W !== D && !target)
    fail(call, `target must name the ${W} of ${D} columns that the model tells, got none`);
  if (streams && K > 1) fail(call, 'stream must be false for a model that tells several steps at once, got true');

  const fixed = input[1]!;
  if (fixed !== null && known.inputSteps !== undefined && known.inputSteps !== fixed) {
    fail(call, `inputSteps must be ${fixed}, which the model fixes, got ${show(known.inputSteps)}`);
  }
  const asked = known.inputSteps === undefined ? fixed : checkCount(call, 'inputSteps', known.inputSteps);
  if (past.steps < (asked ?? 1)) {
    fail(call, `history must hold the ${asked} steps that the model looks at, got ${past.steps}`);
  }
  floatsFor(call, 'the forecast', [wanted, W]); // reports a lack of memory here, not in the worker
  const rows = scaler ? scaler.transform(history).dataSync() : Float32Array.from(past.values);
  const window = (asked ?? past.steps) * D;
  const chosen = known.inputSteps !== undefined;
  const finish = (told: Float32Array) => {
    const result = new Tensor(told, W === 1 && (past.flat || D > 1) ? [wanted] : [wanted, W]);
    if (!scaler) return result;
    return (target ? scaler.columns(target) : scaler).inverse(result);
  };
  return { task: { rows, window, chosen, stream: streams, D, W, K, steps: wanted }, finish };
}

/** @internal Runs a forecast task on a model in this thread; returns the numbers of all steps. */
export function tell(model: Sequential, { rows, chosen, stream: asked, D, W, K, ...task }: ForecastTask): Float32Array {
  const carries = model.inputs[0]!.shape[1] === null || model.layers.some(layer => layer.stateful);
  const stream = K === 1 && (asked ?? carries) ? streamOf(model, asked === true) : null;
  const window = rows.slice(-task.window);
  const told = new Float32Array(task.steps * W);
  // A model that has seen windows of one length only is warmed up on one of them.
  if (stream) runOn(stream, carries && !chosen ? rows : window, D, W, told);
  else slide(model, window, D, K, W, told);
  return told;
}

/** What a model tells for one sample: so many steps of so many numbers. */
function formOf(
  call: string,
  model: Pick<Sequential, 'inputs' | 'outputs'>,
  D: number,
  wanted: number,
  direct: boolean | undefined,
  targets: number | undefined,
): { outputSteps: number; width: number } {
  const [input, output] = [model.inputs[0]!.shape, model.outputs[0]!.shape];
  const width = output.at(-1)!;
  const sequences = output.length === 3 && output[1] === input[1];
  const next = sequences || (output.length === 2 && width === D && (targets ?? D) === D);
  if (next && !direct && (width === D || wanted === 1)) return { outputSteps: 1, width };
  if (direct || (direct === undefined && !sequences)) {
    const each = output.length === 3 ? width : eachOf(width, D, wanted, targets);
    const outputSteps = output.length === 3 ? output[1] : each && width / each;
    if (each && outputSteps && (outputSteps >= wanted || (each === D && !direct))) return { outputSteps, width: each };
  }
  return fail(call, needs(output, D, wanted, direct));
}

/** How many numbers of an output [B, width] belong to one step; null where there is no telling. */
function eachOf(width: number, D: number, wanted: number, targets: number | undefined): number | null {
  if (targets !== undefined) return width % targets === 0 ? targets : null;
  return D === 1 || width === wanted ? 1 : width === wanted * D ? D : null;
}

function needs(output: Shape, D: number, wanted: number, direct: boolean | undefined): string {
  const next = `as many numbers as it takes in a step, ${D}, to be fed its own output`;
  const all = `all ${wanted} steps at once, [null, ${wanted}]`;
  const rule = direct === undefined ? `${next}, or ${all}` : direct ? all : next;
  return `the model must tell ${rule}, got the output ${showShape(output)}`;
}

function checkScaler(call: string, given: unknown, width: number): Scaler {
  const scaler = scalerOf(call, given);
  if (scaler.width !== width)
    fail(call, `scaler must know as many columns as history has, ${width}, got ${scaler.width}`);
  return scaler;
}

/** @param forced whether the caller asked for a stream; otherwise null where the model can have none */
function streamOf(model: Sequential, forced: boolean): Stream | null {
  try {
    return model.stream();
  } catch (error) {
    if (forced || !(error instanceof ValueError)) throw error;
    return null;
  }
}

/** Steps through the history, then through what comes out. */
function runOn(stream: Stream, rows: Float32Array, D: number, W: number, told: Float32Array): void {
  const out = new Float32Array(W);
  for (let at = 0; at < rows.length; at += D) stream.step(rows.subarray(at, at + D), out);
  told.set(out);
  for (let at = W; at < told.length; at += W) told.set(stream.step(out, out), at);
}

/** Looks at a window, puts what comes out behind it, and moves on. The window is overwritten. */
function slide(model: Sequential, window: Float32Array, D: number, K: number, W: number, told: Float32Array): void {
  const stateful = model.layers.some(layer => layer.stateful);
  const own = stateful || (model.inputs[0]!.shape[0] ?? 1) !== 1;
  const single = own ? model.withBatchSize(1) : model;
  try {
    for (let at = 0; ; at += K * W) {
      if (stateful) single.resetStates();
      const block = single
        .predict(new Tensor(window, [1, window.length / D, D]))
        .dataSync()
        .slice(-K * W);
      told.set(block.subarray(0, told.length - at), at);
      if (at + K * W >= told.length) return;
      window.copyWithin(0, block.length);
      window.set(block.subarray(-window.length), Math.max(0, window.length - block.length));
    }
  } finally {
    if (own) single.dispose();
  }
}
