/** Predictions for any number of samples, batch by batch. */

import { readBatch } from './batches.ts';
import { float32 } from './engine/engine.ts';
import type { Executor } from './executor.ts';
import { floatsFor, sizeOf } from './shapes.ts';
import { Tensor, type TensorLike } from './tensor.ts';

/**
 * @param ready checks the numbers of all samples, and gives the executor of the model
 * @param output the shape of what comes out
 * @param shape that of x
 * @param size samples in a batch
 */
export function predictAll(
  call: string,
  ready: (numbers: Float32Array) => Executor,
  output: readonly number[],
  x: TensorLike,
  shape: readonly number[],
  size: number,
): Tensor {
  const samples = shape[0]!;
  const sample = sizeOf(shape.slice(1));
  const out = floatsFor(call, 'the predictions', output);
  const each = sizeOf(output.slice(1));
  const source = readBatch(call, 'x', x, shape); // one array, whatever was given: a ragged one fails here, early
  const executor = ready(source);
  for (let from = 0; from < samples; from += size) {
    const count = Math.min(size, samples - from);
    const batch = executor.prepare(call, count, shape.slice(1), 'predict');
    float32().set(source.subarray(from * sample, (from + count) * sample), batch.input);
    batch.forward();
    batch.collect();
    out.set(float32().subarray(batch.result, batch.result + batch.resultSize), from * each);
  }
  return new Tensor(out, output);
}
