/**
 * Generates random programs: every call of the public interface, mostly with valid arguments, and occasionally with an
 * unusual argument or option.
 */

import fc from 'fast-check';
import type { Program, Statement } from './program.ts';
import { recipes } from './recipes.ts';
import { unusualNumbers, unusualValues } from './unusualValues.ts';

type Code = fc.Arbitrary<string>;

const unusualValue: Code = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...unusualValues) },
  { weight: 1, arbitrary: fc.constantFrom(...unusualNumbers) },
);

/** One of these codes, occasionally an unusual value. */
const pick = (...codes: string[]): Code => mostly(fc.constantFrom(...codes));
const mostly = (usual: Code, other: Code = unusualValue): Code =>
  fc.oneof({ weight: 15, arbitrary: usual }, { weight: 1, arbitrary: other });

/** An integer. Valid numbers that would take too much time or memory are left out. */
const count = (...codes: string[]): Code => {
  const tooLarge = ['2 ** 31', '2 ** 32', '2 ** 40', '2 ** 53', '1e308'];
  const invalid = [...unusualValues, ...unusualNumbers].filter(code => !tooLarge.includes(code));
  return mostly(fc.constantFrom(...codes), fc.constantFrom(...invalid));
};

/** An object with some of these properties, rarely with an unknown one, rarely an unusual value instead. */
function object(fields: Record<string, Code>, ...required: string[]): Code {
  const valid = fc.record(fields, { requiredKeys: required }).map(found => Object.entries(found));
  const unknownKeys = fc.constantFrom('unit', '__proto__', 'constructor', '"0"', '[Symbol()]');
  const unknownEntry = fc.option(fc.tuple(unknownKeys, unusualValue), { freq: 40, nil: undefined });
  return mostly(
    fc.tuple(valid, unknownEntry).map(([entries, extra]) => {
      const all = extra ? [...entries, extra] : entries;
      return all.length === 0 ? '{}' : `{ ${all.map(([key, value]) => `${key}: ${value}`).join(', ')} }`;
    }),
  );
}

/** A call with these arguments, occasionally with fewer. */
function call(name: string, ...args: Code[]): Code {
  const argumentCount = fc.oneof(
    { weight: 25, arbitrary: fc.constant(args.length) },
    { weight: 1, arbitrary: fc.nat({ max: args.length }) },
  );
  return fc.tuple(argumentCount, ...args).map(([count, ...codes]) => `${name}(${codes.slice(0, count).join(', ')})`);
}

const list = (item: Code, most = 3): Code =>
  mostly(fc.array(item, { maxLength: most }).map(items => `[${items.join(', ')}]`));

// ------------------------------------------------------------------------------------------------------------ parts

const bool = pick('true', 'false');
const seed = pick('1', '0', '7');
const rate = pick('0.01', '0.1', '0', '1');
const small = count('1', '2', '3', '4');
const name = pick("'a'", "'b'", "'lstm_1'", "'two words'", "'a/b'");

const initializer = fc.oneof(
  pick("'zeros'", "'glorotUniform'", "'orthogonal'", "'identity'", "'heNormal'"),
  call('lw.initializers.constant', object({ value: pick('0.5', '-1') }, 'value')),
  call('lw.initializers.randomNormal', object({ mean: pick('0'), stddev: pick('0.1'), seed })),
  call('lw.initializers.randomUniform', object({ minval: pick('-1', '0'), maxval: pick('1', '0'), seed })),
  call('lw.initializers.truncatedNormal', object({ mean: pick('0'), stddev: pick('0.1'), seed })),
  call('lw.initializers.identity', object({ gain: pick('0.5') })),
  call('lw.initializers.orthogonal', object({ gain: pick('0.5'), seed })),
  call(
    'lw.initializers.varianceScaling',
    object({
      scale: pick('1', '2'),
      mode: pick("'fanIn'", "'fanAvg'"),
      distribution: pick("'normal'", "'uniform'"),
      seed,
    }),
  ),
  call('lw.initializers.glorotNormal', object({ seed })),
);
const regularizer = fc.oneof(
  pick("'l1'", "'l2'", "'l1l2'", 'null'),
  call('lw.regularizers.l1', object({ l1: rate })),
  call('lw.regularizers.l2', object({ l2: rate })),
  call('lw.regularizers.l1l2', object({ l1: rate, l2: rate })),
);
const constraint = fc.oneof(
  pick("'maxNorm'", "'nonNeg'", "'unitNorm'", 'null'),
  call('lw.constraints.maxNorm', object({ maxValue: pick('1', '2'), axis: pick('0', '1') })),
  call('lw.constraints.minMaxNorm', object({ minValue: pick('0', '0.5'), maxValue: pick('1'), rate, axis: pick('0') })),
  call('lw.constraints.unitNorm', object({ axis: pick('0', '1') })),
  call('lw.constraints.nonNeg'),
);
const activation = pick("'tanh'", "'relu'", "'linear'", "'softmax'", "'sigmoid'", "'hardSigmoid'", "'gelu'", "'swish'");

const schedule = fc.oneof(
  call('lw.schedules.constant', object({ learningRate: rate }, 'learningRate')),
  call('lw.schedules.step', object({ boundaries: list(pick('1', '3')), values: list(rate) }, 'boundaries', 'values')),
  ...['exponentialDecay', 'inverseTimeDecay', 'polynomialDecay', 'cosineDecay'].map(kind =>
    call(
      `lw.schedules.${kind}`,
      object(
        {
          initialLearningRate: rate,
          decaySteps: pick('1', '2', '10'),
          ...(kind.endsWith('eDecay') && kind !== 'cosineDecay'
            ? { decayRate: pick('0.5', '0'), staircase: bool }
            : {}),
          ...(kind === 'exponentialDecay' ? { decayRate: pick('0.5', '0'), staircase: bool } : {}),
          ...(kind === 'polynomialDecay' ? { endLearningRate: rate, power: pick('0', '0.5', '2'), cycle: bool } : {}),
          ...(kind === 'cosineDecay' ? { alpha: rate, warmupTarget: rate, warmupSteps: small } : {}),
        },
        'initialLearningRate',
        'decaySteps',
      ),
    ),
  ),
  call(
    'lw.schedules.oneCycle',
    object(
      {
        maxLearningRate: rate,
        totalSteps: count('2', '10'),
        warmupShare: rate,
        divFactor: pick('1', '25'),
        finalDivFactor: pick('1'),
      },
      'maxLearningRate',
      'totalSteps',
    ),
  ),
);
const learningRate = fc.oneof(
  rate,
  schedule,
  pick('step => 0.1 / (1 + step)', 'step => NaN', "step => 'x'", '$.throwUserError'),
);

