/** Saves a model in the layers-model format of TF.js. */

import type { Layer } from '../../layers/layer.ts';
import type { Objective } from '../../objective/objective.ts';
import { fail, show } from '../../util/errors.ts';
import { checkBoolean, checkOptions, isPlain } from '../../util/options.ts';
import type { Parameters } from '../../weights/parameters.ts';
import { checkDepth, type FilePath, failAt, itemOf, readObject, within } from '../config/filePath.ts';
import { saverFor } from '../stores/urlHandlers.ts';
import { weightNamesOf } from '../weightNames.ts';
import { FORMAT, generatedBy, type IOHandler, type ModelArtifacts, type SaveResult } from './artifacts.ts';
import { describeTraining } from './trainingConfig.ts';
import { encodeWeights, type NewWeight } from './weightData.ts';

export interface SaveOptions {
  /** Whether to save what the model was compiled with and the state of its optimizer, to continue training; default false. */
  includeOptimizer?: boolean;
  /** Whether to leave out the weights of frozen layers, and moving means and variances; default false. */
  trainableOnly?: boolean;
}

/** The key in `userDefinedMetadata` for state that TF.js cannot store. */
export const OWN = 'lstmWasm';

/** Copies metadata; rejects values that JSON cannot store. */
export function checkMetadata(call: string, metadata: unknown): { [name: string]: unknown } {
  const location = { call, part: 'metadata' };
  checkDepth(location, readObject(location, metadata));
  const found = readObject(location, plainCopy(location, metadata)) as { [name: string]: unknown };
  if (OWN in found) fail(call, `metadata must not have the name '${OWN}', which is reserved`);
  return found;
}

/** Copies a value; rejects values that JSON would drop or replace by null. */
function plainCopy(location: FilePath, given: unknown): unknown {
  const value = hasToJson(given) ? given.toJSON() : given;
  if (value !== given) checkDepth(location, value);
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (Array.isArray(value)) return Array.from(value, (item, n) => plainCopy(itemOf(location, n), item));
  if (!isPlain(value)) return failAt(location, `must be a value that JSON can store, got ${show(value)}`);
  const copy: { [name: string]: unknown } = {};
  for (const [name, item] of Object.entries(value)) {
    if (item === undefined) continue;
    const own = plainCopy(within(location, name.slice(0, 60)), item);
    Object.defineProperty(copy, name, { value: own, enumerable: true, configurable: true, writable: true });
  }
  return copy;
}

const hasToJson = (value: unknown): value is { toJSON(): unknown } =>
  value !== null && typeof value === 'object' && typeof (value as { toJSON?: unknown }).toJSON === 'function';

/** The parts of a model that are saved. */
export interface ModelParts {
  readonly topology: object;
  readonly metadata: { [name: string]: unknown } | null;
  readonly layers: readonly Layer[];
  readonly parameters: Parameters;
  readonly objective: Objective | null;
  readonly outputNames: readonly string[];
}

/** @param parts called once, synchronously, after the other arguments have been checked */
export async function saveModel(
  call: string,
  target: string | IOHandler,
  options: SaveOptions | undefined,
  parts: () => ModelParts,
): Promise<SaveResult> {
  const save = saverFor(call, target);
  return save(artifactsOf(call, options, parts));
}

function artifactsOf(call: string, options: SaveOptions | undefined, parts: () => ModelParts): ModelArtifacts {
  const known = checkOptions<SaveOptions>(call, options, ['includeOptimizer', 'trainableOnly']);
  const includeOptimizer = flag(call, 'includeOptimizer', known.includeOptimizer);
  const trainableOnly = flag(call, 'trainableOnly', known.trainableOnly);
  const { topology, metadata: given, layers, parameters, objective, outputNames } = parts();
  if (includeOptimizer && !objective) {
    fail(call, 'includeOptimizer must be false for a model that is not compiled; call model.compile first');
  }
  const training = includeOptimizer ? describeTraining(call, layers, parameters, objective!, outputNames) : null;
  const names = weightNamesOf(layers);
  const weights = layers.flatMap((layer, i) => {
    if (trainableOnly && !layer.trainable) return [];
    const values = parameters.read(call, layer);
    return layer.weightSpecs.flatMap((spec, n): NewWeight[] => {
      if (trainableOnly && !layer.learns(spec)) return [];
      return [{ name: names[i]![n]!, shape: spec.shape, dtype: 'float32', values: values[n]! }];
    });
  });
  const metadata = { ...given, ...(training && { [OWN]: training.own }) };
  return {
    modelTopology: topology,
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
