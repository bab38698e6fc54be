/** Initial models: every kind of layer, stateful or not, with different losses, metrics and optimizers. */

import type { Recipe } from './program.ts';

const recipe = (
  layers: string,
  x: string,
  y: string,
  compile = "loss: 'meanSquaredError'",
  optimizer = "'adam'",
): Recipe => ({
  model: `lw.sequential({ layers: [${layers}] })`,
  compile: `m.compile({ optimizer: ${optimizer}, ${compile} })`,
  x,
  y,
});

const sequences = '$.numbers([4, 3, 2])';
const column = '$.numbers([4, 1])';

export const recipes: Recipe[] = [
  recipe('lw.layers.lstm({ units: 3, inputShape: [3, 2] }), lw.layers.dense({ units: 1 })', sequences, column),
  recipe(
    'lw.layers.lstm({ units: 3, stateful: true, returnSequences: true, batchInputShape: [2, 3, 2] }), ' +
      'lw.layers.timeDistributed({ layer: lw.layers.dense({ units: 1 }) })',
    '$.numbers([2, 3, 2])',
    '$.numbers([2, 3, 1])',
    "loss: 'huberLoss', metrics: ['mae', 'mse']",
    'lw.train.rmsprop(0.01, 0.9, 0.1, null, true)',
  ),
  recipe(
    "lw.layers.gru({ units: 5, dropout: 0.2, recurrentDropout: 0.3, inputShape: [3, 2] }), lw.layers.dense({ units: 4, activation: 'softmax' })",
    sequences,
    '$.ids([4, 1], 4)',
    "loss: 'sparseCategoricalCrossentropy', metrics: ['acc']",
    'lw.train.adam({ learningRate: lw.schedules.cosineDecay({ initialLearningRate: 0.1, decaySteps: 5 }), clipNorm: 1 })',
  ),
  recipe(
    "lw.layers.lstm({ units: 3, usePeepholes: true, projectionUnits: 2, layerNormalization: true, returnSequences: true, inputShape: [null, 2] }), lw.layers.simpleRNN({ units: 2, layerNormalization: true, returnSequences: true }), lw.layers.dense({ units: 1, activation: 'sigmoid' })",
    sequences,
    '$.ids([4, 3, 1], 2)',
    "loss: 'binaryCrossentropy'",
    'lw.train.rmsprop({})',
  ),
  recipe(
    "lw.layers.masking({ inputShape: [null, 2] }), lw.layers.bidirectional({ layer: lw.layers.gru({ units: 2, returnSequences: true, resetAfter: false }), mergeMode: 'ave' }), lw.layers.dropout({ rate: 0.5 }), lw.layers.dense({ units: 1, activation: 'sigmoid' })",
    sequences,
    '$.ids([4, 3, 1], 2)',
    "loss: 'binaryCrossentropy', metrics: 'accuracy'",
    'lw.train.adamw({ useEma: true, emaOverwriteFrequency: 2 })',
  ),
  recipe(
    'lw.layers.embedding({ inputDim: 5, outputDim: 3, maskZero: true, inputLength: 3 }), lw.layers.simpleRNN({ units: 2 })',
    '$.ids([4, 3], 5)',
    '$.numbers([4, 2])',
    "loss: 'meanAbsoluteError'",
    'lw.train.momentum(0.01, 0.9, true)',
  ),
  recipe(
    "lw.layers.rnn({ cell: [lw.layers.lstmCell({ units: 3, dropout: 0.1 }), lw.layers.gruCell({ units: 2 })], goBackwards: true, inputShape: [3, 2] }), lw.layers.repeatVector({ n: 2 }), lw.layers.flatten(), lw.layers.dense({ units: 2, kernelRegularizer: 'l2', kernelConstraint: 'maxNorm' })",
    sequences,
    '$.numbers([4, 2])',
    "loss: 'logcosh', metrics: [lw.metrics.meanAbsoluteError]",
    'lw.train.nadam({ globalClipNorm: 1 })',
  ),
  recipe(
    "lw.layers.dense({ units: 6, activation: 'elu', inputShape: [2] }), lw.layers.reshape({ targetShape: [3, 2] }), lw.layers.leakyReLU(), lw.layers.softmax()",
    '$.numbers([4, 2])',
    '$.ids([4, 3, 2], 2)',
    "loss: 'kullbackLeiblerDivergence'",
    'lw.train.adadelta()',
  ),
  recipe(
    "lw.layers.bidirectional({ layer: lw.layers.lstm({ units: 2, stateful: true }), batchInputShape: [2, null, 2] }), lw.layers.dense({ units: 1, activation: 'softplus' })",
    '$.numbers([2, 3, 2])',
    '$.numbers([2, 1])',
    "loss: 'poisson'",
    'lw.train.adagrad(0.1)',
  ),
  recipe(
    "lw.layers.simpleRNN({ units: 3, activation: 'relu', inputShape: [null, 2], trainable: false }), lw.layers.dense({ units: 2, activation: 'gelu' })",
    sequences,
    '$.numbers([4, 2])',
    "loss: 'cosineProximity', metrics: ['mape', 'msle']",
    'lw.train.adamax({ clipValue: 0.5, learningRate: step => 1 / (10 + step) })',
  ),
  recipe(
    "lw.layers.minGRU({ units: 3, stateful: true, returnSequences: true, batchInputShape: [2, 3, 2] }), lw.layers.bidirectional({ layer: lw.layers.minLSTM({ units: 2, activation: 'tanh', dropout: 0.2 }) }), lw.layers.dense({ units: 1 })",
    '$.numbers([2, 3, 2])',
    '$.numbers([2, 1])',
  ),
  { model: 'lw.sequential()', compile: '', x: sequences, y: column },
  { ...recipe('lw.layers.lstm({ units: 3, inputShape: [3, 2] })', sequences, '$.numbers([4, 3])'), compile: '' },
];
