/** What weights must be after every update. The arithmetic is in assembly/training/constraints.ts. */

import { exactTable } from '../util/arguments.ts';
import { type Config, fromSnake } from '../util/config.ts';
import { isDescribed, made } from '../util/described.ts';
import { factoryOf, fail, show } from '../util/errors.ts';
import { checkName, checkNumber, checkOptions } from '../util/options.ts';
import { showShape, sizeOf } from '../util/shapes.ts';
import type { Kernels } from '../wasm/kernels.ts';

/** Puts one weight back within bounds after an update; make one with `constraints.*`. */
export abstract class Constraint {
  constructor(
    /** The name TF.js gives it. */
    readonly className: string,
  ) {}

  /** Its options. */
  abstract getConfig(): Config;

  /** @internal Refuses a weight of a shape it cannot work on. */
  checkWeight(_call: string, _name: string, _shape: readonly number[]): void {}

  /** @internal Changes a plain row-major weight in place. */
  abstract apply(kernels: Kernels, address: number, shape: readonly number[]): void;
}

class NonNeg extends Constraint {
  constructor() {
    super('NonNeg');
  }

  getConfig(): Config {
    return {};
  }

  apply(kernels: Kernels, address: number, shape: readonly number[]): void {
    kernels.nonNegative(address, sizeOf(shape));
  }
}

/** All that scales vectors along an axis: to a norm between two bounds, by a share of the way. */
class NormBounds extends Constraint {
  constructor(
    className: string,
    readonly minValue: number,
    readonly maxValue: number,
    readonly rate: number,
    /** Vectors run along it; -1 is the last one. */
    readonly axis: number,
  ) {
    super(className);
  }

  getConfig(): Config {
    const { className, minValue, maxValue, rate, axis } = this;
    if (className === 'UnitNorm') return { axis };
    return className === 'MaxNorm' ? { maxValue, axis } : { minValue, maxValue, rate, axis };
  }

  override checkWeight(call: string, name: string, shape: readonly number[]): void {
    const rank = shape.length;
    if (this.axis >= rank || this.axis < -rank) {
      fail(call, `axis must be one of the ${rank} of ${name} ${showShape(shape)}, got ${this.axis}`);
    }
  }

  apply(kernels: Kernels, address: number, shape: readonly number[]): void {
    const axis = this.axis < 0 ? this.axis + shape.length : this.axis;
    let outer = 1;
    let inner = 1;
    for (let n = 0; n < axis; n++) outer *= shape[n]!;
    for (let n = axis + 1; n < shape.length; n++) inner *= shape[n]!;
    kernels.boundNorms(address, outer, shape[axis]!, inner, this.minValue, this.maxValue, this.rate);
  }
}

function checkAxis(call: string, axis: unknown = 0): number {
  if (!Number.isSafeInteger(axis)) fail(call, `axis must be a whole number, got ${show(axis)}`);
  return axis as number;
}

/** @inline */
type Options<K extends string> = { readonly [name in K]?: number };

/** Makes constraints by their TF.js names. */
export const constraints = /* @__PURE__ */ exactTable('constraints', {
  /** Shortens every vector along `axis`, 0 by default, that is longer than maxValue, 2 by default. */
  maxNorm(options?: Options<'maxValue' | 'axis'>): Constraint {
    const call = 'constraints.maxNorm';
    const { maxValue = 2, axis } = checkOptions<Options<'maxValue' | 'axis'>>(call, options, ['maxValue', 'axis']);
    const most = checkNumber(call, 'maxValue', maxValue, { least: 0 });
    return new NormBounds('MaxNorm', 0, most, 1, checkAxis(call, axis));
  },

  /** Negative weights become zero. */
  nonNeg(options?: object): Constraint {
    checkOptions('constraints.nonNeg', options, []);
    return new NonNeg();
  },

  /** Every vector along `axis`, 0 by default, gets the length one. */
  unitNorm(options?: Options<'axis'>): Constraint {
    const call = 'constraints.unitNorm';
    const { axis } = checkOptions<Options<'axis'>>(call, options, ['axis']);
    return new NormBounds('UnitNorm', 1, 1, 1, checkAxis(call, axis));
  },

  /**
   * Moves the length of every vector along `axis` into [minValue, maxValue], [0, 1] by default; with a rate below 1
   * it goes only that share of the way at every step.
   */
  minMaxNorm(options?: Options<'minValue' | 'maxValue' | 'rate' | 'axis'>): Constraint {
    const call = 'constraints.minMaxNorm';
    const {
      minValue = 0,
      maxValue = 1,
      rate = 1,
      axis,
    } = checkOptions<Options<'minValue' | 'maxValue' | 'rate' | 'axis'>>(call, options, [
      'minValue',
      'maxValue',
      'rate',
      'axis',
    ]);
    const least = checkNumber(call, 'minValue', minValue, { least: 0, most: 1e30 });
    const most = checkNumber(call, 'maxValue', maxValue, { least });
    const share = checkNumber(call, 'rate', rate, { least: 0, most: 1 });
    return new NormBounds('MinMaxNorm', least, most, share, checkAxis(call, axis));
  },
});

/** Names that stand for a constraint with its defaults. */
export type ConstraintName = keyof typeof constraints;

const names = Object.keys(constraints) as ConstraintName[];

/** Aliases from Keras. */
const spellings: { readonly [name: string]: ConstraintName } = {
  maxnorm: 'maxNorm',
  nonneg: 'nonNeg',
  unitnorm: 'unitNorm',
};

/** The factory for a name or a class name, such as max_norm or MaxNorm. */
function spelled(name: string): string {
  const camel = factoryOf(fromSnake(name));
  return Object.hasOwn(spellings, camel) ? spellings[camel]! : camel;
}

/**
 * A constraint as a layer option: an object from `constraints`, a name, the `getConfig` of a constraint, or null for
 * none.
 */
export function resolveConstraint(call: string, name: string, value: unknown): Constraint | null {
  if (value === undefined || value === null || value instanceof Constraint) return value ?? null;
  if (isDescribed(value)) return made(call, name, value, constraints, spelled);
  if (typeof value !== 'string') fail(call, `${name} must be a constraint or its name, got ${show(value)}`);
  return constraints[checkName(call, name, spelled(value), names)]();
}
