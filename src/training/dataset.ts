/** Data sets: reads arrays, generators, iterators and TF.js data sets batch by batch. */

import type { ModelData } from '../inputs/parts.ts';
import type { SampleWeightOptions, SampleWeights } from '../inputs/sampleWeights.ts';
import { type ForeignTensor, isForeign, type TensorLike } from '../tensor/read.ts';
import { Tensor } from '../tensor/tensor.ts';
import { fail, show } from '../util/errors.ts';
import { isPlain } from '../util/options.ts';
import { arrayKind } from '../util/typedArrays.ts';

export type { ForeignTensor } from '../tensor/read.ts';

/** @inline */
type BatchData =
  | ModelData
  | ForeignTensor
  | readonly (TensorLike | ForeignTensor)[]
  | Readonly<Record<string, TensorLike | ForeignTensor>>;

/** A batch of a data set; other keys are ignored. */
export interface DatasetBatch {
  /** In the shape of the model's input. For several inputs, a list, or an object by the name of the input. */
  readonly xs: BatchData;
  /** In the shape of the model's output; class numbers for sparse losses. For several outputs, as above. */
  readonly ys: BatchData;
  /** A factor for the loss of each sample, [B], or of each of its time steps, [B, T]. */
  readonly sampleWeight?: SampleWeights;
}

/** @inline */
type Steps =
  | Iterator<DatasetBatch, unknown>
  | AsyncIterator<DatasetBatch, unknown>
  | { next(): Promise<{ value: DatasetBatch; done?: boolean }> };
/** @inline */
type Steppable = Iterable<DatasetBatch> | AsyncIterable<DatasetBatch> | { iterator(): Steps | Promise<Steps> };

/**
 * Batches of { xs, ys }: an array or another iterable, an iterator, a TF.js data set, or a function that returns one of
 * these. An iterator can be read only once; the others are read once per epoch.
 */
export type BatchSource = Steppable | Steps | (() => Steppable | Steps | Promise<Steppable | Steps>);

/** A batch whose form has been checked. */
export interface ReadBatch {
  readonly xs: ModelData;
  readonly ys: ModelData;
  readonly weights: SampleWeightOptions | undefined;
  /** Disposes of the TF.js tensors of the batch. */
  release(): void;
}

/** One pass over a data set. */
export interface Reader {
  /** The next batch; null at the end. */
  next(): Promise<ReadBatch | null>;
  /**
   * Ends the pass. An iterator that the caller passed stays open.
   *
   * @param failed whether an error is being thrown, which an error of closing must not replace
   */
  close(failed?: boolean): Promise<void>;
}

/** A data set whose form has been checked. */
export interface Source {
  readonly name: string;
  /** Whether it can be read only once. */
  readonly once: boolean;
  /** The number of batches, or null if unknown. */
  readonly size: number | null;
  /** Whether it declares itself infinite. */
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
  const reject = (got: unknown): never => fail(call, `${rule}, got ${show(got)}`);
  const methods: Methods =
    (typeof dataset === 'object' || typeof dataset === 'function') && dataset !== null ? dataset : reject(dataset);
  if (typeof dataset !== 'function' && !isReadable(methods)) reject(dataset);
  const size = Array.isArray(dataset) ? dataset.length : methods.size;
  return {
    name,
    once: typeof methods.next === 'function',
    size: typeof size === 'number' && Number.isFinite(size) ? size : null,
    endless: size === Number.POSITIVE_INFINITY || methods.isEndless === true,
    failEmpty: caller => fail(caller, `${name} must hold a batch, got none`),
    async open() {
      const made = typeof dataset === 'function' ? await dataset() : methods;
      const steps = typeof made === 'object' && made !== null && isReadable(made) ? await stepsOf(made) : reject(made);
      if (typeof (steps as AnySteps | null | undefined)?.next !== 'function') reject(steps);
      return readerOf(call, name, steps, steps === dataset);
    },
  };
}

/** Fails if all batches of an infinite data set would be read. */
export function checkEnds(call: string, source: Source, batches: number | null, option: string): void {
  if (batches === null && source.endless) {
    fail(call, `${source.name} must be finite, got a data set that repeats forever; pass ${option}`);
  }
}

const TypedArray = Object.getPrototypeOf(Int8Array) as new () => object;

/** Whether a value can be read batch by batch. False for typed arrays, whose items are numbers. */
const isReadable = (methods: Methods): boolean =>
  arrayKind(methods) === undefined &&
  !(methods instanceof TypedArray) &&
  [methods.next, methods.iterator, methods[Symbol.asyncIterator], methods[Symbol.iterator]].some(
    method => typeof method === 'function',
  );

/** Opens an iterable; returns an iterator unchanged. */
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
  const foreign = [xs, ys, sampleWeight].flatMap(tensorsIn);
  return {
    xs: own(xs),
    ys: own(ys),
    weights: sampleWeight === undefined ? undefined : { sampleWeight: own(sampleWeight) as SampleWeights },
    release() {
      for (const tensor of foreign) tensor.dispose?.();
    },
  };
}

/** The tensors of TF.js in the data of a batch. */
function tensorsIn(value: unknown): ForeignTensor[] {
  if (isForeign(value)) return [value];
  return isContainer(value) ? Object.values(value).filter(isForeign) : [];
}

/** Whether a value can hold tensors: a list that is no array of numbers, or an object. */
const isContainer = (value: unknown): value is object =>
  Array.isArray(value) ? value.length <= MOST_PARTS && value.some(isForeign) : isPlain(value);

/** Longer lists are samples. */
const MOST_PARTS = 64;

/** Copies tensors of TF.js. */
function own(value: unknown): ModelData {
  if (isForeign(value)) return new Tensor(Float32Array.from(value.dataSync()), value.shape);
  if (!isContainer(value)) return value as ModelData;
  if (Array.isArray(value)) return value.map(own) as unknown as ModelData;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, own(part)])) as ModelData;
}
