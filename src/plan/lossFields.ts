/** The fields of the structures of losses and metrics. */

import { isSparse, type LossName } from '../objective/losses.ts';
import type { ScoreName } from '../objective/metrics.ts';
import type { OutputObjective } from '../objective/objective.ts';
import { FLOAT } from '../util/memorySizes.ts';
import { lossNumbers, metricNumbers } from '../wasm/shared.generated.ts';
import { type Fields, maskFields, type PlannedOutput, rowFields } from './planner.ts';

/** The delta of the Huber loss: 1, as the bits of a float32. TF.js has no other. */
const DELTA = 0x3f80_0000;

/** The loss. It starts from the logits if the last layer provides them, and has sample weights if the plan does. */
export function planLoss(batch: number, output: PlannedOutput, { loss }: OutputObjective): Fields<'loss'> {
  const { signal, weights } = output;
  const fields = fieldsOf(batch, output, lossNumbers[loss], loss, signal.logits !== undefined);
  return {
    ...fields,
    ...rowFields('dy', signal.dy),
    weights: weights ?? 0,
    weightRow: weights ? signal.y.steps * FLOAT : 0,
    weightStep: weights ? FLOAT : 0,
  };
}

/** The metrics, each with the kernel that computes it. Sample weights apply to the loss only, as in Keras. */
export function planMetrics(
  batch: number,
  output: PlannedOutput,
  { loss, metrics }: OutputObjective,
): { program: 'loss' | 'metric'; fields: Fields<'loss'> }[] {
  return metrics.map(metric => {
    const kind = metric.kindOf(output.signal.y.width);
    // The logits belong to the loss; a metric of the same kind starts from them too
    const logits = kind === loss && output.signal.logits !== undefined;
    return kind in lossNumbers
      ? { program: 'loss', fields: fieldsOf(batch, output, lossNumbers[kind as LossName], loss, logits) }
      : { program: 'metric', fields: fieldsOf(batch, output, metricNumbers[kind as ScoreName], loss, logits) };
  });
}

function fieldsOf(
  batch: number,
  { signal, target }: PlannedOutput,
  kind: number,
  loss: LossName,
  logits: boolean,
): Fields<'loss'> {
  const y = logits ? signal.logits! : signal.y;
  const targetStep = (isSparse(loss) ? 1 : y.width) * FLOAT;
  return {
    kind,
    steps: y.steps,
    rows: batch,
    cols: y.width,
    ...rowFields('y', y),
    ...rowFields('dy', null),
    target,
    targetRow: targetStep * y.steps,
    targetStep,
    ...maskFields(signal.mask),
    weights: 0,
    weightRow: 0,
    weightStep: 0,
    logits: Number(logits),
    delta: DELTA,
    terms: 0,
  };
}
