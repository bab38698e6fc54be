/** The calls of layers that a model makes, in a form that can be planned. */

import type { Layer } from '../layers/layer.ts';

/** One call of a layer. */
export interface LayerCall {
  readonly layer: Layer;
  /** Unique in the graph: the name of the layer, with a number from its second call on. */
  readonly name: string;
  /** The numbers of the values that it reads. */
  readonly inputs: readonly number[];
  /** The number of its first output; the others follow. */
  readonly firstOutput: number;
  readonly outputCount: number;
  /** Whether dropout is always or never active in this call; null if it is active in training only. */
  readonly training: boolean | null;
}

/** The values are numbered: first the inputs of the model, then the outputs of each call. */
export interface CallGraph {
  readonly inputCount: number;
  readonly valueCount: number;
  /** Each reads only inputs of the model and outputs of earlier calls. */
  readonly calls: readonly LayerCall[];
  /** The values that the model returns. */
  readonly outputs: readonly number[];
  /** For each value, the number of calls and model outputs that read it. */
  readonly readers: readonly number[];
  /** Whether dropout is active in a call whatever the batch is for. */
  readonly alwaysDrops: boolean;
  /** Whether code of the user computes a call. */
  readonly isCustom: boolean;
}

/** @param outputs of the model */
export function callGraph(inputCount: number, calls: readonly LayerCall[], outputs: readonly number[]): CallGraph {
  const valueCount = calls.reduce((count, call) => count + call.outputCount, inputCount);
  const readers = new Array<number>(valueCount).fill(0);
  for (const value of [...calls.flatMap(({ inputs }) => inputs), ...outputs]) readers[value]!++;
  const alwaysDrops = calls.some(({ training }) => training === true);
  const isCustom = calls.some(({ layer }) => layer.isCustom);
  return { inputCount, valueCount, calls, outputs, readers, alwaysDrops, isCustom };
}

/** The layers that are called, each once, in the order of their first calls. */
export const layersOf = ({ calls }: CallGraph): Layer[] => [...new Set(calls.map(({ layer }) => layer))];