const optimizerOptions = {
  learningRate,
  clipNorm: pick('1', '0.01'),
  clipValue: pick('1'),
  globalClipNorm: pick('1'),
  weightDecay: pick('0.01', '0'),
  useEma: bool,
  emaMomentum: pick('0.9', '0'),
  emaOverwriteFrequency: count('1', '3'),
};
const adamOptions = { beta1: pick('0.9', '0'), beta2: pick('0.999', '0'), epsilon: pick('1e-7', '1e-3') };
const optimizer = fc.oneof(
  pick("'adam'", "'sgd'", "'rmsprop'", "'adagrad'", "'Adam'", 'o'),
  call('lw.train.adam', object({ ...optimizerOptions, ...adamOptions, amsgrad: bool })),
  call('lw.train.adamw', object({ ...optimizerOptions, ...adamOptions })),
  call('lw.train.amsgrad', learningRate, rate, rate, pick('1e-7')),
  call('lw.train.nadam', object({ ...optimizerOptions, ...adamOptions })),
  call('lw.train.adamax', learningRate, pick('0.9'), pick('0.9'), pick('1e-7', 'null'), pick('0', '0.1')),
  call('lw.train.sgd', learningRate),
  call('lw.train.sgd', object(optimizerOptions)),
  call('lw.train.momentum', learningRate, pick('0.9', '0'), bool),
  call('lw.train.rmsprop', learningRate, pick('0.9', '0'), pick('0', '0.5'), pick('1e-7', 'null'), bool),
  call('lw.train.adagrad', learningRate, pick('0.1', '0')),
  call('lw.train.adadelta', learningRate, pick('0.9', '0'), pick('1e-7')),
);

const inputShape = pick('[3, 2]', '[null, 2]', '[2]', '[3]', '[null]');
const layerOptions = {
  name,
  trainable: bool,
  inputShape,
  batchInputShape: pick('[2, 3, 2]', '[null, 3, 2]', '[2, null, 2]'),
  batchSize: small,
  inputDim: small,
  weights: pick('[]', '[$.numbers([2, 2])]', 'm.getWeights()'),
  dtype: pick("'float32'"),
};
const cellOptions = {
  units: small,
  activation,
  recurrentActivation: activation,
  useBias: bool,
  kernelInitializer: initializer,
  recurrentInitializer: initializer,
  biasInitializer: initializer,
  unitForgetBias: bool,
  kernelRegularizer: regularizer,
  recurrentConstraint: constraint,
  dropout: rate,
  recurrentDropout: rate,
  seed,
};
const cells = fc.oneof(
  ...['lstmCell', 'gruCell', 'simpleRNNCell'].map(kind => call(`lw.layers.${kind}`, object(cellOptions, 'units'))),
);
const minimalOptions = {
  units: small,
  activation,
  useBias: bool,
  kernelInitializer: initializer,
  biasRegularizer: regularizer,
  kernelConstraint: constraint,
  dropout: rate,
  seed,
};
const recurrentOptions = {
  ...layerOptions,
  returnSequences: bool,
  stateful: bool,
  goBackwards: bool,
  returnState: pick('false'),
  inputLength: small,
  unroll: bool,
};
const recurrentLayer = fc.oneof(
  ...['lstm', 'gru', 'simpleRNN'].map(kind =>
    call(`lw.layers.${kind}`, object({ ...recurrentOptions, ...cellOptions }, 'units')),
  ),
  ...['minGRU', 'minLSTM'].map(kind =>
    call(`lw.layers.${kind}`, object({ ...recurrentOptions, ...minimalOptions }, 'units')),
  ),
  call('lw.layers.rnn', object({ ...recurrentOptions, cell: fc.oneof(cells, list(cells)) }, 'cell')),
  call(
    'lw.layers.rnn',
    object({ cell: call('lw.layers.stackedRNNCells', object({ cells: list(cells) }, 'cells')) }, 'cell'),
  ),
);
const denseLayer = call(
  'lw.layers.dense',
  object(
    {
      ...layerOptions,
      units: small,
      activation,
      useBias: bool,
      kernelInitializer: initializer,
      biasRegularizer: regularizer,
      kernelConstraint: constraint,
    },
    'units',
  ),
);
const poolOptions = {
  ...layerOptions,
  poolSize: count('1', '2', '[3]'),
  strides: count('1', '2', 'null'),
  padding: pick("'valid'", "'same'"),
};
const normalizationOptions = {
  ...layerOptions,
  axis: pick('-1', '1', '2'),
  epsilon: pick('0.001', '0'),
  center: bool,
  scale: bool,
  gammaInitializer: initializer,
  betaRegularizer: regularizer,
  gammaConstraint: constraint,
};
const timeLayers: Code[] = [
  call(
    'lw.layers.conv1d',
    object(
      {
        ...layerOptions,
        filters: small,
        kernelSize: count('1', '2', '[3]'),
        strides: count('1', '2'),
        padding: pick("'valid'", "'same'", "'causal'"),
        dilationRate: count('1', '2'),
        activation,
        useBias: bool,
        kernelInitializer: initializer,
      },
      'filters',
      'kernelSize',
    ),
  ),
  call('lw.layers.maxPooling1d', object(poolOptions)),
  call('lw.layers.averagePooling1d', object(poolOptions)),
  call('lw.layers.globalMaxPooling1d', object(layerOptions)),
  call('lw.layers.globalAveragePooling1d', object(layerOptions)),
  call('lw.layers.upSampling1d', object({ ...layerOptions, size: small })),
  call('lw.layers.zeroPadding1d', object({ ...layerOptions, padding: count('0', '1', '[0, 2]') })),
  call('lw.layers.cropping1d', object({ ...layerOptions, cropping: count('0', '1', '[0, 2]') })),
  call('lw.layers.permute', object({ ...layerOptions, dims: pick('[2, 1]', '[1, 2]') }, 'dims')),
  call('lw.layers.batchNormalization', object({ ...normalizationOptions, momentum: pick('0.99', '0', '1') })),
  call('lw.layers.layerNormalization', object(normalizationOptions)),
  call(
    'lw.layers.prelu',
    object({ ...layerOptions, alphaInitializer: initializer, sharedAxes: pick('[1]', '[1, 2]', 'null') }),
  ),
  call('lw.layers.spatialDropout1d', object({ ...layerOptions, rate, seed }, 'rate')),
  call('lw.layers.gaussianNoise', object({ ...layerOptions, stddev: rate, seed }, 'stddev')),
  call('lw.layers.gaussianDropout', object({ ...layerOptions, rate, seed }, 'rate')),
];
const layer = fc.oneof(
  recurrentLayer,
  denseLayer,
  ...timeLayers,
  call(
    'lw.layers.bidirectional',
    object(
      { ...layerOptions, layer: recurrentLayer, mergeMode: pick("'concat'", "'sum'", "'mul'", "'ave'", 'null') },
      'layer',
    ),
  ),
  call('lw.layers.timeDistributed', object({ ...layerOptions, layer: fc.oneof(denseLayer, pick('l')) }, 'layer')),
  call('lw.layers.activation', object({ ...layerOptions, activation }, 'activation')),
  call('lw.layers.softmax', object({ axis: pick('-1', '1', '2') })),
  call('lw.layers.reLU', object({ maxValue: pick('1', '6') })),
  call('lw.layers.leakyReLU', object({ alpha: pick('0.1') })),
  call('lw.layers.elu', object({ alpha: pick('1', '0.5') })),
  call('lw.layers.dropout', object({ ...layerOptions, rate, seed, noiseShape: pick('null', '[null, 1, 2]') }, 'rate')),
  call(
    'lw.layers.embedding',
    object(
      {
        ...layerOptions,
        inputDim: small,
        outputDim: small,
        maskZero: bool,
        inputLength: small,
        embeddingsInitializer: initializer,
      },
      'inputDim',
      'outputDim',
    ),
  ),
  call('lw.layers.masking', object({ ...layerOptions, maskValue: pick('0', '1') })),
  call('lw.layers.repeatVector', object({ ...layerOptions, n: small }, 'n')),
  call('lw.layers.flatten', object(layerOptions)),
  call(
    'lw.layers.reshape',
    object({ ...layerOptions, targetShape: pick('[2, 2]', '[-1]', '[6]', '[null, 2]') }, 'targetShape'),
  ),
  call('lw.layers.inputLayer', object(layerOptions)),
);

