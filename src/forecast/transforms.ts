/** The transforms: differences, logarithms, Box-Cox, and chains of them. */

import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { exp, expm1, ln, power } from '../util/math.ts';
import { checkCount, checkNumber, checkOptions, isPlain } from '../util/options.ts';
import { checkNumbers, knownOf, type Numbers } from './series.ts';
import { type Rule, type SavedTransform, Transform } from './transform.ts';

/**
 * Differences to the value `lag` steps before, such as 1 to remove a trend, or 24 to remove a daily season of hours.
 * Several lags are applied one after the other.
 *
 * @param lag default 1
 */
export function difference(lag?: number | readonly number[]): Transform {
  rejectExtraArguments('difference', 1, arguments);
  return new Transform(differenceRule('difference', lag ?? 1));
}

function differenceRule(call: string, lag: unknown): Rule {
  const lags = Array.isArray(lag)
    ? Array.from(lag as unknown[], (one, n) => checkCount(call, `lag[${n}]`, one))
    : [checkCount(call, 'lag', lag)];
  if (lags.length === 0) fail(call, 'lag must have at least one number, got []');
  const rule: Rule = {
    call: 'difference',
    memory: lags.reduce((sum, one) => sum + one, 0),
    settings: { transform: 'difference', lag: lags },
    learn: () => rule,
    checkReady: () => {},
    forward(_, values, before) {
      const known = before?.length ?? 0;
      const all = new Float64Array(known + values.length);
      if (before) all.set(before);
      all.set(values, known);
      return lags.reduce(differenced, all).slice(known);
    },
    backward(values, before) {
      // The values before the forecast: as they are, differenced by the first lag, by the first two, and so on
      const pasts = [before];
      for (const one of lags.slice(0, -1)) pasts.push(differenced(pasts.at(-1)!, one));
      const result = Float64Array.from(values);
      for (let k = lags.length - 1; k >= 0; k--) {
        const [past, by] = [pasts[k]!, lags[k]!];
        for (let n = 0; n < result.length; n++) result[n]! += n < by ? past[past.length - by + n]! : result[n - by]!;
      }
      return result;
    },
  };
  return rule;
}

const differenced = (values: Float64Array, lag: number): Float64Array =>
  values.map((value, n) => (n < lag ? Number.NaN : value - values[n - lag]!));

/** A rule for values that do not depend on each other. */
function pointwise(
  call: string,
  settings: SavedTransform,
  forward: (value: number) => number,
  backward: (value: number) => number,
): Rule {
  const rule: Rule = {
    call,
    memory: 0,
    settings,
    learn(name, values) {
      each(name, values, forward); // throws if a value has no transform
      return rule;
    },
    checkReady: () => {},
    forward: (name, values) => each(name, values, forward),
    backward: values => Float64Array.from(values, backward),
  };
  return rule;
}

/** Applies `f`, whose result is not finite for values that it is not defined for. */
function each(call: string, values: Numbers, f: (value: number) => number): Float64Array {
  return Float64Array.from(values, (value, n) => {
    if (Number.isNaN(value)) return value;
    const result = f(value);
    if (Number.isFinite(result)) return result;
    return fail(call, `values plus the offset must be above 0, got ${value} at index ${n}; pass a larger offset`);
  });
}

/** Options of `log`. */
export interface LogOptions {
  /** Is added to the values before the logarithm; default 0. 1 for counts, which may be 0. */
  offset?: number;
}

/** The natural logarithm of the values, so that growth by a factor becomes a trend along a line. */
export function log(options?: LogOptions): Transform {
  rejectExtraArguments('log', 1, arguments);
  const { offset } = checkOptions<LogOptions>('log', options, ['offset']);
  return new Transform(logRule('log', offset ?? 0));
}

