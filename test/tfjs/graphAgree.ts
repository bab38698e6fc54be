/** Runs a random graph in TF.js and in lstm-wasm, and compares all results (agree.ts). */

import * as lw from 'lstm-wasm';
import { Random } from '../reference/random.ts';
import {
  changes,
  compareRuns,
  type Disagreement,
  isClipped,
  lossFloor,
  type Model,
  type Result,
  setWeights,
  tf,
  weightsFor,
  weightsOf,
} from './agree.ts';
import { buildGraph, buildOptimizer, type Library } from './build.ts';
import { targets } from './data.ts';
import type { GraphProgram } from './graphs.ts';
import { perturb, roundActivations } from './perturb.ts';
import { assignWeights, lossOf, moveEpsilon, predicting } from './repair.ts';

/** Returns null if the results cannot be compared. */
export function graphDisagreements(program: GraphProgram): Promise<Disagreement[] | null> {
  const weights = weightsFor(program.seed, buildGraph(tf, program.graph));
  const clipping = program.outputs.flatMap(({ loss }, n) =>
    loss.endsWith('Crossentropy') ? [`prediction ${n} `] : [],
  );
  return compareRuns(program.seed, {
    tfjs: random => run(tf, program, weights, random),
    ours: () => run(lw, program, weights),
    isComparable: results =>
      !results.some(result => clipping.some(what => result.what.startsWith(what)) && isClipped(result)),
  });
}

async function run(
  library: Library,
  program: GraphProgram,
  weights: Float32Array[][],
  random?: Random,
): Promise<Result[]> {
  const change = (values: Float32Array) => (random ? perturb(values, random) : values);
  const isTfjs = library === tf;
  if (isTfjs) tf.engine().startScope();
  const model = buildGraph(library, program.graph);
  const layerNames = model.layers.map(({ name }: Library) => name).join(' ');
  setWeights(
    model as Model,
    weights.map(layer => layer.map(change)),
    library,
    isTfjs ? assignWeights : undefined,
  );
  const optimizer = buildOptimizer(library, program);
  compile(library, model, program, optimizer);
  if (random) roundActivations(tf, model, random);
  const results: Result[] = [];
  const data = new Random(program.seed + 2);
  for (let step = 0; step <= program.trainingSteps; step++) {
    const { x, y } = batchOf(library, program, data, change);
    const options = { batchSize: program.batch };
    const push = (what: string, values: number[]) =>
      results.push({ what: `${what} ${step} of ${layerNames}`, values, floor: lossFloor(values) });
    // `predict` of TF.js disposes of values that are still in use, such as inputs that a layer reads twice
    const predicted = isTfjs ? predicting(() => model.apply(x, { training: true })) : model.predict(x, options);
    const predictions: Library[] = [predicted].flat();
    for (const [n, prediction] of predictions.entries()) {
      results.push({ what: `prediction ${n} in step ${step}`, values: prediction.dataSync().slice() });
    }
    const scalars: Library[] = isTfjs ? evaluate(model, y, predictions) : [model.evaluate(x, y, options)].flat();
    push(
      'evaluation',
      unweighted(
        library,
        program,
        scalars.map(scalar => scalar.dataSync()[0]),
      ),
    );
    if (step === program.trainingSteps) break;
    const before = weightsOf(model as Model);
    if (isTfjs) moveEpsilon(optimizer, program.optimizer, step);
    push('losses', unweighted(library, program, [await model.trainOnBatch(x, y)].flat()));
    results.push(...changes(before, weightsOf(model as Model), step));
  }
  if (isTfjs) optimizer.dispose();
  model.dispose();
  if (isTfjs) tf.engine().endScope();
  return results;
}

/**
 * TF.js has no weights of losses, so its losses are multiplied by them. It also adds the losses of samples before it takes
 * the mean, which fails for outputs of different ranks, so they give the mean.
 */
function compile(library: Library, model: Library, { outputs }: GraphProgram, optimizer: Library): void {
  const metrics = Object.fromEntries(outputs.map(({ metrics }, n) => [model.outputNames[n], metrics]));
  const lossWeights = outputs.map(({ weight }) => weight);
  if (library !== tf) {
    model.compile({ optimizer, loss: outputs.map(({ loss }) => loss), metrics, lossWeights });
    return;
  }
  model.compile({ optimizer, loss: outputs.map(({ loss }) => lossOf(tf, loss)), metrics });
  model.lossFunctions = model.lossFunctions.map(
    (loss: Library, n: number) => (yTrue: Library, yPred: Library) =>
      tf.mul(lossWeights[n]!, tf.mean(loss(yTrue, yPred))),
  );
}

/** As `evaluate`, which in TF.js fails for outputs of different ranks, and returns partial sums of the losses before them. */
function evaluate(model: Library, y: Library[], predictions: Library[]): Library[] {
  const means: Library[] = predictions.map((prediction, n) => tf.mean(model.lossFunctions[n](y[n], prediction)));
  const measured = model.metricsTensors.slice(means.length === 1 ? 0 : means.length);
  const metrics: Library[] = measured.map(([metric, n]: [Library, number]) => tf.mean(metric(y[n], predictions[n])));
  return means.length === 1 ? [...means, ...metrics] : [tf.addN(means), ...means, ...metrics];
}

/** Losses and metrics, with the losses of several outputs as they are without weights. */
function unweighted(library: Library, { outputs }: GraphProgram, values: number[]): number[] {
  if (library !== tf || outputs.length === 1) return values;
  return values.map((value, n) => value / (outputs[n - 1]?.weight ?? 1));
}

/** A random batch. Ids, targets and the inputs of masking layers stay exact. */
function batchOf(
  library: Library,
  { batch, inputs, outputs }: GraphProgram,
  random: Random,
  change: (values: Float32Array) => Float32Array,
): { x: Library[]; y: Library[] } {
  const x = inputs.map(({ kind, shape, ids }) => {
    const whole = [batch, ...shape];
    if (kind === 'ids') {
      const numbers = Float32Array.from({ length: batch * shape[0]! }, () => random.bits() % ids);
      return library.tensor(numbers, whole);
    }
    const numbers = Float32Array.from(random.normals(whole).data);
    if (kind === 'numbers') return library.tensor(change(numbers), whole);
    const width = shape.at(-1)!;
    for (let n = 0; n < numbers.length; n += width) if (random.bits() % 3 === 0) numbers.fill(0, n, n + width);
    return library.tensor(numbers, whole);
  });
  const y = outputs.map(output => {
    const { y, yShape } = targets({ output, batch, loss: output.loss }, random);
    return library.tensor(y, yShape);
  });
  return { x, y };
}
