/**
 * Learning rate schedules, with the formulas of Keras. Each is a function of the step: the number of batches trained
 * before. Results are bit-identical in all JavaScript engines.
 */

import { limitArgumentsInTable, limitMethodArguments } from '../util/arguments.ts';
import type { Config } from '../util/config.ts';
import { fail, show } from '../util/errors.ts';
import { cos, power as raised } from '../util/math.ts';
import { checkBoolean, checkCount, checkNumber, checkOptions } from '../util/options.ts';

/** A learning rate that depends on the step. Create one with `schedules.*`. */
export class Schedule {
  readonly #rate: (step: number) => number;

  constructor(
    /** The name of the class in Keras if it has one. */
    readonly className: string,
    /** The options as plain data. */
    readonly config: Config,
    rate: (step: number) => number,
  ) {
    this.#rate = rate;
  }

  /** The options as plain data. */
  getConfig(): Config {
    return this.config;
  }

  /** The learning rate of a step; `step` is the number of batches trained before, 0 for the first. */
  at(step: number): number {
    return this.#rate(checkCount('schedule.at', 'step', step, 0));
  }
}

limitMethodArguments(Schedule, 'schedule');

/** The range of learning rates, which the kernels use as float32. */
export const rates = { least: 0, most: 1e38 } as const;

const rateOf = (call: string, name: string, value: unknown) => checkNumber(call, name, value, rates);

/** Cosine interpolation, from `from` at share 0 to `to` at share 1. */
const cosine = (from: number, to: number, share: number): number => to + (from - to) * 0.5 * (1 + cos(Math.PI * share));

type Options = Record<string, unknown>;

/** Reads the options that most schedules have. */
function readDecay<T extends Options>(call: string, options: unknown, more: readonly string[]) {
  const known = checkOptions<Options>(call, options, ['initialLearningRate', 'decaySteps', ...more]) as Partial<T>;
  const initialLearningRate = rateOf(call, 'initialLearningRate', known.initialLearningRate);
  const decaySteps = checkNumber(call, 'decaySteps', known.decaySteps, { above: 0 });
  return { known, initialLearningRate, decaySteps };
}

const flag = (call: string, name: string, value: unknown) =>
  value === undefined ? false : checkBoolean(call, name, value);