function logRule(call: string, value: unknown): Rule {
  const offset = checkNumber(call, 'offset', value);
  return pointwise(
    'log',
    { transform: 'log', offset },
    x => (x + offset > 0 ? ln(x + offset) : Number.NEGATIVE_INFINITY),
    y => exp(y) - offset,
  );
}

/** Options of `boxCox`. */
export interface BoxCoxOptions {
  /**
   * The power: 1 changes only the level, 0.5 is a square root, 0 the logarithm. Default: `fit` estimates it by maximum
   * likelihood, from 0 to 2. With a negative one, a large forecast inverts to Infinity.
   */
  lambda?: number;
  /** Is added to the values first; default 0. */
  offset?: number;
}

/**
 * The Box-Cox transform of the values, ((value + offset)^lambda - 1) / lambda, which makes the spread of a series less
 * dependent on its level.
 */
export function boxCox(options?: BoxCoxOptions): Transform {
  rejectExtraArguments('boxCox', 1, arguments);
  const { lambda, offset } = checkOptions<BoxCoxOptions>('boxCox', options, ['lambda', 'offset']);
  return new Transform(boxCoxRule('boxCox', lambda, offset ?? 0));
}

function boxCoxRule(call: string, given: unknown, shift: unknown): Rule {
  const offset = checkNumber(call, 'offset', shift);
  if (given === undefined) return unknownBoxCox(offset);
  const lambda = checkNumber(call, 'lambda', given, { least: -5, most: 5 });
  return pointwise(
    'boxCox',
    { transform: 'boxCox', lambda, offset },
    x => powerOf(x + offset, lambda),
    y => inversePowerOf(y, lambda) - offset,
  );
}

/** Not finite for x below 0, and for 0 unless lambda is above 0. */
function powerOf(x: number, lambda: number): number {
  if (!(x > 0)) return x === 0 && lambda > 0 ? -1 / lambda : Number.NEGATIVE_INFINITY;
  return lambda === 0 ? ln(x) : expm1(lambda * ln(x)) / lambda;
}

/** Numbers beyond the range of the transform give the end of its domain: 0, or Infinity for a lambda below 0. */
function inversePowerOf(y: number, lambda: number): number {
  if (lambda === 0) return exp(y);
  const base = lambda * y + 1;
  return base <= 0 ? (lambda > 0 ? 0 : Infinity) : power(base, 1 / lambda);
}

/** A Box-Cox transform whose lambda `learn` estimates. */
function unknownBoxCox(offset: number): Rule {
  const call = 'boxCox';
  const unready = (name: string) => fail(name, 'lambda must be known, got none; call fit first, or pass lambda');
  return {
    call,
    memory: 0,
    settings: { transform: call, offset },
    learn(name, values) {
      const logs = knownOf(each(name, values, x => (x + offset > 0 ? ln(x + offset) : Number.NEGATIVE_INFINITY)));
      if (logs.every(value => value === logs[0])) {
        const got = logs.length === 1 ? 'one value' : 'a constant series';
        fail(name, `values must differ, so that lambda can be estimated, got ${got}; pass lambda`);
      }
      return boxCoxRule(name, likeliestLambda(logs), offset);
    },
    checkReady: unready,
    forward: unready,
    backward: () => unready(call),
  };
}

/** The power from 0 to 2 at which transformed values are most likely to be normal, by golden section search. */
function likeliestLambda(logs: Float64Array): number {
  const centre = logs.reduce((sum, value) => sum + value, 0) / logs.length;
  // Of values divided by their geometric mean, the likelihood depends on the variance alone.
  const variance = (lambda: number) => {
    const values = logs.map(value => (lambda === 0 ? value - centre : expm1(lambda * (value - centre)) / lambda));
    const average = values.reduce((sum, value) => sum + value, 0) / values.length;
    return values.reduce((sum, value) => sum + (value - average) ** 2, 0);
  };
  const golden = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [0, 2];
  let [a, b] = [high - golden * (high - low), low + golden * (high - low)];
  let [atA, atB] = [variance(a), variance(b)];
  while (high - low > 1e-7) {
    if (atA < atB) {
      [high, b, atB] = [b, a, atA];
      a = high - golden * (high - low);
      atA = variance(a);
    } else {
      [low, a, atA] = [a, b, atB];
      b = low + golden * (high - low);
      atB = variance(b);
    }
  }
  const middle = (low + high) / 2;
  return [0, 2].find(end => variance(end) <= variance(middle)) ?? middle;
}

