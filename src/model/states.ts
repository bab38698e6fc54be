/** Carried states, to and from the caller's tensors. */

import type { Layer } from '../layers/layer.ts';
import { RecurrentLayer } from '../layers/recurrent/recurrent.ts';
import type { PlanCache } from '../plan/planCache.ts';
import { readTensor } from '../tensor/read.ts';
import { Tensor } from '../tensor/tensor.ts';
import { fail, show } from '../util/errors.ts';
import { FLOAT } from '../util/units.ts';
import { Block, float32, kernels } from '../wasm/engine.ts';

/** The recurrent layers of a stack, each with its place in it. */
export function recurrentOf(layers: readonly Layer[]): [RecurrentLayer, number][] {
  return [...layers.entries()].flatMap(([n, layer]): [RecurrentLayer, number][] =>
    layer instanceof RecurrentLayer ? [[layer, n]] : [],
  );
}

/** The carried states, a list for each recurrent layer in order: [h, c] for lstm, [h] otherwise, each [B, U]. */
export function readStates(
  call: string,
  plans: PlanCache,
  recurrent: [RecurrentLayer, number][],
  batch: number,
): Tensor[][] {
  return recurrent.map(([layer, n]) =>
    withPlain(call, layer, batch, (plain, values) => {
      layer.unpackStates(kernels(), plans.stateOf(call, n), batch, plain);
      return values().map((state, k) => new Tensor(state.slice(), [batch, layer.states[k]!.width]));
    }),
  );
}

/** Checks and copies states that the caller passes, in the form that `readStates` returns. */
export function checkStates(
  call: string,
  recurrent: [RecurrentLayer, number][],
  batch: number,
  states: unknown,
): Float32Array[][] {
  if (!Array.isArray(states) || states.length !== recurrent.length) {
    fail(call, `states must be a list for each of ${recurrent.length} recurrent layers, got ${show(states)}`);
  }
  return recurrent.map(([layer], n) => {
    const list: unknown = states[n];
    if (!Array.isArray(list) || list.length !== layer.states.length) {
      const names = layer.states.map(({ name }) => name).join(', ');
      fail(call, `states[${n}] must be [${names}] of ${layer.name}, got ${show(list)}`);
    }
    return layer.states.map(({ width }, k) => readTensor(call, `states[${n}][${k}]`, list[k], [batch, width]));
  });
}

/** Replaces the carried states by the result of `checkStates`. Allocates all memory before it writes any state. */
export function writeStates(
  call: string,
  plans: PlanCache,
  recurrent: [RecurrentLayer, number][],
  batch: number,
  checked: readonly (readonly Float32Array[])[],
): void {
  readStates(call, plans, recurrent, batch); // takes all memory first: what follows cannot fail
  for (const [i, [layer, n]] of recurrent.entries()) {
    withPlain(call, layer, batch, (plain, values) => {
      for (const [k, view] of values().entries()) view.set(checked[i]![k]!);
      layer.packStates(kernels(), plans.stateOf(call, n), batch, plain);
    });
  }
}

/** Calls `use` with room for the plain states of a layer: their addresses, and a maker of views of them. */
function withPlain<T>(
  call: string,
  layer: RecurrentLayer,
  batch: number,
  use: (plain: number[], values: () => Float32Array[]) => T,
): T {
  const counts = layer.states.map(({ width }) => batch * width);
  const block = new Block(call, counts.reduce((sum, count) => sum + count, 0) * FLOAT);
  try {
    let next = block.address;
    const plain = counts.map(count => {
      const here = next;
      next += count * FLOAT;
      return here;
    });
    const views = () => plain.map((from, k) => float32().subarray(from / FLOAT, from / FLOAT + counts[k]!));
    return use(plain, views);
  } finally {
    block.free();
  }
}
