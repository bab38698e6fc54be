/**
 * The parts of a plan. A plan assigns a byte offset to every buffer that a batch needs and lists the kernel calls. It is
 * computed from layers and sizes alone, so it can be printed and tested without WebAssembly; compiledPlan.ts turns its
 * offsets into addresses.
 */

import type { LossActivation } from '../objective/losses.ts';
import { FLOAT, LINE } from '../util/memorySizes.ts';
import { seedBits } from '../util/random.ts';
import { sizeOf } from '../util/shapes.ts';
import type { structures } from '../wasm/shared.generated.ts';

/**
 * The memory blocks of a model. Weights, gradients and states persist between batches. The workspace holds everything
 * else and is reused by every batch.
 */
export type BlockName = 'weights' | 'gradients' | 'states' | 'workspace';

/** A byte offset within a block. */
export interface Offset {
  readonly block: BlockName;
  readonly offset: number;
}

/** A matrix of `rows` x `width` numbers for each of `steps` time steps. */
export interface Rows {
  /** The first number of the first row of the first time step. */
  readonly start: Offset;
  /** Bytes from one row to the next within a time step. */
  readonly row: number;
  /** Bytes from one time step to the next; negative if the steps are in reverse. */
  readonly step: number;
  readonly steps: number;
  readonly rows: number;
  readonly width: number;
}

/** One float for each row of each time step: 1 if it counts, 0 if it is masked. */
export interface Mask {
  readonly start: Offset;
  /** Bytes from one time step to the next; negative if the steps are in reverse. */
  readonly step: number;
}

/** An output of one layer, which other layers take as an input. */
export interface Signal {
  readonly y: Rows;
  /**
   * Where the gradient of `y` must be written; its contents may be overwritten afterwards. Null if it is not needed: in
   * plans without gradients, and for the input of the model.
   */
  readonly dy: Rows | null;
  /** Null if every time step counts. */
  readonly mask: Mask | null;
  /**
   * The values from which a softmax or sigmoid computed `y`, if the loss includes that activation. The loss then writes
   * the gradient of the logits into `dy`.
   */
  readonly logits?: Rows;
  /** The call that computed `y`, if that is linear and nothing else reads `y`: its weights may be replaced. */
  readonly linear?: LinearCall;
}

/** A call that computes x W + b, with the bias in front of the packed kernel. */
export type LinearCall = Extract<KernelCall, { kind: 'dense' | 'conv1d' }>;

/** The inputs of a layer, or its outputs. */
export type Signals = readonly [Signal, ...Signal[]];

/** One call of a layer in a plan. A layer that is applied several times has several. */
export interface PlannedCall {
  /** Prefix of the names of its buffers, unique in the plan. */
  readonly name: string;
  readonly offsets: LayerOffsets;
  /** The activation that the loss includes; null for none, and for calls whose output is not a model output alone. */
  readonly lossActivation: LossActivation | null;
  /** For each output, whether a later call, the loss or the caller reads it. */
  readonly isRead: readonly boolean[];
}

/** What a batch is run for: outputs, outputs and loss, or a training step. */
export type Purpose = 'predict' | 'test' | 'train';

/** A named buffer, for inspection and tests. */
export interface Buffer {
  readonly name: string;
  readonly shape: readonly number[];
  readonly start: Offset;
}

type Structures = typeof structures;

/** The fields of a structure of assembly/. */
export type Fields<K extends keyof Structures> = Record<Structures[K][number], number | Offset>;

/** Offsets in the workspace: what a kernel writes there and needs no longer than for a chunk of rows. */
export interface Scratch {
  readonly from: number;
  readonly to: number;
}

/**
 * A call of a pair of kernels, forward and backward, with the fields of its structure. Threads that share it have scratch
 * of their own.
 */
export type KernelCall = {
  [K in Exclude<keyof Structures, 'loss'>]: {
    readonly kind: K;
    readonly fields: Fields<K>;
    readonly scratch?: Scratch;
  };
}[Exclude<keyof Structures, 'loss'>];

/** The functions of a call. Each takes the address of the plan structure. */
export interface KernelFunctions {
  forward(plan: number): void;
  backward(plan: number): void;
  /** Restores the carried states from before `forward`. */
  rewind(plan: number): void;
  /** Stores what a step must change only once all of it has succeeded. */
  commit(plan: number): void;
}

/** A call that JavaScript computes, for custom layers. Its plan structure consists of `values`, with addresses for offsets. */
export interface HostCall {
  readonly kind: 'host';
  readonly values: readonly (number | Offset)[];
  readonly functions: KernelFunctions;
}

