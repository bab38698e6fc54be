/** Plans a batch: from layers and sizes to buffers and kernel calls. */

import type { Layer } from '../layers/layer.ts';
import type { LossActivation } from '../objective/losses.ts';
import { FLOAT } from '../util/memorySizes.ts';
import { type LayerOffsets, type Plan, Planner, type Purpose, type Rows, type Signals } from './planner.ts';

/** The sizes and the use of a batch. */
export interface BatchSpec {
  readonly batch: number;
  /** The shape of one sample: [T, D] or [D]. */
  readonly sample: readonly number[];
  readonly purpose: Purpose;
  /** Whether all recurrent layers carry their states from batch to batch, stateful or not. */
  readonly carryAllStates: boolean;
  /** The activation that the loss includes; null for none, and for predictions. */
  readonly lossActivation: LossActivation | null;
  /** Whether the loss has sample weights. */
  readonly weighted: boolean;
}

/**
 * @param layers in order, built
 * @param offsets one for each layer
 */
export function planBatch(layers: readonly Layer[], offsets: readonly LayerOffsets[], spec: BatchSpec): Plan {
  const { batch, sample, purpose } = spec;
  const planner = new Planner(batch, purpose, spec.carryAllStates);
  const [steps, width] = sample.length === 2 ? [sample[0]!, sample[1]!] : [1, sample[0]!];
  const input = planner.floats('input', batch, steps, width);
  const x: Rows = { start: input, row: steps * width * FLOAT, step: width * FLOAT, steps, rows: batch, width };
  const last = layers.length - 1;
  const [output] = layers.reduce<Signals>(
    (signals, layer, n) =>
      layer.plan(planner, signals, {
        name: layer.name,
        offsets: offsets[n]!,
        lossActivation: n === last ? spec.lossActivation : null,
        isRead: [true],
      }),
    [{ y: x, dy: null, mask: null }],
  );
  const count = batch * output.y.steps * output.y.width;
  const target = planner.floats('target', count + 3); // losses read a whole vector at the last number
  const result = planner.floats('result', count);
  const weights = spec.weighted ? planner.floats('weights', batch, output.y.steps) : null;
  const { buffers, bytes, calls } = planner;
  return { batch, sample, purpose, buffers, bytes, calls, input, output, target, result, weights };
}
