// Losses in plain float64, by their definitions. The gradients of all but the first are computed by finite differences.

import * as likelihoods from './likelihoods.ts';

/** The mean of the squared errors over all elements, and its gradient in the outputs. */
export function meanSquaredError(
  outputs: ArrayLike<number>,
  targets: ArrayLike<number>,
): { loss: number; dOutputs: Float64Array } {
  const dOutputs = new Float64Array(outputs.length);
  let total = 0;
  for (let n = 0; n < dOutputs.length; n++) {
    const error = outputs[n]! - targets[n]!;
    total += error * error;
    dOutputs[n] = (2 * error) / dOutputs.length;
  }
  return { loss: total / dOutputs.length, dOutputs };
}

type Numbers = ArrayLike<number>;

/** The loss of one row, from predictions y and targets t. */
export type RowLoss = (y: Numbers, t: Numbers) => number;

/** The bounds of probabilities are float32 numbers. */
export const least = Math.fround(1e-7);
export const most = Math.fround(1 - least);

const clip = (x: number, low: number, high: number) => (x < low ? low : x > high ? high : x);
const sum = (values: Numbers, term: (value: number, n: number) => number) => {
  let total = 0;
  for (let n = 0; n < values.length; n++) total += term(values[n]!, n);
  return total;
};

const meanOf =
  (term: (y: number, t: number) => number): RowLoss =>
  (y, t) =>
    sum(y, (value, n) => term(value, t[n]!)) / y.length;

/** The mean over the targets, each with so many predictions. */
const ofGroups =
  (count: number, loss: RowLoss): RowLoss =>
  (y, t) =>
    sum(t, (target, n) =>
      loss(
        Array.from({ length: count }, (_, k) => y[n * count + k]!),
        [target],
      ),
    ) / t.length;

/** The quantile loss: the mean over all levels of all targets. */
export const pinball =
  (levels: Numbers): RowLoss =>
  (y, t) =>
    sum(y, (value, n) => {
      const [level, above] = [levels[n % levels.length]!, t[Math.floor(n / levels.length)]! - value];
      return Math.max(level * above, (level - 1) * above);
    }) / y.length;

const product = (a: Numbers, b: Numbers) => sum(a, (value, n) => value * b[n]!);
const lengthOf = (a: Numbers) => Math.sqrt(Math.max(product(a, a), 1e-7));

/** -log of the softmax probability of logit n. */
const negativeLogSoftmax = (y: Numbers, n: number) => {
  let largest = Number.NEGATIVE_INFINITY;
  for (let m = 0; m < y.length; m++) largest = Math.max(largest, y[m]!);
  const others = sum(y, (value, m) => (m === n ? 0 : Math.exp(value - largest)));
  const own = Math.exp(y[n]! - largest);
  return largest - y[n]! + (own === 1 ? Math.log1p(others) : Math.log(others + own));
};

const oneHot = (y: Numbers, t: Numbers) => Float64Array.from(y, (_, n) => Number(n === t[0]));

const crossentropy: RowLoss = (y, t) => {
  const total = sum(y, value => value);
  return -sum(y, (value, n) => t[n]! * Math.log(clip(value / total, least, most)));
};

export const rowLosses = {
  meanSquaredError: meanOf((y, t) => (y - t) ** 2),
  meanAbsoluteError: meanOf((y, t) => Math.abs(y - t)),
  huberLoss: meanOf((y, t) => {
    const d = Math.abs(y - t);
    return d <= 1 ? (d * d) / 2 : d - 0.5;
  }),
  // cosh d = 1 + 2 sinh(d/2)^2
  logcosh: meanOf((y, t) => {
    const d = Math.abs(y - t);
    return d < 1 ? Math.log1p(2 * Math.sinh(d / 2) ** 2) : d + Math.log1p(Math.exp(-2 * d)) - Math.LN2;
  }),
  binaryCrossentropy: meanOf((y, t) => {
    const p = clip(y, least, most);
    return -t * Math.log(p) - (1 - t) * Math.log1p(-p);
  }),
  categoricalCrossentropy: crossentropy,
  sparseCategoricalCrossentropy: (y, t) =>
    crossentropy(
      Float64Array.from(y, value => clip(value, least, most)),
      oneHot(y, t),
    ),
  meanAbsolutePercentageError: meanOf((y, t) => (100 * Math.abs(t - y)) / Math.max(Math.abs(t), least)),
  meanSquaredLogarithmicError: meanOf((y, t) => (Math.log1p(Math.max(y, least)) - Math.log1p(Math.max(t, least))) ** 2),
  hinge: meanOf((y, t) => Math.max(0, 1 - t * y)),
  squaredHinge: meanOf((y, t) => Math.max(0, 1 - t * y) ** 2),
  categoricalHinge: (y, t) => {
    const wrong = Math.max(...Array.from(y, (value, n) => (1 - t[n]!) * value));
    return Math.max(0, 1 + wrong - product(y, t));
  },
  kullbackLeiblerDivergence: (y, t) =>
    sum(y, (value, n) => t[n]! * Math.log(clip(t[n]!, least, 1) / clip(value, least, 1))),
  poisson: meanOf((y, t) => y - t * Math.log(y + least)),
  cosineProximity: (y, t) => -product(y, t) / (lengthOf(y) * lengthOf(t)),
  gaussianNLL: ofGroups(2, likelihoods.gaussian),
  studentTNLL: ofGroups(3, likelihoods.studentT),
  negativeBinomialNLL: ofGroups(2, likelihoods.negativeBinomial),
} satisfies Record<string, RowLoss>;

