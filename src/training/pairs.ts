/** Samples with their targets and weights. */

import { readSamples } from '../inputs/batches.ts';
import type { ModelData } from '../inputs/parts.ts';
import { type Samples, Selection } from '../inputs/samples.ts';
import { readAllSampleWeights, type SampleWeightOptions } from '../inputs/sampleWeights.ts';
import type { TargetRule } from '../objective/targetForms.ts';
import { closedShape } from '../objective/targets.ts';
import { fail } from '../util/errors.ts';
import type { TrainedModel } from './trainedModel.ts';

/** Samples of each input and targets of each output. */
export interface Pairs {
  /** The number of samples. */
  readonly count: number;
  readonly xs: readonly Samples[];
  readonly ys: readonly Samples[];
  /** Names for messages. */
  readonly xNames: readonly string[];
  readonly yNames: readonly string[];
  /** For each output, a factor for the loss of each sample, or of each of its time steps; null for none. */
  readonly weights: readonly (Samples | null)[];
}

/** Reads and checks all samples of x and y. */
export function readPairs(
  call: string,
  trained: TrainedModel,
  x: ModelData,
  y: ModelData,
  weights: SampleWeightOptions = {},
  names: readonly [string, string] = ['x', 'y'],
): Pairs {
  const [inputs, targets] = [trained.inputs(call, names[0], x), trained.outputs(call, names[1], y)];
  const shapes = trained.shapes(call, inputs, targets, names, null);
  const { xNames, yNames } = shapes;
  const xs = inputs.map((input, n) => readSamples(call, xNames[n]!, input, shapes.xs[n]!));
  const ys = targets.map((target, n) => {
    const given = shapes.ys[n]!;
    return readSamples(call, yNames[n]!, target, given, closedShape(shapes.targets[n]!, given));
  });
  for (const [n, { data }] of xs.entries()) trained.checkInput(call, n, xNames[n]!, data);
  const factors = readAllSampleWeights(call, ys, weights, trained.outputNames(call), shapes.targets);
  for (const [n, y] of ys.entries()) checkTargets(call, yNames[n]!, shapes.rules[n]!, y, factors[n]!);
  return { count: xs[0]!.count, xs, ys, xNames, yNames, weights: factors };
}

/** Samples from index `from` up to, but not including, `to`: views, not copies. */
export const partOfPairs = ({ xs, ys, weights, ...names }: Pairs, from: number, to: number): Pairs => ({
  ...names,
  count: to - from,
  xs: xs.map(samples => samples.part(from, to)),
  ys: ys.map(samples => samples.part(from, to)),
  weights: weights.map(samples => samples?.part(from, to) ?? null),
});

/** Batches of the samples of each input and output, moved together. */
export class PairSelection {
  readonly xs: readonly Selection[];
  readonly ys: readonly Selection[];
  readonly weights: readonly (Selection | null)[];

  /** @param order indices of the samples; null for the order in which they were given */
  constructor(pairs: Pairs, order: Uint32Array | null = null) {
    this.xs = pairs.xs.map(samples => new Selection(samples, order));
    this.ys = pairs.ys.map(samples => new Selection(samples, order));
    this.weights = pairs.weights.map(samples => samples && new Selection(samples, order));
  }

  /** Moves to the batch of `count` samples that starts at index `from` of the order. */
  select(from: number, count: number): this {
    for (const selection of this.xs) selection.select(from, count);
    for (const selection of this.ys) selection.select(from, count);
    for (const selection of this.weights) selection?.select(from, count);
    return this;
  }
}

/** Fails if y holds a target that the loss does not accept. */
function checkTargets(call: string, name: string, rule: TargetRule | null, y: Samples, weights: Samples | null): void {
  if (!rule) return;
  const { width, steps } = rule;
  for (let row = 0; row * width < y.data.length; row++) {
    if (weights?.data[row] === 0) continue;
    const wrong = rule.wrong(y.data, row * width, steps, rule.bySample ? row : Math.floor(row / steps));
    if (wrong !== null) fail(call, `${name} ${wrong}`);
  }
}
