/**
 * Runs a program in TF.js and in lstm-wasm, with the same weights and the same data, and compares all results.
 *
 * The tolerance follows from float32 rounding. Each number is a sum of at most some dozens of products, so either library
 * computes what exact arithmetic gives for weights and data changed by a few units in the last place. The effect of such
 * a change depends on the program (large for a normalized gradient near zero, small for a sigmoid), so it is measured, in
 * TF.js alone: the program runs again with every weight and every number of the data changed at random by up to 2^-21 of
 * its value, which is eight roundings, and with perturbed activations (`perturb.ts`). A result that changes by d may
 * differ by FACTOR times d. The tolerance does not depend on lstm-wasm.
 */

import * as lw from 'lstm-wasm';
import { loadTfjs } from '../../scripts/tfjs.js';
import { Random } from '../reference/random.ts';
import { build, buildOptimizer, type Library } from './build.ts';
import { batchOf, type Data } from './data.ts';
import { perturb, roundActivations } from './perturb.ts';
import type { Program } from './programs.ts';
import { assignWeights, repairTfjs } from './repair.ts';

/** A result that both libraries computed. */
export interface Result {
  what: string;
  values: ArrayLike<number>;
  /** A difference that is always allowed. Default: FLOOR times the largest value. */
  floor?: number;
}

/** The element with the largest difference beyond the tolerance. */
export interface Disagreement {
  what: string;
  index: number;
  got: number;
  expected: number;
  allowed: number;
}

export const tf = await loadTfjs();

export const PERTURBATIONS = 3;
const FACTOR = 8;
/** The difference that is always allowed, relative to the largest number of a tensor: eight roundings. */
const FLOOR = 2 ** -20;
/** The difference that is always allowed in a loss: it sums logarithms and the like, which are near 1 and may cancel. */
const LOSS_FLOOR = 2 ** -22;
export const lossFloor = (values: number[]) => LOSS_FLOOR + FLOOR * largest(values);

/**
 * Returns null if the results cannot be compared: TF.js has no finite result, or a cross-entropy gets probabilities
 * outside of [1e-7, 1 - 1e-7], which TF.js clips and lstm-wasm, which starts from logits, does not.
 */
export function disagreements(program: Program): Promise<Disagreement[] | null> {
  const weights = weightsFor(program.seed, build(tf, program.layers));
  const clips = program.loss.endsWith('Crossentropy');
  return compareRuns(program.seed, {
    tfjs: random => runTfjs(program, weights, random),
    ours: () => runOurs(program, weights),
    isComparable: results => !clips || !results.some(isClipped),
  });
}

/** A program in both libraries. */
interface Runs {
  /** @param random to perturb weights, data and activations */
  tfjs(random?: Random): Promise<Result[]>;
  ours(): Result[] | Promise<Result[]>;
  isComparable(expected: readonly Result[]): boolean;
}

/** Returns null if TF.js has no finite results, or `isComparable` says no. */
export async function compareRuns(seed: number, { tfjs, ours, isComparable }: Runs): Promise<Disagreement[] | null> {
  const expected = await tfjs();
  if (!expected.every(({ values }) => Array.from(values).every(value => Math.abs(value) < 1e6))) return null;
  if (!isComparable(expected)) return null;
  const got = await ours();
  if (got.length !== expected.length) throw new Error(`${got.length} results, expected ${expected.length}`);
  const perturbed: Result[][] = [];
  for (let n = 0; n < PERTURBATIONS; n++) {
    perturbed.push(await tfjs(new Random(1000 * seed + n)));
  }
  return expected.flatMap((result, n) => {
    const difference = compare(
      result,
      got[n]!,
      perturbed.map(run => run[n]!.values),
    );
    return difference ? [difference] : [];
  });
}

export const isClipped = ({ what, values }: Result) =>
  what.startsWith('prediction') && Array.from(values).some(p => p < 2e-7 || p > 1 - 2e-7);

/** Returns the element that exceeds its tolerance most, or null if none does. */
export function compare(expected: Result, got: Result, perturbed: ArrayLike<number>[]): Disagreement | null {
  const { what, values } = expected;
  if (got.what !== what) throw new Error(`got ${got.what}, expected ${what}`);
  if (got.values.length !== values.length) {
    throw new Error(`${what}: got ${got.values.length} numbers, expected ${values.length}`);
  }
  const changesOfResult = Array.from(values, (value, i) =>
    Math.max(...perturbed.map(run => Math.abs(run[i]! - value))),
  );
  const median = changesOfResult.toSorted((a, b) => a - b)[changesOfResult.length >> 1] ?? 0;
  const floor = expected.floor ?? FLOOR * largest(values);
  let worst: Disagreement | null = null;
  let excess = 1;
  for (let index = 0; index < values.length; index++) {
    const allowed = FACTOR * Math.max(changesOfResult[index]!, median) + floor;
    const error = Math.abs(got.values[index]! - values[index]!);
    if (error <= excess * allowed) continue;
    excess = error / allowed;
    worst = { what, index, got: got.values[index]!, expected: values[index]!, allowed };
  }
  return worst;
}

// ------------------------------------------------------------------------------------------------------------- runs

/** Random weights for each layer that has weights, in the shapes and the order of TF.js. Disposes of the model. */
export function weightsFor(seed: number, model: Library): Float32Array[][] {
  const random = new Random(seed + 1);
  const weights = layersWithWeights(model as Model).map(layer =>
    layer.getWeights().map(({ shape }, n) => {
      const scale = shape.length === 1 ? 0.3 : 1.2 / Math.sqrt(shape[0]!);
      const values = Float32Array.from(random.normals(shape, scale).data);
      return /moving_variance/.test(layer.weights?.[n]?.originalName ?? '') ? values.map(v => v * v + 0.5) : values;
    }),
  );
  model.dispose();
  return weights;
}

