/**
 * Charts of training, drawn with svg.js: the same code in a page and in Node. Nothing here touches the wasm side.
 */

export { type AnimationOptions, animation } from './animation.ts';
export type { PredictionData } from './check.ts';
export { type LossData, type LossOptions, lossPlot } from './loss.ts';
export type { Plot } from './plot.ts';
export { type PredictionOptions, predictionPlot } from './prediction.ts';
export type { Theme } from './theme.ts';
