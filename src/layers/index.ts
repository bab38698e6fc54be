/** The layer factories, by their TF.js names. */

import {
  Activation,
  type ActivationOptions,
  ELU,
  type ELUOptions,
  LeakyReLU,
  type LeakyReLUOptions,
  ReLU,
  type ReLUOptions,
  Softmax,
  type SoftmaxOptions,
} from './activation.ts';
import { Dense, type DenseOptions } from './dense.ts';
import { Dropout, type DropoutOptions } from './dropout.ts';
import { Embedding, type EmbeddingOptions } from './embedding.ts';
import { Flatten, type FlattenOptions } from './flatten.ts';
import { InputLayer, type InputLayerOptions } from './inputLayer.ts';
import type { Layer } from './layer.ts';
import { Lstm, type LstmOptions } from './lstm.ts';
import { Masking, type MaskingOptions } from './masking.ts';
import { RepeatVector, type RepeatVectorOptions } from './repeatVector.ts';
import { Reshape, type ReshapeOptions } from './reshape.ts';
import { TimeDistributed, type TimeDistributedOptions } from './timeDistributed.ts';

/** Makes layers; the first one of a model names its input with inputShape or batchInputShape. */
export const layers = {
  /** Long short-term memory over [B, T, D]: gives [B, U], or [B, T, U] with returnSequences. */
  lstm: (options: LstmOptions): Lstm => new Lstm(options),
  /** y = f(x W + b) on the last axis of [B, D] or [B, T, D]. */
  dense: (options: DenseOptions): Dense => new Dense(options),
  /** Applies a layer to every time step of [B, T, D]. */
  timeDistributed: (options: TimeDistributedOptions): TimeDistributed => new TimeDistributed(options),
  /** An activation, as a layer of its own. */
  activation: (options: ActivationOptions): Activation => new Activation(options),
  /** Softmax along the last axis. */
  softmax: (options?: SoftmaxOptions): Softmax => new Softmax(options),
  /** max(x, 0), at most maxValue. */
  reLU: (options?: ReLUOptions): ReLU => new ReLU(options),
  /** x above zero, alpha x below. */
  leakyReLU: (options?: LeakyReLUOptions): LeakyReLU => new LeakyReLU(options),
  /** x above zero, exp(x) - 1 below. */
  elu: (options?: ELUOptions): ELU => new ELU(options),
  /** Drops numbers at random in training. */
  dropout: (options: DropoutOptions): Dropout => new Dropout(options),
  /** Ids [B, T] to rows of a table of weights: gives [B, T, outputDim]. First layer only. */
  embedding: (options: EmbeddingOptions): Embedding => new Embedding(options),
  /** Time steps of [B, T, D] whose features all are maskValue do not count in the layers above, nor in the loss. */
  masking: (options?: MaskingOptions): Masking => new Masking(options),
  /** [B, D] to [B, n, D], the same row at every time step. */
  repeatVector: (options: RepeatVectorOptions): RepeatVector => new RepeatVector(options),
  /** [B, T, D] to [B, T D]. */
  flatten: (options?: FlattenOptions): Flatten => new Flatten(options),
  /** Samples in another shape, their numbers in the same order. */
  reshape: (options: ReshapeOptions): Reshape => new Reshape(options),
  /** Names the input of a model. */
  inputLayer: (options: InputLayerOptions): InputLayer => new InputLayer(options),
};

export type {
  Activation,
  ActivationOptions,
  Dense,
  DenseOptions,
  Dropout,
  DropoutOptions,
  ELU,
  ELUOptions,
  Embedding,
  EmbeddingOptions,
  Flatten,
  FlattenOptions,
  InputLayer,
  InputLayerOptions,
  Layer,
  LeakyReLU,
  LeakyReLUOptions,
  Lstm,
  LstmOptions,
  Masking,
  MaskingOptions,
  ReLU,
  ReLUOptions,
  RepeatVector,
  RepeatVectorOptions,
  Reshape,
  ReshapeOptions,
  Softmax,
  SoftmaxOptions,
  TimeDistributed,
  TimeDistributedOptions,
};