// ------------------------------------------------------------------------------------------------------------- data

const batches = (of: string) => [of, `${of}.arraySync()`, `${of}.dataSync()`, `[...${of}.dataSync()]`];
/** Statements that change the model while its data is being read, or inside a callback. */
const interruptions = [
  'm.dispose()',
  'm.pop()',
  'm.predict($.numbers([64, 3, 2]))',
  "m.compile({ optimizer: 'sgd', loss: 'mse' })",
  'm.trainOnBatch(x, y)',
  'm.add(l)',
  '$.inBackground(m.fit(x, y, { verbose: 0 }))',
];
const unusualBatch = fc.oneof(
  unusualValue,
  fc.constantFrom(
    '$.numbers([4, 3])',
    '$.numbers([3, 3, 2])',
    '$.numbers([4, 3, 1])',
    '$.numbers([0, 3, 2])',
    '$.numbers([64, 3, 2])',
    'lw.fill(x.shape, NaN)',
    'lw.fill(x.shape, 1e38)',
    'lw.fill(y.shape, Infinity)',
    'lw.fill(y.shape, -3)',
    'lw.fill(y.shape, 1e9)',
    "lw.ones(y.shape, 'int32')",
    "lw.ones(x.shape, 'bool')",
    'new Float64Array(x.dataSync())',
    'new Int16Array(y.size)',
    'new Uint8Array(x.size)',
    '$.inconsistentArray(x.arraySync(), 1)',
    'x.arraySync().map(row => Array.isArray(row) ? $.inconsistentArray(row, 1, 2, 3, 4) : row)',
    '(t => ($.transferred(t.dataSync()), t))(x.clone())',
    ...interruptions.flatMap(interruption => [
      `$.whileReading(x.arraySync(), () => ${interruption})`,
      `$.whileReading(y.arraySync(), () => ${interruption})`,
    ]),
  ),
);
const xs = mostly(fc.constantFrom(...batches('x')), unusualBatch);
const ys = mostly(fc.constantFrom(...batches('y')), unusualBatch);
const sampleWeight = pick(
  'new Float32Array(x.shape[0]).fill(2)',
  'lw.ones([x.shape[0]])',
  'lw.zeros([x.shape[0]])',
  'lw.zeros([x.shape[0], 3])',
  'lw.fill([x.shape[0]], -1)',
);
const classWeight = pick('{ 0: 1, 1: 2 }', '{ 0: 0, 1: 0, 2: 1, 3: 1 }', '{ 0: -1 }', '{ a: 1 }', '[1, 2]');
const weightOptions = object({ sampleWeight, classWeight });