async function runTfjs(program: Program, weights: Float32Array[][], random?: Random): Promise<Result[]> {
  const change = (values: Float32Array) => (random ? perturb(values, random) : values);
  tf.engine().startScope();
  const model = build(tf, program.layers);
  setWeights(
    model,
    weights.map(layer => layer.map(change)),
    tf,
    assignWeights,
  );
  const repair = repairTfjs(tf, model, program);
  const optimizer = buildOptimizer(tf, program);
  repair.compile(optimizer);
  if (random) roundActivations(tf, model, random);
  const results: Result[] = [];
  const data = batchOf(program);
  for (let step = 0; step <= program.trainingSteps; step++) {
    const { x, y } = tensorsOf(tf, program, data.next(), change);
    repair.beforeBatch(x);
    const options = { batchSize: program.batch };
    results.push({ what: `prediction ${step}`, values: model.predict(x, options).dataSync() });
    const evaluation = repair.evaluate(x, y);
    results.push({ what: `evaluation ${step}`, values: evaluation, floor: lossFloor(evaluation) });
    if (step === program.trainingSteps) break;
    const before = weightsOf(model);
    const losses = [await model.trainOnBatch(x, y)].flat();
    results.push({ what: `losses ${step}`, values: losses, floor: lossFloor(losses) });
    repair.afterBatch();
    results.push(...changes(before, weightsOf(model), step));
  }
  optimizer.dispose();
  model.dispose();
  tf.engine().endScope();
  return results;
}

function runOurs(program: Program, weights: Float32Array[][]): Result[] {
  const model = build(lw as unknown as Library, program.layers) as unknown as lw.Sequential;
  setWeights(model as unknown as Model, weights, lw as unknown as Library);
  const optimizer = buildOptimizer(lw as unknown as Library, program) as lw.Optimizer;
  model.compile({ optimizer, loss: program.loss as lw.Loss, metrics: program.metrics as never });
  const results: Result[] = [];
  const data = batchOf(program);
  for (let step = 0; step <= program.trainingSteps; step++) {
    const { x, y } = tensorsOf(lw as unknown as Library, program, data.next(), values => values) as Record<
      string,
      lw.Tensor
    >;
    const options = { batchSize: program.batch };
    results.push({ what: `prediction ${step}`, values: model.predict(x!, options).dataSync() });
    const scalars = [model.evaluate(x!, y!, options)].flat();
    results.push({ what: `evaluation ${step}`, values: scalars.map(scalar => scalar.dataSync()[0]!) });
    if (step === program.trainingSteps) break;
    const before = weightsOf(model as unknown as Model);
    results.push({ what: `losses ${step}`, values: [model.trainOnBatch(x!, y!)].flat() });
    results.push(...changes(before, weightsOf(model as unknown as Model), step));
  }
  model.dispose();
  return results;
}

// ----------------------------------------------------------------------------------------------------------- helpers

export interface Tensor {
  shape: number[];
  dataSync(): Float32Array;
}

interface WeightedLayer {
  name: string;
  /** Of a model that is a layer. */
  layers?: WeightedLayer[];
  /** The variables of a TF.js layer. */
  weights?: { originalName: string }[];
  getWeights(): Tensor[];
  setWeights(weights: unknown[]): void;
}

export interface Model {
  layers: WeightedLayer[];
}

/** The layers of a model and of the models in it, because TF.js sorts the weights of a model by whether they are trained. */
function layersWithWeights({ layers }: Model): WeightedLayer[] {
  return layers.flatMap(layer => {
    if (layer.layers) return layersWithWeights(layer as Model);
    return layer.getWeights().length > 0 ? [layer] : [];
  });
}

/** Sets the numbers of the TF.js layers, in the shapes that each layer of this library reports. */
export function setWeights(
  model: Model,
  weights: Float32Array[][],
  library: Library,
  assign = (layer: WeightedLayer, tensors: unknown[]) => layer.setWeights(tensors),
): void {
  const layers = layersWithWeights(model);
  if (layers.length !== weights.length) throw new Error(`${layers.length} layers with weights, not ${weights.length}`);
  for (const [n, layer] of layers.entries()) {
    const shapes = layer.getWeights().map(weight => weight.shape);
    assign(
      layer,
      weights[n]!.map((values, w) => library.tensor(values, shapes[w]!)),
    );
  }
}

/** Copies of all weights, because TF.js returns the live variables. */
export function weightsOf(model: Model): Float32Array[] {
  return layersWithWeights(model).flatMap(layer => layer.getWeights().map(weight => weight.dataSync().slice()));
}

/**
 * The change of each weight in a step. The tolerance also covers the roundings of the weight itself, which do not depend on
 * the step: one by the update and three by a constraint in either library, 2^-24 each.
 */
export function changes(before: Float32Array[], after: Float32Array[], step: number): Result[] {
  return after.map((weight, n) => {
    const values = Array.from(weight, (value, i) => value - before[n]![i]!);
    const floor = 8 * 2 ** -24 * largest(weight) + FLOOR * largest(values);
    return { what: `change of weight ${n} in step ${step}`, values, floor };
  });
}

const largest = (values: ArrayLike<number>) => Math.max(0, ...Array.from(values, Math.abs));

/** Indices, targets and the inputs of a masking layer stay exact; other inputs may be perturbed. */
function tensorsOf(
  library: Library,
  program: Program,
  data: Data,
  change: (values: Float32Array) => Float32Array,
): { x: unknown; y: unknown } {
  const exact = program.input.kind === 'indices' || program.layers[0]!.kind === 'masking';
  const x = exact ? data.x : change(data.x);
  return { x: library.tensor(x, data.xShape), y: library.tensor(data.y, data.yShape) };
}
