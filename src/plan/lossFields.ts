/** What the kernels of losses and metrics need to know of a plan. */

import { isSparse, type LossName } from '../objective/losses.ts';
import type { ScoreName } from '../objective/metrics.ts';
import type { Objective } from '../objective/objective.ts';
import { FLOAT } from '../util/units.ts';
import { lossNumbers, metricNumbers } from '../wasm/shared.generated.ts';
import type { Fields, Plan } from './plan.ts';

/** 1, as the bits of a float32: the only delta there is of the Huber loss, as in TF.js. */
const DELTA = 0x3f80_0000;

/** The loss: from the logits where the top layer gives them, weighted where the plan is made for that. */
export function planLoss(plan: Plan, { loss }: Objective): Fields<'loss'> {
  const { dy } = plan.output;
  const fields = fieldsOf(plan, lossNumbers[loss], loss, plan.output.logits !== undefined);
  const { weights } = plan;
  return {
    ...fields,
    dy: dy?.place ?? 0,
    dyRow: dy?.row ?? 0,
    dyStep: dy?.step ?? 0,
    weights: weights ?? 0,
    weightRow: weights ? plan.output.y.steps * FLOAT : 0,
    weightStep: weights ? FLOAT : 0,
  };
}

/** The metrics, each with the kernel that runs it. Weights are for the loss alone, as in Keras. */
export function planMetrics(
  plan: Plan,
  { loss, metrics }: Objective,
): { program: 'loss' | 'metric'; fields: Fields<'loss'> }[] {
  return metrics.map(metric => {
    const kind = metric.kindOf(plan.output.y.width);
    // Logits are those of the loss: a metric of the same kind starts from them, too.
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
    y: y.place,
    yRow: y.row,
    yStep: y.step,
    dy: 0,
    dyRow: 0,
    dyStep: 0,
    target: plan.target,
    targetRow: targetStep * y.steps,
    targetStep,
    mask: output.mask?.place ?? 0,
    maskStep: output.mask?.step ?? 0,
    weights: 0,
    weightRow: 0,
    weightStep: 0,
    logits: Number(logits),
    delta: DELTA,
  };
}
