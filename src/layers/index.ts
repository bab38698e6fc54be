/** The layer factories, by their TF.js names. */

import { Dense, type DenseOptions } from './dense.ts';
import { InputLayer, type InputLayerOptions } from './inputLayer.ts';
import type { Layer } from './layer.ts';
import { Lstm, type LstmOptions } from './lstm.ts';
import { TimeDistributed, type TimeDistributedOptions } from './timeDistributed.ts';

/** Makes layers; the first one of a model names its input with inputShape or batchInputShape. */
export const layers = {
  /** Long short-term memory over [B, T, D]: gives [B, U], or [B, T, U] with returnSequences. */
  lstm: (options: LstmOptions): Lstm => new Lstm(options),
  /** y = f(x W + b) on the last axis of [B, D] or [B, T, D]. */
  dense: (options: DenseOptions): Dense => new Dense(options),
  /** Applies a layer to every time step of [B, T, D]. */
  timeDistributed: (options: TimeDistributedOptions): TimeDistributed => new TimeDistributed(options),
  /** Names the input of a model. */
  inputLayer: (options: InputLayerOptions): InputLayer => new InputLayer(options),
};

export type {
  Dense,
  DenseOptions,
  InputLayer,
  InputLayerOptions,
  Layer,
  Lstm,
  LstmOptions,
  TimeDistributed,
  TimeDistributedOptions,
};
