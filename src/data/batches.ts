/** Samples in batches, which can be iterated repeatedly. */

import type { Tensor } from '../tensor/tensor.ts';
import { checkBoolean, checkCount } from '../util/options.ts';
import { checkSeed, nextSeed } from '../util/random.ts';
import { RandomGenerator } from '../util/randomGenerator.ts';

/** A batch of samples. */
export interface Batch {
  /** Inputs, [B, ...]. */
  xs: Tensor;
  /** Targets, [B, ...]. */
  ys: Tensor;
}

/** Options for batches. */
export interface BatchOptions {
  /** Samples per batch; default 32. */
  batchSize?: number;
  /** Whether to shuffle the samples in each epoch; default false. */
  shuffle?: boolean;
  /** Seed of the shuffling; default: the stream of `setRandomSeed`. */
  seed?: number;
  /** Whether to omit a last batch of fewer samples; default false. */
  dropRemainder?: boolean;
}

export const batchOptions = ['batchSize', 'shuffle', 'seed', 'dropRemainder'] as const;

/** Makes a batch of the samples with these indices. */
type Maker = (samples: ArrayLike<number>) => Batch;

/**
 * A data set for `fitDataset`: each iteration yields all batches once, which is an epoch. Batches do not share arrays.
 * `fit(data.xs, data.ys)` takes all samples at once instead.
 */
export class Batches implements Iterable<Batch> {
  /** Samples per epoch, before `dropRemainder`. */
  readonly samples: number;
  readonly batchSize: number;
  readonly #shuffler: RandomGenerator | null;
  readonly #dropRemainder: boolean;
  readonly #make: Maker;

  /** @internal */
  constructor(call: string, samples: number, options: BatchOptions, make: Maker) {
    this.samples = samples;
    this.batchSize = checkCount(call, 'batchSize', options.batchSize ?? 32);
    const shuffles = checkBoolean(call, 'shuffle', options.shuffle ?? false);
    this.#dropRemainder = checkBoolean(call, 'dropRemainder', options.dropRemainder ?? false);
    const seed = options.seed === undefined ? undefined : checkSeed(call, options.seed);
    this.#shuffler = shuffles ? new RandomGenerator(seed ?? nextSeed()) : null;
    this.#make = make;
  }

  /** Batches per epoch. */
  get length(): number {
    const batches = this.samples / this.batchSize;
    return this.#dropRemainder ? Math.floor(batches) : Math.ceil(batches);
  }

  /** The inputs of all samples, in order; a new tensor on each access. */
  get xs(): Tensor {
    return this.#make(this.#inOrder()).xs;
  }

  /** The targets of all samples, in order; a new tensor on each access. */
  get ys(): Tensor {
    return this.#make(this.#inOrder()).ys;
  }

  #inOrder(): Uint32Array {
    const order = new Uint32Array(this.samples);
    for (let i = 0; i < order.length; i++) order[i] = i;
    return order;
  }

  /** Yields the batches of one epoch. */
  [Symbol.iterator](): IterableIterator<Batch> {
    const order = this.#inOrder();
    this.#shuffler?.shuffle(order);
    return this.#epoch(order);
  }

  *#epoch(order: Uint32Array): IterableIterator<Batch> {
    for (let n = 0; n < this.length; n++) {
      yield this.#make(order.subarray(n * this.batchSize, (n + 1) * this.batchSize));
    }
  }
}