const verbose = pick('0', 'false');
const trainingOptions = {
  epochs: count('1', '2', '3'),
  initialEpoch: count('0', '1'),
  yieldEvery: pick("'auto'", "'never'", "'batch'", "'epoch'", '1'),
  resume: pick('null', 'b'),
  signal: pick('null', 'new AbortController().signal'),
  classWeight,
};
const monitored = {
  monitor: pick("'loss'", "'val_loss'", "'val_acc'"),
  mode: pick("'min'", "'auto'", "'max'"),
  minDelta: pick('0', '0.1'),
};
const callback = fc.oneof(
  call(
    'lw.callbacks.earlyStopping',
    object({ ...monitored, patience: count('0', '2'), baseline: pick('1'), restoreBestWeights: bool }),
  ),
  call(
    'lw.callbacks.reduceLROnPlateau',
    object({ ...monitored, factor: pick('0.5'), patience: count('0'), cooldown: count('0'), minLR: rate }),
  ),
  call(
    'lw.callbacks.modelCheckpoint',
    object({ ...monitored, saveBestOnly: bool, save: pick('() => {}', '$.throwUserError') }),
  ),
  call(
    'lw.callbacks.learningRateScheduler',
    pick('epoch => 0.1', 'epoch => NaN', '(epoch, rate) => rate / 2', '$.throwUserError'),
    verbose,
  ),
  call('lw.callbacks.terminateOnNaN'),
  ...['onTrainBegin', 'onBatchEnd', 'onEpochEnd', 'onTrainEnd', 'onYield'].map(event =>
    fc
      .constantFrom(
        ...interruptions,
        '{}',
        '$.throwUserError()',
        'm.stopTraining = true',
        'b = m.snapshot()',
        'm.restore(m.snapshot())',
        'm.resetStates()',
      )
      .map(interruption => `{ ${event}: () => { ${interruption} } }`),
  ),
  fc.constantFrom(
    '{ onEpochEnd: (e, logs) => { logs.more = e } }',
    "{ onEpochEnd: (e, logs) => { logs.x = 'y' } }",
    '{ onBatchEnd: async () => {} }',
  ),
);
const callbacks = fc.oneof(list(callback), callback);
const validationData = pick('[x, y]', '[x, y, new Float32Array(x.shape[0])]', '[x]', '[y, x]');
const dataset = fc.oneof(
  pick(
    '[{ xs: x, ys: y }]',
    '[{ xs: x, ys: y }, { xs: x, ys: y, sampleWeight: lw.ones([x.shape[0]]) }]',
    '() => [{ xs: x, ys: y }]',
    'function* () { yield { xs: x, ys: y }; }',
    'async function* () { yield { xs: x, ys: y }; }',
    '[{ xs: x, ys: y }][Symbol.iterator]()',
    'lw.data.array([{ xs: x, ys: y }])',
    'lw.data.generator(function* () { yield { xs: x, ys: y }; })',
  ),
  unusualValue.map(invalid => `[{ xs: x, ys: y }, ${invalid}]`),
  unusualBatch.map(invalid => `[{ xs: x, ys: y }, { xs: ${invalid}, ys: y }]`),
  unusualBatch.map(invalid => `[{ xs: x, ys: ${invalid} }]`),
  // A promise that never settles would be awaited forever.
  unusualValue.filter(invalid => !invalid.includes('then:')).map(invalid => `() => (${invalid})`),
  fc.constantFrom(
    '{ next: $.throwUserError }',
    '{ next: () => ({}) }',
    // It must end, because fitDataset reads to the end.
    '{ left: 5, async next() { return { value: { xs: x, ys: y }, done: this.left-- === 0 }; } }',
    '{ iterator: () => 1 }',
    '{ size: -1, *[Symbol.iterator]() { yield { xs: x, ys: y } } }',
    '[{ xs: { shape: [4, 3, 2], dataSync: () => [1] }, ys: y }]',
  ),
);

const fitOptions = object(
  {
    ...trainingOptions,
    verbose,
    batchSize: count('1', '2', '3', '4'),
    shuffle: pick('true', 'false', "'batch'"),
    validationSplit: pick('0', '0.25', '0.5'),
    validationData,
    sampleWeight,
    callbacks,
  },
  'verbose',
);
const fitDatasetOptions = object(
  {
    ...trainingOptions,
    verbose,
    batchesPerEpoch: count('1', '2'),
    validationData: fc.oneof(validationData, pick('[{ xs: x, ys: y }]')),
    validationBatches: count('1'),
    validationBatchSize: count('2', '4'),
    callbacks,
  },
  'verbose',
);

// ------------------------------------------------------------------------------------------------------- statements

const statementOf = (code: Code, properties: Omit<Statement, 'code'> = {}): fc.Arbitrary<Statement> =>
  code.map(code => ({ code, ...properties }));
const mayFailPartway = { mayFailPartway: true };