export type LossName = keyof typeof rowLosses;

/** Those with one prediction for each target. */
export const plainLosses = (Object.keys(rowLosses) as LossName[]).filter(name => groupOf(name) === 1);

/** Cross-entropies from logits instead of probabilities. */
export const logitLosses: Partial<Record<LossName, RowLoss>> = {
  binaryCrossentropy: meanOf((y, t) => Math.max(y, 0) - y * t + Math.log1p(Math.exp(-Math.abs(y)))),
  categoricalCrossentropy: (y, t) => sum(t, (value, n) => value * negativeLogSoftmax(y, n)),
  sparseCategoricalCrossentropy: (y, t) => negativeLogSoftmax(y, t[0]!),
};

/** The predictions for each target. */
export function groupOf(name: string, levels: Numbers = []): number {
  if (name === 'pinball') return levels.length;
  return name === 'studentTNLL' ? 3 : name === 'gaussianNLL' || name === 'negativeBinomialNLL' ? 2 : 1;
}

/** The number of target values for a row of N. */
export const targetWidth = (name: string, N: number, levels?: Numbers): number =>
  name === 'sparseCategoricalCrossentropy' ? 1 : N / groupOf(name, levels);

interface Options {
  N: number;
  logits?: boolean;
  /** One number for each row. */
  mask?: Numbers;
  weights?: Numbers;
}

/** The rows that count: their losses, predictions y and targets t, and their shares in the mean. */
function* countedRows(name: LossName, y: Numbers, target: Numbers, { N, logits, mask, weights }: Options) {
  const rowLoss = logits ? logitLosses[name]! : rowLosses[name];
  const M = y.length / N;
  const width = targetWidth(name, N);
  const counted = mask ? sum(mask, value => value) : M;
  // As in Keras: if all targets of a batch are 0 and 1, the hinge losses treat them as -1 and 1
  const counts = (n: number) => (mask?.[Math.floor(n / width)] ?? 1) * (weights?.[Math.floor(n / width)] ?? 1) !== 0;
  const hinges = name === 'hinge' || name === 'squaredHinge';
  const isBinary = hinges && Array.from(target).every((t, n) => t === 0 || t === 1 || !counts(n));
  const converted = (t: number) => (isBinary ? 2 * t - 1 : t);
  for (let m = 0; m < M; m++) {
    const factor = (mask?.[m] ?? 1) * (weights?.[m] ?? 1);
    if (factor === 0) continue;
    const row = Float64Array.from({ length: N }, (_, n) => y[m * N + n]!);
    const t = Float64Array.from({ length: width }, (_, n) => converted(target[m * width + n]!));
    yield { m, row, share: factor / counted, lossAt: (values: Numbers) => rowLoss(values, t) };
  }
}

/** The mean over the unmasked rows, each times its weight; 0 if all are masked. */
export function meanLoss(name: LossName, y: Numbers, target: Numbers, options: Options): number {
  let loss = 0;
  for (const { row, share, lossAt } of countedRows(name, y, target, options)) loss += share * lossAt(row);
  return loss;
}

/** The same, and its gradient by central differences. */
export function lossOf(name: LossName, y: Numbers, target: Numbers, options: Options) {
  const { N } = options;
  const dOutputs = new Float64Array(y.length);
  for (const { m, row, share, lossAt } of countedRows(name, y, target, options)) {
    for (let n = 0; n < N; n++) {
      const h = 1e-6 * Math.max(Math.abs(row[n]!), 1e-2);
      const [ahead, behind] = [row.with(n, row[n]! + h), row.with(n, row[n]! - h)];
      dOutputs[m * N + n] = (share * (lossAt(ahead) - lossAt(behind))) / (ahead[n]! - behind[n]!);
    }
  }
  return { loss: meanLoss(name, y, target, options), dOutputs };
}
