/** `predict` and `predictOnBatch`. */

import { readSamples } from '../inputs/batches.ts';
import { type ModelData, partsOf } from '../inputs/parts.ts';
import { type Samples, Selection } from '../inputs/samples.ts';
import { Tensor } from '../tensor/tensor.ts';
import { checkBatchSize, checkWhole } from '../training/batchOptions.ts';
import { FLOAT } from '../util/memorySizes.ts';
import { checkBoolean, checkOptions } from '../util/options.ts';
import { floatsFor, type Shape, sizeOf } from '../util/shapes.ts';
import { isNotFinite, warnOnce } from '../util/warning.ts';
import { float32, kernels } from '../wasm/engine.ts';
import { forward, restoreOnError } from './customLayers.ts';
import { feed } from './feed.ts';
import type { ModelView } from './modelView.ts';

/** Options of `predict`. */
export interface PredictOptions {
  /** Default 32, or the model's own batch size if that is fixed. */
  batchSize?: number;
  /** Accepted for compatibility with TF.js; it has no effect. */
  verbose?: boolean;
  /**
   * Whether dropout and noise are active, as in training; each call draws new ones. The spread of many such predictions
   * estimates how uncertain they are. Batch normalization then uses the statistics of each batch, and moves its moving mean
   * and variance, as a model of Keras that is called with `training=True`. Default: false.
   */
  training?: boolean;
}

/** @returns the predictions of each output */
export function predict(view: ModelView, x: ModelData, options: PredictOptions | undefined): Tensor[] {
  const call = 'model.predict';
  view.checkNotDisposed(call);
  const known = checkOptions<PredictOptions>(call, options, ['batchSize', 'verbose', 'training']);
  if (known.verbose !== undefined) checkBoolean(call, 'verbose', known.verbose);
  const training = known.training === undefined ? false : checkBoolean(call, 'training', known.training);
  const fixed = view.fixedBatch(call);
  const size = checkBatchSize(call, known.batchSize, fixed);
  const samples = readInputs(call, view, x, shape => [null, ...shape.slice(1)]);
  checkWhole(call, 'x', samples[0]!.shape, fixed);
  return restoreOnError(call, view, () => predictBatches(call, view, samples, size, training));
}

export function predictOnBatch(view: ModelView, x: ModelData): Tensor[] {
  const call = 'model.predictOnBatch';
  view.checkNotDisposed(call);
  const samples = readInputs(call, view, x, shape => shape);
  return predictBatches(call, view, samples, samples[0]!.count, false);
}

/** Reads and checks all of x before the first batch runs, so that bad samples leave the states unchanged. */
function readInputs(call: string, view: ModelView, x: ModelData, expected: (shape: Shape) => Shape): Samples[] {
  const { inputs, inputNames, xNames: names } = view.ends(call);
  const { version } = view.state;
  const parts = partsOf(call, 'x', x, inputNames);
  const samples = parts.map((part, n) => readSamples(call, names[n]!, part, expected(inputs[n]!.shape)));
  view.checkUnchanged(call, version);
  for (const [n, { data }] of samples.entries()) view.checkInput(call, n, names[n]!, data, 0, data.length);
  return samples;
}

function predictBatches(
  call: string,
  view: ModelView,
  samples: readonly Samples[],
  size: number,
  training: boolean,
): Tensor[] {
  const { objective } = view.state;
  const { outputs: shapes } = view.batchShapes(
    call,
    samples.map(({ shape }) => shape),
    null,
    view.ends(call).xNames,
  );
  const total = samples[0]!.count;
  const outs = shapes.map(shape => floatsFor(call, 'the predictions', shape));
  const batches = samples.map(all => new Selection(all));
  let squares = 0; // of finite numbers, finite in float64
  for (let from = 0; from < total; from += size) {
    const count = Math.min(size, total - from);
    for (const batch of batches) batch.select(from, count);
    const plan = feed(call, view, 'predict', objective, batches, [], undefined, training);
    forward(call, view, plan);
    plan.commit();
    for (const [n, out] of outs.entries()) {
      plan.collect(n);
      const { result, resultSize } = plan.outputs[n]!;
      squares += kernels().sumOfSquares(result * FLOAT, resultSize);
      out.set(float32().subarray(result, result + resultSize), from * sizeOf(shapes[n]!.slice(1)));
    }
  }
  if (isNotFinite(squares)) {
    const wrong = outs.flatMap(out => out.find(isNotFinite) ?? [])[0];
    warnOnce(view.parameters(call), call, 'the predictions hold', wrong);
  }
  return outs.map((out, n) => new Tensor(out, [...shapes[n]!]));
}
