/**
 * Plans of single layers, as `Layer.plan` makes them, with guard regions and access to all buffers. Memory that a kernel
 * must write before reading is NaN.
 */

import type { Layer } from '../../src/layers/layer.ts';
import { kernelFunctions } from '../../src/plan/kernelCalls.ts';
import {
  type BlockName,
  type KernelCall,
  type Mask,
  type Offset,
  offsetBy,
  Planner,
  type Purpose,
  padded,
  type Rows,
  type Signal,
  type Signals,
} from '../../src/plan/planner.ts';
import { FLOAT } from '../../src/util/memorySizes.ts';
import { globalSeeds } from '../../src/util/random.ts';
import { structures } from '../../src/wasm/shared.generated.ts';
import { type Block, block as blockOf, sizeOf } from '../reference/block.ts';
import { FENCE_POST, type Harness } from './harness.ts';

/** The order of the numbers of a batch: [B, T, D] as callers pass it, or [T, B, padded D] as layers write it. */
export type Order = 'samples' | 'steps';

export interface PlanOptions {
  batch: number;
  steps: number;
  /** Width of the input. */
  inputs: number;
  /** The shape of a batch; default [batch, steps, inputs]. */
  shape?: number[];
  /** The purpose of the plan; default training. */
  purpose?: Purpose;
  /** The activation that the loss includes, so that it starts from logits; the layer is then the last one. */
  fused?: 'softmax' | 'sigmoid';
  /** The mask of the input, [B, T]. */
  mask?: ArrayLike<number>;
  order?: Order;
  /** Whether time steps are stored in reverse; requires the order 'steps'. */
  reversed?: boolean;
  /** Whether to compute the gradient of x; requires the order 'steps'. */
  dx?: boolean;
  /** Widths of the initial states that a recurrent layer gets as further inputs; default none. */
  initial?: readonly number[];
  /** Whether each output is read; default one output, which is. */
  isRead?: readonly boolean[];
  /** Fields of the first structure to override. */
  fields?: Record<string, number>;
}

/** A layer ready to run: its stages, and its numbers in the caller's order. */
export interface BoundLayer {
  /** The address of the structure of the first stage; 0 without one. */
  address: number;
  /** Fields of that structure: numbers and addresses. */
  fields: Record<string, number>;
  /** The kinds of all kernel calls, and the output signal of the layer. */
  stages: KernelCall['kind'][];
  flow: Signal;
  /** All inputs and outputs. */
  inputs: Signals;
  outputs: Signals;
  /** The numbers of rows, [B, T, D]. */
  read(rows: Rows): Float32Array;
  /** Sets rows, and their padding to zero. */
  write(rows: Rows, values: ArrayLike<number>): void;
  /** Runs all stages. */
  forward(): void;
  backward(): void;
  /** Restores the carried states from before `forward`. */
  rewind(): void;
  /** Stores what a step changes once all of it has succeeded. */
  commit(): void;
  /** The mask of the output, [B, T]; null without one. */
  mask(): Float32Array | null;
  /** The logits for a loss. */
  logits(): Float32Array;
  setX(x: Block): void;
  /** The output [B, T, U], T = 1 if the layer returns only the last step. */
  y(): Float32Array;
  /** Sets dy; the padding of its rows is zero, as the layer above writes it. */
  setDy(dy: ArrayLike<number>): void;
  dx(): Float32Array;
  /** The padding of the rows of dx. */
  dxPadding(): Float32Array;
  /** Weights in Keras's order and layout. */
  setWeights(values: readonly ArrayLike<number>[]): void;
  weights(): Float32Array[];
  /** The gradients, in the form of the weights. */
  gradients(): Float32Array[];
  /** A view of all packed weights or gradients. */
  packed(run: 'weights' | 'gradients'): Float32Array;
  states(): Float32Array;
  /** Fails if the kernels have written outside the buffers of the plan. */
  expectFences(): void;
}

