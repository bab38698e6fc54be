/** The fields of the structures of losses and metrics. */

import { isSparse, type LossName } from '../objective/losses.ts';
import type { ScoreName } from '../objective/metrics.ts';
import type { Objective } from '../objective/objective.ts';
import { FLOAT } from '../util/memorySizes.ts';
import { lossNumbers, metricNumbers } from '../wasm/shared.generated.ts';
import { type Fields, maskFields, type Plan, rowFields } from './planner.ts';

/** The delta of the Huber loss: 1, as the bits of a float32. TF.js has no other. */
const DELTA = 0x3f80_0000;

/** The loss. It starts from the logits if the last layer provides them, and has sample weights if the plan does. */
export function planLoss(plan: Plan, { loss }: Objective): Fields<'loss'> {
  const { dy } = plan.output;
  const fields = fieldsOf(plan, lossNumbers[loss], loss, plan.output.logits !== undefined);
  const { weights } = plan;
  return {
    ...fields,
    ...rowFields('dy', dy),
    weights: weights ?? 0,
    weightRow: weights ? plan.output.y.steps * FLOAT : 0,
    weightStep: weights ? FLOAT : 0,
  };
}

/** The metrics, each with the kernel that computes it. Sample weights apply to the loss only, as in Keras. */
export function planMetrics(
  plan: Plan,
  { loss, metrics }: Objective,
): { program: 'loss' | 'metric'; fields: Fields<'loss'> }[] {
  return metrics.map(metric => {
    const kind = metric.kindOf(plan.output.y.width);
    // The logits belong to the loss; a metric of the same kind starts from them too
    const logits = kind === loss && plan.output.logits !== undefined;
    return kind in lossNumbers
      ? { program: 'loss', fields: fieldsOf(plan, lossNumbers[kind as LossName], loss, logits) }
      : { program: 'metric', fields: fieldsOf(plan, metricNumbers[kind as ScoreName], loss, logits) };
  });
}

function fieldsOf(plan: Plan, kind: number, loss: LossName, logits: boolean): Fields<'loss'> {
  const { output, batch } = plan;
  const y = logits ? output.logits! : output.y;
  const targetStep = (isSparse(loss) ? 1 : y.width) * FLOAT;
  return {
    kind,
    steps: y.steps,
    rows: batch,
    cols: y.width,
    ...rowFields('y', y),
    ...rowFields('dy', null),
    target: plan.target,
    targetRow: targetStep * y.steps,
    targetStep,
    ...maskFields(output.mask),
    weights: 0,
    weightRow: 0,
    weightStep: 0,
    logits: Number(logits),
    delta: DELTA,
  };
}