const compile = statementOf(
  call(
    'm.compile',
    object(
      {
        optimizer,
        loss: pick(
          "'mse'",
          "'binaryCrossentropy'",
          "'hinge'",
          "'categoricalCrossentropy'",
          'lw.metrics.meanSquaredError',
        ),
        metrics: fc.oneof(
          pick("'acc'", "'mae'", "['acc', 'mse']", '[]'),
          list(pick("'acc'", "'mape'", "'cosine'", 'lw.metrics.binaryAccuracy', 'lw.metrics.precision')),
        ),
      },
      'optimizer',
      'loss',
    ),
  ),
);
const training = fc.oneof(
  statementOf(call('m.trainOnBatch', xs, ys, weightOptions)),
  statementOf(call('m.trainOnBatch', xs, ys)),
  statementOf(call('m.testOnBatch', xs, ys, weightOptions)),
  statementOf(call('n.trainOnBatch', xs, ys)),
  statementOf(call('m.evaluate', xs, ys, object({ batchSize: count('2', '4'), verbose, sampleWeight, steps: small }))),
  statementOf(call('m.fit', xs, ys, fitOptions), mayFailPartway),
  statementOf(call('m.fit', xs, ys, object({ verbose, epochs: count('2'), batchSize: count('2') }, 'verbose'))),
  statementOf(call('m.fitDataset', dataset, fitDatasetOptions), mayFailPartway),
  statementOf(call('m.evaluateDataset', dataset, object({ batches: count('1', '2'), verbose })), mayFailPartway),
  statementOf(
    fc.constant("$.both(m.fit(x, y, { verbose: 0 }), m.fit(x, y, { verbose: 0, yieldEvery: 'batch' }))"),
    mayFailPartway,
  ),
  statementOf(
    fc.constant('$.both(m.fit(x, y, { verbose: 0, yieldEvery: "batch", epochs: 3 }), m.dispose())'),
    mayFailPartway,
  ),
  statementOf(call('m.finalizeVariableValues')),
);
const queries = fc.oneof(
  statementOf(call('m.predict', xs, object({ batchSize: count('1', '2', '4'), verbose: bool }))),
  statementOf(call('m.predictOnBatch', xs)),
  statementOf(call('n.predictOnBatch', xs)),
  statementOf(call('m.inspect', pick('m.layers[0]', 'l', "'lstm'", 'm.layers[0].name'), xs)),
  statementOf(call('m.getLayer', pick("'a'", 'm.layers[0].name', 'null', 'undefined'), pick('0', '1', '-1'))),
  statementOf(
    call(
      'm.summary',
      pick('60', 'undefined'),
      pick('undefined', '[10, 20]', '[0.5, 1]'),
      pick('() => {}', 'line => {}'),
    ),
  ),
  statementOf(call('m.toJSON', pick('null'), bool)),
  statementOf(call('m.getConfig')),
  statementOf(call('m.countParams')),
);
const changes = fc.oneof(
  statementOf(
    call(
      'm.setWeights',
      pick(
        'm.getWeights()',
        '[]',
        'm.getWeights().map(w => w.arraySync())',
        'm.getWeights().map(w => lw.fill(w.shape, NaN))',
        'm.getWeights().reverse()',
        'm.getWeights().map(w => $.transferred(w.dataSync()))',
      ),
    ),
  ),
  statementOf(call('m.layers[0].setWeights', pick('m.layers[0].getWeights()', '[]'))),
  statementOf(call('m.layers[0].getWeights')),
  statementOf(call('l.setWeights', pick('[]', '[[[1, 2]], [1, 2]]'))),
  statementOf(call('l.getWeights')),
  statementOf(
    call(
      'm.setStates',
      pick(
        'm.getStates()',
        '[]',
        '[[lw.zeros([2, 3]), lw.zeros([2, 3])]]',
        '[[lw.ones([2, 3]), lw.zeros([2, 2])]]',
        '[[$.throwingGetter("0")]]',
      ),
    ),
  ),
  statementOf(call('m.getStates')),
  statementOf(call('m.resetStates')),
  statementOf(call('m.snapshot'), { into: 'b' }),
  statementOf(
    call(
      'm.restore',
      pick(
        'b',
        'm.snapshot()',
        'b.buffer',
        'b.slice(0, -1)',
        'b.slice(3)',
        'b.map((v, i) => (i === 99 ? v ^ 1 : v))',
        '(b => { b[7] ^= 64; return b; })(m.snapshot())',
      ),
    ),
  ),
  statementOf(call('m.stream'), { into: 's' }),
  statementOf(
    call(
      's.step',
      pick('[1, 2]', 'new Float32Array(2)', '[1]', '[NaN, 1]', '[3e38, -3e38]', '[1, 2, 3]'),
      pick('undefined', 'new Float32Array(1)', 'new Float32Array(3)'),
    ),
  ),
  statementOf(call('s.setStates', pick('s.getStates()', '[]', '[[lw.ones([1, 3]), lw.ones([1, 3])]]'))),
  statementOf(call('s.reset')),
  statementOf(call('m.withBatchSize', count('1', '2', '4')), { into: 'n' }),
  statementOf(call('m.add', fc.oneof(pick('l', 'm.layers[0]'), layer))),
  statementOf(call('m.pop')),
  statementOf(call('n.add', pick('l'))),
  statementOf(unusualValue.map(code => `(m.trainable = ${code})`)),
  statementOf(unusualValue.map(code => `(m.stopTraining = ${code})`)),
  statementOf(unusualValue.map(code => `(l.trainable = ${code})`)),
  statementOf(
    fc
      .oneof(unusualValue, learningRate)
      .map(code => `(m.optimizer.learningRate = ${code})`)
      .map(code => `(m.optimizer ? ${code} : 0)`),
  ),
  statementOf(fc.oneof(unusualValue, learningRate).map(code => `(o.learningRate = ${code})`)),
  statementOf(
    call(
      'm.setUserDefinedMetadata',
      pick(
        '{ a: 1 }',
        '{ a: [1, { b: null }] }',
        '{ a: undefined }',
        '{ a: 1n }',
        '{ lstmWasm: 1 }',
        '{ a: $.cyclic() }',
        '{ toJSON: $.throwUserError }',
        '{ toJSON: () => 5 }',
        '{ a: () => {} }',
      ),
    ),
  ),
  statementOf(call('m.dispose')),
);
const saving = fc.oneof(
  statementOf(
    call(
      'm.save',
      pick(
        'lw.io.withSaveHandler(async found => (a = found, { modelArtifactsInfo: {} }))',
        "'localstorage://m'",
        "'indexeddb://m'",
        "'downloads://m'",
        "'ftp://m'",
        "'nowhere'",
        '{ save: $.throwUserError }',
        '{ save: () => null }',
        '{ load: () => 1 }',
      ),
      object({ includeOptimizer: bool, trainableOnly: bool }),
    ),
  ),
  statementOf(fc.constant('m.save({ save: async found => found })'), { into: 'a' }),
  statementOf(fc.constant('m.save({ save: async found => found }, { includeOptimizer: true })'), { into: 'a' }),
  statementOf(
    fc
      .tuple(
        fc.constantFrom(
          'modelTopology',
          'weightSpecs',
          'weightData',
          'trainingConfig',
          'userDefinedMetadata',
          'format',
        ),
        unusualValue,
        object({ strict: bool, onProgress: pick('() => {}', '$.throwUserError'), streamWeights: bool }),
      )
      .map(
        ([key, invalid, options]) =>
          `lw.loadLayersModel(lw.io.fromMemory({ ...a, modelTopology: a?.modelTopology, ${key}: ${invalid} }), ${options})`,
      ),
  ),
  statementOf(
    call(
      'lw.loadLayersModel',
      pick(
        'lw.io.fromMemory(a ?? {})',
        '{ load: async () => a }',
        '{ load: () => null }',
        '{ load: $.throwUserError }',
        "'localstorage://m'",
        "'nothing'",
      ),
      object({ strict: bool }),
    ),
  ),
  statementOf(
    call(
      'lw.modelFromJSON',
      pick(
        'm.toJSON()',
        'm.toJSON(null, false)',
        "'{'",
        "'[]'",
        "'null'",
        '{ className: "Sequential", config: {} }',
        '{ className: "Sequential", config: { layers: [{}] } }',
        '{ modelTopology: $.cyclic() }',
      ),
    ),
  ),
  statementOf(
    fc
      .tuple(fc.constantFrom('class_name', 'config', 'keras_version', 'className'), unusualValue)
      .map(([key, invalid]) => `lw.modelFromJSON({ ...m.toJSON(null, false), ${key}: ${invalid} })`),
  ),
  statementOf(
    fc
      .tuple(
        fc.constantFrom(
          'units',
          'activation',
          'name',
          'batch_input_shape',
          'kernel_initializer',
          'recurrent_initializer',
          'trainable',
          'stateful',
          'kernel_regularizer',
          'layer',
          'cell',
          'dtype',
          'rate',
          'something',
        ),
        unusualValue,
      )
      .map(
        ([key, invalid]) =>
          `lw.modelFromJSON((j => (Object.assign(j.config.layers.at(-1)?.config ?? {}, { ${key}: ${invalid} }), j))(m.toJSON(null, false)))`,
      ),
  ),
  statementOf(
    call('lw.io.fromMemory', pick('a', '{}'), pick('undefined', '[]'), pick('undefined', 'new ArrayBuffer(4)')),
  ),
  statementOf(call('lw.io.withSaveHandler', pick('() => {}'))),
  statementOf(call('lw.io.removeModel', pick("'localstorage://m'", "'indexeddb://m'", "'x'"))),
  statementOf(call('lw.io.copyModel', pick("'localstorage://m'"), pick("'localstorage://k'", "'x'"))),
  statementOf(call('lw.io.moveModel', pick("'localstorage://m'"), pick("'localstorage://k'", "'x'"))),
  statementOf(call('lw.io.browserFiles', pick('[]'))),
  statementOf(call('lw.io.fileSystem', pick("''"))),
  statementOf(
    call(
      'lw.io.http',
      pick("'nothing'"),
      object({ requestInit: pick('{}'), onProgress: pick('() => {}'), fetchFunc: pick('() => {}') }),
    ),
  ),
  statementOf(call('lw.io.listModels')),
);
const creation = fc.oneof(
  statementOf(layer, { into: 'l' }),
  statementOf(optimizer, { into: 'o' }),
  statementOf(schedule.map(code => `${code}.at(3)`)),
  statementOf(fc.oneof(unusualValue, pick('3')).map(code => `lw.schedules.constant({ learningRate: 1 }).at(${code})`)),
  statementOf(call('lw.sequential', object({ layers: list(fc.oneof(layer, pick('l'))), name }))),
  statementOf(initializer),
  statementOf(regularizer),
  statementOf(constraint),
  statementOf(callback, mayFailPartway),
  statementOf(
    call('new lw.CustomCallback', fc.oneof(callback, pick('{}')), pick("'never'", '1', "'batch'")),
    mayFailPartway,
  ),
  statementOf(call('lw.callbacks.progressBar', object({ stream: pick('{ write() {}, isTTY: false }', '{}') }))),
  statementOf(call('lw.setRandomSeed', pick('1', '0', '7'))),
  statementOf(call('lw.configure', object({ simd: pick("'auto'", "'strict'", "'relaxed'", "'fast'") }))),
  statementOf(call('lw.init', object({ module: pick('{}'), bytes: pick('new Uint8Array(8)') }))),
  statementOf(call('lw.ready')),
  statementOf(call('lw.setBackend', pick("'wasm'", "'cpu'", "'wsam'"))),
  statementOf(call('lw.backendInfo')),
);

