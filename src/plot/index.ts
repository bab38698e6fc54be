/**
 * Charts of training, drawn with svg.js: the same code in a page and in Node. Nothing here touches the wasm side.
 */

export { type AnimationOptions, animation } from './animation.ts';
export { type BenchmarkData, type BenchmarkOptions, benchmarkChart } from './benchmark.ts';
export type { WorkloadGroup } from './benchmarkData.ts';
export { type CellData, type CellDiagramOptions, type CellValue, cellDiagram } from './cell.ts';
export type { CellKind } from './cells.ts';
export { type ChainData, type ChainDiagramOptions, chainDiagram } from './chain.ts';
export { type GateData, type GateHeatmapOptions, type GateName, gateHeatmap } from './heatmap.ts';
export type { LineData, Positions } from './lines.ts';
export { type LossData, type LossOptions, lossPlot } from './loss.ts';
export type { Plot } from './plot.ts';
export {
  type LivePredictionOptions,
  type PredictionData,
  type PredictionOptions,
  predictionPlot,
} from './prediction.ts';
export { type Drawn, showPlot, writeSVG } from './show.ts';
export { type TerminalOptions, terminalPlot } from './terminal.ts';
export type { Theme } from './theme.ts';
