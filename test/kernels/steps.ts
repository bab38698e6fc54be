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
  const update = h.alloc(h.kernels.updateBytes());
  h.kernels.setUpdateMemory(update, n * 4, optimizer.slots, 0, 0);
  let given: ArrayLike<number> = [];
  return {
    step(gradients) {
      given = gradients;
      kept.floats().set(gradients);
      const rate = optimizer.rateAt('drive', counters[0]!);
      const decay = rate * (optimizer.weightDecay ?? 0);
      optimizer.advance(counters);
      h.kernels.setStart(update, w.address, kept.address);
      h.kernels.setExtras(update, 0, 0, Number(optimizer.weightDecay !== null), decay, 0, 0);
      optimizer.setRule(h.kernels, update, rate, counters);
      h.kernels.updateWeights(update, 0, n / 4);
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