const tensorArgument = fc.oneof(
  pick(
    't',
    '[new Float32Array(3), Float32Array.of(1, 2, 3)]',
    '[[1, 2, 3], [4, 5, 6]]',
    '1',
    '[1, 2, 3]',
    '$.numbers([2, 3, 2])',
    'lw.zeros([2, 0])',
    '[true, false]',
    'new Int32Array([1, 2, 3])',
    "lw.tensor([2 ** 31 - 1, -1], [2], 'int32')",
  ),
);
const shape = pick('[2, 3]', '[6]', '[]', '[3, 2]', '[0]', '[1, 6]', '[-1, 2]', '[2, 2]');
const axis = pick('0', '1', '-1', '2', 'undefined', 'null', '[0, 1]');
const dtype = pick("'float32'", "'int32'", "'bool'", 'undefined', "'string'");
const unary = [
  'neg',
  'abs',
  'sign',
  'square',
  'floor',
  'ceil',
  'round',
  'sqrt',
  'exp',
  'log',
  'sin',
  'cos',
  'sigmoid',
  'tanh',
  'relu',
  'clone',
  'flatten',
  'zerosLike',
  'onesLike',
  'print',
];
const binary = [
  'add',
  'sub',
  'mul',
  'div',
  'pow',
  'maximum',
  'minimum',
  'squaredDifference',
  'equal',
  'notEqual',
  'greater',
  'greaterEqual',
  'less',
  'lessEqual',
];
/** Tensor operations by name, with the arguments after the tensor. Each is called as a function and as a method. */
const operations: [string, ...Code[]][] = [
  ...unary.map((name): [string] => [name]),
  ...binary.map((name): [string, Code] => [name, tensorArgument]),
  ['clipByValue', pick('0', '-1'), pick('1', '0')],
  ['matMul', tensorArgument, bool, bool],
  ...['sum', 'mean', 'max', 'min'].map((name): [string, Code, Code] => [name, axis, bool]),
  ...['argMax', 'argMin', 'softmax', 'expandDims', 'unstack'].map((name): [string, Code] => [name, axis]),
  ['squeeze', pick('[0]', 'undefined')],
  ['reshape', shape],
  ['cast', dtype],
  ['transpose', pick('[1, 0]', 'undefined', '[0, 2, 1]', '[0, 0]')],
  ['reverse', axis],
  ['slice', pick('[0, 0]', '[1]', '1', '[0, 1]'), pick('[1, 1]', '[-1, 1]', '1', 'undefined')],
  ['split', pick('2', '3', '[1, 1]', '[1, 2]', '[-1, 1]'), axis],
  ['gather', pick('[0, 1]', '[[1], [0]]', '[]', '[5]', "lw.tensor([1, 0], [2], 'int32')"), axis, pick('0', '1')],
  ['tile', pick('[1, 2]', '[0, 1]', '[2]')],
];
const methodsOnly = [
  'dataSync',
  'arraySync',
  'bufferSync',
  'toString',
  'asScalar',
  'as1D',
  'toInt',
  'toFloat',
  'toBool',
  'valueOf',
  'data',
  'array',
  'dispose',
];
const tensors = fc.oneof(
  ...operations.map(([name, ...args]) => statementOf(call(`lw.${name}`, tensorArgument, ...args))),
  ...operations
    .filter(([name]) => !name.endsWith('Like'))
    .map(([name, ...args]) => statementOf(call(`t.${name}`, ...args))),
  ...methodsOnly.map(name => statementOf(call(`t.${name}`))),
  statementOf(call('t.as2D', small, small)),
  statementOf(call('t.as3D', small, small, small)),
  statementOf(call('t.reshapeAs', tensorArgument)),
  statementOf(call('lw.tensor', tensorArgument, shape, dtype), { into: 't' }),
  ...[1, 2, 3, 4].map(rank =>
    statementOf(call(`lw.tensor${rank}d`, tensorArgument, ...(rank === 1 ? [dtype] : [shape, dtype]))),
  ),
  statementOf(call('lw.scalar', pick('1', 'true'), dtype)),
  ...['zeros', 'ones'].map(name => statementOf(call(`lw.${name}`, shape, dtype))),
  statementOf(call('lw.fill', shape, pick('1', '-1', '1e39'), dtype)),
  statementOf(call('lw.eye', small, small)),
  statementOf(call('lw.range', pick('0', '3'), pick('5', '-5'), pick('1', '-1', '0.5', '0'), dtype)),
  statementOf(call('lw.linspace', pick('0'), pick('1', '-1'), small)),
  statementOf(call('lw.oneHot', pick('[0, 1]', '[[2]]', '[7]', '[-1]'), small, pick('1'), pick('0'), dtype)),
  statementOf(call('lw.buffer', shape, dtype, pick('undefined', '[1, 2, 3, 4, 5, 6]'))),
  statementOf(call('lw.buffer([2, 3]).set', pick('1'), pick('0', '1', '2'), pick('0', '2'))),
  statementOf(call('lw.buffer([2, 3]).get', pick('0', '1', '2'), pick('0', '2'))),
  statementOf(call('lw.concat', list(tensorArgument), axis)),
  statementOf(call('lw.stack', list(tensorArgument), axis)),
  statementOf(call('lw.multinomial', pick('[[0, 1]]', '[0.5, 0.5]', '[[0, 0]]'), small, seed, bool)),
  ...['randomUniform', 'randomNormal', 'truncatedNormal'].map(name =>
    statementOf(call(`lw.${name}`, shape, pick('0'), pick('1'), dtype, seed)),
  ),
  statementOf(call('lw.moments', tensorArgument, axis, bool)),
  statementOf(call('lw.tidy', pick('() => 1', "'name'"), pick('undefined', '() => 2'))),
  statementOf(call('lw.keep', pick('t'))),
  statementOf(call('lw.dispose', pick('t'))),
  statementOf(call('lw.memory')),
  statementOf(call('lw.nextFrame')),
  statementOf(call('lw.util.shuffle', pick('[1, 2, 3]'))),
  statementOf(call('lw.util.shuffleCombo', pick('[1, 2]'), pick('[3, 4]', '[3]'))),
  statementOf(call('lw.util.createShuffledIndices', small)),
  ...['absoluteDifference', 'meanSquaredError'].map(name =>
    statementOf(call(`lw.losses.${name}`, tensorArgument, tensorArgument)),
  ),
  ...[
    'meanSquaredError',
    'binaryAccuracy',
    'categoricalAccuracy',
    'sparseCategoricalAccuracy',
    'precision',
    'recall',
    'cosineProximity',
    'MAPE',
    'binaryCrossentropy',
    'categoricalCrossentropy',
  ].map(name => statementOf(call(`lw.metrics.${name}`, tensorArgument, tensorArgument))),
);

