/** Feeds a model: reads a batch, checks it, and writes it where the kernels of its plan expect it. */

import { type Batch, readBatch } from '../inputs/batches.ts';
import type { Selection } from '../inputs/samples.ts';
import { readSampleWeights, type SampleWeightOptions, writeSampleWeights } from '../inputs/sampleWeights.ts';
import type { Objective } from '../objective/objective.ts';
import { readTarget } from '../objective/targets.ts';
import type { CompiledPlan } from '../plan/compiledPlan.ts';
import type { Purpose } from '../plan/plan.ts';
import { sizeOf } from '../util/shapes.ts';
import { float32 } from '../wasm/engine.ts';
import type { ModelView } from './modelView.ts';

/**
 * Reads one batch and returns its plan, ready to run. A batch of known shape that is a `Selection` allocates nothing.
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
  const xs = readBatch(call, 'x', x, input);
  const shapes = view.batchShapes(call, xs.shape, scored?.loss ?? null);
  const ys = scored && readTarget(call, 'y', y!, scored.loss, shapes.target);
  const factors = scored && readSampleWeights(call, weights, shapes.output);
  // No user code runs past this point
  view.checkUnchanged(call, input, objective);
  const plan = view.plans(call).prepare(call, shapes.x[0]!, shapes.sample, purpose, scored, factors !== null);
  const memory = float32();
  xs.write(memory, plan.input);
  view.checkInput(call, 'x', memory, plan.input, sizeOf(shapes.x));
  ys?.write(memory, plan.target);
  if (factors) writeSampleWeights(call, factors, shapes.target, memory, plan.target, plan.weights);
  return plan;
}
