/** `predict` and `predictOnBatch`. */

import { type OneTensor, readSamples } from '../inputs/batches.ts';
import { type Samples, Selection } from '../inputs/samples.ts';
import { Tensor } from '../tensor/tensor.ts';
import { checkBatchSize, checkWhole } from '../training/options.ts';
import { FLOAT } from '../util/memorySizes.ts';
import { checkBoolean, checkOptions } from '../util/options.ts';
import { floatsFor, type Shape, sizeOf } from '../util/shapes.ts';
import { isNotFinite, warnOnce } from '../util/warning.ts';
import { float32, kernels } from '../wasm/engine.ts';
import { feed } from './feed.ts';
import type { ModelView } from './modelView.ts';

interface PredictOptions {
  batchSize?: number;
  verbose?: boolean;
}

export function predict(view: ModelView, x: OneTensor, options: PredictOptions | undefined): Tensor {
  const call = 'model.predict';
  view.checkNotDisposed(call);
  const known = checkOptions<PredictOptions>(call, options, ['batchSize', 'verbose']);
  if (known.verbose !== undefined) checkBoolean(call, 'verbose', known.verbose);
  const fixed = view.fixedBatch(call);
  const size = checkBatchSize(call, known.batchSize, fixed);
  const samples = readInput(call, view, x, [null, ...view.inputShape(call).slice(1)]);
  checkWhole(call, 'x', samples.shape, fixed);
  return predictBatches(call, view, samples, size);
}

export function predictOnBatch(view: ModelView, x: OneTensor): Tensor {
  const call = 'model.predictOnBatch';
  view.checkNotDisposed(call);
  const samples = readInput(call, view, x, view.inputShape(call));
  return predictBatches(call, view, samples, samples.count);
}

/** Reads and checks all of x before the first batch runs, so that bad samples leave the states unchanged. */
function readInput(call: string, view: ModelView, x: OneTensor, expected: Readonly<Shape>): Samples {
  const input = view.inputShape(call);
  const { objective } = view.stack;
  const samples = readSamples(call, 'x', x, expected);
  view.checkUnchanged(call, input, objective);
  view.checkInput(call, 'x', samples.data, 0, samples.data.length);
  return samples;
}

function predictBatches(call: string, view: ModelView, samples: Samples, size: number): Tensor {
  const { count: total, shape } = samples;
  const output = view.outputFor(call, shape);
  const out = floatsFor(call, 'the predictions', output);
  const each = sizeOf(output.slice(1));
  const batch = new Selection(samples);
  let squares = 0; // of finite numbers, finite in float64
  for (let from = 0; from < total; from += size) {
    const count = Math.min(size, total - from);
    const plan = feed(call, view, 'predict', view.stack.objective, batch.select(from, count));
    plan.forward();
    plan.collect();
    squares += kernels().sumOfSquares(plan.result * FLOAT, plan.resultSize);
    out.set(float32().subarray(plan.result, plan.result + plan.resultSize), from * each);
  }
  if (isNotFinite(squares)) warnOnce(view.parameters(call), call, 'the predictions hold', out.find(isNotFinite));
  return new Tensor(out, output);
}
