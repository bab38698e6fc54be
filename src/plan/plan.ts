/**
 * Plans where everything lies: a pure function from layers, batch size and time steps to named byte offsets.
 * A plan can be printed and tested without wasm; src/plan/compiledPlan.ts turns its places into addresses.
 */

import type { Layer } from '../layers/layer.ts';
import { sizeOf } from '../util/shapes.ts';
import { FLOAT, LINE } from '../util/units.ts';
import type { structures } from '../wasm/shared.generated.ts';

/**
 * The blocks of a model. Weights, gradients and states outlive a batch; the workspace holds everything else and
 * serves every batch anew.
 */
export type BlockName = 'weights' | 'gradients' | 'states' | 'workspace';

/** A byte offset within a block. */
export interface Offset {
  readonly block: BlockName;
  readonly offset: number;
}

/** Rows of numbers at every time step: strides in bytes, `step` from one time step to the next, `row` within one. */
export interface Rows {
  readonly place: Offset;
  readonly row: number;
  readonly step: number;
  readonly steps: number;
  readonly rows: number;
  readonly width: number;
}

/** Which time steps count, one float for every row of a step: 1 where it counts, 0 where it is masked. */
export interface Mask {
  readonly place: Offset;
  /** Bytes from one time step to the next; negative where time runs backwards. */
  readonly step: number;
}

/** What one layer hands to the next. */
export interface Signal {
  readonly y: Rows;
  /** In training, where the gradient of y is wanted; its contents may be destroyed. Null where nobody wants it. */
  readonly dy: Rows | null;
  /** Null where every time step counts. */
  readonly mask: Mask | null;
  /**
   * What softmax or sigmoid made y from, where a loss starts there: it then leaves the gradient of the logits in dy.
   * Present only at the top of a plan made for such a loss.
   */
  readonly logits?: Rows;
}

/** What a batch is run for: `test` stops at the loss. */
export type Purpose = 'predict' | 'test' | 'train';

/** A named buffer, for reading and for tests. */
export interface Buffer {
  readonly name: string;
  readonly shape: readonly number[];
  readonly place: Offset;
}

type Structures = typeof structures;

/** The numbers of a structure of assembly/, field by field. */
export type Fields<K extends keyof Structures> = Record<Structures[K][number], number | Offset>;

/** What one layer hands to its kernels. */
export type KernelCall = {
  [K in Exclude<keyof Structures, 'loss'>]: { readonly kind: K; readonly fields: Fields<K> };
}[Exclude<keyof Structures, 'loss'>];

/** The plan of a batch. */
export interface Plan {
  readonly batch: number;
  readonly sample: readonly number[];
  readonly purpose: Purpose;
  readonly buffers: readonly Buffer[];
  /** Size of the workspace in bytes. */
  readonly bytes: number;
  /** The layers in order; backward runs them in reverse. */
  readonly calls: readonly KernelCall[];
  /** Where the caller's x goes, [B, T, D] row by row. */
  readonly input: Offset;
  /** What the last layer leaves. */
  readonly output: Signal;
  /** Where the caller's y goes, and where predictions are put in order, [B, T, O] row by row. */
  readonly target: Offset;
  readonly result: Offset;
  /** Where weights of the losses go, [B, T]; null in a plan without them. */
  readonly weights: Offset | null;
}

export const offsetBy = (place: Offset, bytes: number): Offset => ({
  block: place.block,
  offset: place.offset + bytes,
});

/** The same flow with the last time step first. */
export function backwards({ y, dy, mask }: Signal): Signal {
  const reversed = (rows: Rows): Rows => ({
    ...rows,
    place: offsetBy(rows.place, (rows.steps - 1) * rows.step),
    step: -rows.step,
  });
  return {
    y: reversed(y),
    dy: dy && reversed(dy),
    mask: mask && { place: offsetBy(mask.place, (y.steps - 1) * mask.step), step: -mask.step },
  };
}

/** n rounded up to a multiple of `unit`. */
export const roundUp = (n: number, unit: number): number => Math.ceil(n / unit) * unit;

/** n floats rounded up to whole cache lines. */
export const wholeLines = (n: number): number => roundUp(n, LINE / FLOAT);

/** Floats in a row of at least n numbers: whole vectors. */
export const padded = (n: number): number => roundUp(n, 4);

/**
 * Bytes of a row of n floats. Long rows are an odd number of cache lines: columns of a block of rows would otherwise
 * fall into a few sets of the cache and push each other out.
 */
export function rowBytes(n: number): number {
  const bytes = padded(n) * FLOAT;
  if (bytes < 8 * LINE) return bytes;
  const lines = Math.ceil(bytes / LINE);
  return (lines + (lines % 2 === 0 ? 1 : 0)) * LINE;
}

/**
 * Bytes between neighbours where rows lie at equal distances, all steps of a sample together or all samples of a step;
 * null where they do not.
 */
