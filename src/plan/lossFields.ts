/** The fields of the structures of losses and metrics. */

import type { LossName } from '../objective/losses.ts';
import { type LossSettings, noSettings } from '../objective/lossSettings.ts';
import type { ScoreName } from '../objective/metrics.ts';
import type { OutputObjective } from '../objective/objective.ts';
import { targetFormOf, targetWidthOf } from '../objective/targetForms.ts';
import { FLOAT } from '../util/memorySizes.ts';
import { lossNumbers, metricNumbers } from '../wasm/shared.generated.ts';
import { type Fields, maskFields, type PlannedOutput, rowFields } from './planner.ts';
import type { Score } from './sharedLoss.ts';

/** The delta of the Huber loss: 1, as the bits of a float32. TF.js has no other. */
const DELTA = 0x3f80_0000;

/** The loss. It starts from the logits if the last layer provides them, and has sample weights if the plan does. */
export function planLoss(batch: number, output: PlannedOutput, { loss, settings }: OutputObjective): Fields<'loss'> {
  const { signal } = output;
  const fields = fieldsOf(batch, output, loss, signal.logits !== undefined, settings);
  return { ...fields, ...rowFields('dy', signal.dy), ...weightFields(output, loss) };
}

/** The sample weights; none if the plan has none. */
const weightFields = ({ signal, weights }: PlannedOutput, loss: LossName) => ({
  weights: weights ?? 0,
  weightRow: weights ? (loss === 'ctc' ? 1 : signal.y.steps) * FLOAT : 0,
  weightStep: weights ? FLOAT : 0,
});

/** The metrics, each with the kernel that computes it. Sample weights apply to weighted metrics only, as in Keras. */
export function planMetrics(
  batch: number,
  output: PlannedOutput,
  { loss, settings, metrics }: OutputObjective,
): Score[] {
  return metrics.map(metric => {
    const kind = metric.kindOf(output.signal.y.width);
    // The logits belong to the loss; a metric of the same kind starts from them too
    const logits = kind === loss && output.signal.logits !== undefined;
    // Without options of its own, such a metric has those of the loss
    const own = metric.settings ?? (kind === loss ? settings : undefined);
    const fields = fieldsOf(batch, output, kind, logits, own);
    const weighted = metric.weighted && output.weights !== null;
    return {
      program: kind in metricNumbers ? 'metric' : weighted ? 'weightedMean' : 'loss',
      fields: weighted ? { ...fields, ...weightFields(output, loss) } : fields,
      levels: own?.levels ?? [],
    };
  });
}

function fieldsOf(
  batch: number,
  { signal, target, labels }: PlannedOutput,
  kind: LossName | ScoreName,
  logits: boolean,
  settings: LossSettings = noSettings,
): Fields<'loss'> {
  const y = logits ? signal.logits! : signal.y;
  const targetStep = targetWidthOf(kind, settings, y.width, labels) * FLOAT;
  const form = targetFormOf(kind, settings);
  return {
    kind: { ...lossNumbers, ...metricNumbers }[kind],
    steps: y.steps,
    rows: batch,
    cols: y.width,
    ...rowFields('y', y),
    ...rowFields('dy', null),
    target,
    targetRow: kind === 'ctc' ? targetStep : targetStep * y.steps,
    targetStep,
    ...maskFields(signal.mask),
    weights: 0,
    weightRow: 0,
    weightStep: 0,
    logits: Number(logits),
    delta: DELTA,
    group: typeof form === 'number' ? form : 1,
    levels: 0,
    labels,
    blank: settings.blank,
    scratch: 0,
    scratchBytes: 0,
    terms: 0,
  };
}
