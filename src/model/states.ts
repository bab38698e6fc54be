/** The carried states of stateful layers, as tensors. */

import type { Layer } from '../layers/layer.ts';
import { RecurrentLayer } from '../layers/recurrent/recurrent.ts';
import type { PlanCache } from '../plan/planCache.ts';
import { readTensor, type TensorLike } from '../tensor/read.ts';
import { Tensor } from '../tensor/tensor.ts';
import { fail, show } from '../util/errors.ts';
import { kernels } from '../wasm/engine.ts';
import { withUnpacked } from '../weights/layout.ts';
import type { ModelView } from './modelView.ts';

/** `model.getStates`. */
export function getStates(view: ModelView): Tensor[][] {
  const call = 'model.getStates';
  const recurrent = statefulLayers(call, view);
  return readStates(call, view.plans(call), recurrent, view.fixedBatch(call) ?? 0);
}

/** `model.setStates`. */
export function setStates(view: ModelView, states: readonly (readonly TensorLike[])[]): void {
  const call = 'model.setStates';
  const recurrent = statefulLayers(call, view);
  const { version } = view.state;
  const batch = view.fixedBatch(call) ?? 0;
  const checked = checkStates(call, recurrent, batch, states);
  view.checkUnchanged(call, version);
  writeStates(call, view.plans(call), recurrent, batch, checked);
}

/** The recurrent layers; fails if one of them is not stateful. */
function statefulLayers(call: string, view: ModelView): RecurrentLayer[] {
  const found = recurrentOf(usableLayers(call, view));
  const stateless = found.find(layer => !layer.stateful);
  if (stateless) fail(call, `all recurrent layers must be stateful, got '${stateless.name}', which is not`);
  return found;
}

/** All layers of a model; fails if it is disposed or has none. */
export function usableLayers(call: string, view: ModelView): readonly Layer[] {
  view.graph(call);
  return view.state.allLayers;
}

export const recurrentOf = (layers: readonly Layer[]): RecurrentLayer[] =>
  layers.filter(layer => layer instanceof RecurrentLayer);

/** The carried states, a list for each recurrent layer in order: [h, c] for lstm, [h] otherwise, each [B, U]. */
export function readStates(
  call: string,
  plans: PlanCache,
  recurrent: readonly RecurrentLayer[],
  batch: number,
): Tensor[][] {
  return recurrent.map(layer =>
    withUnpacked(call, sizesOf(layer, batch), (plain, views) => {
      layer.unpackStates(kernels(), plans.stateOf(call, layer), batch, plain);
      return views().map((state, k) => new Tensor(state.slice(), [batch, layer.states[k]!.width]));
    }),
  );
}

/** Checks and copies states in the form that `readStates` returns. */
export function checkStates(
  call: string,
  recurrent: readonly RecurrentLayer[],
  batch: number,
  states: unknown,
): Float32Array[][] {
  if (!Array.isArray(states) || states.length !== recurrent.length) {
    fail(call, `states must be a list for each of ${recurrent.length} recurrent layers, got ${show(states)}`);
  }
  return recurrent.map((layer, n) => {
    const list: unknown = states[n];
    if (!Array.isArray(list) || list.length !== layer.states.length) {
      const names = layer.states.map(({ name }) => name).join(', ');
      fail(call, `states[${n}] must be [${names}] of ${layer.name}, got ${show(list)}`);
    }
    return layer.states.map(({ width }, k) => readTensor(call, `states[${n}][${k}]`, list[k], [batch, width]));
  });
}

/** Replaces the carried states by the result of `checkStates`. */
export function writeStates(
  call: string,
  plans: PlanCache,
  recurrent: readonly RecurrentLayer[],
  batch: number,
  checked: readonly (readonly Float32Array[])[],
): void {
  readStates(call, plans, recurrent, batch); // allocates all memory, so that writing cannot fail
  for (const [i, layer] of recurrent.entries()) {
    withUnpacked(call, sizesOf(layer, batch), (plain, views) => {
      for (const [k, view] of views().entries()) view.set(checked[i]![k]!);
      layer.packStates(kernels(), plans.stateOf(call, layer), batch, plain);
    });
  }
}

const sizesOf = ({ states }: RecurrentLayer, batch: number): number[] => states.map(({ width }) => batch * width);
