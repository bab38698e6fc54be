/** One small model for each layer and for each way of combining layers. */

import { constraints, initializers, layers, regularizers } from 'lstm-wasm';

/** The number of time steps of sequence inputs. */
export const T = 3;

export const stacks = {
  lstm: () => [layers.lstm({ units: 3, inputShape: [T, 2] })],
  'lstm with all options': () => [
    layers.lstm({
      name: 'all',
      units: 3,
      activation: 'softsign',
      recurrentActivation: 'hardSigmoid',
      useBias: true,
      kernelInitializer: initializers.varianceScaling({ scale: 2, mode: 'fanAvg', distribution: 'uniform', seed: 7 }),
      recurrentInitializer: initializers.orthogonal({ gain: 0.5, seed: 8 }),
      biasInitializer: initializers.constant({ value: 0.25 }),
      unitForgetBias: false,
      kernelRegularizer: regularizers.l1l2({ l1: 0.1, l2: 0.2 }),
      recurrentRegularizer: 'l2',
      biasRegularizer: 'l1',
      kernelConstraint: constraints.maxNorm({ maxValue: 3, axis: 1 }),
      recurrentConstraint: constraints.minMaxNorm({ minValue: 0.5, rate: 0.5 }),
      biasConstraint: 'nonNeg',
      dropout: 0.1,
      recurrentDropout: 0.2,
      seed: 5,
      returnSequences: true,
      stateful: true,
      goBackwards: true,
      trainable: false,
      batchInputShape: [4, null, 2],
    }),
  ],
  gru: () => [layers.gru({ units: 3, resetAfter: false, inputShape: [T, 2] }), layers.dense({ units: 1 })],
  'gru, resetAfter: true': () => [layers.gru({ units: 3, inputShape: [T, 2] })],
  simpleRNN: () => [layers.simpleRNN({ units: 3, useBias: false, inputShape: [T, 2], activation: 'relu' })],
  bidirectional: () => [
    layers.bidirectional({ layer: layers.gru({ units: 2 }), mergeMode: 'ave', inputShape: [T, 2] }),
  ],
  'bidirectional with a backwardLayer': () => [
    layers.bidirectional({
      layer: layers.lstm({ units: 2, name: 'past' }),
      backwardLayer: layers.gru({ units: 2, goBackwards: true, name: 'backward_future' }),
      mergeMode: 'sum',
      inputShape: [T, 2],
    }),
  ],
  'rnn of one cell': () => [layers.rnn({ cell: layers.lstmCell({ units: 3 }), inputShape: [T, 2] })],
  'rnn of several cells': () => [
    layers.rnn({
      cell: [layers.lstmCell({ units: 3 }), layers.gruCell({ units: 2 }), layers.simpleRNNCell({ units: 4 })],
      inputShape: [T, 2],
    }),
  ],
  'embedding and masks': () => [
    layers.embedding({ inputDim: 5, outputDim: 2, maskZero: true, inputLength: T }),
    layers.lstm({ units: 2 }),
  ],
  'masking, timeDistributed': () => [
    layers.masking({ maskValue: -1, inputShape: [T, 2] }),
    layers.simpleRNN({ units: 2, returnSequences: true }),
    layers.timeDistributed({ layer: layers.dense({ units: 2, activation: 'softmax', kernelInitializer: 'heNormal' }) }),
  ],
  'conv1d with all options': () => [
    layers.conv1d({
      name: 'windows',
      filters: 3,
      kernelSize: [2],
      padding: 'same', // TF.js loads, but does not compute causal padding
      dilationRate: [2],
      activation: 'elu',
      kernelInitializer: 'heNormal',
      biasInitializer: initializers.constant({ value: 0.25 }),
      kernelRegularizer: 'l1l2',
      biasRegularizer: 'l2',
      kernelConstraint: 'nonNeg',
      biasConstraint: 'nonNeg',
      inputShape: [T, 2],
    }),
    layers.conv1d({ filters: 2, kernelSize: 3, padding: 'same', strides: 2, useBias: false, trainable: false }),
  ],
  normalization: () => [
    layers.batchNormalization({
      inputShape: [T, 2],
      momentum: 0.9,
      epsilon: 0.01,
      gammaRegularizer: 'l2',
      betaConstraint: 'nonNeg',
      movingMeanInitializer: 'ones',
      trainable: false,
    }),
    layers.lstm({ units: 3, returnSequences: true }),
    layers.layerNormalization({ axis: 2, center: false, gammaInitializer: initializers.constant({ value: 0.5 }) }),
    layers.batchNormalization({ scale: false }),
  ],
  'noise and rectifiers with parameters': () => [
    layers.gaussianNoise({ stddev: 0.5, seed: 3, inputShape: [T, 2] }),
    layers.prelu({ alphaInitializer: 'randomNormal', alphaRegularizer: 'l2', alphaConstraint: 'nonNeg' }),
    layers.spatialDropout1d({ rate: 0.5, seed: 4 }),
    layers.prelu({ sharedAxes: [1], alphaInitializer: initializers.constant({ value: 0.25 }) }),
    layers.gaussianDropout({ rate: 0.25, seed: 5 }),
    layers.thresholdedReLU({ theta: 0.1 }),
  ],
  'layers without weights': () => [
    layers.inputLayer({ inputShape: [T, 2] }),
    layers.dropout({ rate: 0.5, noiseShape: [null, 1, null], seed: 3 }),
    layers.activation({ activation: 'gelu_new' }),
    layers.leakyReLU({ alpha: 0.1 }),
    layers.reLU({ maxValue: 2 }),
    layers.elu(),
    layers.softmax({ axis: 2 }),
    layers.reshape({ targetShape: [2, -1] }),
    layers.flatten(),
    layers.repeatVector({ n: 2 }),
  ],
};
