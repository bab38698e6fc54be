/** `trainOnBatch` and `testOnBatch`: one batch through the kernels, and in training back. */

import type { Batch } from '../inputs/batches.ts';
import type { BatchWeights } from '../inputs/sampleWeights.ts';
import type { Objective } from '../objective/objective.ts';
import type { CompiledPlan } from '../plan/compiledPlan.ts';
import { fail } from '../util/errors.ts';
import { Place } from '../util/part.ts';
import { type Diagnosis, isNotFinite, NOT_FINITE_ADVICE, warnOnce } from '../util/warning.ts';
import { setBatch } from '../wasm/engine.ts';
import { backward, forward } from './customLayers.ts';
import type { CustomScores, scoreCustom, writeGradient } from './customScores.ts';
import { feed } from './feed.ts';
import type { ModelView } from './modelView.ts';

const noContext = () => '';

export const customPlace: Place<{
  readonly scoreCustom: typeof scoreCustom;
  readonly writeGradient: typeof writeGradient;
}> = /* @__PURE__ */ new Place('customLosses');

/** Training and test steps of a model. */
export class TrainStep {
  readonly #view: ModelView;

  constructor(view: ModelView) {
    this.#view = view;
  }

  /** `trainOnBatch` for any call; the caller warns of results that are not finite. */
  train(call: string, xs: readonly Batch[], ys: readonly Batch[], weights?: BatchWeights): number | number[] {
    const objective = this.#view.objective(call);
    this.#view.parameters(call).checkUnlocked(call);
    // Before the batch is read, because the rate may be a user function
    const rate = this.#view.parameters(call).rate(call, objective.optimizer);
    const plan = feed(call, this.#view, 'train', objective, xs, ys, weights);
    const parameters = this.#view.parameters(call);
    setBatch(parameters.trained);
    let results: number | number[];
    let custom: CustomScores | null = null;
    do {
      const penalty = parameters.startGradients();
      forward(call, this.#view, plan);
      if (custom === null) {
        custom = score(call, this.#view, plan, objective, true);
        setBatch(parameters.trained); // another model may have run meanwhile
      }
      results = measure(plan, objective, penalty, custom);
      if (!Number.isFinite(lossOf(results))) {
        this.#rejectWrongTarget(call, plan);
        plan.rewind();
        return results;
      }
    } while (!backward(call, this.#view, plan)); // again after threads were lost
    if (parameters.update(call, objective.optimizer, rate)) {
      plan.commit();
      return results;
    }
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
    const { labels, outputs } = this.#view.objective(call);
    const losses = outputs.length === 1 ? 1 : 1 + outputs.length;
    const what = wrong < losses ? 'the loss' : `the metric '${labels[wrong]}'`;
    const skipped =
      trained && wrong < losses ? 'such a batch changes nothing, and training continues without it; ' : '';
    warnOnce(parameters, call, `${what}${context()} is`, values[wrong], skipped + (diagnose?.() ?? NOT_FINITE_ADVICE));
  }

  /** `testOnBatch` for any call; warns of results that are not finite. */
  test(
    call: string,
    xs: readonly Batch[],
    ys: readonly Batch[],
    weights?: BatchWeights,
    context = noContext,
  ): number | number[] {
    const objective = this.#view.objective(call);
    const plan = feed(call, this.#view, 'test', objective, xs, ys, weights);
    const penalty = this.#view.parameters(call).penalty(call);
    forward(call, this.#view, plan);
    const results = measure(plan, objective, penalty, score(call, this.#view, plan, objective, false));
    if (!Number.isFinite(lossOf(results))) this.#rejectWrongTarget(call, plan);
    plan.commit();
    this.warnIfNotFinite(call, results, false, context);
    return results;
  }

  /** Fails if the loss is not finite because y holds a target that the loss does not accept. */
  #rejectWrongTarget(call: string, plan: CompiledPlan): void {
    for (let n = 0; n < plan.outputs.length; n++) {
      const wrong = plan.wrongTarget(n);
      if (wrong === null) continue;
      plan.rewind();
      fail(call, `${this.#view.ends(call).yNames[n]!} ${wrong}`);
    }
  }
}

/** The results of custom losses and metrics, if there are any. */
function score(...given: Parameters<typeof scoreCustom>): CustomScores {
  const [call, , , { outputs }] = given;
  const isCustom = outputs.some(({ custom, metrics }) => custom || metrics.some(metric => metric.custom));
  return isCustom ? customPlace.need(call).scoreCustom(...given) : [];
}

/** The loss; or a list of it, with several outputs the loss of each, and the metrics. */
function measure(
  plan: CompiledPlan,
  { outputs, labels }: Objective,
  penalty: number,
  custom: CustomScores,
): number | number[] {
  if (labels.length === 1) return lossOfOutput(plan, 0, custom) * outputs[0]!.lossWeight + penalty;
  const values = [0];
  let sum = 0;
  for (let n = 0; n < outputs.length; n++) {
    const loss = lossOfOutput(plan, n, custom);
    sum += loss * outputs[n]!.lossWeight;
    if (outputs.length > 1) values.push(loss);
  }
  values[0] = sum + penalty;
  for (let n = 0; n < outputs.length; n++) {
    for (let k = 0; k < outputs[n]!.metrics.length; k++) values.push(custom[n]?.metrics[k] ?? plan.metric(n, k));
  }
  return values;
}

/** Computes the loss of an output; in training also its gradient. */
function lossOfOutput(plan: CompiledPlan, n: number, custom: CustomScores): number {
  const scores = custom[n];
  if (scores?.loss === undefined) return plan.loss(n);
  customPlace.need('compile').writeGradient(plan, n, scores.gradient);
  return scores.loss;
}

const lossOf = (results: number | number[]): number => (typeof results === 'number' ? results : results[0]!);

const withLoss = (results: number | number[], loss: number) =>
  typeof results === 'number' ? loss : [loss, ...results.slice(1)];
