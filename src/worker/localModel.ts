/** The client's copy of a model in a worker: layers and compile options without weights, to check arguments. */

import type { Sequential } from '../model/sequential.ts';
import { globalSeeds } from '../util/random.ts';

/** Builds the local copy of a model without consuming seeds, because the model in the worker draws them. */
export function withoutConsumingSeeds<T>(work: () => T): T {
  const before = globalSeeds.state;
  try {
    return work();
  } finally {
    globalSeeds.state = before;
  }
}

/** The initial weights that the caller set for each layer. */
export const initialValuesOf = ({ layers }: Sequential): (Float32Array[] | null)[] =>
  layers.map(({ initialValues }) => initialValues);
