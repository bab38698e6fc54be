/** Predictions for any number of samples, batch by batch. */

import { readBatch } from '../inputs/batches.ts';
import type { TensorLike } from '../tensor/read.ts';
import { Tensor } from '../tensor/tensor.ts';
import { floatsFor, sizeOf } from '../util/shapes.ts';
import { FLOAT } from '../util/units.ts';
import { isNotFinite, warnOnce } from '../util/warning.ts';
import { float32, kernels } from '../wasm/engine.ts';
import type { ModelView } from './modelView.ts';

/**
 * @param shape that of x, checked
 * @param size samples in a batch
 */
export function predictAll(
  call: string,
  view: ModelView,
  x: TensorLike,
  shape: readonly number[],
  size: number,
): Tensor {
  const input = view.inputShape(call);
  const { objective } = view.stack;
  const samples = shape[0]!;
  const sample = shape.slice(1);
  const width = sizeOf(sample);
  const output = view.outputFor(shape);
  const out = floatsFor(call, 'the predictions', output);
  const each = sizeOf(output.slice(1));
  const source = readBatch(call, 'x', x, shape); // one array, whatever was given: a ragged one fails here, early
  view.expectSame(call, input, objective);
  view.checkInput(call, 'x', source, 0, source.length);
  const plans = view.plans(call);
  let squares = 0; // of finite numbers, finite in float64
  for (let from = 0; from < samples; from += size) {
    const count = Math.min(size, samples - from);
    const batch = plans.prepare(call, count, sample, 'predict');
    const part = count === samples ? source : source.subarray(from * width, (from + count) * width);
    float32().set(part, batch.input);
    batch.forward();
    batch.collect();
    squares += kernels().sumOfSquares(batch.result * FLOAT, batch.resultSize);
    out.set(float32().subarray(batch.result, batch.result + batch.resultSize), from * each);
  }
  if (isNotFinite(squares)) warnOnce(view.parameters(call), call, 'the predictions hold', out.find(isNotFinite));
  return new Tensor(out, output);
}
