/** The losses, by name. The arithmetic is in assembly/losses/loss.ts. */

import { factoryNameOf } from '../util/errors.ts';
import { checkName } from '../util/options.ts';
import type { lossNumbers } from '../wasm/shared.generated.ts';
import { type LossSettings, LossWithOptions, lossFromConfig, settingsOf } from './lossSettings.ts';
import { nameOfFunction } from './metricNames.ts';

export type LossName = keyof typeof lossNumbers;

/** All accepted names of losses: those of TF.js and Keras, and abbreviations. */
export const lossSpellings = {
  meanSquaredError: 'meanSquaredError',
  mean_squared_error: 'meanSquaredError',
  mse: 'meanSquaredError',
  MSE: 'meanSquaredError',
  meanAbsoluteError: 'meanAbsoluteError',
  mean_absolute_error: 'meanAbsoluteError',
  mae: 'meanAbsoluteError',
  MAE: 'meanAbsoluteError',
  huberLoss: 'huberLoss',
  huber_loss: 'huberLoss',
  huber: 'huberLoss',
  logcosh: 'logcosh',
  logCosh: 'logcosh',
  log_cosh: 'logcosh',
  binaryCrossentropy: 'binaryCrossentropy',
  binary_crossentropy: 'binaryCrossentropy',
  bce: 'binaryCrossentropy',
  BCE: 'binaryCrossentropy',
  categoricalCrossentropy: 'categoricalCrossentropy',
  categorical_crossentropy: 'categoricalCrossentropy',
  sparseCategoricalCrossentropy: 'sparseCategoricalCrossentropy',
  sparse_categorical_crossentropy: 'sparseCategoricalCrossentropy',
  meanAbsolutePercentageError: 'meanAbsolutePercentageError',
  mean_absolute_percentage_error: 'meanAbsolutePercentageError',
  mape: 'meanAbsolutePercentageError',
  MAPE: 'meanAbsolutePercentageError',
  meanSquaredLogarithmicError: 'meanSquaredLogarithmicError',
  mean_squared_logarithmic_error: 'meanSquaredLogarithmicError',
  msle: 'meanSquaredLogarithmicError',
  MSLE: 'meanSquaredLogarithmicError',
  hinge: 'hinge',
  squaredHinge: 'squaredHinge',
  squared_hinge: 'squaredHinge',
  categoricalHinge: 'categoricalHinge',
  categorical_hinge: 'categoricalHinge',
  kullbackLeiblerDivergence: 'kullbackLeiblerDivergence',
  kullback_leibler_divergence: 'kullbackLeiblerDivergence',
  klDivergence: 'kullbackLeiblerDivergence',
  kl_divergence: 'kullbackLeiblerDivergence',
  KLDivergence: 'kullbackLeiblerDivergence',
  kld: 'kullbackLeiblerDivergence',
  KLD: 'kullbackLeiblerDivergence',
  poisson: 'poisson',
  cosineProximity: 'cosineProximity',
  cosine_proximity: 'cosineProximity',
  cosine: 'cosineProximity',
  cosineSimilarity: 'cosineProximity',
  cosine_similarity: 'cosineProximity',
  gaussianNLL: 'gaussianNLL',
  gaussian_nll: 'gaussianNLL',
  studentTNLL: 'studentTNLL',
  student_t_nll: 'studentTNLL',
  negativeBinomialNLL: 'negativeBinomialNLL',
  negative_binomial_nll: 'negativeBinomialNLL',
  ctc: 'ctc',
} as const satisfies Record<string, LossName>;

/** The name of a loss in `compile`. @useDeclaredType */
export type Loss = keyof typeof lossSpellings;

/** A loss that is not a function of the program: its name, a description, or one of `losses.*` with options. */
export function readBuiltInLoss(call: string, given: unknown): { loss: LossName; settings: LossSettings } {
  const own = lossFromConfig(call, 'loss', given);
  return { loss: resolveLoss(call, own), settings: settingsOf(own) };
}

export function resolveLoss(call: string, given: unknown): LossName {
  if (given instanceof LossWithOptions) return given.name;
  const value = nameOfFunction(given) ?? given;
  const names = Object.keys(lossSpellings) as Loss[];
  return lossSpellings[checkName(call, 'loss', fromClassName(value, names), names)];
}

/**
 * Converts the name of a Keras class, such as 'MeanSquaredError', to the name of a loss or metric; returns other values
 * unchanged.
 */
export function fromClassName(value: unknown, names: readonly string[]): unknown {
  if (typeof value !== 'string' || names.includes(value)) return value;
  const name = factoryNameOf(value);
  return names.includes(name) ? name : value;
}

/** Whether targets are class indices, one for each row of the output, instead of rows of the same width. */
export const isSparse = (loss: LossName): boolean => loss === 'sparseCategoricalCrossentropy';

/** Whether a target is a class index below the number of classes. */
export const isClass = (value: number, classes: number): boolean =>
  value >= 0 && value < classes && Number.isInteger(value);

/** An activation of the last layer that a loss can include, so that it starts from the logits. */
export type LossActivation = 'softmax' | 'sigmoid';

/** The activation that a loss can include; null for none. */
export function lossActivationOf(loss: LossName): LossActivation | null {
  if (loss === 'binaryCrossentropy') return 'sigmoid';
  return loss === 'categoricalCrossentropy' || loss === 'ctc' || isSparse(loss) ? 'softmax' : null;
}
