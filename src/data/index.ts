/** Data preparation, forecasts and reports. Does not load the WebAssembly kernels. */

import '../tensor/chained.ts';

export type { Batch, Batches, BatchOptions } from './batches.ts';
export {
  type ClassificationReport,
  type ClassReport,
  classificationReport,
  classWeights,
  confusionMatrix,
} from './classes.ts';
export type { ClassLabels, ClassOptions } from './classLabels.ts';
export { type Dataset, data, type Stacked } from './dataset.ts';
export { type ForecastOptions, forecast } from './forecast.ts';
export { type PadOptions, padSequences } from './padSequences.ts';
export { type SampleOptions, sample } from './sample.ts';
export {
  type MinMaxScaler,
  minMax,
  type SavedScaler,
  type Scaler,
  type StandardScaler,
  standardize,
} from './scalers.ts';
export type { Series } from './series.ts';
export { type SineCosineBatch, type SineCosineOptions, sineCosine } from './sineCosine.ts';
export { type Split, type SplitOptions, trainTestSplit } from './split.ts';
export { type TextWindowOptions, type Vocabulary, type VocabularyOptions, vocabulary } from './vocabulary.ts';
export { type WindowOptions, windows } from './windows.ts';
