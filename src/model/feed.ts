/** Feeds a model: reads a batch, checks it, and writes it where the kernels of its plan expect it. */

import { type Batch, readBatch, shapeOfBatch, unwrapTensor, writeBatch } from '../inputs/batches.ts';
import type { Selection } from '../inputs/samples.ts';
import { readSampleWeights, type SampleWeightOptions, writeSampleWeights } from '../inputs/sampleWeights.ts';
import type { Objective } from '../objective/objective.ts';
import { shapeOfTarget } from '../objective/targets.ts';
import type { CompiledPlan } from '../plan/compiledPlan.ts';
import type { Purpose } from '../plan/planner.ts';
import { sizeOf } from '../util/shapes.ts';
import { float32 } from '../wasm/engine.ts';
import type { ModelView } from './modelView.ts';

/**
 * Reads one batch and returns its plan, ready to run. A batch of a known shape allocates nothing, unless it is a nested array.
 *
 * @param objective the model's own, read by the caller before it ran any user code
 * @param y needed for all but predictions
 * @throws ValueError for bad data, or if user code changed the model meanwhile; weights and states are unchanged
 */
export function feed(
  call: string,
  view: ModelView,
  purpose: Purpose,
  objective: Objective | null,
  x: Batch,
  y?: Batch,
  weights?: SampleWeightOptions | Selection,
): CompiledPlan {
  const scored = purpose === 'predict' ? null : objective;
  const input = view.inputShape(call);
  const xOne = unwrapTensor(call, 'x', x);
  const xShape = shapeOfBatch(call, 'x', xOne, input);
  const xs = readBatch(call, 'x', xOne, xShape);
  const shapes = view.batchShapes(call, xShape, scored?.loss ?? null);
  const yOne = scored && unwrapTensor(call, 'y', y!);
  const yShape = scored && shapeOfTarget(call, 'y', yOne!, scored.loss, shapes.target);
  const ys = yShape && readBatch(call, 'y', yOne!, yShape);
  const factors = scored && readSampleWeights(call, weights, shapes.output);
  // No user code runs past this point
  view.checkUnchanged(call, input, objective);
  const plan = view.plans(call).prepare(call, shapes.x[0]!, shapes.sample, purpose, scored, factors !== null);
  const memory = float32();
  writeBatch(call, 'x', xs, xShape, memory, plan.input);
  view.checkInput(call, 'x', memory, plan.input, sizeOf(xShape));
  if (ys) writeBatch(call, 'y', ys, yShape, memory, plan.target);
  if (factors) writeSampleWeights(call, factors, shapes.target, memory, plan.target, plan.weights);
  return plan;
}