const series = pick(
  '[1, 2, 3, 4, 5, 6, 7, 8]',
  't',
  '$.numbers([9, 2])',
  'new Float64Array(9)',
  '[[1, 2], [3, 4], [5, 6]]',
  '[1]',
  '[NaN, 1, 2]',
);
const batchOptions = { batchSize: small, shuffle: bool, seed, dropRemainder: bool };
const columns = pick('0', '[0]', '[1, 0]', '[5]');
const lengthOf = (code: string) => `[...${code}].length`;
const dataCalls = fc.oneof(
  statementOf(
    call(
      'data.windows',
      series,
      object(
        {
          ...batchOptions,
          inputSteps: small,
          outputSteps: small,
          stride: small,
          target: columns,
          returnSequences: bool,
        },
        'inputSteps',
      ),
    ).map(lengthOf),
  ),
  statementOf(
    call('data.sineCosine', object({ batchSize: small, timeSteps: small })).map(code => `${code}.next().value`),
  ),
  statementOf(
    call(
      'data.trainTestSplit',
      series,
      object({
        testFraction: pick('0.2', '0', '0.9'),
        testSize: small,
        validationFraction: pick('0.2'),
        validationSize: small,
      }),
    ),
  ),
  ...['standardize', 'minMax'].flatMap(name => [
    statementOf(
      call(
        `data.${name}`,
        series,
        ...(name === 'minMax' ? [object({ range: pick('[0, 1]', '[-1, 1]', '[1, 0]') })] : []),
      ),
    ),
    statementOf(call(`data.${name}([[1, 2], [3, 4]]).transform`, series)),
    statementOf(call(`data.${name}([[1, 2], [3, 4]]).inverse`, series)),
    statementOf(call(`data.${name}([[1, 2], [3, 4]]).columns`, columns)),
  ]),
  statementOf(
    call(
      'data.forecast',
      pick('m', 'n'),
      series,
      small,
      object({
        scaler: pick('data.standardize([[1, 2], [3, 4]])', 'data.minMax([1, 2])'),
        target: columns,
        direct: bool,
        stream: bool,
        inputSteps: small,
      }),
    ),
  ),
  statementOf(
    call(
      'data.sample',
      pick('[0.5, 0.5]', 'new Float32Array([1, 0])', '[0]', '[]'),
      object({
        temperature: pick('1', '0', '0.1'),
        topK: small,
        seed,
        random: pick('() => 0.5', '() => 2', '() => NaN', '$.throwUserError'),
      }),
    ),
  ),
  statementOf(call('data.vocabulary', pick("'hello'", "''"), object({ unknown: pick("'?'", "'??'") }))),
  statementOf(call("data.vocabulary('hello').encode", pick("'hell'", "'x'"))),
  statementOf(call("data.vocabulary('hello').decode", pick('[0, 1]', 'new Int32Array([3])', '[9]', 't'))),
  statementOf(call("data.vocabulary('hello').oneHot", pick("'hell'", '[0, 1]', '[[0]]'))),
  statementOf(
    call("data.vocabulary('hello').sample", pick('[0, 1, 0, 0]', '[1]'), object({ temperature: pick('1', '0') })),
  ),
  statementOf(
    call(
      "data.vocabulary('hello').windows",
      pick("'hello'", "'he'"),
      object(
        {
          ...batchOptions,
          steps: small,
          stride: small,
          inputs: pick("'ids'", "'oneHot'"),
          targets: pick("'ids'"),
          returnSequences: bool,
        },
        'steps',
      ),
    ).map(lengthOf),
  ),
  statementOf(call('lw.data.array', pick('[1, 2, 3]', '[{ xs: x, ys: y }]'))),
  statementOf(call('lw.data.array([1, 2, 3]).batch', small, bool).map(code => `${code}.toArray()`)),
  ...['take', 'skip', 'prefetch'].map(name =>
    statementOf(call(`lw.data.array([1, 2, 3]).${name}`, small).map(code => `${code}.toArray()`)),
  ),
  statementOf(call('lw.data.array([1, 2, 3]).repeat', count('1', '2')).map(code => `${code}.take(9).toArray()`)),
  statementOf(call('lw.data.array([1, 2, 3]).shuffle', small, seed).map(code => `${code}.toArray()`)),
  statementOf(
    call('lw.data.array([1, 2, 3]).map', pick('v => v + 1', '$.throwUserError', 'async v => v')).map(
      code => `${code}.toArray()`,
    ),
  ),
  statementOf(call('lw.data.array([1, 2, 3]).forEachAsync', pick('v => {}', '$.throwUserError'))),
  statementOf(
    call('lw.data.generator', pick('function* () { yield 1; }', '() => [1]', 'async function* () { yield 1; }')).map(
      code => `${code}.take(3).toArray()`,
    ),
  ),
  statementOf(
    call('lw.data.array([{ a: 1, b: [1, 2] }, { a: 2, b: [3] }]).batch', small).map(code => `${code}.toArray()`),
  ),
);

