/** The plan of a batch in memory: its kernel calls with addresses. */

import { type BlockName, type KernelCall, type Offset, Planner, type Rows, type Signal } from '../plan/planner.ts';
import { FLOAT } from '../util/memorySizes.ts';
import { rowBlockNumbers } from '../wasm/shared.generated.ts';
import { forward } from './binaries.generated.ts';
import type { PredictLayer } from './fileLayer.ts';
import type { KernelMemory, Kernels } from './memory.ts';

/** Where the weights and states of each layer are. */
export interface PlacedLayer {
  readonly layer: PredictLayer;
  /** Offset in the packed weights, in bytes. */
  readonly parameters: number;
  /** Offset in the states for a batch of `statesFor`, in bytes. */
  readonly states: number;
}

type Run = (plan: number, first?: number, rows?: number) => void;

/** A plan that has been written to memory. */
export interface WrittenPlan {
  readonly steps: number;
  /** Index of the input, [batch, steps, width]. */
  readonly input: number;
  readonly outputSteps: number;
  readonly outputWidth: number;
  /** Computes the batch; returns the index of the output, [batch, steps, units]. */
  run(): number;
}

/** Offsets of the states of all layers, for a batch; `bytes` is their size. */
export function placeStates(layers: readonly PredictLayer[], batch: number): { offsets: number[]; bytes: number } {
  let bytes = 0;
  const offsets = layers.map(({ stateWidths }) => {
    const start = bytes;
    for (const width of stateWidths) bytes += batch * Math.ceil(width / 4) * 4 * FLOAT;
    return start;
  });
  return { offsets, bytes };
}

/**
 * @param states the address of the states, and whether those of all layers are carried or only of stateful ones; null for
 * neither
 * @param reserve returns the address of a number of bytes
 */
export function writePlan(
  memory: KernelMemory,
  layers: readonly PredictLayer[],
  weights: { readonly address: number; readonly offsets: readonly number[] },
  sizes: { readonly batch: number; readonly steps: number },
  states: { readonly address: number; readonly offsets: readonly number[]; readonly all: boolean } | null,
  reserve: (bytes: number) => number,
): WrittenPlan {
  const { batch, steps } = sizes;
  const planner = new Planner(batch, 'predict');
  const width = layers[0]!.inputs;
  const start = planner.floats('input', batch, steps, width);
  const x: Rows = { start, row: steps * width * FLOAT, step: width * FLOAT, steps, rows: batch, width };
  let signal: Signal = { y: x, dy: null, mask: null };
  for (const [n, layer] of layers.entries()) {
    const carries = states !== null && (states.all || layer.stateful);
    signal = layer.plan(planner, signal, {
      parameters: weights.offsets[n]!,
      states: carries ? states.offsets[n]! : null,
    });
  }
  const { y } = signal;
  const result = planner.floats('result', batch, y.steps, y.width);
  const calls = planner.calls as readonly KernelCall[];
  const words = calls.reduce((sum, { kind }) => sum + forward.structures[kind]!.length, 0);
  const workspace = reserve(planner.bytes + words * FLOAT);
  const blocks: Record<BlockName, number> = {
    weights: weights.address,
    gradients: 0,
    states: states?.address ?? 0,
    workspace,
  };
  const addressOf = ({ block, offset }: Offset) => blocks[block] + offset;
  const { integers } = memory;
  memory.floats.fill(0, workspace / FLOAT, (workspace + planner.bytes) / FLOAT);
  let next = workspace + planner.bytes;
  const runs = calls.map(({ kind, fields }) => {
    const address = next;
    const values = forward.structures[kind]!.map(name => (fields as Record<string, number | Offset>)[name] ?? 0);
    integers.set(
      values.map(value => (typeof value === 'number' ? value : addressOf(value))),
      address / FLOAT,
    );
    next += values.length * FLOAT;
    const kernel = memory.kernels[`${kind}Forward` as keyof Kernels] as Run;
    const inBlocks = forward.structures[kind]!.includes('batch');
    return () => {
      if (!inBlocks) return kernel(address);
      for (let first = 0; first < batch; first += rowBlockNumbers.rows) {
        kernel(address, first, Math.min(rowBlockNumbers.rows, batch - first));
      }
    };
  });
  const [out, from] = [addressOf(result), addressOf(y.start)];
  return {
    steps,
    input: addressOf(start) / FLOAT,
    outputSteps: y.steps,
    outputWidth: y.width,
    run() {
      for (const run of runs) run();
      const row = y.width * FLOAT;
      memory.kernels.copyRows(out, row * y.steps, row, from, y.row, y.step, y.steps, batch, y.width);
      return out / FLOAT;
    },
  };
}
