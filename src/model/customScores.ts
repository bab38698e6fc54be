/** Custom losses and metrics of a batch: reads outputs and targets from the memory of a plan, and writes gradients. */

import { type Custom, customGradient, customValue, type Rows } from '../objective/custom.ts';
import type { Objective } from '../objective/objective.ts';
import type { CompiledPlan } from '../plan/compiledPlan.ts';
import { writeRows } from '../plan/rowNumbers.ts';
import { Tensor } from '../tensor/tensor.ts';
import { fail } from '../util/errors.ts';
import { sizeOf } from '../util/shapes.ts';
import { float32 } from '../wasm/engine.ts';
import type { ModelView } from './modelView.ts';

/** The results of an output whose loss or metrics are custom. */
interface OutputScores {
  /** Undefined for a built-in loss. */
  readonly loss?: number;
  readonly gradient: Float32Array | null;
  /** Undefined for built-in metrics. */
  readonly metrics: readonly (number | undefined)[];
}

/** For each output; undefined where all is built in. */
export type CustomScores = readonly (OutputScores | undefined)[];

/**
 * Calls the custom losses and metrics of a batch, after `plan.forward`. While they run, the model cannot be used. If one
 * fails, the carried states are restored.
 */
export function scoreCustom(
  call: string,
  view: ModelView,
  plan: CompiledPlan,
  { outputs }: Objective,
  trains: boolean,
): CustomScores {
  const { state } = view;
  const { version } = state;
  const parameters = view.parameters(call);
  const planned = parameters.version;
  const rowsOf = outputs.map((_, n) => readRows(view, call, plan, n));
  try {
    state.scoring = true;
    const scoreOf = ({ custom, metrics }: Objective['outputs'][number], n: number): OutputScores => {
      const { plain, weighted, normalized } = rowsOf[n]!;
      const own = custom && scoreLoss(call, custom, weighted, trains);
      return {
        ...(own && { loss: own.value }),
        gradient: own?.gradient ?? null,
        metrics: metrics.map(metric => {
          return metric.custom && customValue(call, metric.custom, metric.weighted ? normalized : plain);
        }),
      };
    };
    const scores = parameters.locked(() => outputs.map(scoreOf));
    const constant = outputs.length === 1 && outputs[0]!.custom;
    if (trains && constant && !scores[0]!.gradient) {
      fail(call, `${constant.title} must compute its result from yPred with tensor functions`);
    }
    state.scoring = false;
    view.checkUnchanged(call, version);
    if (parameters.version !== planned) fail(call, 'custom losses and metrics must not move the weights of the model');
    return scores;
  } catch (error) {
    state.scoring = false;
    if (!view.isDisposed) plan.rewind();
    throw error;
  }
}

/** The loss and its gradient. Fails if they are not finite though targets and predictions are. */
function scoreLoss(call: string, custom: Custom, rows: Rows, trains: boolean) {
  const scores = trains
    ? customGradient(call, custom, rows)
    : { value: customValue(call, custom, rows), gradient: null };
  const wrong = scores.gradient?.find(number => !Number.isFinite(number));
  if ((Number.isFinite(scores.value) && wrong === undefined) || !areFinite(rows)) return scores;
  if (!Number.isFinite(scores.value)) fail(call, `${custom.title} must return finite values, got ${scores.value}`);
  return fail(call, `${custom.title} must have finite gradients, got ${wrong}`);
}

function areFinite({ yTrue, yPred, factors }: Rows): boolean {
  const [targets, predictions, columns] = [yTrue.dataSync(), yPred.dataSync(), yPred.shape.at(-1)!];
  return predictions.every(
    (value, i) => factors[Math.floor(i / columns)] === 0 || (Number.isFinite(value) && Number.isFinite(targets[i])),
  );
}

/** The rows of an output: for metrics, for the loss, and for weighted metrics, whose weights are those of a mean. */
function readRows(view: ModelView, call: string, plan: CompiledPlan, n: number) {
  plan.collect(n);
  const { steps, width, target, targetShape, result, resultSize, weights, mask, maskStep } = plan.outputs[n]!;
  const { batch } = plan.plan;
  const memory = float32();
  const rows = view.ends(call).outputs[n]!.shape.length === 3 ? [batch, steps] : [batch];
  const bySample = targetShape.length === 1; // the labels of a sample have one weight
  const targetWidth = targetShape.at(-1)!;
  const counts = Float64Array.from({ length: batch * steps }, (_, row) =>
    mask ? Number(memory[mask + (row % steps) * maskStep + Math.floor(row / steps)] !== 0) : 1,
  );
  const plain: Rows = {
    yTrue: new Tensor(memory.slice(target, target + batch * sizeOf(targetShape)), [
      ...(bySample ? [batch] : rows),
      targetWidth,
    ]),
    yPred: new Tensor(memory.slice(result, result + resultSize), [...rows, width]),
    factors: counts,
    counted: sumOf(counts),
  };
  if (!weights) return { plain, weighted: plain, normalized: plain };
  const weightOf = (row: number) => memory[weights + (bySample ? Math.floor(row / steps) : row)]!;
  const factors = counts.map((count, row) => (count === 0 ? 0 : count * weightOf(row)));
  return { plain, weighted: { ...plain, factors }, normalized: { ...plain, factors, counted: sumOf(factors) } };
}

const sumOf = (numbers: Float64Array) => numbers.reduce((sum, value) => sum + value, 0);

/** Writes the gradient of a custom loss where `backward` starts from. */
export function writeGradient(plan: CompiledPlan, n: number, gradient: Float32Array | null): void {
  const { dy } = plan.plan.outputs[n]!.signal;
  if (dy) writeRows(float32(), plan.indexOf(dy.start), dy, gradient);
}