/** Valid calls with moderate inputs, whose results must be finite. */
const moderate = fc.oneof(
  ...[
    'm.trainOnBatch(x, y)',
    'm.predict(x)',
    'm.testOnBatch(x, y)',
    'm.fit(x, y, { verbose: 0, epochs: 2 })',
    'm.evaluate(x, y)',
  ].map(code => fc.constant<Statement>({ code, moderate: true })),
);

/** Finite inputs that overflow float32 once they are multiplied or summed. */
const overflowing = fc.oneof(
  ...[
    'm.predict(lw.fill(x.shape, 3e38))',
    'm.predict(lw.mul(x, -3e38), { batchSize: 2 })',
    'n.predictOnBatch(lw.fill(n.inputs[0].shape.map(size => size ?? 3), 3e38))',
    'm.trainOnBatch(lw.fill(x.shape, 1e38), y)',
    'm.trainOnBatch(x, lw.fill(y.shape, 1e30))',
    'm.testOnBatch(lw.mul(x, 3e38), y)',
    'm.evaluate(lw.fill(x.shape, 3e38), y, { batchSize: 2 })',
    'm.evaluateDataset([{ xs: lw.mul(x, 3e38), ys: y }])',
    'm.fit(x, y, { verbose: 0, validationData: [lw.mul(x, 3e38), y] })',
    'm.inspect(m.layers[0], lw.fill(x.shape, 3e38))',
    's.step([3e38, 3e38])',
    'm.setWeights(m.getWeights().map(w => lw.fill(w.shape, 3e38)))',
    'm.setWeights(m.getWeights().map(w => lw.mul(w, -1e38)))',
  ].map(code => fc.constant<Statement>({ code })),
);

const statement = fc.oneof(
  { weight: 2, arbitrary: overflowing },
  { weight: 3, arbitrary: moderate },
  { weight: 6, arbitrary: training },
  { weight: 3, arbitrary: queries },
  { weight: 6, arbitrary: changes },
  { weight: 2, arbitrary: compile },
  { weight: 3, arbitrary: saving },
  { weight: 4, arbitrary: creation },
  { weight: 3, arbitrary: tensors },
  { weight: 2, arbitrary: dataCalls },
);

export const program: fc.Arbitrary<Program> = fc.record({
  recipe: fc.constantFrom(...recipes),
  statements: fc.array(statement, { minLength: 1, maxLength: 16, size: 'max' }),
});
