/** Models as bytes, for blobs. */

import type { IOHandler, ModelArtifacts, SaveResult } from '../saving/tfjs/artifacts.ts';
import { concatWeightData, infoOf } from '../saving/tfjs/artifacts.ts';
import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkBytes, isPlain } from '../util/options.ts';
import { packData, unpackData } from './pack.ts';

/** What saves itself: a model or a forecaster, also of another copy of this package. */
export interface Saved {
  save(handler: IOHandler): Promise<SaveResult>;
}

/** The bytes of a model or forecaster, which `fromBytes` reads. Bytes are returned as they are. */
export async function modelBytes(call: string, name: string, model: unknown): Promise<Uint8Array> {
  if (model instanceof Uint8Array) return model;
  if (typeof (model as Partial<Saved> | null | undefined)?.save !== 'function') {
    fail(call, `${name} must be a model, a forecaster or a Uint8Array, got ${show(model)}`);
  }
  let bytes: Uint8Array | undefined;
  await (model as Saved).save({
    save(artifacts) {
      const weightData = concatWeightData(artifacts.weightData);
      bytes = packData(call, name, { ...artifacts, weightData });
      return { modelArtifactsInfo: infoOf(artifacts) };
    },
  });
  return bytes ?? fail(call, `${name} must call the handler that save is given`);
}

/**
 * Reads the bytes of a model that a task has returned: `await loadLayersModel(fromBytes(bytes))`, or `loadForecaster` for a
 * forecaster.
 */
export function fromBytes(bytes: Uint8Array): IOHandler {
  const call = 'fromBytes';
  rejectExtraArguments(call, 1, arguments);
  const artifacts = unpackData(call, 'bytes', checkBytes(call, 'bytes', bytes));
  if (!isPlain(artifacts) || !('modelTopology' in artifacts))
    fail(call, 'bytes must be those of a model, got other data');
  return { load: () => artifacts as ModelArtifacts };
}
