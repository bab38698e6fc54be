/** The targets that losses and metrics take. */

import { fail } from '../util/errors.ts';
import { isClass, type LossName } from './losses.ts';
import { type LossSettings, noSettings } from './lossSettings.ts';
import type { Metric, ScoreName } from './metrics.ts';

/**
 * Class indices, one for each row of the output; labels, one list for each sample; or how many predictions a row has for
 * each number of its target.
 */
type TargetForm = 'classes' | 'labels' | number;

export function targetFormOf(kind: LossName | ScoreName, { levels }: LossSettings = noSettings): TargetForm {
  switch (kind) {
    case 'sparseCategoricalCrossentropy':
    case 'sparseCategoricalAccuracy':
      return 'classes';
    case 'ctc':
      return 'labels';
    case 'pinball':
      return levels.length;
    case 'gaussianNLL':
    case 'negativeBinomialNLL':
      return 2;
    case 'studentTNLL':
      return 3;
    default:
      return 1;
  }
}

/** The numbers in a row of targets. @param labels in the target of a sample */
export function targetWidthOf(
  kind: LossName | ScoreName,
  settings: LossSettings | undefined,
  width: number,
  labels: number,
): number {
  const form = targetFormOf(kind, settings);
  return form === 'labels' ? labels : form === 'classes' ? 1 : width / form;
}

/** Fails if a metric takes other targets than the loss. */
export function checkMetrics(call: string, metrics: readonly Metric[], loss: LossName, settings: LossSettings): void {
  const form = targetFormOf(loss, settings);
  for (const { name, kindOf, settings: own, custom } of metrics) {
    if (custom || targetFormOf(kindOf(2), own) === form) continue;
    const rule =
      form === 'labels'
        ? "'ctc'"
        : form === 'classes'
          ? 'for class indices'
          : form === 1
            ? 'for targets as wide as the output'
            : `for ${form} predictions for each target`;
    fail(call, `metrics must be ${rule} if the loss is '${loss}', got '${name}'`);
  }
}

/** What a loss accepts as the numbers of its targets. */
export interface TargetRule {
  /** The numbers in a row of targets, which has one weight: a time step, or a sample with labels. */
  readonly width: number;
  /** The time steps of the output. */
  readonly steps: number;
  /** Whether a row is a whole sample. */
  readonly bySample: boolean;
  /**
   * What is wrong with the row that starts at index `from`; null if nothing is.
   *
   * @param steps that are not masked
   * @param sample its index, for the message
   */
  wrong(values: ArrayLike<number>, from: number, steps: number, sample: number): string | null;
}

/**
 * The rule of a loss; null if it accepts all numbers. NaN is always accepted except as a label, and shows in the loss.
 *
 * @param classes the features of the output
 * @param width the numbers in a row of targets
 */
export function targetRuleOf(
  loss: LossName,
  classes: number,
  steps: number,
  width: number,
  { blank }: LossSettings = noSettings,
): TargetRule | null {
  const eachNumber = (rule: string, accepts: (value: number) => boolean): TargetRule => ({
    width,
    steps,
    bySample: false,
    wrong: (values, from) => {
      for (let n = from; n < from + width; n++) {
        const value = values[n]!;
        if (!accepts(value) && !Number.isNaN(value)) return `must hold ${rule}, got ${value}`;
      }
      return null;
    },
  });
  switch (loss) {
    case 'sparseCategoricalCrossentropy':
      return eachNumber(`numbers of classes from 0 to ${classes - 1}`, value => isClass(value, classes));
    case 'poisson':
    case 'negativeBinomialNLL':
      return eachNumber('numbers of at least 0', value => value >= 0);
    case 'ctc':
      return { width, steps, bySample: true, wrong: (...row) => wrongLabels(row, width, classes, blank) };
    default:
      return null;
  }
}

function wrongLabels(
  [values, from, steps, sample]: Parameters<TargetRule['wrong']>,
  width: number,
  classes: number,
  blank: number,
): string | null {
  let count = 0;
  let needed = 0;
  for (let n = 0; n < width; n++) {
    const label = values[from + n]!;
    if (label === -1 || label === blank) continue;
    if (count < n || !isClass(label, classes)) {
      const rule = `must hold numbers of classes from 0 to ${classes - 1}, and after the last label -1 or the blank ${blank}`;
      return `${rule}, got ${label} at index ${n} of sample ${sample}`;
    }
    needed += n > 0 && label === values[from + n - 1] ? 2 : 1;
    count++;
  }
  if (needed <= steps) return null;
  const rule = 'must have a time step for each label, and for a blank between equal labels';
  return `${rule}, got ${steps} time steps instead of ${needed} in sample ${sample}`;
}
