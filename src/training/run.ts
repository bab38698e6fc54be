/** The calls that train or test in the background, which a model loads when the first of them is called. */

export { evaluateDataset } from './evaluateDataset.ts';
export { fitSamples } from './fit.ts';
export { fitDataset } from './fitDataset.ts';
