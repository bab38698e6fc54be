/** Feeds a model: reads a batch, checks it, and writes it where the kernels of its plan expect it. */

import { type Batch, readBatch, shapeOfBatch, unwrapTensor, writeBatch } from '../inputs/batches.ts';
import type { BatchWeights, readSampleWeights, writeSampleWeights } from '../inputs/sampleWeights.ts';
import type { Objective } from '../objective/objective.ts';
import { closedShape, shapeOfTarget } from '../objective/targets.ts';
import type { CompiledPlan } from '../plan/compiledPlan.ts';
import type { Purpose } from '../plan/planner.ts';
import { Place } from '../util/part.ts';
import { sizeOf } from '../util/shapes.ts';
import { float32, setBatch } from '../wasm/engine.ts';
import { FeedBuffers } from './feedBuffers.ts';
import type { ModelView } from './modelView.ts';

export const sampleWeightPlace: Place<{
  readonly readSampleWeights: typeof readSampleWeights;
  readonly writeSampleWeights: typeof writeSampleWeights;
}> = /* @__PURE__ */ new Place('sampleWeights');

/**
 * Reads one batch and returns its plan, ready to run. A batch of a known shape allocates nothing, unless it is a nested
 * array.
 *
 * @param objective the model's own, read by the caller before it ran any user code
 * @param xs for each input
 * @param ys for each output; not used for predictions
 * @param dropsOut whether dropout is active; by default in training only
 * @throws ValueError for bad data, or if user code changed the model meanwhile; weights and states are unchanged
 */
export function feed(
  call: string,
  view: ModelView,
  purpose: Purpose,
  objective: Objective | null,
  xs: readonly Batch[],
  ys: readonly Batch[],
  weights?: BatchWeights,
  dropsOut = purpose === 'train',
): CompiledPlan {
  const buffers = view.feedBuffers.isUsed ? new FeedBuffers() : view.feedBuffers;
  buffers.isUsed = true;
  try {
    return feedWith(buffers, call, view, purpose, objective, xs, ys, weights, dropsOut);
  } finally {
    buffers.isUsed = false;
  }
}

function feedWith(
  { xShapes, xNumbers, yShapes, yNumbers, labels }: FeedBuffers,
  call: string,
  view: ModelView,
  purpose: Purpose,
  objective: Objective | null,
  xs: readonly Batch[],
  ys: readonly Batch[],
  weights: BatchWeights,
  dropsOut: boolean,
): CompiledPlan {
  const scored = purpose === 'predict' ? null : objective;
  const { version } = view.state;
  const { inputs, outputNames, xNames, yNames } = view.ends(call);
  for (let n = 0; n < xs.length; n++) {
    const x = unwrapTensor(call, xNames[n]!, xs[n]!);
    xShapes[n] = shapeOfBatch(call, xNames[n]!, x, inputs[n]!.shape);
    xNumbers[n] = readBatch(call, xNames[n]!, x, xShapes[n]!);
  }
  const shapes = view.batchShapes(call, xShapes, scored, xNames);
  const outputs = scored?.outputs ?? [];
  for (let n = 0; n < outputs.length; n++) {
    const y = unwrapTensor(call, yNames[n]!, ys[n]!);
    yShapes[n] = shapeOfTarget(call, yNames[n]!, y, outputs[n]!.loss, shapes.targets[n]!);
    yNumbers[n] = readBatch(call, yNames[n]!, y, yShapes[n]!);
    labels[n] = shapes.targets[n]!.includes(null) ? yShapes[n]![1]! : 0;
  }
  const isWeighted = weights !== undefined && !(Array.isArray(weights) && weights.every(own => own === null));
  const weighing = scored && isWeighted ? sampleWeightPlace.need(call) : null;
  const factors = weighing?.readSampleWeights(call, weights, shapes.targets, outputNames) ?? null;
  // No user code runs past this point
  view.checkUnchanged(call, version);
  const batch = shapes.inputs[0]![0]!;
  const plan = view
    .plans(call)
    .prepare(call, batch, shapes.samples, purpose, scored, factors !== null, dropsOut, scored ? labels : undefined);
  const memory = float32();
  for (let n = 0; n < xs.length; n++) {
    writeBatch(call, xNames[n]!, xNumbers[n]!, xShapes[n]!, memory, plan.inputs[n]!);
    view.checkInput(call, n, xNames[n]!, memory, plan.inputs[n]!, sizeOf(xShapes[n]!));
  }
  for (let n = 0; n < outputs.length; n++) {
    const { target, weights: start } = plan.outputs[n]!;
    writeBatch(call, yNames[n]!, yNumbers[n]!, yShapes[n]!, memory, target);
    if (factors) {
      weighing!.writeSampleWeights(
        call,
        factors[n]!,
        closedShape(shapes.targets[n]!, yShapes[n]!),
        memory,
        target,
        start,
      );
    }
  }
  // In training, the number of the batch is that of the step
  if (purpose !== 'train' && (dropsOut || view.graph(call).calls.alwaysDrops)) setBatch(view.noise++);
  return plan;
}