/** Creates schedules for the `learningRate` of an optimizer. A step is one batch. */
export const schedules = /* @__PURE__ */ limitArgumentsInTable('schedules', {
  /** A constant learning rate. */
  constant(options: { learningRate: number }): Schedule {
    const call = 'schedules.constant';
    const known = checkOptions<Options>(call, options, ['learningRate']);
    const learningRate = rateOf(call, 'learningRate', known.learningRate);
    return new Schedule('Constant', { learningRate }, () => learningRate);
  },

  /**
   * A piecewise constant learning rate: values[0] up to and including step boundaries[0], values[1] up to boundaries[1],
   * and so on. There is one more value than boundaries, for all later steps.
   */
  step(options: { boundaries: readonly number[]; values: readonly number[] }): Schedule {
    const call = 'schedules.step';
    const known = checkOptions<Options>(call, options, ['boundaries', 'values']);
    const boundaries = readList(call, 'boundaries', known.boundaries, (name, n) => checkCount(call, name, n, 0));
    const values = readList(call, 'values', known.values, (name, rate) => rateOf(call, name, rate));
    if (boundaries.some((n, i) => i > 0 && n <= boundaries[i - 1]!)) {
      fail(call, `boundaries must be increasing, got ${show(boundaries)}`);
    }
    if (values.length !== boundaries.length + 1) {
      fail(call, `values must have one item more than boundaries, ${boundaries.length + 1}, got ${values.length}`);
    }
    return new Schedule('PiecewiseConstantDecay', { boundaries, values }, step => {
      const before = boundaries.findIndex(boundary => step <= boundary);
      return values[before < 0 ? boundaries.length : before]!;
    });
  },

  /** initialLearningRate * decayRate^(step / decaySteps). With `staircase`, the exponent is rounded down. */
  exponentialDecay(options: {
    initialLearningRate: number;
    decaySteps: number;
    decayRate: number;
    staircase?: boolean;
  }): Schedule {
    const call = 'schedules.exponentialDecay';
    const { known, initialLearningRate, decaySteps } = readDecay(call, options, ['decayRate', 'staircase']);
    const decayRate = checkNumber(call, 'decayRate', known.decayRate, { least: 0 });
    const staircase = flag(call, 'staircase', known.staircase);
    return new Schedule('ExponentialDecay', { initialLearningRate, decaySteps, decayRate, staircase }, step => {
      const times = step / decaySteps;
      return initialLearningRate * raised(decayRate, staircase ? Math.floor(times) : times);
    });
  },

  /** initialLearningRate / (1 + decayRate * step / decaySteps). With `staircase`, step / decaySteps is rounded down. */
  inverseTimeDecay(options: {
    initialLearningRate: number;
    decaySteps: number;
    decayRate: number;
    staircase?: boolean;
  }): Schedule {
    const call = 'schedules.inverseTimeDecay';
    const { known, initialLearningRate, decaySteps } = readDecay(call, options, ['decayRate', 'staircase']);
    const decayRate = checkNumber(call, 'decayRate', known.decayRate, { least: 0 });
    const staircase = flag(call, 'staircase', known.staircase);
    return new Schedule('InverseTimeDecay', { initialLearningRate, decaySteps, decayRate, staircase }, step => {
      const times = step / decaySteps;
      return initialLearningRate / (1 + decayRate * (staircase ? Math.floor(times) : times));
    });
  },

  /**
   * From initialLearningRate to endLearningRate (default 0.0001) in decaySteps, proportional to
   * (1 - step / decaySteps)^power; the default power 1 is linear. With `cycle`, the decay restarts each time it ends, over
   * a larger multiple of decaySteps.
   */
  polynomialDecay(options: {
    initialLearningRate: number;
    decaySteps: number;
    endLearningRate?: number;
    power?: number;
    cycle?: boolean;
  }): Schedule {
    const call = 'schedules.polynomialDecay';
    const more = ['endLearningRate', 'power', 'cycle'];
    const { known, initialLearningRate, decaySteps } = readDecay(call, options, more);
    const endLearningRate = rateOf(call, 'endLearningRate', known.endLearningRate ?? 0.0001);
    const power = checkNumber(call, 'power', known.power ?? 1, { least: 0 });
    const cycle = flag(call, 'cycle', known.cycle);
    const config = { initialLearningRate, decaySteps, endLearningRate, power, cycle };
    return new Schedule('PolynomialDecay', config, step => {
      const whole = cycle ? decaySteps * Math.max(1, Math.ceil(step / decaySteps)) : decaySteps;
      const left = 1 - Math.min(step, whole) / whole;
      return (initialLearningRate - endLearningRate) * raised(left, power) + endLearningRate;
    });
  },

  /**
   * Cosine decay from initialLearningRate to alpha times that (default alpha 0) in decaySteps. With a warmupTarget, it
   * first rises linearly from initialLearningRate to warmupTarget in warmupSteps, and decays from there.
   */
  cosineDecay(options: {
    initialLearningRate: number;
    decaySteps: number;
    alpha?: number;
    warmupTarget?: number;
    warmupSteps?: number;
  }): Schedule {
    const call = 'schedules.cosineDecay';
    const more = ['alpha', 'warmupTarget', 'warmupSteps'];
    const { known, initialLearningRate, decaySteps } = readDecay(call, options, more);
    const alpha = checkNumber(call, 'alpha', known.alpha ?? 0, { least: 0, most: 1 });
    const warms = known.warmupTarget !== undefined;
    if (!warms && known.warmupSteps !== undefined) fail(call, 'warmupTarget must be given with warmupSteps');
    const warmupTarget = warms ? rateOf(call, 'warmupTarget', known.warmupTarget) : initialLearningRate;
    const warmupSteps = warms ? checkCount(call, 'warmupSteps', known.warmupSteps) : 0;
    const config = { initialLearningRate, decaySteps, alpha, ...(warms && { warmupTarget, warmupSteps }) };
    return new Schedule('CosineDecay', config, step => {
      if (step < warmupSteps) {
        return initialLearningRate + ((warmupTarget - initialLearningRate) * step) / warmupSteps;
      }
      const share = Math.min(step - warmupSteps, decaySteps) / decaySteps;
      return warmupTarget * cosine(1, alpha, share);
    });
  },

  /**
   * One cycle (Smith 2018) over totalSteps, as in PyTorch. A cosine rises from maxLearningRate / divFactor (default 25) to
   * maxLearningRate during the fraction warmupShare (default 0.3) of the steps, and another one falls to
   * maxLearningRate / (divFactor * finalDivFactor) (default finalDivFactor 10000). The rate then stays there.
   */
  oneCycle(options: {
    maxLearningRate: number;
    totalSteps: number;
    warmupShare?: number;
    divFactor?: number;
    finalDivFactor?: number;
  }): Schedule {
    const call = 'schedules.oneCycle';
    const names = ['maxLearningRate', 'totalSteps', 'warmupShare', 'divFactor', 'finalDivFactor'];
    const known = checkOptions<Options>(call, options, names);
    const maxLearningRate = rateOf(call, 'maxLearningRate', known.maxLearningRate);
    const totalSteps = checkCount(call, 'totalSteps', known.totalSteps, 2);
    const warmupShare = checkNumber(call, 'warmupShare', known.warmupShare ?? 0.3, { least: 0, most: 1 });
    const divFactor = checkNumber(call, 'divFactor', known.divFactor ?? 25, { least: 1 });
    const finalDivFactor = checkNumber(call, 'finalDivFactor', known.finalDivFactor ?? 1e4, { least: 1 });
    const first = maxLearningRate / divFactor;
    const last = first / finalDivFactor;
    // The last step of the rise, and of the cycle, as PyTorch counts them
    const peak = warmupShare * totalSteps - 1;
    const end = totalSteps - 1;
    const config = { maxLearningRate, totalSteps, warmupShare, divFactor, finalDivFactor };
    return new Schedule('OneCycle', config, step => {
      if (step >= end) return last;
      if (step <= peak) return peak > 0 ? cosine(first, maxLearningRate, step / peak) : maxLearningRate;
      return cosine(maxLearningRate, last, (step - peak) / (end - peak));
    });
  },
});

function readList(
  call: string,
  name: string,
  value: unknown,
  check: (name: string, item: unknown) => number,
): readonly number[] {
  if (!Array.isArray(value)) fail(call, `${name} must be an array of numbers, got ${show(value)}`);
  return Array.from(value, (item, i) => check(`${name}[${i}]`, item));
}
