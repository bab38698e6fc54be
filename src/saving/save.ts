/** A model, written down in the layers-model format of TF.js. */

import type { ModelView } from '../model/modelView.ts';
import type { Sequential } from '../model/sequential.ts';
import { fail, show } from '../util/errors.ts';
import { checkBoolean, checkOptions, isPlain } from '../util/options.ts';
import { FORMAT, generatedBy, type IOHandler, type ModelArtifacts, type SaveResult } from './artifacts.ts';
import { checkDepth, type FilePath, itemOf, readObject, refuse, within } from './filePath.ts';
import { saverFor } from './routes.ts';
import { describeTraining } from './trainingConfig.ts';
import { encodeWeights, type NewWeight } from './weightData.ts';

export interface SaveOptions {
  /** Also what the model is compiled with and what its optimizer keeps, so that training can go on; default false. */
  includeOptimizer?: boolean;
  /** Leave out the weights of layers that do not train; default false. */
  trainableOnly?: boolean;
}

/** The key in `userDefinedMetadata` under which the rest of a training is kept. */
export const OWN = 'lstmWasm';

/** Refuses what JSON cannot hold; a copy. */
export function checkMetadata(call: string, metadata: unknown): { [name: string]: unknown } {
  const place = { call, part: 'metadata' };
  checkDepth(place, readObject(place, metadata));
  const found = readObject(place, plainCopy(place, metadata)) as { [name: string]: unknown };
  if (OWN in found) fail(call, `metadata must not have the name '${OWN}', under which the training is saved`);
  return found;
}

/** Checks that a value survives saving: JSON would drop other values or replace them by null. */
function plainCopy(place: FilePath, given: unknown): unknown {
  const value = hasToJson(given) ? given.toJSON() : given;
  if (value !== given) checkDepth(place, value);
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (Array.isArray(value)) return Array.from(value, (item, n) => plainCopy(itemOf(place, n), item));
  if (!isPlain(value)) return refuse(place, `must be a value that JSON can store, got ${show(value)}`);
  const copy: { [name: string]: unknown } = {};
  for (const [name, item] of Object.entries(value)) {
    if (item === undefined) continue;
    const own = plainCopy(within(place, name.slice(0, 60)), item);
    Object.defineProperty(copy, name, { value: own, enumerable: true, configurable: true, writable: true });
  }
  return copy;
}

const hasToJson = (value: unknown): value is { toJSON(): unknown } =>
  value !== null && typeof value === 'object' && typeof (value as { toJSON?: unknown }).toJSON === 'function';

/** Writes all down first, before anything else can happen to the model, and then hands it over. */
export async function saveModel(
  call: string,
  model: Sequential,
  view: ModelView,
  target: string | IOHandler,
  options?: SaveOptions,
): Promise<SaveResult> {
  const save = saverFor(call, target);
  return save(artifactsOf(call, model, view, options));
}

function artifactsOf(call: string, model: Sequential, view: ModelView, options?: SaveOptions): ModelArtifacts {
  const known = checkOptions<SaveOptions>(call, options, ['includeOptimizer', 'trainableOnly']);
  const includeOptimizer = flag(call, 'includeOptimizer', known.includeOptimizer);
  const trainableOnly = flag(call, 'trainableOnly', known.trainableOnly);
  view.checkUsable(call);
  const { layers } = model;
  const parameters = view.parameters(call);
  const { objective } = view.stack;
  if (includeOptimizer && !objective) {
    fail(call, 'the model must be compiled where includeOptimizer is true; call model.compile first');
  }
  const training = includeOptimizer ? describeTraining(call, layers, parameters, objective!) : null;
  const weights = layers
    .filter(layer => layer.trainable || !trainableOnly)
    .flatMap(layer => {
      const values = parameters.read(call, layer);
      const { weightPaths } = layer;
      return layer.weightSpecs.map(({ shape }, n): NewWeight => {
        return { name: weightPaths[n]!, shape, dtype: 'float32', values: values[n]! };
      });
    });
  const metadata = { ...model.getUserDefinedMetadata(), ...(training && { [OWN]: training.own }) };
  return {
    modelTopology: model.toJSON(null, false) as object,
    format: FORMAT,
    generatedBy,
    convertedBy: null,
    ...(training?.trainingConfig && { trainingConfig: training.trainingConfig }),
    ...(Object.keys(metadata).length > 0 && { userDefinedMetadata: metadata }),
    ...encodeWeights(weights, training?.weights ?? []),
  };
}

const flag = (call: string, name: string, value: unknown) =>
  value === undefined ? false : checkBoolean(call, name, value);
