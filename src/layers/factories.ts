/**
 * The namespace `layers`: creates layers, by their names in TF.js. The first layer of a model needs `inputShape` or
 * `batchInputShape`.
 *
 * Separate exports instead of one object, so that bundlers can remove the layers that a program does not use.
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

/** Long short-term memory. Input [batch, timeSteps, features], output [batch, units]; see `returnSequences`. */
export const lstm = /* @__PURE__ */ exact('layers.lstm', (options: LstmOptions): Lstm => new Lstm(options));

/** Gated recurrent unit. Input [batch, timeSteps, features], output [batch, units]; see `returnSequences`. */
export const gru = /* @__PURE__ */ exact('layers.gru', (options: GruOptions): Gru => new Gru(options));

/** Simple recurrent layer. Input [batch, timeSteps, features], output [batch, units]; see `returnSequences`. */
export const simpleRNN = /* @__PURE__ */ exact(
  'layers.simpleRNN',
  (options: SimpleRnnOptions): SimpleRnn => new SimpleRnn(options),
);

/**
 * Runs a recurrent layer in both directions of time and merges the outputs. With `mergeMode: 'concat'`, the output has
 * 2 * units features, else units.
 */
export const bidirectional = /* @__PURE__ */ exact(
  'layers.bidirectional',
  (options: BidirectionalOptions): Bidirectional => new Bidirectional(options),
);

/** A recurrent layer with any cell, or a list of cells. Input [batch, timeSteps, features], output [batch, units]. */
export const rnn = /* @__PURE__ */ exact('layers.rnn', (options: RnnOptions): Rnn => new Rnn(options));

/** Combines several cells into one, for `rnn`. */
export const stackedRNNCells = /* @__PURE__ */ exact(
  'layers.stackedRNNCells',
  (options: { cells: readonly (Cell | StackedRnnCells)[] }): StackedRnnCells => new StackedRnnCells(options),
);

/** Fully connected layer: y = activation(x * kernel + bias) along the last axis. */
export const dense = /* @__PURE__ */ exact('layers.dense', (options: DenseOptions): Dense => new Dense(options));

/** Applies a layer to every time step. Input [batch, timeSteps, features]. */
export const timeDistributed = /* @__PURE__ */ exact(
  'layers.timeDistributed',
  (options: TimeDistributedOptions): TimeDistributed => new TimeDistributed(options),
);

/** Applies an activation. The shape stays the same. */
export const activation = /* @__PURE__ */ exact(
  'layers.activation',
  (options: ActivationOptions): Activation => new Activation(options),
);

/** Softmax along the last axis. The shape stays the same. */
export const softmax = /* @__PURE__ */ exact(
  'layers.softmax',
  (options?: SoftmaxOptions): Softmax => new Softmax(options),
);

/** Rectified linear unit: min(x, maxValue) for x above zero, negativeSlope * x below. */
export const reLU = /* @__PURE__ */ exact('layers.reLU', (options?: ReLUOptions): ReLU => new ReLU(options));

/** Leaky rectified linear unit: x above zero, alpha * x below. */
export const leakyReLU = /* @__PURE__ */ exact(
  'layers.leakyReLU',
  (options?: LeakyReLUOptions): LeakyReLU => new LeakyReLU(options),
);

/** Exponential linear unit: x above zero, alpha * (exp(x) - 1) below. */
export const elu = /* @__PURE__ */ exact('layers.elu', (options?: ELUOptions): ELU => new ELU(options));

/** In training, sets random inputs to zero and scales the others up by 1 / (1 - rate). Otherwise does nothing. */
export const dropout = /* @__PURE__ */ exact(
  'layers.dropout',
  (options: DropoutOptions): Dropout => new Dropout(options),
);

/** Replaces ids by trainable vectors. First layer only. Input [batch, ids], output [batch, ids, outputDim]. */
export const embedding = /* @__PURE__ */ exact(
  'layers.embedding',
  (options: EmbeddingOptions): Embedding => new Embedding(options),
);

/**
 * Masks the time steps whose features all equal `maskValue`: recurrent layers above skip them, and the loss ignores them.
 * Input [batch, timeSteps, features].
 */
export const masking = /* @__PURE__ */ exact(
  'layers.masking',
  (options?: MaskingOptions): Masking => new Masking(options),
);

/** Repeats a vector for n time steps. Input [batch, features], output [batch, n, features]. */
export const repeatVector = /* @__PURE__ */ exact(
  'layers.repeatVector',
  (options: RepeatVectorOptions): RepeatVector => new RepeatVector(options),
);

/** Flattens the time steps. Input [batch, timeSteps, features], output [batch, timeSteps * features]. */
export const flatten = /* @__PURE__ */ exact(
  'layers.flatten',
  (options?: FlattenOptions): Flatten => new Flatten(options),
);

/** Changes the shape of the samples. The numbers of a sample keep their order. */
export const reshape = /* @__PURE__ */ exact(
  'layers.reshape',
  (options: ReshapeOptions): Reshape => new Reshape(options),
);

/** Declares the input shape of a model, as its first layer. */
export const inputLayer = /* @__PURE__ */ exact(
  'layers.inputLayer',
  (options: InputLayerOptions): InputLayer => new InputLayer(options),
);
