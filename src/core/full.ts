/** Adds all parts of the package. Bundlers must keep this file for its effect. */

import { use } from '../util/part.ts';
import {
  activations,
  chainedTensors,
  customLosses,
  evaluation,
  inspection,
  layersOfTensors,
  lossesAndMetrics,
  lstmVariants,
  metadata,
  namedOptions,
  optimizers,
  recurrentDropout,
  sampleWeights,
  snapshots,
  streams,
} from './parts.ts';

use(
  activations,
  chainedTensors,
  customLosses,
  evaluation,
  inspection,
  layersOfTensors,
  lossesAndMetrics,
  lstmVariants,
  metadata,
  namedOptions,
  optimizers,
  recurrentDropout,
  sampleWeights,
  snapshots,
  streams,
);
