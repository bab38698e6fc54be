/** Saves a model in the layers-model format of TF.js. */

import type { Layer } from '../../layers/layer.ts';
import type { Objective } from '../../objective/objective.ts';
import { fail } from '../../util/errors.ts';
import { checkBoolean, checkOptions } from '../../util/options.ts';
import type { Parameters } from '../../weights/parameters.ts';
import { saverFor } from '../stores/urlHandlers.ts';
import { weightNamesOf } from '../weightNames.ts';
import { FORMAT, generatedBy, type IOHandler, type ModelArtifacts, type SaveResult } from './artifacts.ts';
import { OWN } from './metadata.ts';
import { describeTraining } from './trainingConfig.ts';
import { encodeWeights, type NewWeight } from './weightData.ts';

export interface SaveOptions {
  /** Whether to save what the model was compiled with and the state of its optimizer, to continue training; default false. */
  includeOptimizer?: boolean;
  /** Whether to leave out the weights of frozen layers, and moving means and variances; default false. */
  trainableOnly?: boolean;
}

/** The parts of a model that are saved. */
export interface ModelParts {
  readonly topology: object;
  readonly metadata: { [name: string]: unknown } | null;
  readonly layers: readonly Layer[];
  readonly parameters: Pick<Parameters, 'read' | 'optimizerState'>;
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
