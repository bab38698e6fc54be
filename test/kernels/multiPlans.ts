// Plans of layers with several inputs and outputs, with guard regions, as `bind` of plans.ts makes them for one of each.

import { expect } from 'vitest';
import type { Layer } from '../../src/layers/layer.ts';
import { kernelFunctions } from '../../src/plan/kernelCalls.ts';
import {
  type BlockName,
  type KernelCall,
  type Mask,
  type Offset,
  offsetBy,
  type Purpose,
  padded,
  type Rows,
  type Signal,
  type Signals,
} from '../../src/plan/planner.ts';
import { FLOAT } from '../../src/util/memorySizes.ts';
import { globalSeeds } from '../../src/util/random.ts';
import { structures } from '../../src/wasm/shared.generated.ts';
import type { Team } from '../../src/wasm/team.ts';
import { expectBits } from '../compare.ts';
import { type Block, block as blockOf, sizeOf } from '../reference/block.ts';
import type { Harness } from './harness.ts';
import { addressed, bySample, eachOf, FENCE, FencedPlanner } from './plans.ts';

export interface Input {
  /** [B, T, D] or [B, D]. */
  values: Block;
  /** [B, T]: 0 for masked steps. */
  mask?: ArrayLike<number> | undefined;
  /** Whether the rows are those of a model's input: tight, by sample, and without a gradient. Default: false. */
  isModelInput?: boolean | undefined;
}

export interface MultiOptions {
  purpose?: Purpose;
  isRead?: boolean[];
  /** Threads that share the calls. Default: none. */
  team?: Pick<Team, 'size' | 'run'>;
}

export interface BoundCall {
  stages: KernelCall['kind'][];
  forward(): void;
  backward(): void;
  /** Output n in the order [B, T, U]. */
  output(n?: number): Float32Array;
  mask(n?: number): Float32Array | null;
  setGradient(values: ArrayLike<number>, n?: number): void;
  /** The gradient of input n, whose padding must be zero. */
  gradient(n: number): Float32Array;
  setWeights(values: readonly ArrayLike<number>[]): void;
  weights(): Float32Array[];
  weightGradients(): Float32Array[];
  expectFences(): void;
}

export function bindCall(
  h: Harness,
  layer: Layer,
  inputs: readonly Input[],
  { purpose = 'train', isRead, team }: MultiOptions = {},
): BoundCall {
  const shapes = inputs.map(({ values }) => [...values.shape]);
  const outputs = layer.connect('test', shapes);
  layer.drawSeeds(globalSeeds);
  const batch = shapes[0]![0]!;
  const planner = new FencedPlanner(batch, purpose);
  const signals = inputs.map(({ values: { shape }, mask, isModelInput }, n): Signal => {
    const [steps, width] = shape.length === 3 ? [shape[1]!, shape[2]!] : [1, shape[1]!];
    const y = isModelInput ? bySample(planner, batch, steps, width) : planner.rows(`x${n}`, steps, width);
    return {
      y,
      dy: isModelInput ? null : planner.gradientRows(`dx${n}`, steps, width),
      mask: mask ? planner.mask(`mask${n}`, steps) : null,
    };
  });
  const results = layer.plan(planner, signals as unknown as Signals, {
    name: layer.name,
    offsets: { parameters: 0, states: 0 },
    lossActivation: null,
    isRead: isRead ?? outputs.map(() => true),
  });
  const parameters = layer.parameterCount;
  const rooms = {
    weights: h.room(parameters, new Float32Array(parameters)),
    gradients: h.room(parameters, new Float32Array(parameters)),
    states: h.room(0),
    workspace: h.room(planner.bytes / FLOAT, planner.emptied()),
  } satisfies Record<BlockName, unknown>;
  const addressOf = ({ block, offset }: Offset) => rooms[block].address + offset;
  const calls = (planner.calls as KernelCall[]).map(call => {
    const fields = addressed(call, addressOf);
    const names: readonly string[] = structures[call.kind];
    expect(Object.keys(fields).sort()).toEqual([...names].sort());
    const address = h.alloc(names.length * FLOAT);
    new Int32Array(h.memory.buffer, address, names.length).set(names.map(name => fields[name]!));
    return { ...kernelFunctions(h.kernels, call, (team as Team | undefined) ?? null), address };
  });
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
  const expectZeroPadding = (rows: Rows, what: string) => {
    const padding = {
      ...rows,
      start: offsetBy(rows.start, rows.width * FLOAT),
      width: padded(rows.width) - rows.width,
    };
    expectBits(get(padding), new Float32Array(padding.rows * padding.steps * padding.width), `padding of ${what}`);
  };
  const maskIndex = ({ start, step }: Mask, n: number, steps: number) =>
    addressOf(start) / FLOAT + ((n % steps) * step) / FLOAT + Math.floor(n / steps);
  inputs.forEach(({ values, mask }, n) => {
    set(signals[n]!.y, values.data);
    for (let k = 0; mask && k < mask.length; k++) {
      const at = maskIndex(signals[n]!.mask!, k, signals[n]!.y.steps);
      new Float32Array(h.memory.buffer)[at] = mask[k]!;
    }
  });
  const specs = layer.weightSpecs.map(({ shape }) => blockOf(shape));
  const unpack = (from: 'weights' | 'gradients') => {
    const plain = specs.map(({ data }) => h.put(data));
    layer.unpackWeights(h.kernels, rooms[from].address, plain);
    return specs.map(({ data }, n) => h.get(plain[n]!, data.length));
  };
  return {
    stages: (planner.calls as KernelCall[]).map(({ kind }) => kind),
    forward() {
      for (const call of calls) call.forward(call.address);
    },
    backward() {
      for (const call of calls.toReversed()) call.backward(call.address);
    },
    output(n = 0) {
      const { y } = results[n]!;
      expect([y.steps, y.width]).toEqual(outputs[n]!.length === 3 ? outputs[n]!.slice(1) : [1, outputs[n]![1]]);
      expectZeroPadding(y, `output ${n}`);
      return get(y);
    },
    mask(n = 0) {
      const { mask, y } = results[n]!;
      if (!mask) return null;
      const memory = new Float32Array(h.memory.buffer);
      return Float32Array.from({ length: batch * y.steps }, (_, k) => memory[maskIndex(mask, k, y.steps)]!);
    },
    setGradient(values, n = 0) {
      const dy = results[n]!.dy!;
      const count = (dy.steps * dy.rows * dy.row) / FLOAT;
      new Float32Array(h.memory.buffer, addressOf(dy.start), count).fill(0);
      set(dy, values);
    },
    gradient(n) {
      const dy = signals[n]!.dy!;
      expectZeroPadding(dy, `gradient ${n}`);
      return get(dy);
    },
    setWeights(values) {
      layer.packWeights(
        h.kernels,
        rooms.weights.address,
        values.map(value => h.put(value)),
      );
    },
    weights: () => unpack('weights'),
    weightGradients: () => unpack('gradients'),
    expectFences() {
      for (const name of ['weights', 'gradients'] as const) {
        rooms[name].expectUntouched([[0, rooms[name].floats().length]], name);
      }
      const targets = planner.buffers
        .filter(({ name }) => name !== FENCE)
        .map(({ shape, start: { offset } }) => [offset / FLOAT, sizeOf(shape)] as const);
      rooms.workspace.expectUntouched(targets, 'workspace');
    },
  };
}
