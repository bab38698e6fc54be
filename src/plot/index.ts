/**
 * Charts of training and prediction, drawn with svg.js, in pages and in Node. Does not load the WebAssembly kernels.
 */

export { type AnimationOptions, animation } from './animation.ts';
export { type BacktestPlotData, backtestPlot } from './backtestPlot.ts';
export { type BenchmarkData, type BenchmarkOptions, benchmarkChart } from './benchmarkChart.ts';
export type { WorkloadGroup } from './benchmarkData.ts';
export { type CellData, type CellDiagramOptions, type CellValue, cellDiagram } from './cellDiagram.ts';
export type { CellKind } from './cellPlans.ts';
export { type ChainData, type ChainDiagramOptions, chainDiagram } from './chainDiagram.ts';
export {
  type ConfusionMatrixData,
  type ConfusionMatrixOptions,
  confusionMatrixPlot,
} from './confusionMatrixPlot.ts';
export type { ForecastLines } from './forecastData.ts';
export { type ForecastPlotData, type ForecastPlotOptions, forecastPlot } from './forecastPlot.ts';
export { type GateData, type GateHeatmapOptions, type GateName, gateHeatmap } from './gateHeatmap.ts';
export type { LineData, Positions } from './lineData.ts';
export { type LossData, type LossOptions, lossPlot } from './lossPlot.ts';
export type { Plot } from './plot.ts';
export {
  type LivePredictionOptions,
  type PredictionData,
  type PredictionOptions,
  predictionPlot,
} from './predictionPlot.ts';
export { type ResidualPlotData, type ResidualPlotOptions, residualPlot } from './residualPlot.ts';
export type { SeriesData } from './seriesTimes.ts';
export { type Drawn, showPlot, writeSVG } from './show.ts';
export { type PlottedTrial, type SweepPlotData, type SweepPlotOptions, sweepPlot } from './sweepPlot.ts';
export { type TerminalOptions, terminalPlot } from './terminalPlot.ts';
export type { Theme } from './theme.ts';
