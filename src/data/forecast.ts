/** Multi-step forecasts, with models that predict one step or several steps at once. */

import type { LayersModel } from '../model/layersModel.ts';
import { Tensor } from '../tensor/tensor.ts';
import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkBoolean, checkCount, checkOptions } from '../util/options.ts';
import { floatsFor, type Shape, showShape } from '../util/shapes.ts';
import type { RemoteModel } from '../worker/model.ts';
import { type ForecastTask, runForecast } from './forecastTask.ts';
import { type SavedScaler, type Scaler, scalerOf } from './scalers.ts';
import { checkColumns, readSeries, type Series } from './series.ts';

/** Options of `forecast`. */
export interface ForecastOptions {
  /**
   * The scaler of the training data: it scales the history, and its inverse scales the forecast back. Also accepts a
   * scaler that was saved as JSON, for example in the metadata of a model: `scaler: model.getUserDefinedMetadata()`.
   */
  scaler?: Scaler | SavedScaler | null;
  /** The indices of the columns that the model predicts, as passed to `windows`; default all. */
  target?: number | readonly number[];
  /**
   * True for a model that predicts all `steps` steps at once, false for a model that predicts the next step and is fed
   * its own predictions. Default: derived from the shapes.
   */
  direct?: boolean;
  /**
   * Whether a model that predicts the next step keeps its states between the steps, which takes microseconds per step,
   * or reads a new window of steps each time. Default: true if the model is stateful or its time axis is null, unless a
   * layer needs the whole sequence.
   */
  stream?: boolean;
  /** The number of steps in the input window, if the model's time axis is null; default: the whole history. */
  inputSteps?: number;
}

/**
 * Predicts the steps that follow a history.
 *
 * A model whose output is as wide as its input, [B, D], or [B, T, D], of which the last step is used, predicts the next
 * step, and its prediction is fed back as input. A model of a single column may predict a block of any length, [B, K];
 * if K is less than `steps`, the block is fed back. Any other model must predict all `steps` at once: [B, steps],
 * [B, steps * W] or [B, steps, W].
 *
 * The states that the model carries do not change.
 *
 * @param model a model of one input and one output, in this thread or in a worker
 * @param history numbers, or rows of the D columns the model takes, the latest last
 * @param steps the number of steps to predict
 * @returns [steps] for a history of plain numbers, or if the model predicts one column of several; [steps, W]
 *   otherwise. For a model in a worker, a promise of it
 * @throws ValueError if the shapes of model, history and options do not match
 */
export function forecast(model: LayersModel, history: Series, steps: number, options?: ForecastOptions): Tensor;
export function forecast(
  model: RemoteModel,
  history: Series,
  steps: number,
  options?: ForecastOptions,
): Promise<Tensor>;
export function forecast(
  model: LayersModel | RemoteModel,
  history: Series,
  steps: number,
  options?: ForecastOptions,
): Tensor | Promise<Tensor> {
  const call = 'forecast';
  const given = arguments;
  const plan = () => {
    rejectExtraArguments(call, 4, given);
    return checkForecast(call, model, history, steps, options);
  };
  if ('runForecast' in Object(model)) {
    return (async () => {
      (model as RemoteModel).checkNotDisposed(call);
      const { task, finish } = plan();
      return finish(await (model as RemoteModel).runForecast(task));
    })();
  }
  const { task, finish } = plan();
  return finish(runForecast(model as LayersModel, task));
}

/** Checks all arguments and allocates the result before anything is computed. */
function checkForecast(
  call: string,
  model: LayersModel | RemoteModel,
  history: Series,
  steps: number,
  options: ForecastOptions | undefined,
): { task: ForecastTask; finish: (predicted: Float32Array) => Tensor } {
  if (typeof model?.predict !== 'function')
    fail(call, `model must be made with sequential() or model(), got ${show(model)}`);
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

  const { length: inputCount } = model.inputs;
  const { length: outputCount } = model.outputs;
  if (inputCount !== 1 || outputCount !== 1) {
    fail(call, `model must have one input and one output, got ${inputCount} inputs and ${outputCount} outputs`);
  }
  const input = model.inputs[0]!.shape;
  if (input.length !== 3 || input[2] !== D) {
    fail(call, `history must have the width of the model's input, ${showShape(input)}, got a width of ${D}`);
  }
  const { outputSteps: K, width: W } = formOf(call, model, D, wanted, direct, target?.length);
  if (target && target.length !== W) {
    fail(call, `target must list the ${W} columns that the model predicts, got ${show(known.target)}`);
  }
  if (scaler && W !== D && !target)
    fail(call, `target must list the ${W} of ${D} columns that the model predicts, got none`);
  if (streams && K > 1) fail(call, 'stream must be false for a model that predicts several steps at once, got true');

  const fixed = input[1]!;
  if (fixed !== null && known.inputSteps !== undefined && known.inputSteps !== fixed) {
    fail(call, `inputSteps must be ${fixed}, the number of steps in the model's input, got ${show(known.inputSteps)}`);
  }
  const asked = known.inputSteps === undefined ? fixed : checkCount(call, 'inputSteps', known.inputSteps);
  if (past.steps < (asked ?? 1)) {
    fail(call, `history must have at least the ${asked} steps of the model's input, got ${past.steps}`);
  }
  floatsFor(call, 'the forecast', [wanted, W]); // reports a lack of memory here, not in the worker
  const rows = scaler ? scaler.transform(history).dataSync() : Float32Array.from(past.values);
  const window = (asked ?? past.steps) * D;
  const chosen = known.inputSteps !== undefined;
  const finish = (predicted: Float32Array) => {
    const result = new Tensor(predicted, W === 1 && (past.flat || D > 1) ? [wanted] : [wanted, W]);
    if (!scaler) return result;
    return (target ? scaler.columns(target) : scaler).inverse(result);
  };
  return { task: { rows, window, chosen, stream: streams, D, W, K, steps: wanted }, finish };
}

/** The steps that a model predicts for one sample, and the numbers per step. */
function formOf(
  call: string,
  model: Pick<LayersModel, 'inputs' | 'outputs'>,
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
  return fail(call, outputRule(output, D, wanted, direct));
}

/** The numbers per step in an output [B, width]; null if that is ambiguous. */
function eachOf(width: number, D: number, wanted: number, targets: number | undefined): number | null {
  if (targets !== undefined) return width % targets === 0 ? targets : null;
  return D === 1 || width === wanted ? 1 : width === wanted * D ? D : null;
}

function outputRule(output: Shape, D: number, wanted: number, direct: boolean | undefined): string {
  const next = `as many numbers as it takes in a step, ${D}, so that its predictions can be fed back`;
  const all = `all ${wanted} steps at once, [null, ${wanted}]`;
  const rule = direct === undefined ? `${next}, or ${all}` : direct ? all : next;
  return `the model must predict ${rule}, got the output ${showShape(output)}`;
}

function checkScaler(call: string, given: unknown, width: number): Scaler {
  const scaler = scalerOf(call, given);
  if (scaler.width !== width) fail(call, `scaler must have as many columns as history, ${width}, got ${scaler.width}`);
  return scaler;
}
