/** Penalties on weights that join the loss. The arithmetic is in assembly/training/regularizers.ts. */

import { exactTable } from '../util/arguments.ts';
import type { Config } from '../util/config.ts';
import { isDescribed, made } from '../util/described.ts';
import { fail, show } from '../util/errors.ts';
import { checkName, checkNumber, checkOptions } from '../util/options.ts';

/** Adds l1 sum|w| + l2 sum w^2 over one weight to the loss; make one with `regularizers.*`. */
export class Regularizer {
  /** The name TF.js gives all of them. */
  readonly className = 'L1L2';

  constructor(
    readonly l1: number,
    readonly l2: number,
  ) {}

  /** Its options. */
  getConfig(): Config {
    return { l1: this.l1, l2: this.l2 };
  }
}

const factor = (call: string, name: string, value: unknown = 0.01) => checkNumber(call, name, value, { least: 0 });

/** Makes regularizers by their TF.js names. */
export const regularizers = /* @__PURE__ */ exactTable('regularizers', {
  /** l1 times the sum of the absolute values; l1 is 0.01 by default. */
  l1(options?: { l1?: number }): Regularizer {
    const call = 'regularizers.l1';
    return new Regularizer(factor(call, 'l1', checkOptions<{ l1: number }>(call, options, ['l1']).l1), 0);
  },

  /** l2 times the sum of the squares; l2 is 0.01 by default. */
  l2(options?: { l2?: number }): Regularizer {
    const call = 'regularizers.l2';
    return new Regularizer(0, factor(call, 'l2', checkOptions<{ l2: number }>(call, options, ['l2']).l2));
  },

  /** Both, each 0.01 by default. */
  l1l2(options?: { l1?: number; l2?: number }): Regularizer {
    const call = 'regularizers.l1l2';
    const { l1, l2 } = checkOptions<{ l1: number; l2: number }>(call, options, ['l1', 'l2']);
    return new Regularizer(factor(call, 'l1', l1), factor(call, 'l2', l2));
  },
});

/** Names that stand for a regularizer with its defaults. */
export type RegularizerName = keyof typeof regularizers;

const names = Object.keys(regularizers) as RegularizerName[];
/** Spellings of Keras, and of the classes. */
const spellings: Record<string, RegularizerName> = { l1_l2: 'l1l2', L1: 'l1', L2: 'l2', L1L2: 'l1l2' };
const spelled = (name: string) => (Object.hasOwn(spellings, name) ? spellings[name]! : name);

/**
 * A regularizer as a layer option: an object from `regularizers`, a name, the `getConfig` of a regularizer, or null for
 * none.
 */
export function resolveRegularizer(call: string, name: string, value: unknown): Regularizer | null {
  if (value === undefined || value === null || value instanceof Regularizer) return value ?? null;
  if (isDescribed(value)) return made(call, name, value, regularizers, spelled);
  if (typeof value !== 'string') fail(call, `${name} must be a regularizer or its name, got ${show(value)}`);
  return regularizers[checkName(call, name, spelled(value), names)]();
}
