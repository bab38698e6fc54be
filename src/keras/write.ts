/** Writes Keras models. */

import { version } from '../../package.json' with { type: 'json' };
import { LayersModel } from '../model/layersModel.ts';
import { checkMasks } from '../saving/config/bidirectionalMasks.ts';
import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { CONFIG, METADATA, makeZip, WEIGHTS } from './archive.ts';
import { writeHdf5 } from './h5wasm.ts';
import { describeModel } from './kerasConfig.ts';
import { placesOf, variableGroupsOf } from './variableGroups.ts';

/** The Keras version whose layout is written. */
const KERAS = '3.0.0';

/** Converts the model to a `.keras` file for Keras 3, without optimizer and loss. Needs the package h5wasm. */
export async function toKeras(model: LayersModel): Promise<Uint8Array> {
  rejectExtraArguments('toKeras', 1, arguments);
  const call = 'toKeras';
  checkModel(call, model);
  model.checkFileLayers(call);
  const config = describeModel({ call, part: '' }, model);
  checkMasks({ call, part: 'model' }, model);
  const weights = await write(call, model);
  const saved = new Date().toISOString().slice(0, 19).replace('T', '@');
  const metadata = { keras_version: KERAS, date_saved: saved, saved_by: `lstm-wasm ${version}` };
  return makeZip({ [METADATA]: json(metadata), [CONFIG]: json(config), [WEIGHTS]: weights });
}

/** Converts the weights to a `.weights.h5` file, for a Keras model with the same layers. Needs the package h5wasm. */
export async function toKerasWeights(model: LayersModel): Promise<Uint8Array> {
  rejectExtraArguments('toKerasWeights', 1, arguments);
  const call = 'toKerasWeights';
  checkModel(call, model);
  return write(call, model);
}

async function write(call: string, model: LayersModel): Promise<Uint8Array> {
  const groups = placesOf(model).flatMap(place => {
    const values = place.layer.readWeights(call).map(weight => ({ shape: weight.shape, values: weight.dataSync() }));
    let next = 0;
    return variableGroupsOf(place).map(({ path, name, count }) => {
      const data = values.slice(next, next + count);
      next += count;
      return { path: `${path}/vars`, name, data };
    });
  });
  return writeHdf5(call, [{ path: 'vars', name: model.name, data: [] }, ...groups]);
}

const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

export function checkModel(call: string, model: unknown): void {
  if (!(model instanceof LayersModel))
    fail(call, `model must be made with sequential() or model(), got ${show(model)}`);
  if (model.layers.length === 0) fail(call, 'model must have a layer, got none');
}
