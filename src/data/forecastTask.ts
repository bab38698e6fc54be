/** Forecast tasks: `forecast` checks its arguments into one, and runs it in this thread or sends it to a worker. */

import type { LayersModel } from '../model/layersModel.ts';
import type { Stream } from '../model/stream.ts';
import { Tensor } from '../tensor/tensor.ts';
import { ValueError } from '../util/errors.ts';

/** A checked forecast task, as data that can be sent to a worker. */
export interface ForecastTask {
  /** The whole history, scaled. */
  readonly rows: Float32Array;
  /** The number of values at its end that form the input window. */
  readonly window: number;
  /** Whether the caller set the window length. */
  readonly chosen: boolean;
  readonly stream: boolean | null;
  /** The numbers per step that the model takes and predicts, and the steps that it predicts per call. */
  readonly D: number;
  readonly W: number;
  readonly K: number;
  /** The number of steps to forecast. */
  readonly steps: number;
}

/** @internal Runs a forecast task on a model in this thread and returns the numbers of all steps. */
export function runForecast(
  model: LayersModel,
  { rows, chosen, stream: requested, D, W, K, ...task }: ForecastTask,
): Float32Array {
  const carries = model.inputs[0]!.shape[1] === null || model.layers.some(layer => layer.stateful);
  const stream = K === 1 && (requested ?? carries) ? streamOf(model, requested === true) : null;
  const window = rows.slice(-task.window);
  const predicted = new Float32Array(task.steps * W);
  // A model trained on windows of one length is warmed up on one window rather than on the whole history.
  if (stream) runStream(stream, carries && !chosen ? rows : window, D, W, predicted);
  else slide(model, window, D, K, W, predicted);
  return predicted;
}

/** @param forced whether the caller requested a stream; otherwise returns null for a model that cannot stream */
function streamOf(model: LayersModel, forced: boolean): Stream | null {
  try {
    return model.stream();
  } catch (error) {
    if (forced || !(error instanceof ValueError)) throw error;
    return null;
  }
}

/** Feeds the history, then each prediction, to a stream. */
function runStream(stream: Stream, rows: Float32Array, D: number, W: number, predicted: Float32Array): void {
  const out = new Float32Array(W);
  for (let at = 0; at < rows.length; at += D) stream.step(rows.subarray(at, at + D), out);
  predicted.set(out);
  for (let at = W; at < predicted.length; at += W) predicted.set(stream.step(out, out), at);
}

/** Predicts from a sliding window, to which each prediction is appended. Overwrites the window. */
function slide(
  model: LayersModel,
  window: Float32Array,
  D: number,
  K: number,
  W: number,
  predicted: Float32Array,
): void {
  const stateful = model.layers.some(layer => layer.stateful);
  const isCopy = stateful || (model.inputs[0]!.shape[0] ?? 1) !== 1;
  const single = isCopy ? model.withBatchSize(1) : model;
  try {
    for (let at = 0; ; at += K * W) {
      if (stateful) single.resetStates();
      const block = single
        .predict<Tensor>(new Tensor(window, [1, window.length / D, D]))
        .dataSync()
        .slice(-K * W);
      predicted.set(block.subarray(0, predicted.length - at), at);
      if (at + K * W >= predicted.length) return;
      window.copyWithin(0, block.length);
      window.set(block.subarray(-window.length), Math.max(0, window.length - block.length));
    }
  } finally {
    if (isCopy) single.dispose();
  }
}
