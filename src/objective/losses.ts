/** Losses by name. The arithmetic is in assembly/losses/loss.ts. */

import { factoryOf, fail, show } from '../util/errors.ts';
import { checkName } from '../util/options.ts';
import type { lossNumbers } from '../wasm/shared.generated.ts';
import { nameOfFunction } from './metricNames.ts';

export type LossName = keyof typeof lossNumbers;

/** Every accepted spelling: that of TF.js, that of Keras, and short ones. */
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
} as const satisfies Record<string, LossName>;

/** A loss as `compile` accepts it. @useDeclaredType */
export type Loss = keyof typeof lossSpellings;

export function resolveLoss(call: string, given: unknown): LossName {
  const value = nameOfFunction(given) ?? given;
  if (typeof value === 'function') {
    const name = nearest(value.name, Object.keys(lossSpellings)) ?? 'meanSquaredError';
    fail(call, `loss must be a name such as '${name}', because losses run in the kernels, got ${show(value)}`);
  }
  const names = Object.keys(lossSpellings) as Loss[];
  return lossSpellings[checkName(call, 'loss', ofClass(value, names), names)];
}

/**
 * Converts a Keras class name to a name of ours, such as 'MeanSquaredError' to 'meanSquaredError'; returns other values
 * unchanged.
 */
export function ofClass(value: unknown, names: readonly string[]): unknown {
  if (typeof value !== 'string' || names.includes(value)) return value;
  const name = factoryOf(value);
  return names.includes(name) ? name : value;
}

/** The known name of a function, however it is wrapped up: 'huberLoss' for one called huberLoss_. */
export function nearest(name: unknown, known: readonly string[]): string | undefined {
  const plain = typeof name === 'string' ? name.toLowerCase().replace(/_+$/, '') : null;
  return known.find(k => k.toLowerCase() === plain);
}

/** Whether targets are numbers of classes, one for each row, and not a row as wide as the output. */
export const isSparse = (loss: LossName): boolean => loss === 'sparseCategoricalCrossentropy';

/** Whether a target is a class index below the number of classes. */
export const isClass = (value: number, classes: number): boolean =>
  value >= 0 && value < classes && Number.isInteger(value);

/** The activation that a loss undoes: it then starts from the logits. */
export function fusedWith(loss: LossName): 'softmax' | 'sigmoid' | null {
  if (loss === 'binaryCrossentropy') return 'sigmoid';
  return loss === 'categoricalCrossentropy' || isSparse(loss) ? 'softmax' : null;
}
