/**
 * `lstm-wasm/predict`: loads a saved model, predicts and streams, and nothing else, for pages and devices that never
 * train. Predictions have the bits of those of `lstm-wasm`.
 */

import { loaderFor } from '../saving/stores/urlHandlers.ts';
import type { IOHandler } from '../saving/tfjs/artifacts.ts';
import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkName, checkOptions } from '../util/options.ts';
import { type LayerKind, readModel } from './fileLayer.ts';
import { KernelMemory } from './memory.ts';
import { PredictModel } from './model.ts';

export type { IOHandler, ModelArtifacts } from '../saving/tfjs/artifacts.ts';
export { ValueError } from '../util/errors.ts';
export type { NestedNumbers } from '../util/shapes.ts';
export type { LayerKind } from './fileLayer.ts';
export { dense, gru, lstm } from './layers.ts';
export type { Numbers, PredictModel, PredictOptions, PredictStream } from './model.ts';

/** Options of `loadModel`. */
export interface LoadModelOptions {
  /** The kinds of layers that the model has: `lstm`, `gru`, `dense`. A bundle contains those that are imported. */
  layers: readonly LayerKind[];
  /** The build of the kernels, as in `configure` of `lstm-wasm`. Default: 'auto'. */
  simd?: 'auto' | 'strict' | 'relaxed';
}

/**
 * Loads a sequential model that `model.save` or TF.js has saved. TimeDistributed, dropout and noise need not be listed:
 * predictions are the same without them.
 *
 *     const model = await loadModel('model/model.json', { layers: [lstm, dense] });
 *     const { data, shape } = model.predict(x);
 *
 * @param source the URL of a model.json, 'file://folder' in Node, 'localstorage://name' or 'indexeddb://name' in a page, or
 * a handler with a `load` method
 * @throws ValueError that names the part of the file that cannot be read
 */
export async function loadModel(source: string | IOHandler, options: LoadModelOptions): Promise<PredictModel> {
  rejectExtraArguments('loadModel', 2, arguments);
  const call = 'loadModel';
  const { layers, simd } = checkOptions<LoadModelOptions>(call, options, ['layers', 'simd']);
  if (!Array.isArray(layers) || !layers.every(kind => typeof kind?.read === 'function')) {
    fail(call, `layers must be a list of lstm, gru and dense, got ${show(layers)}`);
  }
  const build = checkName(call, 'simd', simd ?? 'auto', ['auto', 'strict', 'relaxed'] as const);
  const load = loaderFor(call, source);
  const model = readModel(call, await load({ strict: true }), layers!);
  return new PredictModel(call, await KernelMemory.create(build), model);
}
