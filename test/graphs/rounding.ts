/**
 * Tells rounding errors of the model from faults. Where a result is beyond its tolerance, the graph is computed for
 * neighbours: weights and inputs that are moved so far that all numbers round differently. Rounding errors differ from
 * neighbour to neighbour and cancel in their mean; the error of a fault stays.
 */

import { expectClose, type Tolerance } from '../compare.ts';
import type { Block } from '../reference/block.ts';
import type { Random } from '../reference/random.ts';
import type { GraphProgram } from './spec.ts';

/** The multiple of a tolerance that no rounding reaches, so that neighbours are not needed. */
export const BEYOND_ROUNDING = 1000;

/** The largest relative distance of a neighbour: 2048 roundings of weights and inputs. */
export const DISTANCE = 2 ** -12;
const ROUNDING = 2 ** -23;

/** The number of neighbours of a graph. */
export const NEIGHBOURS = 32;

/** Numbers of the model, and those of the reference. */
export interface Comparison {
  what: string;
  /** The layer of a gradient. */
  layer?: number;
  got: readonly number[];
  expected: readonly number[];
  tolerance: Tolerance;
  /** The numbers at a kink, which are not compared. */
  kinks: ReadonlySet<number>;
}

/** What a graph computes with: the weights of each layer, and a batch. */
export interface Numbers {
  weights: Block[][];
  x: Block[];
  y: Block[];
}

/** The same numbers, each moved at random. Zeros, which may be masked, ids and masks stay. */
export function neighbourOf({ inputs }: GraphProgram, { weights, x, y }: Numbers, random: Random): Numbers {
  const moved = ({ shape, data }: Block): Block => ({
    shape,
    data: data.map(value => Math.fround(value * (1 + DISTANCE * random.uniform()))),
  });
  return {
    weights: weights.map(own => own.map(moved)),
    x: x.map((block, n) => (inputs[n]!.width === 0 ? block : moved(block))),
    y,
  };
}

/** Compares all numbers but those at kinks, with a multiple of the tolerance. */
export function expectNumbers({ what, got, expected, tolerance, kinks }: Comparison, multiple = 1): void {
  const compared = [...expected.keys()].filter(m => !kinks.has(m));
  expectClose(
    compared.map(m => got[m]!),
    compared.map(m => expected[m]!),
    { abs: multiple * tolerance.abs, rel: multiple * tolerance.rel, what },
  );
}

export function agrees(comparison: Comparison): boolean {
  try {
    expectNumbers(comparison);
    return true;
  } catch {
    return false;
  }
}

/**
 * Compares the mean error of neighbours with the tolerance, after subtracting what rounding explains: what one rounding of
 * weights and inputs does to the exact result, which is the deviation of the reference in proportion, and three standard
 * errors of the mean. A fault gives all neighbours nearly the same error, so that the latter are small.
 */
export function expectMeanAgreement(own: Comparison, neighbours: readonly Comparison[]): void {
  const what = `${own.what}, mean of ${neighbours.length} neighbours`;
  const exact: number[] = [];
  const got: number[] = [];
  for (const m of own.expected.keys()) {
    const compared = neighbours.filter(({ kinks }) => !kinks.has(m));
    if (compared.length === 0) continue;
    const reference = momentsOf(compared.map(each => each.expected[m]!));
    const error = momentsOf(compared.map(each => each.got[m]! - each.expected[m]!));
    const explained = (reference.deviation * ROUNDING) / DISTANCE + (3 * error.deviation) / Math.sqrt(compared.length);
    exact.push(reference.mean);
    got.push(reference.mean + Math.sign(error.mean) * Math.max(0, Math.abs(error.mean) - explained));
  }
  expectClose(got, exact, { ...own.tolerance, what });
}

function momentsOf(values: readonly number[]): { mean: number; deviation: number } {
  const meanOf = (list: readonly number[]) => list.reduce((sum, value) => sum + value, 0) / list.length;
  const mean = meanOf(values);
  return { mean, deviation: Math.sqrt(meanOf(values.map(value => (value - mean) ** 2))) };
}
