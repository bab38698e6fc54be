/**
 * The model as the caller's side knows it: its layers and what it is compiled for, without weights or memory. What it
 * refuses never goes to the worker.
 */

import type { Sequential } from '../model/sequential.ts';
import { globalSeeds } from '../util/random.ts';

/** Makes a model without moving the global stream of seeds; the worker's model is the one that draws them. */
export function withoutConsumingSeeds<T>(work: () => T): T {
  const before = globalSeeds.state;
  try {
    return work();
  } finally {
    globalSeeds.state = before;
  }
}

/** What was given for the weights of each layer. */
export const initialValuesOf = ({ layers }: Sequential): (Float32Array[] | null)[] =>
  layers.map(({ initialValues }) => initialValues);