/**
 * Several transforms, one after the other, such as `chain(log(), difference([1, 12]))`. Only the chain is fitted, not the
 * transforms it was made of.
 */
export function chain(...transforms: readonly Transform[]): Transform {
  const invalid = transforms.findIndex(one => !(one instanceof Transform));
  if (invalid >= 0) {
    fail('chain', `transforms must be made by difference, log, boxCox or chain, got ${show(transforms[invalid])}`);
  }
  if (transforms.length === 0) fail('chain', 'transforms must be at least one, got none');
  return new Transform(chainRule(transforms.map(({ rule }) => rule)));
}

function chainRule(rules: readonly Rule[]): Rule {
  /** The values before a window at each link of the chain, each without those that the links before it need. */
  const pastsOf = (call: string, before: Float64Array): Float64Array[] => {
    const pasts = [before];
    for (const rule of rules) pasts.push(rule.forward(call, pasts.at(-1)!, null).slice(rule.memory));
    return pasts;
  };
  /** Those that one link needs. */
  const endFor = ({ memory }: Rule, past: Float64Array) => past.subarray(past.length - memory);
  return {
    call: 'chain',
    memory: rules.reduce((sum, { memory }) => sum + memory, 0),
    settings: { transform: 'chain', transforms: rules.map(({ settings }) => settings) },
    learn(call, values) {
      let link = values;
      return chainRule(
        rules.map(rule => {
          const fitted = rule.learn(call, link);
          link = fitted.forward(call, link, null);
          return fitted;
        }),
      );
    },
    checkReady(call) {
      for (const rule of rules) rule.checkReady(call);
    },
    forward(call, values, before) {
      const pasts = before && pastsOf(call, before);
      return rules.reduce<Float64Array>(
        (link, rule, k) => rule.forward(call, link, pasts && endFor(rule, pasts[k]!)),
        Float64Array.from(values),
      );
    },
    backward(values, before) {
      const pasts = pastsOf('chain.invert', before);
      return rules.reduceRight<Float64Array>(
        (link, rule, k) => rule.backward(link, endFor(rule, pasts[k]!)),
        Float64Array.from(values),
      );
    },
  };
}

/** Makes a transform again that was saved as JSON, with what `fit` had learned. */
export function restoreTransform(saved: SavedTransform): Transform {
  rejectExtraArguments('restoreTransform', 1, arguments);
  const call = 'restoreTransform';
  const rule = ruleOf(call, saved);
  const { tail } = saved;
  if (tail === undefined) return new Transform(rule);
  const values = checkNumbers(call, 'saved.tail', tail, { least: 0, missing: false });
  if (values.length !== rule.memory) {
    fail(call, `saved.tail must have ${rule.memory} numbers, got ${values.length}`);
  }
  return new Transform(rule, Float64Array.from(values));
}

function ruleOf(call: string, saved: unknown): Rule {
  const fields = (isPlain(saved) ? saved : {}) as Record<string, unknown>;
  switch (fields.transform) {
    case 'difference':
      return differenceRule(call, fields.lag);
    case 'log':
      return logRule(call, fields.offset);
    case 'boxCox':
      return boxCoxRule(call, fields.lambda, fields.offset);
    case 'chain':
      if (Array.isArray(fields.transforms)) {
        return chainRule(Array.from(fields.transforms as unknown[], one => ruleOf(call, one)));
      }
  }
  return fail(call, `saved must be a transform saved as JSON, got ${show(saved)}`);
}
