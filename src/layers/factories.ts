/**
 * Makes layers, by their TF.js names: the namespace `layers`. The first one of a model names its input with inputShape or
 * batchInputShape.
 *
 * Exports and not the fields of one object: bundlers leave out the layers that a program does not make.
 */

import { exact } from '../util/arguments.ts';
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
import { Masking, type MaskingOptions } from './masking.ts';
import { Bidirectional, type BidirectionalOptions } from './recurrent/bidirectional.ts';
import type { Cell } from './recurrent/cell.ts';
import { Gru, type GruOptions, gruCell } from './recurrent/gru.ts';
import { Lstm, type LstmOptions, lstmCell } from './recurrent/lstm.ts';
import { Rnn, type RnnOptions, StackedRnnCells } from './recurrent/rnn.ts';
import { SimpleRnn, type SimpleRnnOptions, simpleRNNCell } from './recurrent/simpleRnn.ts';
import { TimeDistributed, type TimeDistributedOptions } from './recurrent/timeDistributed.ts';
import { RepeatVector, type RepeatVectorOptions } from './repeatVector.ts';
import { Reshape, type ReshapeOptions } from './reshape.ts';

export { gruCell, lstmCell, simpleRNNCell };

/** Long short-term memory over [B, T, D]: gives [B, U], or [B, T, U] with returnSequences. */
export const lstm = /* @__PURE__ */ exact('layers.lstm', (options: LstmOptions): Lstm => new Lstm(options));

/** Gated recurrent unit over [B, T, D]: gives [B, U], or [B, T, U] with returnSequences. */
export const gru = /* @__PURE__ */ exact('layers.gru', (options: GruOptions): Gru => new Gru(options));

/** The simplest recurrent layer, over [B, T, D]: gives [B, U], or [B, T, U] with returnSequences. */
export const simpleRNN = /* @__PURE__ */ exact(
  'layers.simpleRNN',
  (options: SimpleRnnOptions): SimpleRnn => new SimpleRnn(options),
);

/** Runs a recurrent layer over [B, T, D] in both directions: gives [B, 2U] or [B, T, 2U], or U wide unless concat. */
export const bidirectional = /* @__PURE__ */ exact(
  'layers.bidirectional',
  (options: BidirectionalOptions): Bidirectional => new Bidirectional(options),
);

/** Runs a cell, or a list of them, over [B, T, D]. */
export const rnn = /* @__PURE__ */ exact('layers.rnn', (options: RnnOptions): Rnn => new Rnn(options));

/** Several cells as one, for `rnn`. */
export const stackedRNNCells = /* @__PURE__ */ exact(
  'layers.stackedRNNCells',
  (options: { cells: readonly (Cell | StackedRnnCells)[] }): StackedRnnCells => new StackedRnnCells(options),
);

/** y = f(x W + b) on the last axis of [B, D] or [B, T, D]. */
export const dense = /* @__PURE__ */ exact('layers.dense', (options: DenseOptions): Dense => new Dense(options));

/** Applies a layer to every time step of [B, T, D]. */
export const timeDistributed = /* @__PURE__ */ exact(
  'layers.timeDistributed',
  (options: TimeDistributedOptions): TimeDistributed => new TimeDistributed(options),
);

/** An activation, as a layer of its own. */
export const activation = /* @__PURE__ */ exact(
  'layers.activation',
  (options: ActivationOptions): Activation => new Activation(options),
);

/** Softmax along the last axis. */
export const softmax = /* @__PURE__ */ exact(
  'layers.softmax',
  (options?: SoftmaxOptions): Softmax => new Softmax(options),
);

/** min(x, maxValue) for x above zero, negativeSlope x below; negativeSlope is 0 by default. */
export const reLU = /* @__PURE__ */ exact('layers.reLU', (options?: ReLUOptions): ReLU => new ReLU(options));

/** x above zero, alpha x below. */
export const leakyReLU = /* @__PURE__ */ exact(
  'layers.leakyReLU',
  (options?: LeakyReLUOptions): LeakyReLU => new LeakyReLU(options),
);

/** x for x above zero, alpha (exp(x) - 1) below. */
export const elu = /* @__PURE__ */ exact('layers.elu', (options?: ELUOptions): ELU => new ELU(options));

/** Drops numbers at random in training. */
export const dropout = /* @__PURE__ */ exact(
  'layers.dropout',
  (options: DropoutOptions): Dropout => new Dropout(options),
);

/** Ids [B, T] to rows of a table of weights: gives [B, T, outputDim]. First layer only. */
export const embedding = /* @__PURE__ */ exact(
  'layers.embedding',
  (options: EmbeddingOptions): Embedding => new Embedding(options),
);

/** Time steps of [B, T, D] whose features all are maskValue do not count in the layers above, nor in the loss. */
export const masking = /* @__PURE__ */ exact(
  'layers.masking',
  (options?: MaskingOptions): Masking => new Masking(options),
);

/** [B, D] to [B, n, D], the same row at every time step. */
export const repeatVector = /* @__PURE__ */ exact(
  'layers.repeatVector',
  (options: RepeatVectorOptions): RepeatVector => new RepeatVector(options),
);

/** [B, T, D] to [B, T D]. */
export const flatten = /* @__PURE__ */ exact(
  'layers.flatten',
  (options?: FlattenOptions): Flatten => new Flatten(options),
);

/** Samples in another shape, their numbers in the same order. */
export const reshape = /* @__PURE__ */ exact(
  'layers.reshape',
  (options: ReshapeOptions): Reshape => new Reshape(options),
);

/** Names the input of a model. */
export const inputLayer = /* @__PURE__ */ exact(
  'layers.inputLayer',
  (options: InputLayerOptions): InputLayer => new InputLayer(options),
);