export function spacing({ row, step, steps, rows }: Rows): { stride: number; bySample: boolean } | null {
  if (steps === 1) return { stride: row, bySample: false };
  if (rows === 1 && step > 0) return { stride: step, bySample: false };
  if (row > 0 && step === rows * row) return { stride: row, bySample: false };
  return step > 0 && row === steps * step ? { stride: step, bySample: true } : null;
}

/** Where one layer keeps what outlives a batch; the same offset serves its weights and its gradients. */
export interface LayerOffsets {
  readonly parameters: number;
  readonly states: number;
}

/** What `Layer.plan` works with: a place for each buffer it needs. */
export class Planner {
  readonly buffers: Buffer[] = [];
  readonly calls: KernelCall[] = [];
  #bytes = 0;

  constructor(
    readonly batch: number,
    readonly purpose: Purpose,
    /** Whether every recurrent layer carries its state, stateful or not. */
    readonly carriesAll = false,
    /** The activation of the top layer that the loss undoes, so that it can start from the logits. */
    readonly fused: 'softmax' | 'sigmoid' | null = null,
    /** Whether samples or time steps weigh differently. */
    readonly weighted = false,
  ) {}

  get training(): boolean {
    return this.purpose === 'train';
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Room for float32 numbers in the workspace, beginning on a cache line. */
  floats(name: string, ...shape: number[]): Offset {
    const place: Offset = { block: 'workspace', offset: this.#bytes };
    this.buffers.push({ name, shape, place });
    this.#bytes += roundUp(sizeOf(shape) * FLOAT, LINE);
    return place;
  }

  /** Room for rows at every time step, one step after the other. */
  rows(name: string, steps: number, width: number): Rows {
    const row = rowBytes(width);
    const place = this.floats(name, steps, this.batch, row / FLOAT);
    return { place, row, step: row * this.batch, steps, rows: this.batch, width };
  }

  /** Room for a mask. */
  mask(name: string, steps: number): Mask {
    const step = padded(this.batch);
    return { place: this.floats(name, steps, step), step: step * FLOAT };
  }
}

/** A flow whose rows, and those of its gradient, can be gone through as one matrix: itself, or else a copy. */
export function inLine(planner: Planner, name: string, flow: Signal): Signal {
  const order = spacing(flow.y);
  const back = flow.dy && spacing(flow.dy);
  if (order && (!flow.dy || back?.bySample === order.bySample)) return flow;
  const { steps, width } = flow.y;
  return { ...reshaped(planner, `${name}/line`, flow, steps, width), mask: flow.mask };
}

/** The numbers of each sample as so many steps of another width, moved there. Steps are no longer the same: no mask. */
export function reshaped(
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
      ...strided('x', x),
      ySteps: steps,
      yWidth: width,
      ...strided('y', y),
      ...strided('dy', dy),
      ...strided('dx', dx),
    },
  });
  return { y, dy, mask: null };
}

type Strided<K extends string> = Record<K | `${K}Row` | `${K}Step`, number | Offset>;

/** Place and strides of rows, as the plan structures name them; zeros for none. */
export const strided = <K extends string>(name: K, rows: Rows | null): Strided<K> =>
  ({ [name]: rows?.place ?? 0, [`${name}Row`]: rows?.row ?? 0, [`${name}Step`]: rows?.step ?? 0 }) as Strided<K>;

/** A float32 number as a field of a structure. */
export const floatBits = (value: number): number => new Int32Array(Float32Array.of(value).buffer)[0]!;

/**
 * Plans a batch.
 *
 * @param planner a fresh one, which knows the batch size and what the plan is for
 * @param layers in order, built
 * @param homes one for each layer
 * @param sample the shape of one sample: [T, D] or [D]
 */
export function planBatch(
  planner: Planner,
  layers: readonly Layer[],
  homes: readonly LayerOffsets[],
  sample: readonly number[],
): Plan {
  const { batch, purpose } = planner;
  const [steps, width] = sample.length === 2 ? [sample[0]!, sample[1]!] : [1, sample[0]!];
  const input = planner.floats('input', batch, steps, width);
  const x: Rows = { place: input, row: steps * width * FLOAT, step: width * FLOAT, steps, rows: batch, width };
  // Nobody asks for the gradient of the data.
  const start: Signal = { y: x, dy: null, mask: null };
  const output = layers.reduce(
    (flow, layer, n) => layer.plan(planner, flow, homes[n]!, n === layers.length - 1),
    start,
  );
  const count = batch * output.y.steps * output.y.width;
  // Losses read a whole vector at the last number of a target.
  const target = planner.floats('target', count + 3);
  const result = planner.floats('result', count);
  const weights = planner.weighted ? planner.floats('weights', batch, output.y.steps) : null;
  return {
    batch,
    sample,
    purpose,
    buffers: planner.buffers,
    bytes: planner.bytes,
    calls: planner.calls,
    input,
    output,
    target,
    result,
    weights,
  };
}
