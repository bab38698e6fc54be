/** Random graphs as plain data: the generator makes them, `build` their models, `evaluate` computes them in float64. */

import type { ActivationName, RowActivationName } from '../reference/activations.ts';
import type { Block } from '../reference/block.ts';
import type { LossName } from '../reference/loss.ts';
import type { MergeName } from '../reference/merging.ts';

export interface CellSpec {
  kind: 'lstm' | 'gru' | 'simpleRNN' | 'minGRU' | 'minLSTM';
  units: number;
  activation: ActivationName;
  /** Only for lstm and gru. */
  recurrentActivation: ActivationName;
  useBias: boolean;
  /** Only for gru; the lstm has peepholes with it. */
  resetAfter: boolean;
}

export interface RecurrentSpec {
  kind: 'recurrent';
  /** A layer of its own kind for one cell, `rnn` for several. */
  cells: CellSpec[];
  returnSequences: boolean;
  returnState: boolean;
  goBackwards: boolean;
}

export interface AttentionConfig {
  useCausalMask: boolean;
  useScale: boolean;
  returnAttentionScores: boolean;
  /** Only for attention. */
  scoreMode?: 'dot' | 'concat';
}

export interface MultiHeadConfig {
  numHeads: number;
  keyDim: number;
  valueDim: number;
  useBias: boolean;
  outputShape: number | null;
  useCausalMask: boolean;
}

export type LayerSpec =
  | RecurrentSpec
  | { kind: 'bidirectional'; layer: RecurrentSpec; mergeMode: 'concat' | 'sum' | 'ave' | 'mul' | null }
  | {
      kind: 'dense';
      units: number;
      activation: ActivationName | RowActivationName;
      useBias: boolean;
      /** Whether the layer is inside of `timeDistributed`. */
      wrapped: boolean;
    }
  | {
      kind: 'conv1d';
      filters: number;
      kernelSize: number;
      strides: number;
      dilationRate: number;
      padding: 'valid' | 'same' | 'causal';
      activation: ActivationName;
      useBias: boolean;
    }
  | { kind: 'maxPooling1d' | 'averagePooling1d'; poolSize: number; strides: number; padding: 'valid' | 'same' }
  /** The momentum is 1, so that a step changes only what has gradients. */
  | { kind: 'batchNormalization'; momentum: 1; center: boolean; scale: boolean; epsilon: number }
  | { kind: 'layerNormalization'; center: boolean; scale: boolean; epsilon: number }
  | { kind: 'prelu'; sharedAxes: [1] | null }
  | { kind: 'activation'; activation: ActivationName | RowActivationName }
  | { kind: 'embedding'; inputDim: number; outputDim: number; maskZero: boolean }
  | { kind: 'masking' }
  /** Has one call only, because each call of a shared dropout has random numbers of its own. */
  | { kind: 'dropout'; rate: number; seed: number }
  | { kind: 'repeatVector'; n: number }
  | { kind: 'flatten' }
  | { kind: 'reshape'; targetShape: [number, number] }
  | { kind: 'merge'; name: MergeName }
  | { kind: 'concatenate'; axis: 1 | -1 }
  | { kind: 'dot'; axes: number | [number, number]; normalize: boolean }
  | { kind: 'attention' | 'additiveAttention'; config: AttentionConfig }
  | { kind: 'multiHeadAttention'; config: MultiHeadConfig }
  | { kind: 'model'; graph: Graph };

/** A sample: [width] or [steps, width]. The width of ids is 0. */
export interface Shape {
  steps: number | null;
  width: number;
}

export interface Call {
  /** A number in the list of all layers, so that a nested model can share layers with the model around it. */
  layer: number;
  inputs: number[];
  initialState: number[];
  /** Masks given for the inputs, as values of the graph; null removes the mask of an input. */
  masks?: (number | null)[] | undefined;
  /** Whether dropout is never active; else in training. */
  isNeverTraining?: boolean | undefined;
}

/** The values are numbered: first the inputs, then the outputs of each call. */
export interface Graph {
  inputs: Shape[];
  calls: Call[];
  outputs: number[];
}

export interface GraphInput extends Shape {
  /** Of masked sequences, some time steps are zero. Masks are lists of 0 and 1; their width is 0, as that of ids. */
  kind: 'numbers' | 'masked' | 'ids' | 'mask';
}

export interface GraphOutput extends Shape {
  loss: LossName;
  weight: number;
}

export interface GraphProgram {
  seed: number;
  batch: number;
  layers: LayerSpec[];
  graph: Graph;
  inputs: GraphInput[];
  outputs: GraphOutput[];
  /** Whether the inputs of the model have any number of time steps. */
  open: boolean;
  /** Whether all time steps of a sample may be masked; else the first is not. */
  masksAll: boolean;
}

/** A value with the mask [B, T] of its time steps. */
export interface Signal {
  values: Block;
  mask: ArrayLike<number> | null;
  /** What a softmax or sigmoid made the values from, and its name. */
  logits?: Float64Array;
  activation?: string;
}
