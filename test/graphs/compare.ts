/** Compares the model of a random graph with its evaluation in float64. */

import { type Tensor, train } from 'lstm-wasm';
import { expectClose } from '../compare.ts';
import { tensorOf } from '../facade/models.ts';
import type { Block } from '../reference/block.ts';
import { batchOf, build, weightsOf } from './build.ts';
import { copiesOf, GraphEvaluator } from './evaluate.ts';
import type { GraphProgram } from './spec.ts';

/** As in test/facade/cases.ts: with such a rate, the change of a weight is its gradient, to one rounding. */
const RATE = 2 ** 20;

export interface Compared {
  evaluator: GraphEvaluator;
  /** The numbers of all weights, and how many of them are at a kink, where gradients are not compared. */
  count: number;
  kinks: number;
}

const largest = (values: ArrayLike<number>) =>
  Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** Returns null if the results cannot be compared. */
export function expectAgreement(program: GraphProgram): Compared | null {
  const { model, layers } = build(program);
  const weights = weightsOf(program, layers);
  for (const [n, layer] of layers.entries()) if (weights[n]!.length > 0) layer.setWeights(weights[n]!.map(tensorOf));
  const { outputs } = program;
  model.compile({
    optimizer: train.sgd(RATE),
    loss: outputs.map(({ loss }) => loss),
    lossWeights: outputs.map(({ weight }) => weight),
  });
  const { x, y } = batchOf(program);
  const evaluator = new GraphEvaluator(program, weights.map(copiesOf), x, y);
  if (evaluator.takesExtremeLogarithm) return null;
  const [xs, ys] = [x.map(tensorOf), y.map(tensorOf)];
  const options = { batchSize: program.batch };

  const predicted = [model.predict<Tensor | Tensor[]>(xs, options)].flat();
  for (const [n, { values }] of evaluator.outputs.entries()) {
    const tolerance = { abs: 3e-6 * Math.max(1, largest(values.data)), rel: 3e-6, what: `output ${n}` };
    expectClose(predicted[n]!.dataSync(), values.data, tolerance);
  }
  const losses = { abs: 2e-6, rel: 4e-6 };
  const evaluated = [model.evaluate<Tensor | Tensor[]>(xs, ys, options)].flat().map(Number);
  expectClose(evaluated, evaluator.results, { ...losses, what: 'results of evaluate' });
  expectClose([model.trainOnBatch(xs, ys)].flat(), evaluator.results, { ...losses, what: 'results of trainOnBatch' });

  const after = layers.map((layer, n) => (weights[n]!.length > 0 ? layer.getWeights().map(own => own.dataSync()) : []));
  model.dispose();
  return { evaluator, ...expectGradients(program, evaluator, weights, after) };
}

/**
 * The tolerance is that of test/facade/cases.ts: a gradient is a sum whose terms partly cancel, so its error is relative to
 * the largest number of its weight. Some weights have no gradient, such as the bias of keys, so it is also relative to the
 * largest of all.
 */
function expectGradients(
  { layers }: GraphProgram,
  evaluator: GraphEvaluator,
  before: readonly (readonly Block[])[],
  after: readonly (readonly ArrayLike<number>[])[],
): { count: number; kinks: number } {
  const slopes = before.map((own, n) => (own.length > 0 ? evaluator.slopes(n) : []));
  const most = largest(slopes.flat(2).map(({ value }) => value));
  let [count, kinks] = [0, 0];
  for (const [n, list] of slopes.entries()) {
    for (const [k, own] of list.entries()) {
      const values = own.map(({ value }) => value);
      const tolerance = { abs: 5e-6 * largest(values) + 2e-6 * most + 2 ** -24, rel: 1e-5 };
      const { shape, data } = before[n]![k]!;
      const compared = own.flatMap(({ value, bend }, m) =>
        Math.abs(bend) > 4 * (tolerance.abs + tolerance.rel * Math.abs(value)) + 1e-5 * Math.abs(value) ? [] : [m],
      );
      count += own.length;
      kinks += own.length - compared.length;
      expectClose(
        compared.map(m => (data[m]! - after[n]![k]![m]!) / RATE),
        compared.map(m => values[m]!),
        { ...tolerance, what: `gradient of weight ${k} [${shape}] of layer ${n}, ${layers[n]!.kind}` },
      );
    }
  }
  return { count, kinks };
}
