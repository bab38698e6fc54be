/** One batch through a model: checked, put in place, run, and, in training, learned from. */

import { type Batch, settled, shapeOfBatch, single, writeBatch } from '../inputs/batches.ts';
import {
  checkSampleWeightOptions,
  type SampleWeightOptions,
  settledWeights,
  writeWeights,
} from '../inputs/sampleWeights.ts';
import { isSparse, type LossName } from '../objective/losses.ts';
import type { Objective } from '../objective/objective.ts';
import { shapeOfTarget, targetShapeOf } from '../objective/targets.ts';
import type { CompiledPlan } from '../plan/compiledPlan.ts';
import type { Purpose } from '../plan/plan.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { fail } from '../util/errors.ts';
import { type Shape, sameShape, sizeOf } from '../util/shapes.ts';
import { ADVICE, type Diagnosis, isNotFinite, warnOnce } from '../util/warning.ts';
import { float32, kernels } from '../wasm/engine.ts';
import type { ModelView } from './modelView.ts';

type Given = Batch | readonly [Tensor];

/** The shapes that follow from that of x. */
interface Form {
  /** What the model expected, and the loss: the form is good as long as both are the same. */
  readonly input: Readonly<Shape>;
  readonly loss: LossName;
  readonly x: readonly number[];
  /** One sample of x. */
  readonly sample: readonly number[];
  readonly output: readonly number[];
  /** What y must have. */
  readonly target: number[];
}

const nothing = () => '';

/** Steps of a model. Between batches of one shape, nothing is allocated for one but the list of its metrics. */
export class TrainStep {
  readonly #view: ModelView;
  /** That of the batch before, because most batches are like it. */
  #form: Form | null = null;

  constructor(view: ModelView) {
    this.#view = view;
  }

  /** As `trainOnBatch`, under the name of the call that wants it, which also warns of what is not finite. */
  train(call: string, x: Given, y: Given, options?: SampleWeightOptions): number | number[] {
    const objective = this.#view.objective(call);
    // First of all, because a function of the caller's may be behind it
    const rate = this.#view.parameters(call).rate(call, objective.optimizer);
    const batch = this.#load(call, x, y, 'train', objective, options);
    const parameters = this.#view.parameters(call);
    const penalty = parameters.startGradients();
    kernels().setBatch(parameters.trained);
    batch.forward();
    const loss = batch.loss() + penalty;
    const results = measure(batch, objective, loss);
    if (!Number.isFinite(loss)) {
      refuseWrongClass(call, batch, objective);
      batch.rewind();
      return results;
    }
    batch.backward();
    if (parameters.update(call, objective.optimizer, rate)) return results;
    batch.rewind();
    return withLoss(results, Number.NaN);
  }

  /**
   * Warns, once, of what `train` or `test` gave where it is not finite.
   *
   * @param of what of, as in ' of the validation'
   * @param diagnose what is wrong with the data, where that can be told
   */
  warnIfNotFinite(
    call: string,
    results: number | number[],
    trained: boolean,
    of = nothing,
    diagnose?: Diagnosis,
  ): void {
    if (typeof results === 'number' ? Number.isFinite(results) : results.every(Number.isFinite)) return;
    const parameters = this.#view.parameters(call);
    if (parameters.warned) return;
    const values = [results].flat();
    const wrong = values.findIndex(isNotFinite);
    const metric = this.#view.objective(call).metrics[wrong - 1];
    const what = metric ? `the metric '${metric.key}'` : 'the loss';
    const skipped = trained && !metric ? 'such a batch changes nothing, and training goes on without it; ' : '';
    warnOnce(parameters, call, `${what}${of()} is`, values[wrong], skipped + (diagnose?.() ?? ADVICE));
  }

  /** As `testOnBatch`, likewise; warns of what is not finite. */
  test(call: string, x: Given, y: Given, options?: SampleWeightOptions, of = nothing): number | number[] {
    const objective = this.#view.objective(call);
    const batch = this.#load(call, x, y, 'test', objective, options);
    const penalty = this.#view.parameters(call).penalty(call);
    batch.forward();
    const loss = batch.loss() + penalty;
    if (!Number.isFinite(loss)) refuseWrongClass(call, batch, objective);
    const results = measure(batch, objective, loss);
    this.warnIfNotFinite(call, results, false, of);
    return results;
  }

  /** Checks x and y, and puts them where the kernels expect them. */
  #load(
    call: string,
    givenX: Given,
    givenY: Given,
    purpose: Purpose,
    objective: Objective,
    options?: SampleWeightOptions,
  ): CompiledPlan {
    const x = single(call, 'x', givenX);
    const y = single(call, 'y', givenY);
    const weights = checkSampleWeightOptions(call, options);
    const input = this.#view.inputShape(call);
    const shape = shapeOfBatch(call, 'x', x, input);
    const form = this.#formOf(call, input, shape, objective.loss);
    const target = shapeOfTarget(call, 'y', y, form.loss, form.target);
    const xs = settled(call, 'x', x, shape);
    const ys = settled(call, 'y', y, target);
    const factors = weights && settledWeights(call, weights, shape[0]!, form.output);
    // From here on, nothing of the caller's runs
    this.#view.expectSame(call, input, objective);
    const plans = this.#view.plans(call);
    const batch = plans.prepare(call, shape[0]!, form.sample, purpose, objective, weights !== null);
    const memory = float32();
    writeBatch(call, 'x', xs, shape, memory, batch.input);
    this.#view.checkInput(call, 'x', memory, batch.input, sizeOf(shape));
    writeBatch(call, 'y', ys, target, memory, batch.target);
    if (factors) {
      const steps = form.output.length === 3 ? form.output[1]! : null;
      const width = form.target.at(-1)!;
      const targets = { values: memory, from: batch.target, samples: shape[0]!, steps, width };
      writeWeights(call, factors, targets, memory, batch.weights);
    }
    return batch;
  }

  #formOf(call: string, input: Readonly<Shape>, x: readonly number[], loss: LossName): Form {
    const last = this.#form;
    if (last && last.input === input && last.loss === loss && sameShape(last.x, x)) return last;
    const output = this.#view.outputFor(x);
    const target = targetShapeOf(call, loss, output);
    this.#form = { input, loss, x: [...x], sample: x.slice(1), output, target };
    return this.#form;
  }
}

/** The loss, or a list of it and the metrics of the output as it stands. */
function measure(batch: CompiledPlan, { metrics }: Objective, loss: number): number | number[] {
  if (metrics.length === 0) return loss;
  const values = [loss];
  batch.measure(values);
  return values;
}

const withLoss = (results: number | number[], loss: number) =>
  typeof results === 'number' ? loss : [loss, ...results.slice(1)];

/** Says so where a loss is no number because y holds the number of a class that does not exist. */
function refuseWrongClass(call: string, batch: CompiledPlan, { loss }: Objective): void {
  if (!isSparse(loss)) return;
  const wrong = batch.wrongClass();
  if (wrong === undefined) return;
  batch.rewind();
  fail(call, `y must hold numbers of classes from 0 to ${batch.plan.output.y.width - 1}, got ${wrong}`);
}
