// Series for the tests of forecasters, from seeds.

import type { ForecasterOptions, Series } from 'lstm-wasm/forecast';
import { Random } from '../reference/random.ts';

/** Hours with a daily season, a level of their own, and noise. */
export function loads(count: number, length: number, seed = 1): Series[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, n) => {
    const level = 10 * 4 ** n;
    return {
      id: `meter ${n}`,
      start: '2024-01-01T00:00',
      frequency: 'hour',
      values: Float64Array.from({ length }, (_, t) => {
        const day = Math.sin((2 * Math.PI * (t + 3 * n)) / 24);
        return level * (1 + 0.4 * day + 0.1 * random.normal());
      }),
    };
  });
}

/** Counts whose mean changes over a week. */
export function counts(length: number, seed = 2): Series {
  const random = new Random(seed);
  const values = Array.from({ length }, (_, t) => {
    const mean = t % 7 < 5 ? 6 : 1;
    let [count, product] = [-1, 1];
    do {
      count++;
      product *= (random.uniform() + 1) / 2;
    } while (product > Math.exp(-mean));
    return count;
  });
  return { start: '2024-01-01', frequency: 'day', values };
}

/** Options with which training takes a fraction of a second. */
export const small: ForecasterOptions = {
  ...{ horizon: 12, inputSteps: 48, units: 8, epochs: 3, batchesPerEpoch: 10, batchSize: 16, seed: 1 },
};
