/** Samples given all at once, and the batches chosen from them. Nothing is copied but into the planned buffers. */

import { Generator } from '../util/generator.ts';
import { seedAt } from '../util/random.ts';
import { sizeOf } from '../util/shapes.ts';
import type { SampleWeightOptions } from './sampleWeights.ts';

/** Numbers of many samples in one run. */
export class Samples {
  readonly count: number;
  /** Numbers in one sample. */
  readonly each: number;

  constructor(
    readonly data: Float32Array,
    /** [N, ...shape of one sample] */
    readonly shape: readonly number[],
  ) {
    this.count = shape[0]!;
    this.each = sizeOf(shape.slice(1));
  }

  /** The samples from `from` up to `to`: the same numbers, not a copy. */
  part(from: number, to: number): Samples {
    return new Samples(this.data.subarray(from * this.each, to * this.each), [to - from, ...this.shape.slice(1)]);
  }
}

/** One batch after the other of some samples. It stands wherever a batch is expected, and is used again for the next. */
export class Selection {
  #shape: number[] = [];
  #from = 0;

  constructor(
    readonly samples: Samples,
    /** Which sample comes when; null for their own order. */
    readonly order: Uint32Array | null = null,
  ) {}

  /** [count, ...shape of one sample]; a count of 0 where the caller has given the numbers away since. */
  get shape(): number[] {
    return this.samples.data.length > 0 ? this.#shape : [0, ...this.#shape.slice(1)];
  }

  /** Moves on to the batch of `count` samples from place `from` of the order on. */
  select(from: number, count: number): this {
    if (this.#shape[0] !== count) this.#shape = [count, ...this.samples.shape.slice(1)];
    this.#from = from;
    return this;
  }

  /** Writes the numbers of the batch into `memory` from `at` on. */
  write(memory: Float32Array, at: number): void {
    const { data, each } = this.samples;
    const count = this.#shape[0]!;
    const from = this.#from;
    if (!this.order) {
      memory.set(data.subarray(from * each, (from + count) * each), at);
      return;
    }
    for (let n = 0; n < count; n++) {
      const source = this.order[from + n]! * each;
      for (let i = 0; i < each; i++) memory[at + i] = data[source + i]!;
      at += each;
    }
  }
}

/** The weights of one batch after the other, in the form in which trainOnBatch takes them. */
export class SampleWeightBatches {
  readonly #selection: Selection;
  readonly #room: Float32Array;
  readonly #options: { sampleWeight: Float32Array };

  /** @param samples a weight for each sample, or for each of its time steps */
  constructor(samples: Samples, order: Uint32Array | null, batchSize: number) {
    this.#selection = new Selection(samples, order);
    this.#room = new Float32Array(Math.min(batchSize, samples.count) * samples.each);
    this.#options = { sampleWeight: this.#room };
  }

  /** The weights of a batch, which stand until the next is selected. */
  select(from: number, count: number): SampleWeightOptions {
    const length = count * this.#selection.samples.each;
    if (this.#options.sampleWeight.length !== length) this.#options.sampleWeight = this.#room.subarray(0, length);
    this.#selection.select(from, count).write(this.#room, 0);
    return this.#options;
  }
}

/** What `shuffle` may be: 'batch' keeps neighbours together in runs of one batch, whose order changes. */
export type Shuffle = boolean | 'batch';

/** The order in which samples are trained, another for every epoch. */
export class Order {
  /** Null where it is always the order the samples were given in. */
  readonly places: Uint32Array | null;
  readonly #unit: number;
  readonly #units: Uint32Array;
  readonly #seed: number | null;

  /** @param seed of everything random here; null for no shuffle */
  constructor(count: number, batchSize: number, shuffle: Shuffle, seed: number | null) {
    this.#unit = shuffle === 'batch' ? batchSize : 1;
    // A last batch that is smaller stays the last.
    this.#units = new Uint32Array(shuffle ? Math.floor(count / this.#unit) : 0);
    this.places = shuffle ? Uint32Array.from({ length: count }, (_, n) => n) : null;
    this.#seed = seed;
  }

  /** Puts the samples into the order of an epoch, whatever epochs came before: a training may be resumed in any. */
  turnTo(epoch: number): void {
    if (this.#seed === null) return;
    for (let n = 0; n < this.#units.length; n++) this.#units[n] = n;
    new Generator(seedAt(this.#seed, epoch)).shuffle(this.#units);
    let place = 0;
    for (const unit of this.#units) {
      for (let n = 0; n < this.#unit; n++) this.places![place++] = unit * this.#unit + n;
    }
  }
}
