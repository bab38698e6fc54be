/**
 * The model as the caller's side knows it: its layers and what it is compiled for, without weights or memory. What it
 * refuses never goes to the worker.
 */

import type { Sequential } from '../model/sequential.ts';
import type { Objective } from '../objective/objective.ts';
import { describe } from '../util/config.ts';
import { fail } from '../util/errors.ts';
import { randomState, setRandomState } from '../util/random.ts';

/** What `compile` chose, as data. */
export function describeObjective(call: string, { optimizer, loss, metrics }: Objective) {
  if (!optimizer.rateIsData) {
    fail(call, 'learningRate must be a number or one of schedules.* in a worker, where no function can go');
  }
  return { optimizer: describe(optimizer), loss, metrics: metrics.map(({ name }) => name) };
}

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
