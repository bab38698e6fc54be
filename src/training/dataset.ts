/** Data that comes batch by batch: arrays, generators, iterators and the data sets of TF.js, all read in one way. */

import { type OneTensor, unwrapTensor } from '../inputs/batches.ts';
import type { SampleWeightOptions } from '../inputs/sampleWeights.ts';
import { type ForeignTensor, isForeign, type TensorLike } from '../tensor/read.ts';
import { Tensor } from '../tensor/tensor.ts';
import { fail, show } from '../util/errors.ts';
import { arrayKind } from '../util/typedArrays.ts';

export type { ForeignTensor } from '../tensor/read.ts';

/** A batch as a data set gives it; other keys are nobody's business here. */
export interface DatasetBatch {
  /** In the shape of the model's input. */
  readonly xs: OneTensor | ForeignTensor;
  /** In the shape of the model's output; numbers of classes where the loss takes these. */
  readonly ys: OneTensor | ForeignTensor;
  /** A factor for the loss of each sample, [B], or of each of its time steps, [B, T]. */
  readonly sampleWeight?: TensorLike;
}

/** @inline */
type Steps =
  | Iterator<DatasetBatch, unknown>
  | AsyncIterator<DatasetBatch, unknown>
  | { next(): Promise<{ value: DatasetBatch; done?: boolean }> };
/** @inline */
type Steppable = Iterable<DatasetBatch> | AsyncIterable<DatasetBatch> | { iterator(): Steps | Promise<Steps> };

/**
 * Batches of { xs, ys }: an array or anything else to iterate over, an iterator, a TF.js data set, or a function that
 * makes one of these. An iterator can be gone through only once; the others anew for each epoch.
 */
export type BatchSource = Steppable | Steps | (() => Steppable | Steps | Promise<Steppable | Steps>);

/** A batch, read. */
export interface ReadBatch {
  readonly xs: TensorLike;
  readonly ys: TensorLike;
  readonly weights: SampleWeightOptions | undefined;
  /** Gives back what the batch came with. */
  release(): void;
}

/** Goes through a data set once. */
export interface Reader {
  /** The next batch; null at the end. */
  next(): Promise<ReadBatch | null>;
  /**
   * No more batches are wanted. What the caller made goes on living.
   *
   * @param failed because something went wrong, which must not be lost where closing goes wrong, too
   */
  close(failed?: boolean): Promise<void>;
}

/** A data set that has been looked at. */
export interface Source {
  readonly name: string;
  /** Whether it can be gone through only once. */
  readonly once: boolean;
  /** How many batches it has, where it says so. */
  readonly size: number | null;
  /** Whether it says that it has no end. */
  readonly endless: boolean;
  open(): Promise<Reader>;
  failEmpty(call: string): never;
}

interface Methods {
  next?: unknown;
  iterator?: unknown;
  size?: unknown;
  isEndless?: unknown;
  length?: unknown;
  [Symbol.iterator]?: unknown;
  [Symbol.asyncIterator]?: unknown;
}

export function sourceOf(call: string, name: string, dataset: unknown): Source {
  const rule = `${name} must be batches of { xs, ys } in an array, generator, iterator or TF.js data set`;
  const refuse = (got: unknown): never => fail(call, `${rule}, got ${show(got)}`);
  const methods: Methods =
    (typeof dataset === 'object' || typeof dataset === 'function') && dataset !== null ? dataset : refuse(dataset);
  if (typeof dataset !== 'function' && !opens(methods)) refuse(dataset);
  const size = Array.isArray(dataset) ? dataset.length : methods.size;
  return {
    name,
    once: typeof methods.next === 'function',
    size: typeof size === 'number' && Number.isFinite(size) ? size : null,
    endless: size === Number.POSITIVE_INFINITY || methods.isEndless === true,
    failEmpty: asked => fail(asked, `${name} must hold a batch, got none`),
    async open() {
      const made = typeof dataset === 'function' ? await dataset() : methods;
      const steps = typeof made === 'object' && made !== null && opens(made) ? await stepsOf(made) : refuse(made);
      if (typeof (steps as AnySteps | null | undefined)?.next !== 'function') refuse(steps);
      return readerOf(call, name, steps, steps === dataset);
    },
  };
}

/** A test goes through all batches, unless it is told how many. */
export function checkEnds(call: string, source: Source, batches: number | null, option: string): void {
  if (batches === null && source.endless) {
    fail(call, `${source.name} must be finite, got a data set that repeats forever; pass ${option}`);
  }
}

const TypedArray = Object.getPrototypeOf(Int8Array) as new () => object;

/** Rejects iterable values that are numbers and not batches, such as typed arrays and their subclasses. */
const opens = (methods: Methods): boolean =>
  arrayKind(methods) === undefined &&
  !(methods instanceof TypedArray) &&
  [methods.next, methods.iterator, methods[Symbol.asyncIterator], methods[Symbol.iterator]].some(
    method => typeof method === 'function',
  );

/** An iterator over what can be iterated over; an iterator itself as it is. */
async function stepsOf(methods: Methods): Promise<AnySteps> {
  for (const key of ['iterator', Symbol.asyncIterator, Symbol.iterator] as const) {
    if (typeof methods.next === 'function') break;
    if (typeof methods[key] === 'function') return await (methods[key] as () => AnySteps).call(methods);
  }
  return methods as AnySteps;
}

interface AnySteps {
  next(): unknown;
  return?(): unknown;
}

function readerOf(call: string, name: string, steps: AnySteps, kept: boolean): Reader {
  let ended = false;
  return {
    async next() {
      const result = (await steps.next()) as { value?: unknown; done?: boolean } | null;
      if (result === null || typeof result !== 'object') {
        fail(call, `${name} must give { value, done } for each batch, as iterators do, got ${show(result)}`);
      }
      ended = result.done === true;
      if (ended) return null;
      return readBatch(call, name, result.value);
    },
    async close(failed = false) {
      try {
        if (!ended && !kept) await steps.return?.();
      } catch (error) {
        if (!failed) throw error;
      }
    },
  };
}

function readBatch(call: string, name: string, value: unknown): ReadBatch {
  const { xs, ys, sampleWeight } = (typeof value === 'object' && value !== null ? value : {}) as Record<
    string,
    unknown
  >;
  if (xs === undefined || xs === null || ys === undefined || ys === null) {
    fail(call, `${name} must hold batches of the form { xs, ys }, got ${show(value)}`);
  }
  const foreign = [xs, ys, sampleWeight].filter(isForeign);
  return {
    xs: unwrapTensor(call, 'xs', own(xs)),
    ys: unwrapTensor(call, 'ys', own(ys)),
    weights: sampleWeight === undefined ? undefined : { sampleWeight: own(sampleWeight) },
    release() {
      for (const tensor of foreign) tensor.dispose?.();
    },
  };
}

const own = (value: unknown): TensorLike =>
  isForeign(value) ? new Tensor(Float32Array.from(value.dataSync()), value.shape) : (value as TensorLike);
