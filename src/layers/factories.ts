/**
 * The namespace `layers`: creates layers, by their names in TF.js. The first layer of a model needs `inputShape` or
 * `batchInputShape`.
 *
 * Separate exports instead of one object, so that bundlers can remove the layers that a program does not use.
 */

import { Activation, ELU, LeakyReLU, ReLU, Softmax, ThresholdedReLU } from './activationLayers.ts';
import { AdditiveAttention, Attention } from './attention.ts';
import { Concatenate } from './concatenate.ts';
import { Conv1D } from './conv1d.ts';
import { Dense } from './dense.ts';
import { Dot } from './dot.ts';
import { Dropout } from './dropout.ts';
import { Embedding } from './embedding.ts';
import { factory, factoryWithDefaults } from './factory.ts';
import { Flatten } from './flatten.ts';
import { InputLayer } from './inputLayer.ts';
import { Masking } from './masking.ts';
import { Add, Average, Maximum, Minimum, Multiply, Subtract } from './merge.ts';
import { MultiHeadAttention } from './multiHeadAttention.ts';
import { GaussianDropout, GaussianNoise, SpatialDropout1D } from './noise.ts';
import { BatchNormalization, LayerNormalization } from './normalization.ts';
import { AveragePooling1D, GlobalAveragePooling1D, GlobalMaxPooling1D, MaxPooling1D } from './pooling.ts';
import { PReLU } from './prelu.ts';
import { Bidirectional } from './recurrent/bidirectional.ts';
import { GRU, gruCell } from './recurrent/gru.ts';
import { LSTM, lstmCell } from './recurrent/lstm.ts';
import { MinGRU, MinLSTM } from './recurrent/minRnn.ts';
import type { Recurrent } from './recurrent/recurrent.ts';
import { RNN, type RNNOptions, StackedRNNCells } from './recurrent/rnn.ts';
import { SimpleRNN, simpleRNNCell } from './recurrent/simpleRnn.ts';
import { TimeDistributed } from './recurrent/timeDistributed.ts';
import { RepeatVector } from './repeatVector.ts';
import { Reshape } from './reshape.ts';
import { Cropping1D, Permute, UpSampling1D, ZeroPadding1D } from './timeSteps.ts';

export { gruCell, lstmCell, simpleRNNCell };

/** Long short-term memory. Input [batch, timeSteps, features], output [batch, units]; see `returnSequences`. */
export const lstm = /* @__PURE__ */ factory('lstm', LSTM);

/** Gated recurrent unit. Input [batch, timeSteps, features], output [batch, units]; see `returnSequences`. */
export const gru = /* @__PURE__ */ factory('gru', GRU);

/** Simple recurrent layer. Input [batch, timeSteps, features], output [batch, units]; see `returnSequences`. */
export const simpleRNN = /* @__PURE__ */ factory('simpleRNN', SimpleRNN);

/**
 * Minimal gated recurrent unit, whose gates read the input only, so that it trains faster than `gru`. Input [batch,
 * timeSteps, features], output [batch, units]; see `returnSequences`.
 */
export const minGRU = /* @__PURE__ */ factory('minGRU', MinGRU);

/**
 * Minimal long short-term memory, whose gates read the input only, and which has no cell state. Input [batch, timeSteps,
 * features], output [batch, units]; see `returnSequences`.
 */
export const minLSTM = /* @__PURE__ */ factory('minLSTM', MinLSTM);

/**
 * Runs a recurrent layer in both directions of time and merges the outputs. With `mergeMode: 'concat'`, the output has
 * 2 * units features, else units.
 */
export const bidirectional = /* @__PURE__ */ factory('bidirectional', Bidirectional);

/** A recurrent layer with any cell, or a list of cells. Input [batch, timeSteps, features], output [batch, units]. */
export const rnn: (options: RNNOptions) => Recurrent = /* @__PURE__ */ factory('rnn', RNN);

/** Combines several cells into one, for `rnn`. */
export const stackedRNNCells = /* @__PURE__ */ factory('stackedRNNCells', StackedRNNCells);

/** Fully connected layer: y = activation(x * kernel + bias) along the last axis. */
export const dense = /* @__PURE__ */ factory('dense', Dense);

