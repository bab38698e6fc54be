/** Compares the model of a random graph with its evaluation in float64. */

import { type Layer, type LayersModel, type Tensor, train } from 'lstm-wasm';
import type { Tolerance } from '../compare.ts';
import { tensorOf } from '../facade/models.ts';
import type { Block } from '../reference/block.ts';
import { Random } from '../reference/random.ts';
import { batchOf, build, weightsOf } from './build.ts';
import { copiesOf, GraphEvaluator } from './evaluate.ts';
import {
  agrees,
  BEYOND_ROUNDING,
  type Comparison,
  expectMeanAgreement,
  expectNumbers,
  NEIGHBOURS,
  type Numbers,
  neighbourOf,
} from './rounding.ts';
import type { GraphProgram } from './spec.ts';

/** As in test/facade/cases.ts: with such a rate, the change of a weight is its gradient, to one rounding. */
const RATE = 2 ** 20;

export interface Compared {
  evaluator: GraphEvaluator;
  /** The number of gradients, and how many of them are at a kink, where they are not compared. */
  count: number;
  kinks: number;
  /** Whether rounding moved a result beyond its tolerance, so that neighbours were needed. */
  isRounded: boolean;
}

interface Result {
  evaluator: GraphEvaluator;
  comparisons: Comparison[];
}

const largest = (values: ArrayLike<number>) =>
  Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);

export function expectAgreement(program: GraphProgram): Compared {
  const { model, layers } = build(program);
  const { outputs } = program;
  model.compile({
    optimizer: train.sgd(RATE),
    loss: outputs.map(({ loss }) => loss),
    lossWeights: outputs.map(({ weight }) => weight),
  });
  try {
    const numbers = { weights: weightsOf(program, layers), ...batchOf(program) };
    const result = run(program, model, layers, numbers, 0);
    const doubtful = result.comparisons.filter(comparison => !agrees(comparison));
    for (const comparison of doubtful) expectNumbers(comparison, BEYOND_ROUNDING);
    if (doubtful.length > 0) {
      const random = new Random(program.seed + 3);
      const involved = new Set(doubtful.flatMap(({ layer }) => layer ?? []));
      const neighbours = Array.from(
        { length: NEIGHBOURS },
        (_, n) => run(program, model, layers, neighbourOf(program, numbers, random), n + 1, involved).comparisons,
      );
      for (const comparison of doubtful) {
        const isSame = ({ what }: Comparison) => what === comparison.what;
        expectMeanAgreement(
          comparison,
          neighbours.map(comparisons => comparisons.find(isSame)!),
        );
      }
    }
    const gradients = result.comparisons.filter(({ layer }) => layer !== undefined);
    const sum = (sizeOf: (each: Comparison) => number) => gradients.reduce((total, each) => total + sizeOf(each), 0);
    return {
      evaluator: result.evaluator,
      count: sum(({ expected }) => expected.length),
      kinks: sum(({ kinks }) => kinks.size),
      isRounded: doubtful.length > 0,
    };
  } finally {
    model.dispose();
  }
}

/**
 * @param trained the number of batches trained before
 * @param involved the layers whose gradients are compared; default all
 */
function run(
  program: GraphProgram,
  model: LayersModel,
  layers: readonly Layer[],
  { weights, x, y }: Numbers,
  trained: number,
  involved: ReadonlySet<number> = new Set(layers.keys()),
): Result {
  for (const [n, layer] of layers.entries()) if (weights[n]!.length > 0) layer.setWeights(weights[n]!.map(tensorOf));
  const evaluator = new GraphEvaluator(program, weights.map(copiesOf), x, y, null);
  const isOther = program.layers.some(({ kind }) => kind === 'dropout' || kind === 'batchNormalization');
  const trainer = isOther ? new GraphEvaluator(program, weights.map(copiesOf), x, y, trained) : evaluator;
  const [xs, ys] = [x.map(tensorOf), y.map(tensorOf)];
  const options = { batchSize: program.batch };
  const comparisons: Comparison[] = [];
  const add = (what: string, got: ArrayLike<number>, expected: ArrayLike<number>, tolerance: Tolerance): void => {
    comparisons.push({ what, got: Array.from(got), expected: Array.from(expected), tolerance, kinks: new Set() });
  };
  const predicted = [model.predict<Tensor | Tensor[]>(xs, options)].flat();
  for (const [n, { values }] of evaluator.outputs.entries()) {
    const tolerance = { abs: 3e-6 * Math.max(1, largest(values.data)), rel: 3e-6 };
    add(`output ${n}`, predicted[n]!.dataSync(), values.data, tolerance);
  }
  const losses = { abs: 2e-6, rel: 4e-6 };
  const evaluated = [model.evaluate<Tensor | Tensor[]>(xs, ys, options)].flat().map(Number);
  add('results of evaluate', evaluated, evaluator.results, losses);
  add('results of trainOnBatch', [model.trainOnBatch(xs, ys)].flat(), trainer.results, losses);
  const after = layers.map((layer, n) => (weights[n]!.length > 0 ? layer.getWeights().map(own => own.dataSync()) : []));
  comparisons.push(...compareGradients(program, trainer, weights, after, involved));
  return { evaluator, comparisons };
}

/**
 * The tolerance is that of test/facade/cases.ts: a gradient is a sum whose terms partly cancel, so its error is relative to
 * the largest number of its weight. Some weights have no gradient, such as the bias of keys, so it is also relative to the
 * largest of all.
 */
function compareGradients(
  { layers }: GraphProgram,
  evaluator: GraphEvaluator,
  before: readonly (readonly Block[])[],
  after: readonly (readonly ArrayLike<number>[])[],
  involved: ReadonlySet<number>,
): Comparison[] {
  const slopes = before.map((own, n) => (own.length > 0 && involved.has(n) ? evaluator.slopes(n) : []));
  const most = largest(slopes.flat(2).map(({ value }) => value));
  return slopes.flatMap((list, n) =>
    list.map((own, k): Comparison => {
      const expected = own.map(({ value }) => value);
      const { shape, data } = before[n]![k]!;
      const what = `gradient of weight ${k} [${shape}] of layer ${n}, ${layers[n]!.kind}`;
      const tolerance = { abs: 5e-6 * largest(expected) + 2e-6 * most + 2 ** -24, rel: 1e-5 };
      const isKink = (m: number) => {
        const { value, bend } = own[m]!;
        return Math.abs(bend) > 4 * (tolerance.abs + tolerance.rel * Math.abs(value)) + 1e-5 * Math.abs(value);
      };
      return {
        what,
        layer: n,
        got: own.map(({ n: m }) => (data[m]! - after[n]![k]![m]!) / RATE),
        expected,
        tolerance,
        kinks: new Set([...own.keys()].filter(isKink)),
      };
    }),
  );
}
