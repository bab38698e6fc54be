/**
 * A subset of the data sets of TF.js (https://js.tensorflow.org/api_data/latest/). `fitDataset` accepts any iterable, too.
 */

import { stacked as stackedTensors } from '../tensor/layout.ts';
import { generatorFor } from '../tensor/random.ts';
import type { TensorLike } from '../tensor/read.ts';
import { Tensor } from '../tensor/tensor.ts';
import { limitArgumentsInTable, limitMethodArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkBoolean, checkCount } from '../util/options.ts';
import { isTypedArray } from '../util/shapes.ts';

/** @inline */
type Items<T> = Iterator<T> | AsyncIterator<T>;

/** A sequence of items that can be iterated repeatedly; make one with `data.array` or `data.generator`. */
export class Dataset<T> implements AsyncIterable<T> {
  /** The number of items, as in TF.js: Infinity for an endless data set, null when unknown. */
  readonly size: number | null;
  /** Whether it is known to be endless, even if the size is unknown. @internal */
  readonly isEndless: boolean;
  readonly #open: () => Items<T> | Promise<Items<T>>;

  /** @internal */
  constructor(open: () => Items<T> | Promise<Items<T>>, size: number | null, isEndless = size === Infinity) {
    this.#open = open;
    this.size = size;
    this.isEndless = isEndless;
  }

  /** An iterator over the items, as in TF.js. */
  async iterator(): Promise<Items<T>> {
    return this.#open();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    const items = await this.#open();
    try {
      for (let item = await items.next(); !item.done; item = await items.next()) yield item.value;
    } finally {
      await items.return?.(); // if the caller stopped early
    }
  }

  #derive<U>(
    run: (items: AsyncIterable<T>) => AsyncGenerator<U, void, void>,
    size: number | null,
    isEndless = this.isEndless,
  ): Dataset<U> {
    return new Dataset(() => run(this), size, isEndless);
  }

  /** Applies `f` to each item; `f` may return a promise. */
  map<U>(f: (item: T) => U | Promise<U>): Dataset<U> {
    if (typeof f !== 'function') fail('dataset.map', `f must be a function, got ${show(f)}`);
    return this.#derive(async function* (items) {
      for await (const item of items) yield await f(item);
    }, this.size);
  }

  /** The first `count` items. */
  take(count: number): Dataset<T> {
    const most = checkCount('dataset.take', 'count', count, 0);
    return this.#derive(
      async function* (items) {
        let left = most;
        if (left === 0) return;
        for await (const item of items) {
          yield item;
          if (--left === 0) return;
        }
      },
      this.size === null ? null : Math.min(most, this.size),
      false,
    );
  }

  /** All items except the first `count`. */
  skip(count: number): Dataset<T> {
    const least = checkCount('dataset.skip', 'count', count, 0);
    return this.#derive(
      async function* (items) {
        let seen = 0;
        for await (const item of items) if (seen++ >= least) yield item;
      },
      this.size === null ? null : Math.max(0, this.size - least),
    );
  }

  /** All items, repeated `count` times, or endlessly if that is absent. */
  repeat(count?: number | null): Dataset<T> {
    const times =
      count === undefined || count === null
        ? Number.POSITIVE_INFINITY
        : checkCount('dataset.repeat', 'count', count, 0);
    return this.#derive(
      async function* (items) {
        let hasItems = true; // an empty data set ends at once, rather than looping forever
        for (let n = 0; n < times && hasItems; n++) {
          hasItems = false;
          for await (const item of items) {
            hasItems = true;
            yield item;
          }
        }
      },
      times === 0 || this.size === 0 ? 0 : this.size === null ? null : times * this.size,
      times > 0 && this.size !== 0 && (this.isEndless || times === Number.POSITIVE_INFINITY),
    );
  }

  /**
   * Stacks groups of `batchSize` items: numbers, arrays and tensors become tensors, also as fields of objects.
   *
   * @param smallLastBatch whether to keep a last batch of fewer items; default true
   */
  batch(batchSize: number, smallLastBatch?: boolean): Dataset<Stacked<T>> {
    const call = 'dataset.batch';
    const full = checkCount(call, 'batchSize', batchSize);
    const small = checkBoolean(call, 'smallLastBatch', smallLastBatch ?? true);
    return this.#derive(
      async function* (items) {
        let group: T[] = [];
        for await (const item of items) {
          group.push(item);
          if (group.length < full) continue;
          yield stacked(call, group) as Stacked<T>;
          group = [];
        }
        if (small && group.length > 0) yield stacked(call, group) as Stacked<T>;
      },
      this.size === null ? null : small ? Math.ceil(this.size / full) : Math.floor(this.size / full),
    );
  }

  /**
   * Shuffles the items: each is drawn at random from a buffer of the next `bufferSize` items.
   *
   * @param seed default: the stream of `setRandomSeed`
   */
  shuffle(bufferSize: number, seed?: number | null): Dataset<T> {
    const call = 'dataset.shuffle';
    const most = checkCount(call, 'bufferSize', bufferSize);
    const random = generatorFor(call, seed);
    return this.#derive(async function* (items) {
      const buffered: T[] = [];
      for await (const item of items) {
        buffered.push(item);
        if (buffered.length < most) continue;
        const chosen = random.below(buffered.length);
        const [out] = buffered.splice(chosen, 1);
        yield out as T;
      }
      random.shuffle(buffered);
      yield* buffered;
    }, this.size);
  }

  /** Returns this data set. For programs written for TF.js. */
  prefetch(_bufferSize: number): Dataset<T> {
    return this;
  }

  /** Calls `f` for each item and awaits its result before the next. */
  async forEachAsync(f: (item: T) => unknown): Promise<void> {
    if (typeof f !== 'function') fail('dataset.forEachAsync', `f must be a function, got ${show(f)}`);
    for await (const item of this) await f(item);
  }

  /** All items of a finite data set. */
  async toArray(): Promise<T[]> {
    if (this.isEndless)
      fail('dataset.toArray', 'the data set must be finite, got one that repeats forever; call take first');
    const items: T[] = [];
    for await (const item of this) items.push(item);
    return items;
  }
}

