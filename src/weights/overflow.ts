/**
 * Detects optimizer steps that could overflow float32. Small gradients rule out an overflow in nearly every step.
 * Before any other step, the weights and the optimizer's state are copied, and restored if the step overflowed.
 */

import type { Optimizer } from '../optimizers/index.ts';
import { FLOAT } from '../util/memorySizes.ts';
import { floatsFor } from '../util/shapes.ts';
import { float32, kernels } from '../wasm/engine.ts';

/** Larger gradients are rejected: optimizers could not square them. */
const GREATEST_GRADIENT = 1e19;
/** The largest magnitude that counts as small, for weights, gradients and optimizer state. */
const SMALL = 1e12;
/** The largest learning rate, divided by the optimizer's smallest divisor, of a step that counts as small. */
const SMALL_RATE = 1e17;
/**
 * The number of small steps between two checks of the weights: each step adds at most 1e29, which momentum multiplies
 * by at most the number of steps.
 */
const SMALL_STEPS = 10_000;
const GREATEST_FLOAT = 3.4028234663852886e38;

const areWithin = (address: number, count: number, most: number): boolean =>
  kernels().areWithin(address, count, most) === 1;

/** The numbers that a step reads or changes: weights, gradients, and after them the optimizer's state. */
export interface StepNumbers {
  readonly weights: number;
  readonly gradients: number;
  /** The number of weights, which is also the number of gradients. */
  readonly count: number;
  /** The number of arrays of that size that start at the gradients, the gradients included. */
  readonly arrays: number;
}

export class OverflowGuard {
  readonly #gradientsWithin: (most: number) => boolean;
  #smallSteps = 0;

  /** @param gradientsWithin whether all gradients are within [-most, most] */
  constructor(gradientsWithin: (most: number) => boolean) {
    this.#gradientsWithin = gradientsWithin;
  }

  /** Call this after anything other than a small step changed the numbers. */
  reset(): void {
    this.#smallSteps = 0;
  }

  /** Classifies gradients: rejected, or whether the step they cause is certain not to overflow. */
  classify(numbers: StepNumbers, optimizer: Optimizer, rate: number): 'rejected' | 'safe' | 'risky' {
    const small = this.#gradientsWithin(SMALL);
    if (!small && !this.#gradientsWithin(GREATEST_GRADIENT)) return 'rejected';
    if (small && this.#isSafe(numbers, optimizer, rate)) return 'safe';
    this.reset();
    return 'risky';
  }

  /** Whether a step with small gradients keeps all numbers finite. */
  #isSafe(numbers: StepNumbers, optimizer: Optimizer, rate: number): boolean {
    const shrink = rate * (optimizer.weightDecay ?? 0);
    if (rate / optimizer.leastDivisor > SMALL_RATE || shrink > 2) return false;
    if (this.#smallSteps === 0) {
      if (!allWithin(numbers, SMALL)) return false;
      this.#smallSteps = SMALL_STEPS;
    }
    this.#smallSteps--;
    return true;
  }
}

const allWithin = ({ weights, gradients, count, arrays }: StepNumbers, most: number): boolean =>
  areWithin(weights, count, most) && areWithin(gradients, count * arrays, most);

export const areFinite = (numbers: StepNumbers): boolean => allWithin(numbers, GREATEST_FLOAT);

/** Copies the numbers and the counters of the optimizer; returns a function that restores them. */
export function backUp(
  call: string,
  { weights, gradients, count, arrays }: StepNumbers,
  counters: Float64Array,
): () => void {
  const ownCounters = counters.slice();
  const parts = [
    { from: weights / FLOAT, size: count },
    { from: gradients / FLOAT, size: count * arrays },
  ].map(({ from, size }) => {
    const copy = floatsFor(call, 'a copy of the weights', [size]);
    copy.set(float32().subarray(from, from + size));
    return { from, copy };
  });
  return () => {
    for (const { from, copy } of parts) float32().set(copy, from);
    counters.set(ownCounters);
  };
}