/**
 * Convolution over time. Input [batch, timeSteps, features], output [batch, newSteps, filters]; `padding` and `strides`
 * determine how many steps the output has.
 */
export const conv1d = /* @__PURE__ */ factory('conv1d', Conv1D);

/** Applies a layer to every time step. Input [batch, timeSteps, features]. */
export const timeDistributed = /* @__PURE__ */ factory('timeDistributed', TimeDistributed);

/** Applies an activation. The shape stays the same. */
export const activation = /* @__PURE__ */ factory('activation', Activation);

/** Softmax along the last axis. The shape stays the same. */
export const softmax = /* @__PURE__ */ factoryWithDefaults('softmax', Softmax);

/** Rectified linear unit: min(x, maxValue) for x above zero, negativeSlope * x below. */
export const reLU = /* @__PURE__ */ factoryWithDefaults('reLU', ReLU);

/** Leaky rectified linear unit: x above zero, alpha * x below. */
export const leakyReLU = /* @__PURE__ */ factoryWithDefaults('leakyReLU', LeakyReLU);

/** Exponential linear unit: x above zero, alpha * (exp(x) - 1) below. */
export const elu = /* @__PURE__ */ factoryWithDefaults('elu', ELU);

/** Rectified linear unit with a threshold: x above theta, 0 elsewhere. */
export const thresholdedReLU = /* @__PURE__ */ factoryWithDefaults('thresholdedReLU', ThresholdedReLU);

/** Leaky rectified linear unit with learnt slopes: x above zero, alpha * x elsewhere; see `sharedAxes`. */
export const prelu = /* @__PURE__ */ factoryWithDefaults('prelu', PReLU);

/** In training, sets random inputs to zero and scales the others up by 1 / (1 - rate). Otherwise does nothing. */
export const dropout = /* @__PURE__ */ factory('dropout', Dropout);

/** Dropout of whole features: the same ones at every time step. Input [batch, timeSteps, features]. */
export const spatialDropout1d = /* @__PURE__ */ factory('spatialDropout1d', SpatialDropout1D);

/** In training, adds normal numbers of mean 0. Otherwise does nothing. */
export const gaussianNoise = /* @__PURE__ */ factory('gaussianNoise', GaussianNoise);

/** In training, multiplies the inputs by normal numbers of mean 1. Otherwise does nothing. */
export const gaussianDropout = /* @__PURE__ */ factory('gaussianDropout', GaussianDropout);

/** Replaces ids by trainable vectors. First layer only. Input [batch, ids], output [batch, ids, outputDim]. */
export const embedding = /* @__PURE__ */ factory('embedding', Embedding);

/**
 * Masks the time steps whose features all equal `maskValue`: recurrent layers above skip them, and the loss ignores them.
 * Input [batch, timeSteps, features].
 */
export const masking = /* @__PURE__ */ factoryWithDefaults('masking', Masking);

/** Repeats a vector for n time steps. Input [batch, features], output [batch, n, features]. */
export const repeatVector = /* @__PURE__ */ factory('repeatVector', RepeatVector);

/** Flattens the time steps. Input [batch, timeSteps, features], output [batch, timeSteps * features]. */
export const flatten = /* @__PURE__ */ factoryWithDefaults('flatten', Flatten);

/** Changes the shape of the samples. The numbers of a sample keep their order. */
export const reshape = /* @__PURE__ */ factory('reshape', Reshape);

/** The maximum of each window of time steps. Input [batch, timeSteps, features]; see `strides` and `padding`. */
export const maxPooling1d = /* @__PURE__ */ factoryWithDefaults('maxPooling1d', MaxPooling1D);

/** The mean of each window of time steps. Input [batch, timeSteps, features]; see `strides` and `padding`. */
export const averagePooling1d = /* @__PURE__ */ factoryWithDefaults('averagePooling1d', AveragePooling1D);

/** The maximum of all time steps that are not masked. Input [batch, timeSteps, features], output [batch, features]. */
export const globalMaxPooling1d = /* @__PURE__ */ factoryWithDefaults('globalMaxPooling1d', GlobalMaxPooling1D);