limitMethodArguments(Dataset, 'dataset');

/** The type of a batch of items: a tensor, or an object of tensors. */
export type Stacked<T> = T extends TensorLike ? Tensor : { [K in keyof T]: Stacked<T[K]> };

function stacked(call: string, items: readonly unknown[]): unknown {
  const [first] = items;
  if (
    first instanceof Tensor ||
    typeof first !== 'object' ||
    first === null ||
    Array.isArray(first) ||
    isTypedArray(first)
  ) {
    return stackedTensors(call, items as TensorLike[], 0);
  }
  return Object.fromEntries(
    Object.keys(first).map(key => {
      const field = items.map(item => (item as Record<string, unknown>)[key]);
      return [key, stacked(call, field)];
    }),
  );
}

/** Makes data sets for `fitDataset`. */
export const data = /* @__PURE__ */ limitArgumentsInTable('data', {
  /** The items of an array. */
  array<T>(items: readonly T[]): Dataset<T> {
    if (!Array.isArray(items)) fail('data.array', `items must be an array, got ${show(items)}`);
    return new Dataset(() => items[Symbol.iterator](), items.length);
  },

  /** The items of a generator function, which is called for each iteration. It may also return an iterator. */
  generator<T>(generator: () => Items<T> | Promise<Items<T>>): Dataset<T> {
    if (typeof generator !== 'function') {
      fail('data.generator', `generator must be a function, got ${show(generator)}`);
    }
    return new Dataset(async () => {
      const items = await generator();
      if (typeof items?.next !== 'function') {
        fail('data.generator', `generator must return an iterator, got ${show(items)}`);
      }
      return items;
    }, null);
  },
});
