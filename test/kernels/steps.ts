/** Runs an optimizer of the facade on its own kernels with given gradients, to test steps without a model. */

import type { Optimizer } from '../../src/optimizers/index.ts';
import type { Harness } from './harness.ts';

export interface Drive {
  /** One step with these gradients, in the order of training: decay, then the step. */
  step(gradients: ArrayLike<number>): void;
  weights(): Float32Array;
  /** The state of the optimizer, slot by slot. */
  slots(): Float32Array[];
  /** Fails if anything except weights and slots has changed, including the gradients of the last step. */
  expectUntouched(): void;
}

/** @param weights their number must be a multiple of 4 */
export function drive(h: Harness, optimizer: Optimizer, weights: ArrayLike<number>): Drive {
  const n = weights.length;
  const w = h.room(n, weights);
  const kept = h.room(n * (1 + optimizer.slots));
  for (let k = 0; k < optimizer.slots; k++) kept.floats().fill(optimizer.slotStart(k), (1 + k) * n, (2 + k) * n);
  const counters = new Float64Array(1 + optimizer.counters).fill(1, 1);
  let given: ArrayLike<number> = [];
  return {
    step(gradients) {
      given = gradients;
      kept.floats().set(gradients);
      const rate = optimizer.rateAt('drive', counters[0]!);
      if (optimizer.weightDecay !== null) h.kernels.decay(w.address, n, rate * optimizer.weightDecay);
      optimizer.advance(counters);
      optimizer.update(h.kernels, w.address, kept.address, n * 4, n, rate, counters);
      counters[0]!++;
    },
    weights: () => w.floats(),
    slots: () => Array.from({ length: optimizer.slots }, (_, k) => kept.floats().slice((1 + k) * n, (2 + k) * n)),
    expectUntouched() {
      w.expectUntouched(w.floats().keys(), 'weights');
      kept.expectUntouched(kept.floats().keys(), 'gradients and slots');
      const after = kept.floats();
      const wrong = Array.from({ length: n }, (_, k) => k).find(k => after[k] !== Math.fround(given[k]!));
      if (wrong !== undefined) throw new Error(`gradient ${wrong} must not change, got ${after[wrong]}`);
    },
  };
}
