/** Constraints, applied to weights after every update. The arithmetic is in assembly/training/constraints.ts. */

import { limitArgumentsInTable } from '../util/arguments.ts';
import { type Config, fromSnake } from '../util/config.ts';
import { deserialize, isSerialized, type Named } from '../util/deserialize.ts';
import { factoryNameOf, fail, show } from '../util/errors.ts';
import { checkName, checkNumber, checkOptions } from '../util/options.ts';
import { Place } from '../util/part.ts';
import { showShape, sizeOf } from '../util/shapes.ts';
import { useKernels } from '../wasm/engine.ts';
import type { Kernels } from '../wasm/kernels.ts';
import { constraints as kernelsOfConstraints } from '../wasm/modules/constraints.generated.ts';

/** Changes a weight after an update so that it meets a condition. Create one with `constraints.*`. */
export abstract class Constraint {
  constructor(
    /** The name of the class in TF.js. */
    readonly className: string,
  ) {}

  /** The options as plain data. */
  abstract getConfig(): Config;

  /** @internal Throws if it cannot be applied to a weight of this shape. */
  checkWeight(_call: string, _name: string, _shape: readonly number[]): void {}

  /** @internal Applies it to a row-major matrix in place. */
  abstract apply(kernels: Kernels, address: number, shape: readonly number[]): void;
}

class NonNeg extends Constraint {
  constructor() {
    super('NonNeg');
    useKernels(kernelsOfConstraints);
  }

  getConfig(): Config {
    return {};
  }

  apply(kernels: Kernels, address: number, shape: readonly number[]): void {
    kernels.nonNegative(address, sizeOf(shape));
  }
}

/** Scales vectors along an axis so that their norm is within two bounds, or moves that far towards them. */
class NormBounds extends Constraint {
  constructor(
    className: string,
    readonly minValue: number,
    readonly maxValue: number,
    readonly rate: number,
    /** The axis of the vectors; negative values count from the last axis. */
    readonly axis: number,
  ) {
    super(className);
    useKernels(kernelsOfConstraints);
  }

  getConfig(): Config {
    const { className, minValue, maxValue, rate, axis } = this;
    if (className === 'UnitNorm') return { axis };
    return className === 'MaxNorm' ? { maxValue, axis } : { minValue, maxValue, rate, axis };
  }

  override checkWeight(call: string, name: string, shape: readonly number[]): void {
    const rank = shape.length;
    if (this.axis >= rank || this.axis < -rank) {
      fail(call, `axis must be an axis of ${name} ${showShape(shape)}, from ${-rank} to ${rank - 1}, got ${this.axis}`);
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
  if (!Number.isSafeInteger(axis)) fail(call, `axis must be an integer, got ${show(axis)}`);
  return axis as number;
}

/** @inline */
type Options<K extends string> = { readonly [name in K]?: number };

/** Creates constraints, by their names in TF.js. Norms are those of the vectors along `axis`, by default 0. */
export const constraints = /* @__PURE__ */ limitArgumentsInTable('constraints', {
  /** Scales each vector along `axis` down to a norm of at most maxValue (default 2). */
  maxNorm(options?: Options<'maxValue' | 'axis'>): Constraint {
    const call = 'constraints.maxNorm';
    const { maxValue = 2, axis } = checkOptions<Options<'maxValue' | 'axis'>>(call, options, ['maxValue', 'axis']);
    const most = checkNumber(call, 'maxValue', maxValue, { least: 0 });
    return new NormBounds('MaxNorm', 0, most, 1, checkAxis(call, axis));
  },

  /** Sets negative weights to zero. Takes no options. */
  nonNeg(options?: object): Constraint {
    checkOptions('constraints.nonNeg', options, []);
    return new NonNeg();
  },

  /** Scales each vector along `axis` to norm 1. */
  unitNorm(options?: Options<'axis'>): Constraint {
    const call = 'constraints.unitNorm';
    const { axis } = checkOptions<Options<'axis'>>(call, options, ['axis']);
    return new NormBounds('UnitNorm', 1, 1, 1, checkAxis(call, axis));
  },

  /**
   * Scales each vector along `axis` so that its norm is from minValue (default 0) to maxValue (default 1). With a rate
   * below 1 (the default), each update moves the norm only by that fraction of the distance.
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

/** The name of a constraint, for its default options. */
export type ConstraintName = keyof typeof constraints;

const names = () => Object.keys(constraints) as ConstraintName[];

/** Aliases from Keras. */
const spellings: { readonly [name: string]: ConstraintName } = {
  maxnorm: 'maxNorm',
  nonneg: 'nonNeg',
  unitnorm: 'unitNorm',
};

/** The factory for a name or a class name, such as max_norm or MaxNorm. */
function factoryNameFor(name: string): string {
  const camel = factoryNameOf(fromSnake(name));
  return Object.hasOwn(spellings, camel) ? spellings[camel]! : camel;
}

/**
 * Reads a constraint from a layer option: one of `constraints.*`, a name, a `{ className, config }` description, or null for
 * none.
 */
export function resolveConstraint(call: string, name: string, value: unknown): Constraint | null {
  if (value === undefined || value === null || value instanceof Constraint) return value ?? null;
  if (typeof value !== 'string' && !isSerialized(value))
    fail(call, `${name} must be one of constraints.* or a name such as 'maxNorm', got ${show(value)}`);
  return constraintNames.need(call)(call, name, value);
}

/** Finds constraints by their names and descriptions. */
export const constraintNames: Place<typeof namedConstraint> = /* @__PURE__ */ new Place('namedOptions');

export function namedConstraint(call: string, name: string, value: Named): Constraint {
  return typeof value === 'string'
    ? constraints[checkName(call, name, factoryNameFor(value), names())]()
    : deserialize(call, name, value, constraints, factoryNameFor);
}