/** An output of the model in a plan. */
export interface PlannedOutput {
  readonly signal: Signal;
  /** The target y, row by row. */
  readonly target: Offset;
  /** The predictions, [B, T, O] row by row. */
  readonly result: Offset;
  /** The sample weights of the loss, [B, T], or [B] with labels; null in a plan without them. */
  readonly weights: Offset | null;
  /** The numbers of labels in the target of a sample; 0 if the target is not labels. */
  readonly labels: number;
}

/** The plan of a batch. */
export interface Plan {
  readonly batch: number;
  /** The shape of one sample of each input. */
  readonly samples: readonly (readonly number[])[];
  readonly purpose: Purpose;
  readonly dropsOut: boolean;
  /** Whether the losses have sample weights. */
  readonly weighted: boolean;
  readonly buffers: readonly Buffer[];
  /** Size of the workspace in bytes. */
  readonly bytes: number;
  /** In forward order; backward runs them in reverse. */
  readonly calls: readonly (KernelCall | HostCall)[];
  /** The number of calls at the start that a stream runs once for all steps; 0 for batches. */
  readonly constantCalls: number;
  /** The inputs x, each [B, T, D] row by row. */
  readonly inputs: readonly Offset[];
  readonly outputs: readonly PlannedOutput[];
}

/** The position of a layer's memory in the blocks that persist between batches, in bytes. */
export interface LayerOffsets {
  /** In both 'weights' and 'gradients'. */
  readonly parameters: number;
  readonly states: number;
}

/** Collects the buffers and kernel calls of a plan, and assigns offsets to the buffers. */
export class Planner {
  readonly buffers: Buffer[] = [];
  readonly calls: (KernelCall | HostCall)[] = [];
  /** How many calls of the same layer come before the one that is being planned. */
  callIndex = 0;
  #bytes = 0;

  constructor(
    readonly batch: number,
    readonly purpose: Purpose,
    /** Whether recurrent layers carry their states from batch to batch, stateful or not. */
    public carryAllStates = false,
    /** Whether dropout and noise are active, and batch normalization uses the statistics of the batch. */
    public dropsOut = purpose === 'train',
  ) {}

  /** The seed of a dropout as the kernels take it; each call of a layer has one of its own. */
  dropoutSeed(seed: number): number {
    return seedBits(seed) ^ Math.imul(this.callIndex, 0x9e3779b9);
  }

  get needsGradients(): boolean {
    return this.purpose === 'train';
  }

