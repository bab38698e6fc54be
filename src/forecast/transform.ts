/** Transforms of series that can be inverted, for values and for the forecasts that follow them. */

import { limitMethodArguments } from '../util/arguments.ts';
import { fail } from '../util/errors.ts';
import { interpolated } from './missing.ts';
import { checkNumbers, count, type Numbers } from './series.ts';

/** A transform saved as JSON, from which `restoreTransform` makes it again. */
export interface SavedTransform {
  readonly transform: string;
  readonly [option: string]: unknown;
}

/** What a transform computes. It never changes: `learn` returns another rule. */
export interface Rule {
  /** The name of the factory, for messages. */
  readonly call: string;
  /** The number of values before a window that its transform depends on. */
  readonly memory: number;
  readonly settings: SavedTransform;
  /** The rule with the parameters of checked values. */
  learn(call: string, values: Numbers): Rule;
  /** Throws if a parameter must be learned first. */
  checkReady(call: string): void;
  /** `before` has the `memory` values before `values`, or is null. */
  forward(call: string, values: Numbers, before: Float64Array | null): Float64Array;
  /** `before` has the `memory` values before `values`, not transformed. */
  backward(values: Numbers, before: Float64Array): Float64Array;
}

const nothing = new Float64Array();

/**
 * A transform of a series; make one with `difference`, `log`, `boxCox` or `chain`. `fit` learns its parameters from the
 * values before a forecast and remembers the last of them, from which `invert` continues.
 */
export class Transform {
  #rule: Rule;
  /** The last `memory` values that `fit` was given, without gaps; null before. */
  #tail: Float64Array | null;

  /** @internal */
  constructor(rule: Rule, tail: Float64Array | null = null) {
    this.#rule = rule;
    this.#tail = tail;
  }

  /** The number of values before a window that its transform depends on: the sum of the lags. */
  get memory(): number {
    return this.#rule.memory;
  }

  /** @internal */
  get rule(): Rule {
    return this.#rule;
  }

  /**
   * Learns the parameters from the values before the forecast, and remembers the last `memory` values. Missing ones among
   * these are interpolated.
   *
   * @returns this transform
   */
  fit(values: Numbers): this {
    const { memory, call: name } = this.#rule;
    const call = `${name}.fit`;
    const known = checkNumbers(call, 'values', values, { known: true });
    if (known.length <= memory) {
      const rule = `at least ${count(memory + 1, 'number')}, 1 more than the sum of the lags`;
      fail(call, `values must have ${rule}, got ${known.length}`);
    }
    this.#rule = this.#rule.learn(call, known);
    this.#tail = endOf(known, memory);
    return this;
  }

  /**
   * Transforms values; the result has as many. Missing values stay missing.
   *
   * @param before the values before these, at least `memory`; without them, the first `memory` results are NaN
   */
  transform(values: Numbers, before?: Numbers): Float64Array {
    const call = `${this.#rule.call}.transform`;
    const given = checkNumbers(call, 'values', values, { least: 0 });
    const past = before === undefined ? null : this.#checkBefore(call, before);
    this.#rule.checkReady(call);
    return this.#rule.forward(call, given, past);
  }

  /**
   * Inverts `transform`.
   *
   * @param values transformed values, such as a forecast
   * @param before the values before these, not transformed, at least `memory`; default: those that `fit` was given
   */
  invert(values: Numbers, before?: Numbers): Float64Array {
    const { memory, call: name } = this.#rule;
    const call = `${name}.invert`;
    const given = checkNumbers(call, 'values', values, { least: 0 });
    this.#rule.checkReady(call);
    const past = before === undefined ? this.#tail : this.#checkBefore(call, before);
    if (past === null && memory > 0) {
      fail(call, 'before must be the values before the forecast, got none; call fit first');
    }
    return this.#rule.backward(given, past ?? nothing);
  }

  /** The options, and what `fit` has learned; `restoreTransform` reads it. Called by `JSON.stringify`. */
  toJSON(): SavedTransform {
    return { ...this.#rule.settings, ...(this.#tail && { tail: Array.from(this.#tail) }) };
  }

  #checkBefore(call: string, before: unknown): Float64Array {
    const { memory } = this.#rule;
    return endOf(checkNumbers(call, 'before', before, { least: memory, known: memory > 0 }), memory);
  }
}

limitMethodArguments(Transform, 'transform', ['fit', 'transform', 'invert']);

/** The last values; missing ones are interpolated between those of the whole series. */
function endOf(values: Numbers, memory: number): Float64Array {
  const end = Float64Array.from({ length: memory }, (_, n) => values[values.length - memory + n]!);
  return end.some(Number.isNaN) ? interpolated(values).slice(values.length - memory) : end;
}
