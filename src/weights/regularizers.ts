/** Penalties on weights, added to the loss. The arithmetic is in assembly/training/regularizers.ts. */

import { limitArgumentsInTable } from '../util/arguments.ts';
import type { Config } from '../util/config.ts';
import { deserialize, isSerialized, type Named } from '../util/deserialize.ts';
import { fail, show } from '../util/errors.ts';
import { checkName, checkNumber, checkOptions } from '../util/options.ts';
import { Place } from '../util/part.ts';
import { useKernels } from '../wasm/engine.ts';
import { constraints } from '../wasm/modules/constraints.generated.ts';

/** Adds l1 * sum(|w|) + l2 * sum(w^2) of a weight to the loss. Create one with `regularizers.*`. */
export class Regularizer {
  /** The name of the class in TF.js, which is the same for all. */
  readonly className = 'L1L2';

  constructor(
    readonly l1: number,
    readonly l2: number,
  ) {}

  /** The options as plain data. */
  getConfig(): Config {
    return { l1: this.l1, l2: this.l2 };
  }
}

/** @param l1, l2 factors of the penalties */
function penalty(l1: number, l2: number): Regularizer {
  useKernels(constraints);
  return new Regularizer(l1, l2);
}

const factor = (call: string, name: string, value: unknown = 0.01) => checkNumber(call, name, value, { least: 0 });

/** Creates regularizers, by their names in TF.js. */
export const regularizers = /* @__PURE__ */ limitArgumentsInTable('regularizers', {
  /** l1 (default 0.01, at least 0) times the sum of the absolute weights. */
  l1(options?: { l1?: number }): Regularizer {
    const call = 'regularizers.l1';
    return penalty(factor(call, 'l1', checkOptions<{ l1: number }>(call, options, ['l1']).l1), 0);
  },

  /** l2 (default 0.01, at least 0) times the sum of the squared weights. */
  l2(options?: { l2?: number }): Regularizer {
    const call = 'regularizers.l2';
    return penalty(0, factor(call, 'l2', checkOptions<{ l2: number }>(call, options, ['l2']).l2));
  },

  /** The sum of both penalties; l1 and l2 are 0.01 by default. */
  l1l2(options?: { l1?: number; l2?: number }): Regularizer {
    const call = 'regularizers.l1l2';
    const { l1, l2 } = checkOptions<{ l1: number; l2: number }>(call, options, ['l1', 'l2']);
    return penalty(factor(call, 'l1', l1), factor(call, 'l2', l2));
  },
});

/** The name of a regularizer, for its default options. */
export type RegularizerName = keyof typeof regularizers;

const names = () => Object.keys(regularizers) as RegularizerName[];
/** Aliases from Keras, and class names. */
const spellings: Record<string, RegularizerName> = { l1_l2: 'l1l2', L1: 'l1', L2: 'l2', L1L2: 'l1l2' };
const factoryNameFor = (name: string) => (Object.hasOwn(spellings, name) ? spellings[name]! : name);

/**
 * Reads a regularizer from a layer option: one of `regularizers.*`, a name, a `{ className, config }` description, or null
 * for none.
 */
export function resolveRegularizer(call: string, name: string, value: unknown): Regularizer | null {
  if (value === undefined || value === null || value instanceof Regularizer) return value ?? null;
  if (typeof value !== 'string' && !isSerialized(value))
    fail(call, `${name} must be one of regularizers.* or a name such as 'l2', got ${show(value)}`);
  return regularizerNames.need(call)(call, name, value);
}

/** Finds regularizers by their names and descriptions. */
export const regularizerNames: Place<typeof namedRegularizer> = /* @__PURE__ */ new Place('namedOptions');

export function namedRegularizer(call: string, name: string, value: Named): Regularizer {
  return typeof value === 'string'
    ? regularizers[checkName(call, name, factoryNameFor(value), names())]()
    : deserialize(call, name, value, regularizers, factoryNameFor);
}
