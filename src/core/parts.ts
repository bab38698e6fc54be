/** The parts that a program of `lstm-wasm/core` contains only if it passes them to `use`. */

import { readSampleWeights, writeSampleWeights } from '../inputs/sampleWeights.ts';
import { applyPlace } from '../layers/apply.ts';
import { variantPlace } from '../layers/recurrent/lstm.ts';
import { LstmVariant } from '../layers/recurrent/lstmVariant.ts';
import { scoreCustom, writeGradient } from '../model/customScores.ts';
import { sampleWeightPlace } from '../model/feed.ts';
import { applyAtOnce } from '../model/functional.ts';
import { inspect } from '../model/inspect.ts';
import { evaluationPlace, inspectionPlace, metadataPlace, snapshotPlace, streamPlace } from '../model/places.ts';
import { readSnapshot, takeSnapshot } from '../model/snapshot.ts';
import { Stream } from '../model/stream.ts';
import { printSummary } from '../model/summary.ts';
import { customPlace } from '../model/trainStep.ts';
import { readBuiltInLoss } from '../objective/losses.ts';
import { resolveMetrics } from '../objective/metrics.ts';
import { scores } from '../objective/objective.ts';
import { checkMetrics } from '../objective/targetForms.ts';
import { checkMetadata } from '../saving/tfjs/metadata.ts';
import { addTensorMethods } from '../tensor/methods.ts';
import { evaluate } from '../training/evaluate.ts';
import { Part } from '../util/part.ts';
import { activationKernels, dropoutKernels, lossKernels, optimizerKernels } from '../wasm/kernelPlaces.ts';
import { activations as activationModule } from '../wasm/modules/activations.generated.ts';
import { dropout as dropoutModule } from '../wasm/modules/dropout.generated.ts';
import { losses as lossModule } from '../wasm/modules/losses.generated.ts';
import { optimizers as optimizerModule } from '../wasm/modules/optimizers.generated.ts';
import { constraintNames, namedConstraint } from '../weights/constraints.ts';
import { initializerNames, namedInitializer } from '../weights/initializers.ts';
import { namedRegularizer, regularizerNames } from '../weights/regularizers.ts';

/**
 * Activations other than linear, relu, sigmoid and tanh. Recurrent layers need it for all but their default activations.
 */
export const activations: Part = /* @__PURE__ */ new Part('activations', () =>
  activationKernels.fill(activationModule),
);

/** Chained methods of tensors, such as `x.add(y)`. */
export const chainedTensors: Part = /* @__PURE__ */ new Part('chainedTensors', addTensorMethods);

/** Losses and metrics that are functions. */
export const customLosses: Part = /* @__PURE__ */ new Part('customLosses', () =>
  customPlace.fill({ scoreCustom, writeGradient }),
);

/** `model.evaluate`. `model.evaluateDataset` and the validation of `fit` do not need it. */
export const evaluation: Part = /* @__PURE__ */ new Part('evaluation', () => evaluationPlace.fill(evaluate));

/** `model.summary` and `model.inspect`. */
export const inspection: Part = /* @__PURE__ */ new Part('inspection', () =>
  inspectionPlace.fill({ inspect, printSummary }),
);

/** `layer.apply` for tensors. For symbolic tensors, it is always there. */
export const layersOfTensors: Part = /* @__PURE__ */ new Part('layersOfTensors', () => applyPlace.fill(applyAtOnce));

/** Peepholes, projection and layer normalization of `layers.lstm`. */
export const lstmVariants: Part = /* @__PURE__ */ new Part('lstmVariants', () =>
  variantPlace.fill((call, ...options) => LstmVariant.read(call, ...options)),
);

/** Built-in metrics, and losses other than the mean squared error. */
export const lossesAndMetrics: Part = /* @__PURE__ */ new Part('lossesAndMetrics', () => {
  scores.fill({ checkMetrics, readBuiltInLoss, resolveMetrics });
  lossKernels.fill(lossModule);
});

/** Initializers, regularizers and constraints by their names, such as 'heNormal'; `initializers.*` and so on do not need it. */
export const namedOptions: Part = /* @__PURE__ */ new Part('namedOptions', () => {
  initializerNames.fill(namedInitializer);
  regularizerNames.fill(namedRegularizer);
  constraintNames.fill(namedConstraint);
});

/** `model.setUserDefinedMetadata`. */
export const metadata: Part = /* @__PURE__ */ new Part('metadata', () => metadataPlace.fill(checkMetadata));

/** Optimizers other than Adam. */
export const optimizers: Part = /* @__PURE__ */ new Part('optimizers', () => optimizerKernels.fill(optimizerModule));

/** The options `dropout` and `recurrentDropout` of recurrent layers. */
export const recurrentDropout: Part = /* @__PURE__ */ new Part('recurrentDropout', () =>
  dropoutKernels.fill(dropoutModule),
);

/** The options `sampleWeight` and `classWeight`. */
export const sampleWeights: Part = /* @__PURE__ */ new Part('sampleWeights', () =>
  sampleWeightPlace.fill({ readSampleWeights, writeSampleWeights }),
);

/** `model.snapshot`, `model.restore`, and the option `resume` of `fit`. */
export const snapshots: Part = /* @__PURE__ */ new Part('snapshots', () =>
  snapshotPlace.fill({ readSnapshot, takeSnapshot }),
);

/** `model.stream`. */
export const streams: Part = /* @__PURE__ */ new Part('streams', () => streamPlace.fill(Stream));
