/** Adds all parts of the package. Bundlers must keep this file for its effect. */

import { use } from '../util/part.ts';
import {
  chainedTensors,
  customLosses,
  evaluation,
  inspection,
  layersOfTensors,
  lstmVariants,
  sampleWeights,
  snapshots,
  streams,
} from './parts.ts';

use(
  chainedTensors,
  customLosses,
  evaluation,
  inspection,
  layersOfTensors,
  lstmVariants,
  sampleWeights,
  snapshots,
  streams,
);
