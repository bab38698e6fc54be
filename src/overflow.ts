/**
 * Whether the step of an optimizer can overflow float32. Nearly none can, which the size of its gradients tells; before
 * one that can, the numbers are copied, and put back where it did.
 */

import { float32, kernels } from './engine/engine.ts';
import type { Optimizer } from './optimizers/index.ts';
import { floatsFor } from './shapes.ts';
import { FLOAT } from './units.ts';

/** Gradients beyond it are refused: optimizers could not square them. */
const GREATEST_GRADIENT = 1e19;
/** The greatest number that counts as small: weights, gradients and what an optimizer keeps. */
const SMALL = 1e12;
/** The greatest rate, divided by what an optimizer divides by, of a step that counts as small. */
const SMALL_RATE = 1e17;
/**
 * Small steps that can follow each other before the numbers are looked at again: each adds at most 1e29, with momentum
 * as many times as there are steps.
 */
const SMALL_STEPS = 10_000;
const GREATEST_FLOAT = 3.4028234663852886e38;

const areWithin = (address: number, count: number, most: number): boolean =>
  kernels().areWithin(address, count, most) === 1;

/** Numbers that a step changes or reads: the weights, and behind the gradients what the optimizer keeps. */
export interface Stepped {
  readonly weights: number;
  readonly gradients: number;
  /** How many weights there are, and as many gradients. */
  readonly count: number;
  /** Runs of that many numbers from the gradients on, themselves included. */
  readonly runs: number;
}

export class OverflowGuard {
  #smallSteps = 0;

  /** The numbers were changed by something else than small steps. */
  forget(): void {
    this.#smallSteps = 0;
  }

  /** Whether gradients are refused, or else whether the step that they make is far from any overflow. */
  judge(numbers: Stepped, optimizer: Optimizer, rate: number): 'refused' | 'safe' | 'risky' {
    const { gradients, count } = numbers;
    const small = areWithin(gradients, count, SMALL);
    if (!small && !areWithin(gradients, count, GREATEST_GRADIENT)) return 'refused';
    if (small && this.#isSafe(numbers, optimizer, rate)) return 'safe';
    this.forget();
    return 'risky';
  }

  /** Whether a step by small gradients leaves all numbers finite. */
  #isSafe(numbers: Stepped, optimizer: Optimizer, rate: number): boolean {
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

const allWithin = ({ weights, gradients, count, runs }: Stepped, most: number): boolean =>
  areWithin(weights, count, most) && areWithin(gradients, count * runs, most);

export const areFinite = (numbers: Stepped): boolean => allWithin(numbers, GREATEST_FLOAT);

/** Copies the numbers, and the counters of the optimizer; the result puts them back. */
export function copied(call: string, { weights, gradients, count, runs }: Stepped, counters: Float64Array): () => void {
  const ownCounters = counters.slice();
  const parts = [
    { from: weights / FLOAT, size: count },
    { from: gradients / FLOAT, size: count * runs },
  ].map(({ from, size }) => {
    const kept = floatsFor(call, 'a copy of the weights', [size]);
    kept.set(float32().subarray(from, from + size));
    return { from, kept };
  });
  return () => {
    for (const { from, kept } of parts) float32().set(kept, from);
    counters.set(ownCounters);
  };
}