export function bind(h: Harness, layer: Layer, options: PlanOptions): BoundLayer {
  const { batch, steps, inputs, order = 'samples', dx: wanted = false, fused = null } = options;
  const { shape = [batch, steps, inputs], purpose = 'train' } = options;
  const widths = options.initial ?? [];
  layer.connect('test', [shape, ...widths.map(width => [batch, width])]);
  layer.drawSeeds(globalSeeds);

  const planner = new FencedPlanner(batch, purpose);
  const turn = (rows: Rows): Rows =>
    options.reversed ? { ...rows, start: offsetBy(rows.start, (steps - 1) * rows.step), step: -rows.step } : rows;
  const x = order === 'steps' ? turn(planner.rows('x', steps, inputs)) : bySample(planner, batch, steps, inputs);
  const dx = wanted ? turn(planner.rows('dx', steps, inputs)) : null;
  const given = options.mask ? planner.mask('mask', steps) : null;
  const initial = widths.map((width, n): Signal => {
    const name = `initial${n}`;
    const y = order === 'steps' ? planner.rows(name, 1, width) : bySample(planner, batch, 1, width);
    return { y, dy: wanted ? planner.rows(`${name}/dy`, 1, width) : null, mask: null };
  });
  const signals: Signals = [{ y: x, dy: dx, mask: given }, ...initial];
  const flows = layer.plan(planner, signals, {
    name: layer.name,
    offsets: { parameters: 0, states: 0 },
    lossActivation: fused,
    isRead: options.isRead ?? [true],
  });
  const [flow] = flows;
  const { y, dy } = flow;

  const parameters = layer.parameterCount;
  const rooms = {
    weights: h.room(parameters, new Float32Array(parameters)),
    gradients: h.room(parameters, new Float32Array(parameters)),
    states: h.room(layer.stateCount(batch), new Float32Array(layer.stateCount(batch))),
    workspace: h.room(planner.bytes / FLOAT, planner.emptied()),
  } satisfies Record<BlockName, unknown>;
  const addressOf = ({ block, offset }: Offset) => rooms[block].address + offset;

  const bound = (planner.calls as KernelCall[]).map((stage, n) => {
    const fields = { ...addressed(stage, addressOf), ...(n === 0 ? options.fields : {}) };
    const names: readonly string[] = structures[stage.kind];
    const address = h.alloc(names.length * FLOAT);
    new Int32Array(h.memory.buffer, address, names.length).set(names.map(name => fields[name]!));
    return { ...kernelFunctions(h.kernels, stage, null), address, fields };
  });

  const floats = (offset: Offset) => new Float32Array(h.memory.buffer, addressOf(offset));
  const set = (to: Rows, values: ArrayLike<number>) => {
    const memory = new Float32Array(h.memory.buffer);
    const first = addressOf(to.start) / FLOAT;
    eachOf(to, (index, n) => {
      memory[first + index] = values[n]!;
    });
  };
  const get = (from: Rows) => {
    const memory = new Float32Array(h.memory.buffer);
    const first = addressOf(from.start) / FLOAT;
    const values = new Float32Array(from.rows * from.steps * from.width);
    eachOf(from, (index, n) => {
      values[n] = memory[first + index]!;
    });
    return values;
  };
  const eachOfMask = (
    { start, step }: Mask,
    count: number,
    use: (memory: Float32Array, index: number, n: number) => void,
  ) => {
    for (let n = 0; n < batch * count; n++) {
      use(floats(start), ((n % count) * step) / FLOAT + Math.floor(n / count), n);
    }
  };
  if (given) {
    eachOfMask(given, steps, (memory, index, n) => {
      memory[index] = options.mask![n]!;
    });
  }
  const specs = layer.weightSpecs.map(({ shape }) => blockOf(shape));
  const unpack = (run: 'weights' | 'gradients') => {
    const plain = specs.map(({ data }) => h.put(data));
    layer.unpackWeights(h.kernels, rooms[run].address, plain);
    return specs.map(({ data }, n) => h.get(plain[n]!, data.length));
  };

  return {
    address: bound[0]?.address ?? 0,
    fields: bound[0]?.fields ?? {},
    stages: (planner.calls as KernelCall[]).map(({ kind }) => kind),
    flow,
    inputs: signals,
    outputs: flows,
    read: get,
    write(rows, values) {
      const width = padded(rows.width);
      set({ ...rows, width }, new Float32Array(rows.rows * rows.steps * width));
      set(rows, values);
    },
    forward() {
      for (const stage of bound) stage.forward(stage.address);
    },
    backward() {
      for (const stage of bound.toReversed()) stage.backward(stage.address);
    },
    rewind() {
      for (const stage of bound) stage.rewind(stage.address);
    },
    commit() {
      for (const stage of bound) stage.commit(stage.address);
    },
    mask() {
      if (!flow.mask) return null;
      const values = new Float32Array(batch * y.steps);
      eachOfMask(flow.mask, y.steps, (memory, index, n) => {
        values[n] = memory[index]!;
      });
      return values;
    },
    logits: () => get(flow.logits!),
    setX: ({ data }) => set(x, data),
    y: () => get(y),
    setDy(values) {
      floats(dy!.start).fill(0, 0, Math.max(dy!.steps * dy!.step, dy!.rows * dy!.row) / FLOAT);
      set(dy!, values);
    },
    dx: () => get(dx!),
    dxPadding: () => get({ ...dx!, start: offsetBy(dx!.start, inputs * FLOAT), width: padded(inputs) - inputs }),
    setWeights(values) {
      const plain = values.map(value => h.put(value));
      layer.packWeights(h.kernels, rooms.weights.address, plain);
    },
    weights: () => unpack('weights'),
    gradients: () => unpack('gradients'),
    packed: run => rooms[run].floats(),
    states: () => rooms.states.floats(),
    expectFences() {
      for (const run of ['weights', 'gradients', 'states'] as const) {
        rooms[run].expectUntouched([[0, rooms[run].floats().length]], run);
      }
      const targets = planner.buffers
        .filter(({ name }) => name !== FENCE)
        .map(({ shape, start: { offset } }) => [offset / FLOAT, sizeOf(shape)] as const);
      rooms.workspace.expectUntouched(targets, 'workspace');
    },
  };
}

