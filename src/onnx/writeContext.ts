/** What the conversion of all layers shares. */

import type { Layer } from '../layers/layer.ts';
import type { Graph } from './graph.ts';

export interface WriteContext {
  readonly call: string;
  readonly graph: Graph;
  /** The operator set version. */
  readonly opset: number;
  /** Whether states are inputs and outputs; with 'optional', the inputs may be omitted. */
  readonly states: boolean | 'optional';
  /** The batch size, a list of one number. */
  batch(): string;
  /** The names of tensors that a layer needs in every call; `make` adds them in the first one. */
  weights(layer: Layer, which: string, make: () => string[]): string[];
}

/** The name of a value, and that of its mask, bool [B, T, 1], if some time steps are masked. */
export interface WrittenValue {
  readonly value: string;
  readonly mask: string | null;
}

/** A call of a layer. */
export interface WrittenCall {
  /** Unique in the model; it starts with the name of the layer. */
  readonly name: string;
  readonly inputs: readonly WrittenValue[];
  /** The ranks of the inputs. */
  readonly ranks: readonly number[];
  /** The axes of the first input without the batch. */
  readonly inputShape: readonly (number | string)[];
  /** The axes of the first output without the batch: their sizes, or the names of open ones. */
  readonly shape: readonly (number | string)[];
  /** Whether a later layer uses masks. */
  readonly passesMask: boolean;
  /** For each output, whether anything reads it. Others need no nodes. */
  readonly isRead: readonly boolean[];
}
