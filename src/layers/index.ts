/** The namespace `layers`, and the types of layers and their options. */

export type {
  Activation,
  ActivationOptions,
  ELU,
  ELUOptions,
  LeakyReLU,
  LeakyReLUOptions,
  ReLU,
  ReLUOptions,
  Softmax,
  SoftmaxOptions,
  ThresholdedReLU,
  ThresholdedReLUOptions,
} from './activationLayers.ts';
export type {
  AdditiveAttention,
  AdditiveAttentionOptions,
  Attention,
  AttentionOptions,
  ScoreMode,
} from './attention.ts';
export type { AttentionLayerOptions } from './attentionLayer.ts';
export type { Concatenate, ConcatenateOptions } from './concatenate.ts';
export type { Conv1D, Conv1DOptions } from './conv1d.ts';
export type { CustomLayer } from './custom/customLayer.ts';
export type { LayerVariable } from './custom/layerVariable.ts';
export type { CallArguments } from './custom/planCustom.ts';
export type { Dense, DenseOptions } from './dense.ts';
export type { Dot, DotOptions } from './dot.ts';
export type { Dropout, DropoutOptions } from './dropout.ts';
export type { Embedding, EmbeddingOptions } from './embedding.ts';
export type { Flatten, FlattenOptions } from './flatten.ts';
export type { InputLayer, InputLayerOptions } from './inputLayer.ts';
export type { Layer } from './layer.ts';
export type { Masking, MaskingOptions } from './masking.ts';
export type { Add, Average, Maximum, Merge, Minimum, Multiply, Subtract } from './merge.ts';
export type { MultiHeadAttention, MultiHeadAttentionOptions } from './multiHeadAttention.ts';
export * as layers from './namespace.ts';
export type {
  GaussianDropout,
  GaussianDropoutOptions,
  GaussianNoise,
  GaussianNoiseOptions,
  Noise,
  NoiseOptions,
  SpatialDropout1D,
  SpatialDropout1DOptions,
} from './noise.ts';
export type {
  BatchNormalization,
  BatchNormalizationOptions,
  LayerNormalization,
  LayerNormalizationOptions,
} from './normalization.ts';
export type {
  AveragePooling1D,
  GlobalAveragePooling1D,
  GlobalMaxPooling1D,
  GlobalPooling1DOptions,
  MaxPooling1D,
  Pooling1DOptions,
} from './pooling.ts';
export type { PReLU, PReLUOptions } from './prelu.ts';
export type { Bidirectional, BidirectionalOptions, MergeMode } from './recurrent/bidirectional.ts';
export type { Cell, CellOptions, GatedCellOptions, RecurrentActivation } from './recurrent/cell.ts';
export type {
  GRU,
  GRUCell,
  GRUCellOptions,
  GRUCellOptions as GRUCellLayerArgs,
  GRUOptions,
  GRUOptions as GRULayerArgs,
} from './recurrent/gru.ts';
export type {
  LSTM,
  LSTMCell,
  LSTMCellOptions,
  LSTMCellOptions as LSTMCellLayerArgs,
  LSTMOptions,
  LSTMOptions as LSTMLayerArgs,
} from './recurrent/lstm.ts';
export type { LSTMVariantOptions } from './recurrent/lstmVariant.ts';
export type { MinGRU, MinLSTM, MinRNNOptions } from './recurrent/minRnn.ts';
export type { Recurrent, Recurrent as RNN, RecurrentOptions } from './recurrent/recurrent.ts';
export type { RNNOptions, RNNOptions as RNNLayerArgs, StackedRNNCells } from './recurrent/rnn.ts';
export type {
  SimpleRNN,
  SimpleRNNCell,
  SimpleRNNCellOptions,
  SimpleRNNOptions,
  SimpleRNNOptions as SimpleRNNLayerArgs,
} from './recurrent/simpleRnn.ts';
export type { TimeDistributed, TimeDistributedOptions } from './recurrent/timeDistributed.ts';
export type { RepeatVector, RepeatVectorOptions } from './repeatVector.ts';
export type { Reshape, ReshapeOptions } from './reshape.ts';
export type {
  Cropping1D,
  Cropping1DOptions,
  Permute,
  PermuteOptions,
  UpSampling1D,
  UpSampling1DOptions,
  ZeroPadding1D,
  ZeroPadding1DOptions,
} from './timeSteps.ts';
export type { Padding } from './windows.ts';