/** The name of the gaps of a FencedPlanner. */
export const FENCE = 'fence';

/** Leaves a gap after every buffer, wide enough for a row or a time step of a small layer. */
export class FencedPlanner extends Planner {
  override floats(name: string, ...shape: number[]): Offset {
    const start = super.floats(name, ...shape);
    super.floats(FENCE, 256);
    return start;
  }

  /** The initial contents of the workspace. */
  emptied(): Float32Array {
    const all = new Float32Array(this.bytes / FLOAT).fill(Number.NaN);
    for (const { name, shape, start } of this.buffers) {
      if (name === FENCE) all.fill(FENCE_POST, start.offset / FLOAT, start.offset / FLOAT + sizeOf(shape));
    }
    return all;
  }
}

export function bySample(planner: Planner, rows: number, steps: number, width: number): Rows {
  const start = planner.floats('x', rows, steps, width);
  return { start, row: steps * width * FLOAT, step: width * FLOAT, steps, rows, width };
}

export function addressed(stage: KernelCall, addressOf: (offset: Offset) => number): Record<string, number> {
  const fields = Object.entries(stage.fields as Record<string, number | Offset>);
  return Object.fromEntries(
    fields.map(([name, value]) => [name, typeof value === 'number' ? value : addressOf(value)]),
  );
}

/** The index in memory, relative to the start, of each number of the rows in the order [B, T, D]. */
export function eachOf({ rows, steps, width, row, step }: Rows, use: (index: number, n: number) => void): void {
  let n = 0;
  for (let b = 0; b < rows; b++) {
    for (let t = 0; t < steps; t++) {
      for (let d = 0; d < width; d++) use((b * row + t * step) / FLOAT + d, n++);
    }
  }
}
