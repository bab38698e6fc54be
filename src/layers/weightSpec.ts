/** The weights of a layer, and the options that each of them has. */

import { type Config, serialize } from '../util/config.ts';
import { type Constraint, resolveConstraint } from '../weights/constraints.ts';
import { type Initializer, resolveInitializer } from '../weights/initializers.ts';
import { type Regularizer, resolveRegularizer } from '../weights/regularizers.ts';

/** A weight of a built layer, with the name and shape it has in Keras. */
export interface WeightSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly initializer: Initializer;
  /** A penalty added to the loss; null or undefined for none. */
  readonly regularizer?: Regularizer | null;
  /** Applied to the weight after every update; null or undefined for none. */
  readonly constraint?: Constraint | null;
  /** Seed of the initializer, drawn when the layer was built. */
  readonly seed: number;
  /** False for a statistic, which training computes; the optimizer leaves it as it is. Default: true. */
  readonly trainable?: boolean;
}

/** The options of a weight. */
export type WeightSettings = Pick<WeightSpec, 'initializer' | 'regularizer' | 'constraint'>;

/**
 * Reads the options of a weight.
 *
 * @param name the prefix of the options, such as `kernel` for `kernelInitializer`
 * @param fallback the default initializer
 */
export function readWeightSettings(
  call: string,
  name: string,
  options: object,
  fallback: () => Initializer,
): WeightSettings {
  const of = (what: string) => (options as Record<string, unknown>)[`${name}${what}`];
  const initializer = of('Initializer');
  return {
    initializer: initializer === undefined ? fallback() : resolveInitializer(call, `${name}Initializer`, initializer),
    regularizer: resolveRegularizer(call, `${name}Regularizer`, of('Regularizer')),
    constraint: resolveConstraint(call, `${name}Constraint`, of('Constraint')),
  };
}

/** The options of a weight as plain data, under the names by which `readWeightSettings` reads them. */
export const describeWeightSettings = (
  name: string,
  { initializer, regularizer, constraint }: WeightSettings,
): Config => ({
  [`${name}Initializer`]: serialize(initializer),
  [`${name}Regularizer`]: serialize(regularizer ?? null),
  [`${name}Constraint`]: serialize(constraint ?? null),
});
