/**
 * The model as the caller's side knows it: its layers and what it is compiled for, without weights or memory. What it
 * refuses never goes to the worker.
 */

import type { Sequential } from '../model/sequential.ts';
import { randomState, setRandomState } from '../util/random.ts';

/** Layers draw seeds when they are put together; those that count are drawn in the worker. */
export function withoutConsumingSeeds<T>(work: () => T): T {
  const before = randomState();
  try {
    return work();
  } finally {
    setRandomState(before);
  }
}

/** What was given for the weights of each layer. */
export const initialValuesOf = ({ layers }: Sequential): (Float32Array[] | null)[] =>
  layers.map(({ initialValues }) => initialValues);
