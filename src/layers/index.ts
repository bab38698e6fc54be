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
import { Bidirectional, type BidirectionalOptions, type MergeMode } from './bidirectional.ts';
import type { Cell, CellOptions, GatedCellOptions, RecurrentActivation } from './cell.ts';
import { Dense, type DenseOptions } from './dense.ts';
import { Dropout, type DropoutOptions } from './dropout.ts';
import { Embedding, type EmbeddingOptions } from './embedding.ts';
import { Flatten, type FlattenOptions } from './flatten.ts';
import { Gru, type GruCell, type GruCellOptions, type GruOptions, gruCell } from './gru.ts';
import { InputLayer, type InputLayerOptions } from './inputLayer.ts';
import type { Layer } from './layer.ts';
import { Lstm, type LstmCell, type LstmCellOptions, type LstmOptions, lstmCell } from './lstm.ts';
import { Masking, type MaskingOptions } from './masking.ts';
import type { Recurrent, RecurrentOptions } from './recurrent.ts';
import { RepeatVector, type RepeatVectorOptions } from './repeatVector.ts';
import { Reshape, type ReshapeOptions } from './reshape.ts';
import { Rnn, type RnnOptions, StackedRnnCells } from './rnn.ts';
import { SimpleRnn, type SimpleRnnCell, type SimpleRnnOptions, simpleRNNCell } from './simpleRnn.ts';
import { TimeDistributed, type TimeDistributedOptions } from './timeDistributed.ts';

/** Makes layers; the first one of a model names its input with inputShape or batchInputShape. */
export const layers = {
  /** Long short-term memory over [B, T, D]: gives [B, U], or [B, T, U] with returnSequences. */
  lstm: (options: LstmOptions): Lstm => new Lstm(options),
  /** Gated recurrent unit over [B, T, D]: gives [B, U], or [B, T, U] with returnSequences. */
  gru: (options: GruOptions): Gru => new Gru(options),
  /** The simplest recurrent layer, over [B, T, D]: gives [B, U], or [B, T, U] with returnSequences. */
  simpleRNN: (options: SimpleRnnOptions): SimpleRnn => new SimpleRnn(options),
  /** Runs a recurrent layer over [B, T, D] in both directions: gives [B, 2U] or [B, T, 2U], or U wide unless concat. */
  bidirectional: (options: BidirectionalOptions): Bidirectional => new Bidirectional(options),
  /** Runs a cell, or a list of them, over [B, T, D]. */
  rnn: (options: RnnOptions): Rnn => new Rnn(options),
  /** A long short-term memory, for `rnn`. */
  lstmCell,
  /** A gated recurrent unit, for `rnn`. */
  gruCell,
  /** The simplest cell, for `rnn`. */
  simpleRNNCell,
  /** Several cells as one, for `rnn`. */
  stackedRNNCells: (options: { cells: readonly (Cell | StackedRnnCells)[] }): StackedRnnCells =>
    new StackedRnnCells(options),
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
  Bidirectional,
  BidirectionalOptions,
  Cell,
  CellOptions,
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
  GatedCellOptions,
  Gru,
  GruCell,
  GruCellOptions,
  GruOptions,
  InputLayer,
  InputLayerOptions,
  Layer,
  LeakyReLU,
  LeakyReLUOptions,
  Lstm,
  LstmCell,
  LstmCellOptions,
  LstmOptions,
  Masking,
  MaskingOptions,
  MergeMode,
  Recurrent,
  RecurrentActivation,
  RecurrentOptions,
  ReLU,
  ReLUOptions,
  RepeatVector,
  RepeatVectorOptions,
  Reshape,
  ReshapeOptions,
  Rnn,
  RnnOptions,
  SimpleRnn,
  SimpleRnnCell,
  SimpleRnnOptions,
  Softmax,
  SoftmaxOptions,
  StackedRnnCells,
  TimeDistributed,
  TimeDistributedOptions,
};
