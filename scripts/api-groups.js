/** The tasks by which the API reference groups its pages, and the sources that belong to each. */

/**
 * For each group, the beginnings of the paths of its sources below src/. The longest one decides.
 * @type {Record<string, string[]>}
 */
const sources = {
  Models: ['model/'],
  Parts: ['core/'],
  Layers: ['layers/'],
  'Losses and metrics': ['objective/'],
  Optimizers: ['optimizers/'],
  'Training and callbacks': ['training/', 'inputs/'],
  'Saving and loading': ['saving/'],
  'Initializers, regularizers and constraints': ['weights/'],
  Tensors: ['tensor/'],
  'Data sets': ['data/dataset.ts'],
  'Windows and sequences': ['data/'],
  Scaling: ['data/scalers.ts'],
  Classification: ['data/class', 'plot/confusionMatrixPlot.ts'],
  Forecasting: ['data/forecast.ts', 'forecast/', 'plot/forecast'],
  'Reading data': ['forecast/readCsv.ts', 'forecast/csvNumbers.ts', 'forecast/dates.ts', 'forecast/series.ts'],
  'Baselines and backtests': ['forecast/backtest', 'forecast/baselines.ts', 'plot/backtest', 'plot/residual'],
  Metrics: ['forecast/metrics.ts'],
  'Prediction intervals': ['forecast/conformal.ts', 'forecast/intervalMetrics.ts'],
  'Transforms and calendar': [
    'forecast/transform',
    'forecast/calendar.ts',
    'forecast/times.ts',
    'forecast/frequency.ts',
  ],
  'Many series': ['scale/fitEach.ts', 'scale/eachSeries.ts', 'scale/models.ts'],
  'Search for settings': ['scale/search/'],
  'Custom tasks': ['scale/runTask.ts', 'scale/task.ts', 'scale/pack.ts'],
  'Engines and stores': ['scale/'],
  'Training and predictions': ['plot/lossPlot.ts', 'plot/predictionPlot.ts'],
  'Inside a network': ['plot/cell', 'plot/chain', 'plot/gate'],
  'All plots': ['plot/'],
  Setup: ['wasm/', 'util/', 'index.ts', 'kernelsModule.ts', 'turbo.ts'],
};

/** @type {Record<string, string[]>} */
const layers = {
  Recurrent: 'lstm gru simpleRNN minGRU minLSTM bidirectional rnn stackedRNNCells lstmCell gruCell simpleRNNCell'.split(
    ' ',
  ),
  Attention: ['attention', 'additiveAttention', 'multiHeadAttention'],
  Merging: 'add subtract multiply average maximum minimum concatenate dot'.split(' '),
  'Sequences and shapes':
    'embedding masking timeDistributed repeatVector flatten reshape permute inputLayer zeroPadding1d cropping1d upSampling1d'.split(
      ' ',
    ),
  'Convolution and pooling': [
    ...'conv1d maxPooling1d averagePooling1d globalMaxPooling1d globalAveragePooling1d'.split(' '),
    ...'avgPool1d avgPooling1d globalMaxPool1d maxPool1d'.split(' '),
  ],
  'Normalization and regularization':
    'batchNormalization layerNormalization dropout spatialDropout1d gaussianDropout gaussianNoise'.split(' '),
  'Dense and activations': 'dense activation softmax reLU leakyReLU elu prelu thresholdedReLU'.split(' '),
  Custom: ['Layer'],
};

/** The order of the groups on a page. */
export const groupOrder = [...Object.keys(layers), ...Object.keys(sources), '*'];

/**
 * The group of an export.
 * @param {string} name of the export
 * @param {string} source its file, from src/
 * @param {string} [namespace] that it belongs to
 * @returns {string | null} null for the groups by kind
 */
export function groupOf(name, source, namespace) {
  if (namespace === 'layers') return Object.entries(layers).find(([, names]) => names.includes(name))?.[0] ?? null;
  if (namespace) return null;
  let group = null;
  let longest = 0;
  for (const [candidate, prefixes] of Object.entries(sources)) {
    for (const prefix of prefixes) {
      if (source.startsWith(prefix) && prefix.length > longest) [group, longest] = [candidate, prefix.length];
    }
  }
  return group;
}
