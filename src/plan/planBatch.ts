/** Plans a batch: from the calls of layers and sizes to buffers and kernel calls. */

import type { Layer } from '../layers/layer.ts';
import type { LossActivation } from '../objective/losses.ts';
import { FLOAT } from '../util/memorySizes.ts';
import type { CallGraph } from './callGraph.ts';
import {
  floatBits,
  type LayerOffsets,
  type Plan,
  type PlannedOutput,
  Planner,
  type Purpose,
  rowFields,
  type Signal,
  type Signals,
} from './planner.ts';

/** How the loss of an output enters the plan. */
export interface OutputSpec {
  /** The activation that the loss includes; null for none. */
  readonly lossActivation: LossActivation | null;
  /** The factor of its gradient. */
  readonly lossWeight: number;
}

/** The sizes and the use of a batch. */
export interface BatchSpec {
  readonly batch: number;
  /** The shape of one sample of each input: [T, D] or [D]. */
  readonly samples: readonly (readonly number[])[];
  readonly purpose: Purpose;
  /**
   * For a stream, the number of layer calls at the start of the graph that depend on constants only; in the others, all
   * recurrent layers carry their states from step to step, stateful or not. Null for batches.
   */
  readonly constantCalls: number | null;
  /** Whether dropout and noise are active, and batch normalization uses the statistics of the batch. */
  readonly dropsOut: boolean;
  /** For each output; empty for predictions. */
  readonly outputs: readonly OutputSpec[];
  /** Whether the losses have sample weights. */
  readonly weighted: boolean;
  /** For each output, the numbers of labels in the target of a sample; 0 for other targets. Default: none. */
  readonly labels?: readonly number[];
}

/** @param offsetsOf the position of the memory of a layer */
export function planBatch(graph: CallGraph, offsetsOf: (layer: Layer) => LayerOffsets, spec: BatchSpec): Plan {
  const { batch, samples, purpose, dropsOut, weighted } = spec;
  const planner = new Planner(batch, purpose, false, dropsOut);
  const lossActivationOf = (value: number): LossActivation | null => {
    const n = graph.outputs.indexOf(value);
    return graph.readers[value] === 1 && n >= 0 ? (spec.outputs[n]?.lossActivation ?? null) : null;
  };
  /** For each value, the signals of its readers that are not planned yet. */
  const waiting: Signal[][] = [];
  const provide = (value: number, name: string, signal: Signal): void => {
    const readers = graph.readers[value]!;
    if (readers === 0) planner.clear(signal);
    waiting[value] = readers === 1 ? [signal] : planner.share(name, signal, readers);
  };
  const callCounts = new Map<Layer, number>();
  const take = (value: number): Signal => waiting[value]!.shift()!;

  const inputs = samples.map((sample, n) => {
    const [steps, width] = sample.length === 2 ? [sample[0]!, sample[1]!] : [1, sample[0]!];
    const start = planner.floats(samples.length === 1 ? 'input' : `input${n}`, batch, steps, width);
    const y = { start, row: steps * width * FLOAT, step: width * FLOAT, steps, rows: batch, width };
    provide(n, 'input', { y, dy: null, mask: null });
    return start;
  });
  let constantCalls = 0;
  for (const [n, { layer, name, inputs: read, firstOutput, outputCount, training }] of graph.calls.entries()) {
    if (n === spec.constantCalls) {
      constantCalls = planner.calls.length;
      planner.carryAllStates = true;
    }
    const values = Array.from({ length: outputCount }, (_, k) => firstOutput + k);
    planner.dropsOut = training ?? dropsOut;
    planner.callIndex = callCounts.get(layer) ?? 0;
    callCounts.set(layer, planner.callIndex + 1);
    const signals = layer.plan(planner, read.map(take) as unknown as Signals, {
      name,
      offsets: offsetsOf(layer),
      lossActivation: lossActivationOf(firstOutput),
      isRead: values.map(value => graph.readers[value]! > 0),
    });
    for (const [k, value] of values.entries()) provide(value, `${name}/output${k}`, signals[k]!);
  }
  const outputs = graph.outputs.map((value, n): PlannedOutput => {
    const signal = take(value);
    const { steps, width } = signal.y;
    const count = batch * steps * width;
    const labels = spec.labels?.[n] ?? 0;
    const suffix = graph.outputs.length === 1 ? '' : `${n}`;
    scaleGradient(planner, signal, spec.outputs[n]?.lossWeight ?? 1);
    return {
      signal,
      target: planner.floats(`target${suffix}`, Math.max(count, batch * labels) + 3), // losses read a whole vector at the last number
      result: planner.floats(`result${suffix}`, count),
      weights: weighted ? planner.floats(`weights${suffix}`, batch, steps) : null,
      labels,
    };
  });
  const { buffers, bytes, calls } = planner;
  return { batch, samples, purpose, dropsOut, weighted, buffers, bytes, calls, constantCalls, inputs, outputs };
}

/** Multiplies the gradient of an output by the weight of its loss, before backward uses it. */
function scaleGradient(planner: Planner, { y, dy }: Signal, lossWeight: number): void {
  if (!dy || lossWeight === 1) return;
  const { steps, rows, width } = y;
  planner.calls.push({
    kind: 'scale',
    fields: { steps, rows, width, ...rowFields('dx', dy), factor: floatBits(lossWeight) },
  });
}