  /** Size of the workspace so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Reserves float32 numbers in the workspace, aligned to a cache line. */
  floats(name: string, ...shape: number[]): Offset {
    const start: Offset = { block: 'workspace', offset: this.#bytes };
    this.buffers.push({ name, shape, start });
    this.#bytes += roundUp(sizeOf(shape) * FLOAT, LINE);
    return start;
  }

  /** Reserves one row for each sample at each time step. */
  rows(name: string, steps: number, width: number): Rows {
    const row = rowBytes(width);
    const start = this.floats(name, steps, this.batch, row / FLOAT);
    return { start, row, step: row * this.batch, steps, rows: this.batch, width };
  }

  /** As `rows`, if the planned batch needs gradients; else null. */
  gradientRows(name: string, steps: number, width: number): Rows | null {
    return this.needsGradients ? this.rows(name, steps, width) : null;
  }

  /**
   * The same signal for several readers, each with a gradient of its own. Backward adds them in the order of the readers.
   * Call it before the readers are planned.
   */
  share(name: string, signal: Signal, readers: number): Signal[] {
    const { y, dy, mask } = signal;
    if (!dy) return Array.from({ length: readers }, () => ({ y, dy, mask }));
    const { steps, width } = y;
    const gradients = Array.from({ length: readers - 1 }, (_, n) => this.rows(`${name}/dy${n + 1}`, steps, width));
    // Backward runs the calls in reverse, so the gradients of the first readers are added first
    for (const more of gradients.toReversed()) {
      this.calls.push({
        kind: 'join',
        fields: { steps, rows: this.batch, width, ...rowFields('dx', dy), ...rowFields('more', more) },
      });
    }
    return [dy, ...gradients].map(own => ({ y, dy: own, mask }));
  }

  /** Sets the gradient of a signal that has no readers to zero, before backward uses it. */
  clear({ y, dy }: Signal): void {
    if (!dy) return;
    const { steps, width } = y;
    this.calls.push({ kind: 'clear', fields: { steps, rows: this.batch, width, ...rowFields('dx', dy) } });
  }

  mask(name: string, steps: number): Mask {
    const step = padded(this.batch);
    return { start: this.floats(name, steps, step), step: step * FLOAT };
  }
}

// ---------------------------------------------------------------------------------------------------- offsets and sizes

export const offsetBy = ({ block, offset }: Offset, bytes: number): Offset => ({ block, offset: offset + bytes });

/** The parameters of a layer at an offset, as the fields `w` and `dw` of its structure. */
export const parameterFields = (planner: Planner, offset: number): Record<'w' | 'dw', number | Offset> => ({
  w: { block: 'weights', offset },
  dw: planner.needsGradients ? { block: 'gradients', offset } : 0,
});

type RowFields<K extends string> = Record<K | `${K}Row` | `${K}Step`, number | Offset>;

/** Start and strides of rows as fields of a structure; zeros for null. */
export const rowFields = <K extends string>(name: K, rows: Rows | null): RowFields<K> =>
  ({ [name]: rows?.start ?? 0, [`${name}Row`]: rows?.row ?? 0, [`${name}Step`]: rows?.step ?? 0 }) as RowFields<K>;

/** A mask as fields of a structure; zeros for null. */
export const maskFields = (mask: Mask | null): Record<'mask' | 'maskStep', number | Offset> => ({
  mask: mask?.start ?? 0,
  maskStep: mask?.step ?? 0,
});

/** The bits of a float32 number, as a field of a structure. */
export const floatBits = (value: number): number => new Int32Array(Float32Array.of(value).buffer)[0]!;

/** n rounded up to a multiple of `unit`. */
export const roundUp = (n: number, unit: number): number => Math.ceil(n / unit) * unit;

/** A number of floats rounded up to whole cache lines. */
export const wholeLines = (n: number): number => roundUp(n, LINE / FLOAT);

/** The number of floats in a row of n numbers, rounded up to whole vectors. */
export const padded = (n: number): number => roundUp(n, 4);

/**
 * Bytes of a row of n floats. Long rows take an odd number of cache lines; with an even number, the columns of many rows
 * would map to the same few cache sets and evict each other.
 */
export function rowBytes(n: number): number {
  const bytes = padded(n) * FLOAT;
  if (bytes < 8 * LINE) return bytes;
  const lines = Math.ceil(bytes / LINE);
  return (lines + (lines % 2 === 0 ? 1 : 0)) * LINE;
}

/**
 * The distance in bytes between consecutive rows if all rows of all time steps are equally spaced, ordered by sample or
 * by time step; otherwise null.
 */
export function spacing({ row, step, steps, rows }: Rows): { stride: number; bySample: boolean } | null {
  if (steps === 1) return { stride: row, bySample: false };
  if (rows === 1 && step > 0) return { stride: step, bySample: false };
  if (row > 0 && step === rows * row) return { stride: row, bySample: false };
  return step > 0 && row === steps * step ? { stride: step, bySample: true } : null;
}

// -------------------------------------------------------------------------------------------------------------- signals

/** The same signal with its time steps in reverse. Copies nothing. */
export function reverseSteps({ y, dy, mask }: Signal): Signal {
  const reversed = (rows: Rows): Rows => ({
    ...rows,
    start: offsetBy(rows.start, (rows.steps - 1) * rows.step),
    step: -rows.step,
  });
  return {
    y: reversed(y),
    dy: dy && reversed(dy),
    mask: mask && { start: offsetBy(mask.start, (y.steps - 1) * mask.step), step: -mask.step },
  };
}

/** A signal whose rows, and those of its gradient, are equally spaced: the given one if they already are, or a copy. */
export function asMatrix(planner: Planner, name: string, signal: Signal): Signal {
  const { y, dy, mask } = signal;
  const order = spacing(y);
  const gradientOrder = dy && spacing(dy);
  if (order && (!dy || gradientOrder?.bySample === order.bySample)) return signal;
  return { ...reshape(planner, `${name}/line`, signal, y.steps, y.width), mask };
}

/** A copy of a signal in which each sample has other sizes, [steps, width]. It has no mask. */
export function reshape(
  planner: Planner,
  name: string,
  { y: x, dy: dx }: Signal,
  steps: number,
  width: number,
): Signal {
  const y = planner.rows(`${name}/y`, steps, width);
  const dy = dx && planner.rows(`${name}/dy`, steps, width);
  planner.calls.push({
    kind: 'reshape',
    fields: {
      rows: x.rows,
      xSteps: x.steps,
      xWidth: x.width,
      ...rowFields('x', x),
      ySteps: steps,
      yWidth: width,
      ...rowFields('y', y),
      ...rowFields('dy', dy),
      ...rowFields('dx', dx),
    },
  });
  return { y, dy, mask: null };
}
