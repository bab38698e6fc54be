/**
 * Learning rates that change from batch to batch. Each is a function of the number of batches trained before, with the
 * formulas of Keras, and gives the same bits in every engine.
 */

import { exactMethods, exactTable } from '../util/arguments.ts';
import type { Config } from '../util/config.ts';
import { fail, show } from '../util/errors.ts';
import { cos, power as raised } from '../util/math.ts';
import { checkBoolean, checkCount, checkNumber, checkOptions } from '../util/options.ts';

/** A learning rate that depends on the step; make one with `schedules.*`. */
export class Schedule {
  readonly #rate: (step: number) => number;

  constructor(
    /** The name Keras gives it, or nearly. */
    readonly className: string,
    /** What it was made from. */
    readonly config: Config,
    rate: (step: number) => number,
  ) {
    this.#rate = rate;
  }

  getConfig(): Config {
    return this.config;
  }

  /** The learning rate of a batch: 0 for the first one. */
  at(step: number): number {
    return this.#rate(checkCount('schedule.at', 'step', step, 0));
  }
}

exactMethods(Schedule, 'schedule');

/** Rates are float32 in the kernels. */
export const rates = { least: 0, most: 1e38 } as const;

const rateOf = (call: string, name: string, value: unknown) => checkNumber(call, name, value, rates);

/** Half a cosine from `from` at 0 to `to` at 1. */
const cosine = (from: number, to: number, share: number): number => to + (from - to) * 0.5 * (1 + cos(Math.PI * share));

type Options = Record<string, unknown>;

/** What most of them have: where they start and how long they take. */
function readDecay<T extends Options>(call: string, options: unknown, more: readonly string[]) {
  const known = checkOptions<Options>(call, options, ['initialLearningRate', 'decaySteps', ...more]) as Partial<T>;
  const initialLearningRate = rateOf(call, 'initialLearningRate', known.initialLearningRate);
  const decaySteps = checkNumber(call, 'decaySteps', known.decaySteps, { above: 0 });
  return { known, initialLearningRate, decaySteps };
}

const flag = (call: string, name: string, value: unknown) =>
  value === undefined ? false : checkBoolean(call, name, value);

/** Makes schedules for the learningRate of an optimizer. */
export const schedules = /* @__PURE__ */ exactTable('schedules', {
  /** Always the same. */
  constant(options: { learningRate: number }): Schedule {
    const call = 'schedules.constant';
    const known = checkOptions<Options>(call, options, ['learningRate']);
    const learningRate = rateOf(call, 'learningRate', known.learningRate);
    return new Schedule('Constant', { learningRate }, () => learningRate);
  },

  /** values[0] up to and including step boundaries[0], values[1] up to boundaries[1], ...; one value more at the end. */
  step(options: { boundaries: readonly number[]; values: readonly number[] }): Schedule {
    const call = 'schedules.step';
    const known = checkOptions<Options>(call, options, ['boundaries', 'values']);
    const boundaries = readList(call, 'boundaries', known.boundaries, (name, n) => checkCount(call, name, n, 0));
    const values = readList(call, 'values', known.values, (name, rate) => rateOf(call, name, rate));
    if (boundaries.some((n, i) => i > 0 && n <= boundaries[i - 1]!)) {
      fail(call, `boundaries must rise, got ${show(boundaries)}`);
    }
    if (values.length !== boundaries.length + 1) {
      fail(call, `values must be one more than boundaries, ${boundaries.length + 1}, got ${values.length}`);
    }
    return new Schedule('PiecewiseConstantDecay', { boundaries, values }, step => {
      const before = boundaries.findIndex(boundary => step <= boundary);
      return values[before < 0 ? boundaries.length : before]!;
    });
  },

  /** initialLearningRate decayRate^(step / decaySteps); with `staircase` the exponent is a whole number. */
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

  /** initialLearningRate / (1 + decayRate step / decaySteps); with `staircase` the quotient is a whole number. */
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
   * From initialLearningRate to endLearningRate, 0.0001 by default, in decaySteps along (1 - share)^power, by default a
   * straight line. With `cycle` it starts again, stretched to a multiple of decaySteps.
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
   * Half a cosine, in decaySteps, down to alpha times where it starts; alpha is 0 by default. With a warmupTarget it
   * first rises to that in a straight line of warmupSteps.
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
    if (!warms && known.warmupSteps !== undefined) fail(call, 'warmupTarget must be given with warmupSteps, got none');
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
   * One cycle (Smith 2018) over totalSteps, as in PyTorch: half a cosine up to maxLearningRate in the share warmupShare
   * of the steps, 0.3 by default, then one down. It starts at maxLearningRate / divFactor, 25 by default, and ends, and
   * stays, at the finalDivFactor-th part of that, 10000 by default.
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
    // The last step of the way up, and of all; PyTorch counts like that
    const top = warmupShare * totalSteps - 1;
    const end = totalSteps - 1;
    const config = { maxLearningRate, totalSteps, warmupShare, divFactor, finalDivFactor };
    return new Schedule('OneCycle', config, step => {
      if (step >= end) return last;
      if (step <= top) return top > 0 ? cosine(first, maxLearningRate, step / top) : maxLearningRate;
      return cosine(maxLearningRate, last, (step - top) / (end - top));
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
