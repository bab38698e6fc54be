/** Samples that are given all at once, and the batches selected from them. */

import { seedAt } from '../util/random.ts';
import { RandomGenerator } from '../util/randomGenerator.ts';
import { sizeOf } from '../util/shapes.ts';

/** The numbers of several samples in one array. */
export class Samples {
  readonly count: number;
  /** Numbers in one sample. */
  readonly sampleSize: number;

  constructor(
    readonly data: Float32Array,
    /** [N, ...shape of one sample] */
    readonly shape: readonly number[],
  ) {
    this.count = shape[0]!;
    this.sampleSize = sizeOf(shape.slice(1));
  }

  /** The samples from index `from` up to, but not including, `to`: a view, not a copy. */
  part(from: number, to: number): Samples {
    const { data, shape, sampleSize } = this;
    return new Samples(data.subarray(from * sampleSize, to * sampleSize), [to - from, ...shape.slice(1)]);
  }
}

/** A batch of samples, moved from one batch to the next by `select`. Accepted wherever a batch is. */
export class Selection {
  #shape: number[] = [];
  #from = 0;

  constructor(
    readonly samples: Samples,
    /** Indices of the samples in the order of training; null for the order in which they were given. */
    readonly order: Uint32Array | null = null,
  ) {}

  /** [count, ...shape of one sample]; the count is 0 after the user's array has been transferred. */
  get shape(): number[] {
    return this.samples.data.length > 0 ? this.#shape : [0, ...this.#shape.slice(1)];
  }

  /** Moves to the batch of `count` samples that starts at index `from` of the order. */
  select(from: number, count: number): this {
    if (this.#shape[0] !== count) this.#shape = [count, ...this.samples.shape.slice(1)];
    this.#from = from;
    return this;
  }

  /** Copies the numbers of the batch to `memory`, from index `next`. */
  write(memory: Float32Array, next: number): void {
    const { data, sampleSize } = this.samples;
    const count = this.#shape[0]!;
    const from = this.#from;
    if (!this.order) {
      const isAll = count * sampleSize === data.length;
      memory.set(isAll ? data : data.subarray(from * sampleSize, (from + count) * sampleSize), next);
      return;
    }
    for (let n = 0; n < count; n++) {
      const source = this.order[from + n]! * sampleSize;
      for (let i = 0; i < sampleSize; i++) memory[next + i] = data[source + i]!;
      next += sampleSize;
    }
  }
}

/** Whether and how to shuffle: true shuffles samples, 'batch' shuffles batches whose samples stay together. */
export type Shuffle = boolean | 'batch';

/** The order in which samples are trained, a new one for every epoch. */
export class SampleOrder {
  /** Indices of the samples; null if they are not shuffled. */
  readonly indices: Uint32Array | null;
  /** Samples that stay together: a batch with 'batch', else 1. */
  readonly #blockSize: number;
  readonly #blocks: Uint32Array;
  readonly #seed: number | null;

  /** @param seed of the order of all epochs; null if samples are not shuffled */
  constructor(count: number, batchSize: number, shuffle: Shuffle, seed: number | null) {
    this.#blockSize = shuffle === 'batch' ? batchSize : 1;
    // A smaller last batch stays last.
    this.#blocks = new Uint32Array(shuffle ? Math.floor(count / this.#blockSize) : 0);
    this.indices = shuffle ? Uint32Array.from({ length: count }, (_, n) => n) : null;
    this.#seed = seed;
  }

  /** Sets `indices` for an epoch. They depend only on the seed and the epoch, so that training can be resumed. */
  shuffleFor(epoch: number): void {
    if (this.#seed === null) return;
    for (let n = 0; n < this.#blocks.length; n++) this.#blocks[n] = n;
    new RandomGenerator(seedAt(this.#seed, epoch)).shuffle(this.#blocks);
    let next = 0;
    for (const block of this.#blocks) {
      for (let n = 0; n < this.#blockSize; n++) this.indices![next++] = block * this.#blockSize + n;
    }
  }
}
