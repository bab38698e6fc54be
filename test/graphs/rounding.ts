/**
 * Tells rounding errors of the model from faults. Where a result is beyond its tolerance, the graph is computed for
 * neighbours: the same weights and inputs, each moved by at most one float32 rounding. Rounding errors differ from neighbour
 * to neighbour and partly cancel in their mean; the error of a fault stays.
 */

import { expectClose, type Tolerance } from '../compare.ts';
import type { Block } from '../reference/block.ts';
import type { Random } from '../reference/random.ts';
import type { GraphProgram } from './spec.ts';

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

/** The same numbers, each moved by up to one rounding. Zeros, which may be masked, and ids stay. */
export function neighbourOf({ inputs }: GraphProgram, { weights, x, y }: Numbers, random: Random): Numbers {
  const moved = ({ shape, data }: Block): Block => ({
    shape,
    data: data.map(value => value + ((random.bits() % 3) - 1) * spacingAt(value)),
  });
  return {
    weights: weights.map(own => own.map(moved)),
    x: x.map((block, n) => (inputs[n]!.kind === 'ids' ? block : moved(block))),
    y,
  };
}

/** The distance of a float32 number to the next larger one. */
const spacingAt = (value: number) => (value === 0 ? 0 : 2 ** (Math.floor(Math.log2(Math.abs(value))) - 23));

/** Compares all numbers but those at kinks. */
function expectNumbers({ what, got, expected, tolerance, kinks }: Comparison): void {
  const compared = [...expected.keys()].filter(m => !kinks.has(m));
  expectClose(
    compared.map(m => got[m]!),
    compared.map(m => expected[m]!),
    { ...tolerance, what },
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
 * Compares the mean error of neighbours with the tolerance, after subtracting what rounding explains: the standard deviation
 * of the reference, which is what one rounding of weights and inputs does to the exact result, and three standard errors of
 * the mean. A fault gives all neighbours nearly the same error, so that both are small.
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
    const explained = reference.deviation + (3 * error.deviation) / Math.sqrt(compared.length);
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