/** The mean of all time steps that are not masked. Input [batch, timeSteps, features], output [batch, features]. */
export const globalAveragePooling1d = /* @__PURE__ */ factoryWithDefaults(
  'globalAveragePooling1d',
  GlobalAveragePooling1D,
);

/** Other names of TF.js for the same layers. */
export {
  averagePooling1d as avgPool1d,
  averagePooling1d as avgPooling1d,
  globalMaxPooling1d as globalMaxPool1d,
  maxPooling1d as maxPool1d,
};

/** Repeats each time step. Input [batch, timeSteps, features], output [batch, size * timeSteps, features]. */
export const upSampling1d = /* @__PURE__ */ factoryWithDefaults('upSampling1d', UpSampling1D);

/** Adds time steps of zeros at both ends. Input [batch, timeSteps, features]. */
export const zeroPadding1d = /* @__PURE__ */ factoryWithDefaults('zeroPadding1d', ZeroPadding1D);

/** Cuts off time steps at both ends. Input [batch, timeSteps, features]. */
export const cropping1d = /* @__PURE__ */ factoryWithDefaults('cropping1d', Cropping1D);

/** Exchanges time steps and features. Input [batch, timeSteps, features], output [batch, features, timeSteps]. */
export const permute = /* @__PURE__ */ factory('permute', Permute);

/** Adds two or more inputs. Sizes of 1 are repeated to those of the other inputs. */
export const add = /* @__PURE__ */ factoryWithDefaults('add', Add);

/** Subtracts the second of two inputs from the first. */
export const subtract = /* @__PURE__ */ factoryWithDefaults('subtract', Subtract);

/** Multiplies two or more inputs, number by number. Sizes of 1 are repeated to those of the other inputs. */
export const multiply = /* @__PURE__ */ factoryWithDefaults('multiply', Multiply);

/** The mean of two or more inputs, number by number. */
export const average = /* @__PURE__ */ factoryWithDefaults('average', Average);

/** The maximum of two or more inputs, number by number. */
export const maximum = /* @__PURE__ */ factoryWithDefaults('maximum', Maximum);

/** The minimum of two or more inputs, number by number. */
export const minimum = /* @__PURE__ */ factoryWithDefaults('minimum', Minimum);

/** Concatenates two or more inputs along their features, or their time steps with `axis: 1`. */
export const concatenate = /* @__PURE__ */ factoryWithDefaults('concatenate', Concatenate);

/**
 * The product of two inputs, summed over one axis of each. With `axes: 2`, [batch, T, D] and [batch, S, D] give
 * [batch, T, S]; with `axes: 1`, [batch, D] and [batch, D] give [batch, 1].
 */
export const dot = /* @__PURE__ */ factory('dot', Dot);

/**
 * Luong attention. Inputs [query, value] or [query, value, key], sequences of vectors; the output has the time steps of the
 * query and the features of the value.
 */
export const attention = /* @__PURE__ */ factoryWithDefaults('attention', Attention);

/**
 * Bahdanau attention. Inputs [query, value] or [query, value, key], sequences of vectors; the output has the time steps of
 * the query and the features of the value.
 */
export const additiveAttention = /* @__PURE__ */ factoryWithDefaults('additiveAttention', AdditiveAttention);

/**
 * Attention with several heads, as in transformers. Inputs [query, value] or [query, value, key], sequences of vectors; for
 * self-attention all of them are the same. The output has the time steps of the query and, without `outputShape`, as many
 * features.
 */
export const multiHeadAttention = /* @__PURE__ */ factory('multiHeadAttention', MultiHeadAttention);

/**
 * Batch normalization: each feature gets mean 0 and variance 1 over the batch, then the factor gamma and the summand beta.
 * Predictions use the moving mean and variance, which are weights that training computes. The shape stays the same.
 */
export const batchNormalization = /* @__PURE__ */ factoryWithDefaults('batchNormalization', BatchNormalization);

/** Layer normalization: the features of each time step get mean 0 and variance 1, then the factor gamma and the summand beta. */
export const layerNormalization = /* @__PURE__ */ factoryWithDefaults('layerNormalization', LayerNormalization);

/** Declares the input shape of a model, as its first layer. */
export const inputLayer = /* @__PURE__ */ factory('inputLayer', InputLayer);
