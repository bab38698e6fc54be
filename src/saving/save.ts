/** A model, written down in the layers-model format of TF.js. */

import { fail, show } from '../errors.ts';
import { checkBoolean, checkOptions } from '../options.ts';
import type { Runner } from '../runner.ts';
import type { Sequential } from '../sequential.ts';
import { FORMAT, generatedBy, type IOHandler, type ModelArtifacts, type SaveResult } from './artifacts.ts';
import { checkDepth, type Place, parseJson, readObject, refuse } from './place.ts';
import { saverFor } from './routes.ts';
import { describeTraining } from './training.ts';
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
  const found = readObject(place, parseJson(place, jsonOf(place, metadata)));
  if (OWN in found) fail(call, `metadata must not have the name '${OWN}', under which the training is saved`);
  return found;
}

function jsonOf(place: Place, value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof TypeError) refuse(place, `must be what JSON can hold, got ${show(value)} (${error.message})`);
    throw error;
  }
}

/** Writes all down first, before anything else can happen to the model, and then hands it over. */
export async function saveModel(
  call: string,
  model: Sequential,
  runner: Runner,
  target: string | IOHandler,
  options?: SaveOptions,
): Promise<SaveResult> {
  const save = saverFor(call, target);
  return save(artifactsOf(call, model, runner, options));
}

function artifactsOf(call: string, model: Sequential, runner: Runner, options?: SaveOptions): ModelArtifacts {
  const known = checkOptions<SaveOptions>(call, options, ['includeOptimizer', 'trainableOnly']);
  const includeOptimizer = flag(call, 'includeOptimizer', known.includeOptimizer);
  const trainableOnly = flag(call, 'trainableOnly', known.trainableOnly);
  runner.alive(call);
  runner.bottom(call);
  const { layers } = model;
  const parameters = runner.parameters(call);
  const { objective } = runner.stack;
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
