/** `trainOnBatch` and `testOnBatch`: one batch through the kernels, and in training back. */

import type { Batch } from '../inputs/batches.ts';
import type { Selection } from '../inputs/samples.ts';
import type { SampleWeightOptions } from '../inputs/sampleWeights.ts';
import { isSparse } from '../objective/losses.ts';
import type { Objective } from '../objective/objective.ts';
import type { CompiledPlan } from '../plan/compiledPlan.ts';
import { fail } from '../util/errors.ts';
import { type Diagnosis, isNotFinite, NOT_FINITE_ADVICE, warnOnce } from '../util/warning.ts';
import { kernels } from '../wasm/engine.ts';
import { feed } from './feed.ts';
import type { ModelView } from './modelView.ts';

type Weights = SampleWeightOptions | Selection;

const noContext = () => '';

/** Training and test steps of a model. For batches of one shape they allocate only the list of metrics. */
export class TrainStep {
  readonly #view: ModelView;

  constructor(view: ModelView) {
    this.#view = view;
  }

  /** `trainOnBatch` for any call; the caller warns of results that are not finite. */
  train(call: string, x: Batch, y: Batch, weights?: Weights): number | number[] {
    const objective = this.#view.objective(call);
    // Before the batch is read, because the rate may be a user function
    const rate = this.#view.parameters(call).rate(call, objective.optimizer);
    const plan = feed(call, this.#view, 'train', objective, x, y, weights);
    const parameters = this.#view.parameters(call);
    const penalty = parameters.startGradients();
    kernels().setBatch(parameters.trained);
    plan.forward();
    const loss = plan.loss() + penalty;
    const results = measure(plan, objective, loss);
    if (!Number.isFinite(loss)) {
      rejectWrongClass(call, plan, objective);
      plan.rewind();
      return results;
    }
    plan.backward();
    if (parameters.update(call, objective.optimizer, rate)) return results;
    plan.rewind();
    return withLoss(results, Number.NaN);
  }

  /**
   * Warns once if results of `train` or `test` are not finite.
   *
   * @param context what the results belong to, such as ' of the validation'
   * @param diagnose describes what is wrong with the data
   */
  warnIfNotFinite(
    call: string,
    results: number | number[],
    trained: boolean,
    context = noContext,
    diagnose?: Diagnosis,
  ): void {
    if (typeof results === 'number' ? Number.isFinite(results) : results.every(Number.isFinite)) return;
    const parameters = this.#view.parameters(call);
    if (parameters.warned) return;
    const values = [results].flat();
    const wrong = values.findIndex(isNotFinite);
    const metric = this.#view.objective(call).metrics[wrong - 1];
    const what = metric ? `the metric '${metric.key}'` : 'the loss';
    const skipped = trained && !metric ? 'such a batch changes nothing, and training continues without it; ' : '';
    warnOnce(parameters, call, `${what}${context()} is`, values[wrong], skipped + (diagnose?.() ?? NOT_FINITE_ADVICE));
  }

  /** `testOnBatch` for any call; warns of results that are not finite. */
  test(call: string, x: Batch, y: Batch, weights?: Weights, context = noContext): number | number[] {
    const objective = this.#view.objective(call);
    const plan = feed(call, this.#view, 'test', objective, x, y, weights);
    const penalty = this.#view.parameters(call).penalty(call);
    plan.forward();
    const loss = plan.loss() + penalty;
    if (!Number.isFinite(loss)) rejectWrongClass(call, plan, objective);
    const results = measure(plan, objective, loss);
    this.warnIfNotFinite(call, results, false, context);
    return results;
  }
}

/** The loss, or a list of the loss and the metrics. */
function measure(plan: CompiledPlan, { metrics }: Objective, loss: number): number | number[] {
  if (metrics.length === 0) return loss;
  const values = [loss];
  plan.measure(values);
  return values;
}

const withLoss = (results: number | number[], loss: number) =>
  typeof results === 'number' ? loss : [loss, ...results.slice(1)];

/** Fails if the loss is not finite because y holds a class that does not exist. */
function rejectWrongClass(call: string, plan: CompiledPlan, { loss }: Objective): void {
  if (!isSparse(loss)) return;
  const wrong = plan.wrongClass();
  if (wrong === undefined) return;
  plan.rewind();
  fail(call, `y must hold numbers of classes from 0 to ${plan.plan.output.y.width - 1}, got ${wrong}`);
}
