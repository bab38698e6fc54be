/** `evaluate`, `evaluateDataset`, and the validation of a training run. */

import { readSamples } from '../inputs/batches.ts';
import type { ModelData } from '../inputs/parts.ts';
import { type Samples, Selection } from '../inputs/samples.ts';
import { readAllSampleWeights, type SampleWeightOptions } from '../inputs/sampleWeights.ts';
import type { TargetRule } from '../objective/targetForms.ts';
import { closedShape } from '../objective/targets.ts';
import { Tensor } from '../tensor/tensor.ts';
import { fail } from '../util/errors.ts';
import { checkCount, checkOptions } from '../util/options.ts';
import { warn } from '../util/warning.ts';
import { printEvaluation } from './callbacks/progressBar.ts';
import { type BatchSource, checkEnds, type Source, sourceOf } from './dataset.ts';
import type { ModelEvaluateArgs, ModelEvaluateDatasetArgs } from './evaluation.ts';
import type { Means } from './history.ts';
import { checkBatchSize, checkWhole } from './options.ts';
import type { TrainedModel } from './trainedModel.ts';
import { checkVerbose } from './verbosity.ts';

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

/**
 * Tests batch by batch, and yields between two batches.
 *
 * @param context for the warning about a loss that is not finite, such as ' of the validation'
 */
export function* testBatches(
  call: string,
  trained: TrainedModel,
  pairs: Pairs,
  size: number,
  context?: () => string,
): Generator<void, Means, void> {
  const means = trained.means(call);
  const batch = new PairSelection(pairs);
  for (let from = 0; from < pairs.count; from += size) {
    if (from > 0) yield;
    const count = Math.min(size, pairs.count - from);
    const { xs, ys, weights } = batch.select(from, count);
    means.add(trained.test(call, xs, ys, weights, context), count);
  }
  return means;
}

const validationContext = () => ' of the validation';

/** Tests the samples of a validation. @param pause awaited between batches */
export async function validatePairs(
  call: string,
  trained: TrainedModel,
  pairs: Pairs,
  size: number,
  pause: () => Promise<void>,
): Promise<Means> {
  const steps = testBatches(call, trained, pairs, size, validationContext);
  let step = steps.next();
  while (!step.done) {
    await pause();
    step = steps.next();
  }
  return step.value;
}

/** Tests the data set of a validation. @param pause awaited between batches */
export async function validateSource(
  call: string,
  trained: TrainedModel,
  source: Source,
  batches: number | null,
  pause: () => Promise<void>,
): Promise<Means> {
  const [means] = await testSource(call, trained, source, batches, pause, validationContext);
  return means;
}

/** Reads and checks the arguments of `evaluate`. */
export function readEvaluate(
  call: string,
  trained: TrainedModel,
  x: ModelData,
  y: ModelData,
  options: ModelEvaluateArgs | undefined,
): { pairs: Pairs; size: number; verbose: 0 | 1 | 2 } {
  trained.objective(call);
  const known = checkOptions<ModelEvaluateArgs>(call, options, ['batchSize', 'sampleWeight', 'verbose']);
  const fixed = trained.fixedBatch(call);
  const size = checkBatchSize(call, known.batchSize, fixed);
  const verbose = checkVerbose(call, known.verbose ?? 0);
  const pairs = readPairs(call, trained, x, y, { sampleWeight: known.sampleWeight });
  checkWhole(call, 'x', pairs.xs[0]!.shape, fixed);
  return { pairs, size, verbose };
}

export function evaluate(
  trained: TrainedModel,
  x: ModelData,
  y: ModelData,
  options: ModelEvaluateArgs | undefined,
): Tensor | Tensor[] {
  const call = 'model.evaluate';
  const { pairs, size, verbose } = readEvaluate(call, trained, x, y, options);
  const start = performance.now();
  const means = trained.restoreStatesOnError(() => {
    const steps = testBatches(call, trained, pairs, size);
    let step = steps.next();
    while (!step.done) step = steps.next();
    return step.value;
  });
  if (verbose) printEvaluation(performance.now() - start, Math.ceil(pairs.count / size), means);
  return scalars(means);
}

export async function evaluateDataset(
  trained: TrainedModel,
  dataset: BatchSource,
  options: ModelEvaluateDatasetArgs | undefined,
): Promise<Tensor | Tensor[]> {
  const call = 'model.evaluateDataset';
  trained.objective(call);
  const known = checkOptions<ModelEvaluateDatasetArgs>(call, options, ['batches', 'verbose']);
  const batches = known.batches === undefined ? null : checkCount(call, 'batches', known.batches);
  const verbose = checkVerbose(call, known.verbose ?? 0);
  const source = sourceOf(call, 'dataset', dataset);
  checkEnds(call, source, batches, 'batches');
  const start = performance.now();
  const [means, count] = await trained.restoreStatesOnError(() =>
    testSource(call, trained, source, batches, async () => {}),
  );
  if (verbose) printEvaluation(performance.now() - start, count, means);
  return scalars(means);
}

/** @returns the means, and the number of batches */
async function testSource(
  call: string,
  trained: TrainedModel,
  source: Source,
  batches: number | null,
  pause: () => Promise<void>,
  context?: () => string,
): Promise<[Means, number]> {
  const means = trained.means(call);
  const objective = trained.objective(call);
  const reader = await source.open();
  let count = 0;
  let failed = true;
  try {
    while (batches === null || count < batches) {
      const batch = await reader.next();
      if (!batch) break;
      try {
        if (trained.objective(call) !== objective) fail(call, 'the model must not be compiled anew while it is tested');
        const [xs, ys] = [trained.inputs(call, 'xs', batch.xs), trained.outputs(call, 'ys', batch.ys)];
        const shapes = trained.shapes(call, xs, ys, ['xs', 'ys'], trained.fixedBatch(call));
        means.add(trained.test(call, xs, ys, batch.weights, context), shapes.xs[0]![0]!);
      } finally {
        batch.release();
      }
      count++;
      await pause();
    }
    failed = false;
  } finally {
    await reader.close(failed);
  }
  if (count === 0) source.failEmpty(call);
  if (batches !== null && count < batches) {
    warn(`${call}: ${source.name} must hold ${batches} batches, got ${count}; the means are over the batches received`);
  }
  return [means, count];
}

/** A scalar for the loss, or with metrics a list. */
function scalars(means: Means): Tensor | Tensor[] {
  const all = means.values().map(value => new Tensor(Float32Array.of(value), []));
  return all.length === 1 ? all[0]! : all;
}
