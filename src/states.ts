/** Carried states, to and from the caller's tensors. */

import { Block, float32, kernels } from './engine/engine.ts';
import { fail, show } from './errors.ts';
import type { Executor } from './executor.ts';
import type { Layer } from './layers/layer.ts';
import { Lstm } from './layers/lstm.ts';
import { readTensor, Tensor } from './tensor.ts';

const FLOAT = 4;

/** The recurrent layers of a stack, each with its place in it. */
export function recurrentOf(layers: readonly Layer[]): [Lstm, number][] {
  return [...layers.entries()].flatMap(([n, layer]): [Lstm, number][] => (layer instanceof Lstm ? [[layer, n]] : []));
}

/** The carried states, a list for each recurrent layer in order: [h, c], each [B, U]. */
export function readStates(call: string, executor: Executor, recurrent: [Lstm, number][], batch: number): Tensor[][] {
  return recurrent.map(([layer, n]) =>
    withPlain(call, batch * layer.units, (h, c, values) => {
      layer.moveState(kernels(), executor.stateOf(call, n), batch, h, c, false);
      return values().map(state => new Tensor(state.slice(), [batch, layer.units]));
    }),
  );
}

/** Replaces the carried states by what `readStates` gives. All of it is checked before any of it is written. */
export function writeStates(
  call: string,
  executor: Executor,
  recurrent: [Lstm, number][],
  batch: number,
  states: unknown,
): void {
  if (!Array.isArray(states) || states.length !== recurrent.length) {
    fail(call, `states must be a list for each of ${recurrent.length} recurrent layers, got ${show(states)}`);
  }
  const checked = recurrent.map(([layer], n) => {
    const pair: unknown = states[n];
    if (!Array.isArray(pair) || pair.length !== 2) {
      fail(call, `states[${n}] must be [h, c] of ${layer.name}, got ${show(pair)}`);
    }
    return [0, 1].map(k => readTensor(call, `states[${n}][${k}]`, pair[k], [batch, layer.units]));
  });
  for (const [i, [layer, n]] of recurrent.entries()) {
    withPlain(call, batch * layer.units, (h, c, values) => {
      for (const [k, view] of values().entries()) view.set(checked[i]![k]!);
      layer.moveState(kernels(), executor.stateOf(call, n), batch, h, c, true);
    });
  }
}

/** Calls `use` with room for plain h and c of so many numbers each, and a maker of views of them. */
function withPlain<T>(call: string, count: number, use: (h: number, c: number, values: () => Float32Array[]) => T): T {
  const block = new Block(call, 2 * count * FLOAT);
  try {
    const from = block.address / FLOAT;
    const views = () => [from, from + count].map(at => float32().subarray(at, at + count));
    return use(block.address, block.address + count * FLOAT, views);
  } finally {
    block.free();
  }
}
