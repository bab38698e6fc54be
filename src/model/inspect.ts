/** `inspect`: the gates and states of a recurrent layer at every time step. */

import { type ModelData, partsOf } from '../inputs/parts.ts';
import { Layer } from '../layers/layer.ts';
import type { CellBuffer } from '../layers/recurrent/cellBuffers.ts';
import { Recurrent } from '../layers/recurrent/recurrent.ts';
import type { CompiledPlan } from '../plan/compiledPlan.ts';
import { Tensor } from '../tensor/tensor.ts';
import { fail, show } from '../util/errors.ts';
import { floatsFor } from '../util/shapes.ts';
import { isNotFinite, warnOnce } from '../util/warning.ts';
import { float32 } from '../wasm/engine.ts';
import { forward } from './customLayers.ts';
import { feed } from './feed.ts';
import type { ModelView } from './modelView.ts';

/**
 * Tensors [B, T, U] by their letters: i, f, g, o, c, h of an lstm, z, r, n, h of a gru, h of a simpleRNN, z, n, h of a
 * minGRU, f, i, g, h of a minLSTM, whose candidates are n and g; h of an lstm with a projection is [B, T, projectionUnits].
 * Steps are in the order in which the layer processes them. The gates of masked steps are undefined.
 */
export interface Inspection {
  [letter: string]: Tensor;
  h: Tensor;
}

/** The layer to inspect, given as a layer or by its name. */
export function inspectedLayer(call: string, view: ModelView, layer: unknown): Recurrent {
  const { allLayers } = view.state;
  const sameName = allLayers.filter(({ name }) => name === layer);
  if (sameName.length > 1) {
    fail(call, `layer must be the name of one layer, got that of ${sameName.length}, ${show(layer)}; pass the layer`);
  }
  const named = typeof layer === 'string' ? sameName[0] : layer;
  const found = typeof layer === 'string' && !named ? view.state.find(call, layer) : named;
  if (!(found instanceof Layer) || !allLayers.includes(found)) {
    fail(call, `layer must be a layer of the model or its name, got ${show(layer)}`);
  }
  if (!(found instanceof Recurrent) || found.cells.length !== 1) {
    fail(
      call,
      `layer must be an lstm, gru, simpleRNN, minGRU or minLSTM, got '${found.name}', a ${found.className} layer`,
    );
  }
  return found;
}

/** Runs a batch as `predictOnBatch` does, and restores the carried states. */
export function inspect(view: ModelView, layer: unknown, x: ModelData): Inspection {
  const call = 'model.inspect';
  view.checkNotDisposed(call);
  const { inputNames } = view.ends(call);
  const plan = feed(call, view, 'predict', view.state.objective, partsOf(call, 'x', x, inputNames), []);
  const inspected = inspectedLayer(call, view, layer);
  forward(call, view, plan);
  plan.rewind();

  // Layers of two nested models may have the same name, so a call has a name of its own
  const { name } = view.graph(call).calls.calls.find(({ layer }) => layer === inspected)!;
  const { buffers, units } = inspected.cells[0]!;
  const tensors = Object.entries(buffers).map(([letter, buffer]) => [letter, collect(call, plan, name, buffer, units)]);
  const inspection = Object.fromEntries(tensors) as Inspection;
  const wrong = inspection.h.dataSync().find(isNotFinite);
  if (wrong !== undefined) warnOnce(view.parameters(call), call, 'h holds', wrong);
  return inspection;
}

/** The numbers of a buffer as [B, T, U]. */
function collect(
  call: string,
  plan: CompiledPlan,
  layerCall: string,
  { name, first, index, ...buffer }: CellBuffer,
  all: number,
) {
  const units = buffer.width ?? all;
  const { start, shape } = plan.plan.buffers.find(buffer => buffer.name === `${layerCall}/${name}`)!;
  const [batch, steps] = [plan.plan.batch, shape[0]! - first];
  const out = floatsFor(call, 'the numbers of the layer', [batch, steps, units]);
  const from = plan.indexOf(start);
  const indexIn = index(shape, batch);
  const memory = float32();
  let next = 0;
  for (let b = 0; b < batch; b++) {
    for (let t = 0; t < steps; t++) {
      for (let u = 0; u < units; u++) out[next++] = memory[from + indexIn(t + first, b, u)]!;
    }
  }
  return new Tensor(out, [batch, steps, units]);
}
