/**
 * What programs are made of: every call of the public interface, with arguments that are mostly right, and now and then
 * one, or an option of one, that is strange.
 */

import fc from 'fast-check';
import type { Program, Statement } from './program.ts';
import { recipes } from './recipes.ts';
import { strangeNumbers, strangeValues } from './strange.ts';

type Code = fc.Arbitrary<string>;

const strange: Code = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...strangeValues) },
  { weight: 1, arbitrary: fc.constantFrom(...strangeNumbers) },
);

/** One of these; now and then something else. */
const one = (...codes: string[]): Code => unusual(fc.constantFrom(...codes));
const unusual = (usual: Code, other: Code = strange): Code =>
  fc.oneof({ weight: 15, arbitrary: usual }, { weight: 1, arbitrary: other });

/** A whole number. Those that are right, and would take until tomorrow or all the memory, are not among them. */
const count = (...codes: string[]): Code => {
  const endless = ['2 ** 31', '2 ** 32', '2 ** 40', '2 ** 53', '1e308'];
  const bad = [...strangeValues, ...strangeNumbers].filter(code => !endless.includes(code));
  return unusual(fc.constantFrom(...codes), fc.constantFrom(...bad));
};

/** An object with some of these properties; rarely with an unknown one, rarely not an object. */
function object(fields: Record<string, Code>, ...required: string[]): Code {
  const known = fc.record(fields, { requiredKeys: required }).map(found => Object.entries(found));
  const others = fc.constantFrom('unit', '__proto__', 'constructor', '"0"', '[Symbol()]');
  const stray = fc.option(fc.tuple(others, strange), { freq: 40, nil: undefined });
  return unusual(
    fc.tuple(known, stray).map(([entries, more]) => {
      const all = more ? [...entries, more] : entries;
      return all.length === 0 ? '{}' : `{ ${all.map(([key, value]) => `${key}: ${value}`).join(', ')} }`;
    }),
  );
}

/** A call with these arguments; now and then with fewer. */
function call(name: string, ...args: Code[]): Code {
  const some = fc.oneof(
    { weight: 25, arbitrary: fc.constant(args.length) },
    { weight: 1, arbitrary: fc.nat({ max: args.length }) },
  );
  return fc.tuple(some, ...args).map(([given, ...codes]) => `${name}(${codes.slice(0, given).join(', ')})`);
}

const list = (item: Code, most = 3): Code =>
  unusual(fc.array(item, { maxLength: most }).map(items => `[${items.join(', ')}]`));

// ------------------------------------------------------------------------------------------------------------ parts

const bool = one('true', 'false');
const seed = one('1', '0', '7');
const rate = one('0.01', '0.1', '0', '1');
const small = count('1', '2', '3', '4');
const name = one("'a'", "'b'", "'lstm_1'", "'two words'", "'a/b'");

const initializer = fc.oneof(
  one("'zeros'", "'glorotUniform'", "'orthogonal'", "'identity'", "'heNormal'"),
  call('lw.initializers.constant', object({ value: one('0.5', '-1') }, 'value')),
  call('lw.initializers.randomNormal', object({ mean: one('0'), stddev: one('0.1'), seed })),
  call('lw.initializers.randomUniform', object({ minval: one('-1', '0'), maxval: one('1', '0'), seed })),
  call('lw.initializers.truncatedNormal', object({ mean: one('0'), stddev: one('0.1'), seed })),
  call('lw.initializers.identity', object({ gain: one('0.5') })),
  call('lw.initializers.orthogonal', object({ gain: one('0.5'), seed })),
  call(
    'lw.initializers.varianceScaling',
    object({
      scale: one('1', '2'),
      mode: one("'fanIn'", "'fanAvg'"),
      distribution: one("'normal'", "'uniform'"),
      seed,
    }),
  ),
  call('lw.initializers.glorotNormal', object({ seed })),
);
const regularizer = fc.oneof(
  one("'l1'", "'l2'", "'l1l2'", 'null'),
  call('lw.regularizers.l1', object({ l1: rate })),
  call('lw.regularizers.l2', object({ l2: rate })),
  call('lw.regularizers.l1l2', object({ l1: rate, l2: rate })),
);
const constraint = fc.oneof(
  one("'maxNorm'", "'nonNeg'", "'unitNorm'", 'null'),
  call('lw.constraints.maxNorm', object({ maxValue: one('1', '2'), axis: one('0', '1') })),
  call('lw.constraints.minMaxNorm', object({ minValue: one('0', '0.5'), maxValue: one('1'), rate, axis: one('0') })),
  call('lw.constraints.unitNorm', object({ axis: one('0', '1') })),
  call('lw.constraints.nonNeg'),
);
const activation = one("'tanh'", "'relu'", "'linear'", "'softmax'", "'sigmoid'", "'hardSigmoid'", "'gelu'", "'swish'");

const schedule = fc.oneof(
  call('lw.schedules.constant', object({ learningRate: rate }, 'learningRate')),
  call('lw.schedules.step', object({ boundaries: list(one('1', '3')), values: list(rate) }, 'boundaries', 'values')),
  ...['exponentialDecay', 'inverseTimeDecay', 'polynomialDecay', 'cosineDecay'].map(kind =>
    call(
      `lw.schedules.${kind}`,
      object(
        {
          initialLearningRate: rate,
          decaySteps: one('1', '2', '10'),
          ...(kind.endsWith('eDecay') && kind !== 'cosineDecay' ? { decayRate: one('0.5', '0'), staircase: bool } : {}),
          ...(kind === 'exponentialDecay' ? { decayRate: one('0.5', '0'), staircase: bool } : {}),
          ...(kind === 'polynomialDecay' ? { endLearningRate: rate, power: one('0', '0.5', '2'), cycle: bool } : {}),
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
        divFactor: one('1', '25'),
        finalDivFactor: one('1'),
      },
      'maxLearningRate',
      'totalSteps',
    ),
  ),
);
const learningRate = fc.oneof(rate, schedule, one('step => 0.1 / (1 + step)', 'step => NaN', "step => 'x'", '$.own'));

const everyOptimizer = {
  learningRate,
  clipNorm: one('1', '0.01'),
  clipValue: one('1'),
  globalClipNorm: one('1'),
  weightDecay: one('0.01', '0'),
  useEma: bool,
  emaMomentum: one('0.9', '0'),
  emaOverwriteFrequency: count('1', '3'),
};
const momentsOf = { beta1: one('0.9', '0'), beta2: one('0.999', '0'), epsilon: one('1e-7', '1e-3') };
const optimizer = fc.oneof(
  one("'adam'", "'sgd'", "'rmsprop'", "'adagrad'", "'Adam'", 'o'),
  call('lw.train.adam', object({ ...everyOptimizer, ...momentsOf, amsgrad: bool })),
  call('lw.train.adamw', object({ ...everyOptimizer, ...momentsOf })),
  call('lw.train.amsgrad', learningRate, rate, rate, one('1e-7')),
  call('lw.train.nadam', object({ ...everyOptimizer, ...momentsOf })),
  call('lw.train.adamax', learningRate, one('0.9'), one('0.9'), one('1e-7', 'null'), one('0', '0.1')),
  call('lw.train.sgd', learningRate),
  call('lw.train.sgd', object(everyOptimizer)),
  call('lw.train.momentum', learningRate, one('0.9', '0'), bool),
  call('lw.train.rmsprop', learningRate, one('0.9', '0'), one('0', '0.5'), one('1e-7', 'null'), bool),
  call('lw.train.adagrad', learningRate, one('0.1', '0')),
  call('lw.train.adadelta', learningRate, one('0.9', '0'), one('1e-7')),
);

const inputShape = one('[3, 2]', '[null, 2]', '[2]', '[3]', '[null]');
const everyLayer = {
  name,
  trainable: bool,
  inputShape,
  batchInputShape: one('[2, 3, 2]', '[null, 3, 2]', '[2, null, 2]'),
  batchSize: small,
  inputDim: small,
  weights: one('[]', '[$.numbers([2, 2])]', 'm.getWeights()'),
  dtype: one("'float32'"),
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
const recurrentOptions = {
  ...everyLayer,
  returnSequences: bool,
  stateful: bool,
  goBackwards: bool,
  returnState: one('false'),
  inputLength: small,
  unroll: bool,
};
const recurrentLayer = fc.oneof(
  ...['lstm', 'gru', 'simpleRNN'].map(kind =>
    call(`lw.layers.${kind}`, object({ ...recurrentOptions, ...cellOptions }, 'units')),
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
      ...everyLayer,
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
const layer = fc.oneof(
  recurrentLayer,
  denseLayer,
  call(
    'lw.layers.bidirectional',
    object(
      { ...everyLayer, layer: recurrentLayer, mergeMode: one("'concat'", "'sum'", "'mul'", "'ave'", 'null') },
      'layer',
    ),
  ),
  call('lw.layers.timeDistributed', object({ ...everyLayer, layer: fc.oneof(denseLayer, one('l')) }, 'layer')),
  call('lw.layers.activation', object({ ...everyLayer, activation }, 'activation')),
  call('lw.layers.softmax', object({ axis: one('-1', '1', '2') })),
  call('lw.layers.reLU', object({ maxValue: one('1', '6') })),
  call('lw.layers.leakyReLU', object({ alpha: one('0.1') })),
  call('lw.layers.elu', object({ alpha: one('1', '0.5') })),
  call('lw.layers.dropout', object({ ...everyLayer, rate, seed, noiseShape: one('null', '[null, 1, 2]') }, 'rate')),
  call(
    'lw.layers.embedding',
    object(
      {
        ...everyLayer,
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
  call('lw.layers.masking', object({ ...everyLayer, maskValue: one('0', '1') })),
  call('lw.layers.repeatVector', object({ ...everyLayer, n: small }, 'n')),
  call('lw.layers.flatten', object(everyLayer)),
  call(
    'lw.layers.reshape',
    object({ ...everyLayer, targetShape: one('[2, 2]', '[-1]', '[6]', '[null, 2]') }, 'targetShape'),
  ),
  call('lw.layers.inputLayer', object(everyLayer)),
);

// ------------------------------------------------------------------------------------------------------------- data

const batches = (of: string) => [of, `${of}.arraySync()`, `${of}.dataSync()`, `[...${of}.dataSync()]`];
/** In the midst of reading its numbers, the model becomes another. */
const acts = [
  'm.dispose()',
  'm.pop()',
  'm.predict($.numbers([64, 3, 2]))',
  "m.compile({ optimizer: 'sgd', loss: 'mse' })",
  'm.trainOnBatch(x, y)',
  'm.add(l)',
  '$.beside(m.fit(x, y, { verbose: 0 }))',
];
const strangeBatch = fc.oneof(
  strange,
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
    '$.lying(x.arraySync(), 1)',
    'x.arraySync().map(row => Array.isArray(row) ? $.lying(row, 1, 2, 3, 4) : row)',
    '(t => ($.transferred(t.dataSync()), t))(x.clone())',
    ...acts.flatMap(act => [`$.meanwhile(x.arraySync(), () => ${act})`, `$.meanwhile(y.arraySync(), () => ${act})`]),
  ),
);
const xs = unusual(fc.constantFrom(...batches('x')), strangeBatch);
const ys = unusual(fc.constantFrom(...batches('y')), strangeBatch);
const sampleWeight = one(
  'new Float32Array(x.shape[0]).fill(2)',
  'lw.ones([x.shape[0]])',
  'lw.zeros([x.shape[0]])',
  'lw.zeros([x.shape[0], 3])',
  'lw.fill([x.shape[0]], -1)',
);
const classWeight = one('{ 0: 1, 1: 2 }', '{ 0: 0, 1: 0, 2: 1, 3: 1 }', '{ 0: -1 }', '{ a: 1 }', '[1, 2]');
const weightOptions = object({ sampleWeight, classWeight });

const verbose = one('0', 'false');
const trainingOptions = {
  epochs: count('1', '2', '3'),
  initialEpoch: count('0', '1'),
  yieldEvery: one("'auto'", "'never'", "'batch'", "'epoch'", '1'),
  resume: one('null', 'b'),
  signal: one('null', 'new AbortController().signal'),
  classWeight,
};
const monitored = {
  monitor: one("'loss'", "'val_loss'", "'val_acc'"),
  mode: one("'min'", "'auto'", "'max'"),
  minDelta: one('0', '0.1'),
};
const callback = fc.oneof(
  call(
    'lw.callbacks.earlyStopping',
    object({ ...monitored, patience: count('0', '2'), baseline: one('1'), restoreBestWeights: bool }),
  ),
  call(
    'lw.callbacks.reduceLROnPlateau',
    object({ ...monitored, factor: one('0.5'), patience: count('0'), cooldown: count('0'), minLR: rate }),
  ),
  call('lw.callbacks.modelCheckpoint', object({ ...monitored, saveBestOnly: bool, save: one('() => {}', '$.own') })),
  call(
    'lw.callbacks.learningRateScheduler',
    one('epoch => 0.1', 'epoch => NaN', '(epoch, rate) => rate / 2', '$.own'),
    verbose,
  ),
  call('lw.callbacks.terminateOnNaN'),
  ...['onTrainBegin', 'onBatchEnd', 'onEpochEnd', 'onTrainEnd', 'onYield'].map(event =>
    fc
      .constantFrom(
        ...acts,
        '{}',
        '$.own()',
        'm.stopTraining = true',
        'b = m.snapshot()',
        'm.restore(m.snapshot())',
        'm.resetStates()',
      )
      .map(act => `{ ${event}: () => { ${act} } }`),
  ),
  fc.constantFrom(
    '{ onEpochEnd: (e, logs) => { logs.more = e } }',
    "{ onEpochEnd: (e, logs) => { logs.x = 'y' } }",
    '{ onBatchEnd: async () => {} }',
  ),
);
const callbacks = fc.oneof(list(callback), callback);
const validationData = one('[x, y]', '[x, y, new Float32Array(x.shape[0])]', '[x]', '[y, x]');
const dataset = fc.oneof(
  one(
    '[{ xs: x, ys: y }]',
    '[{ xs: x, ys: y }, { xs: x, ys: y, sampleWeight: lw.ones([x.shape[0]]) }]',
    '() => [{ xs: x, ys: y }]',
    'function* () { yield { xs: x, ys: y }; }',
    'async function* () { yield { xs: x, ys: y }; }',
    '[{ xs: x, ys: y }][Symbol.iterator]()',
    'lw.data.array([{ xs: x, ys: y }])',
    'lw.data.generator(function* () { yield { xs: x, ys: y }; })',
  ),
  strange.map(bad => `[{ xs: x, ys: y }, ${bad}]`),
  strangeBatch.map(bad => `[{ xs: x, ys: y }, { xs: ${bad}, ys: y }]`),
  strangeBatch.map(bad => `[{ xs: x, ys: ${bad} }]`),
  // A promise that is never kept is waited for as long
  strange.filter(bad => !bad.includes('then:')).map(bad => `() => (${bad})`),
  fc.constantFrom(
    '{ next: $.own }',
    '{ next: () => ({}) }',
    // Without an end nothing could end that reads it
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
    shuffle: one('true', 'false', "'batch'"),
    validationSplit: one('0', '0.25', '0.5'),
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
    validationData: fc.oneof(validationData, one('[{ xs: x, ys: y }]')),
    validationBatches: count('1'),
    validationBatchSize: count('2', '4'),
    callbacks,
  },
  'verbose',
);

// ------------------------------------------------------------------------------------------------------- statements

const says = (code: Code, more: Omit<Statement, 'code'> = {}): fc.Arbitrary<Statement> =>
  code.map(code => ({ code, ...more }));
const partly = { partly: true };

const compile = says(
  call(
    'm.compile',
    object(
      {
        optimizer,
        loss: one(
          "'mse'",
          "'binaryCrossentropy'",
          "'hinge'",
          "'categoricalCrossentropy'",
          'lw.metrics.meanSquaredError',
        ),
        metrics: fc.oneof(
          one("'acc'", "'mae'", "['acc', 'mse']", '[]'),
          list(one("'acc'", "'mape'", "'cosine'", 'lw.metrics.binaryAccuracy', 'lw.metrics.precision')),
        ),
      },
      'optimizer',
      'loss',
    ),
  ),
);
const training = fc.oneof(
  says(call('m.trainOnBatch', xs, ys, weightOptions)),
  says(call('m.trainOnBatch', xs, ys)),
  says(call('m.testOnBatch', xs, ys, weightOptions)),
  says(call('n.trainOnBatch', xs, ys)),
  says(call('m.evaluate', xs, ys, object({ batchSize: count('2', '4'), verbose, sampleWeight, steps: small }))),
  says(call('m.fit', xs, ys, fitOptions), partly),
  says(call('m.fit', xs, ys, object({ verbose, epochs: count('2'), batchSize: count('2') }, 'verbose'))),
  says(call('m.fitDataset', dataset, fitDatasetOptions), partly),
  says(call('m.evaluateDataset', dataset, object({ batches: count('1', '2'), verbose })), partly),
  says(fc.constant("$.both(m.fit(x, y, { verbose: 0 }), m.fit(x, y, { verbose: 0, yieldEvery: 'batch' }))"), partly),
  says(fc.constant('$.both(m.fit(x, y, { verbose: 0, yieldEvery: "batch", epochs: 3 }), m.dispose())'), partly),
  says(call('m.finalizeVariableValues')),
);
const asking = fc.oneof(
  says(call('m.predict', xs, object({ batchSize: count('1', '2', '4'), verbose: bool }))),
  says(call('m.predictOnBatch', xs)),
  says(call('n.predictOnBatch', xs)),
  says(call('m.inspect', one('m.layers[0]', 'l', "'lstm'", 'm.layers[0].name'), xs)),
  says(call('m.getLayer', one("'a'", 'm.layers[0].name', 'null', 'undefined'), one('0', '1', '-1'))),
  says(
    call('m.summary', one('60', 'undefined'), one('undefined', '[10, 20]', '[0.5, 1]'), one('() => {}', 'line => {}')),
  ),
  says(call('m.toJSON', one('null'), bool)),
  says(call('m.getConfig')),
  says(call('m.countParams')),
);
const changing = fc.oneof(
  says(
    call(
      'm.setWeights',
      one(
        'm.getWeights()',
        '[]',
        'm.getWeights().map(w => w.arraySync())',
        'm.getWeights().map(w => lw.fill(w.shape, NaN))',
        'm.getWeights().reverse()',
        'm.getWeights().map(w => $.transferred(w.dataSync()))',
      ),
    ),
  ),
  says(call('m.layers[0].setWeights', one('m.layers[0].getWeights()', '[]'))),
  says(call('m.layers[0].getWeights')),
  says(call('l.setWeights', one('[]', '[[[1, 2]], [1, 2]]'))),
  says(call('l.getWeights')),
  says(
    call(
      'm.setStates',
      one(
        'm.getStates()',
        '[]',
        '[[lw.zeros([2, 3]), lw.zeros([2, 3])]]',
        '[[lw.ones([2, 3]), lw.zeros([2, 2])]]',
        '[[$.getter("0")]]',
      ),
    ),
  ),
  says(call('m.getStates')),
  says(call('m.resetStates')),
  says(call('m.snapshot'), { into: 'b' }),
  says(
    call(
      'm.restore',
      one(
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
  says(call('m.stream'), { into: 's' }),
  says(
    call(
      's.step',
      one('[1, 2]', 'new Float32Array(2)', '[1]', '[NaN, 1]', '[3e38, -3e38]', '[1, 2, 3]'),
      one('undefined', 'new Float32Array(1)', 'new Float32Array(3)'),
    ),
  ),
  says(call('s.setStates', one('s.getStates()', '[]', '[[lw.ones([1, 3]), lw.ones([1, 3])]]'))),
  says(call('s.reset')),
  says(call('m.withBatchSize', count('1', '2', '4')), { into: 'n' }),
  says(call('m.add', fc.oneof(one('l', 'm.layers[0]'), layer))),
  says(call('m.pop')),
  says(call('n.add', one('l'))),
  says(strange.map(code => `(m.trainable = ${code})`)),
  says(strange.map(code => `(m.stopTraining = ${code})`)),
  says(strange.map(code => `(l.trainable = ${code})`)),
  says(
    fc
      .oneof(strange, learningRate)
      .map(code => `(m.optimizer.learningRate = ${code})`)
      .map(code => `(m.optimizer ? ${code} : 0)`),
  ),
  says(fc.oneof(strange, learningRate).map(code => `(o.learningRate = ${code})`)),
  says(
    call(
      'm.setUserDefinedMetadata',
      one(
        '{ a: 1 }',
        '{ a: [1, { b: null }] }',
        '{ a: undefined }',
        '{ a: 1n }',
        '{ lstmWasm: 1 }',
        '{ a: $.cyclic() }',
        '{ toJSON: $.own }',
        '{ toJSON: () => 5 }',
        '{ a: () => {} }',
      ),
    ),
  ),
  says(call('m.dispose')),
);
const saving = fc.oneof(
  says(
    call(
      'm.save',
      one(
        'lw.io.withSaveHandler(async found => (a = found, { modelArtifactsInfo: {} }))',
        "'localstorage://m'",
        "'indexeddb://m'",
        "'downloads://m'",
        "'ftp://m'",
        "'nowhere'",
        '{ save: $.own }',
        '{ save: () => null }',
        '{ load: () => 1 }',
      ),
      object({ includeOptimizer: bool, trainableOnly: bool }),
    ),
  ),
  says(fc.constant('m.save({ save: async found => found })'), { into: 'a' }),
  says(fc.constant('m.save({ save: async found => found }, { includeOptimizer: true })'), { into: 'a' }),
  says(
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
        strange,
        object({ strict: bool, onProgress: one('() => {}', '$.own'), streamWeights: bool }),
      )
      .map(
        ([key, bad, options]) =>
          `lw.loadLayersModel(lw.io.fromMemory({ ...a, modelTopology: a?.modelTopology, ${key}: ${bad} }), ${options})`,
      ),
  ),
  says(
    call(
      'lw.loadLayersModel',
      one(
        'lw.io.fromMemory(a ?? {})',
        '{ load: async () => a }',
        '{ load: () => null }',
        '{ load: $.own }',
        "'localstorage://m'",
        "'nothing'",
      ),
      object({ strict: bool }),
    ),
  ),
  says(
    call(
      'lw.modelFromJSON',
      one(
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
  says(
    fc
      .tuple(fc.constantFrom('class_name', 'config', 'keras_version', 'className'), strange)
      .map(([key, bad]) => `lw.modelFromJSON({ ...m.toJSON(null, false), ${key}: ${bad} })`),
  ),
  says(
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
        strange,
      )
      .map(
        ([key, bad]) =>
          `lw.modelFromJSON((j => (Object.assign(j.config.layers.at(-1)?.config ?? {}, { ${key}: ${bad} }), j))(m.toJSON(null, false)))`,
      ),
  ),
  says(call('lw.io.fromMemory', one('a', '{}'), one('undefined', '[]'), one('undefined', 'new ArrayBuffer(4)'))),
  says(call('lw.io.withSaveHandler', one('() => {}'))),
  says(call('lw.io.removeModel', one("'localstorage://m'", "'indexeddb://m'", "'x'"))),
  says(call('lw.io.copyModel', one("'localstorage://m'"), one("'localstorage://k'", "'x'"))),
  says(call('lw.io.moveModel', one("'localstorage://m'"), one("'localstorage://k'", "'x'"))),
  says(call('lw.io.browserFiles', one('[]'))),
  says(call('lw.io.fileSystem', one("''"))),
  says(
    call(
      'lw.io.http',
      one("'nothing'"),
      object({ requestInit: one('{}'), onProgress: one('() => {}'), fetchFunc: one('() => {}') }),
    ),
  ),
  says(call('lw.io.listModels')),
);
const making = fc.oneof(
  says(layer, { into: 'l' }),
  says(optimizer, { into: 'o' }),
  says(schedule.map(code => `${code}.at(3)`)),
  says(fc.oneof(strange, one('3')).map(code => `lw.schedules.constant({ learningRate: 1 }).at(${code})`)),
  says(call('lw.sequential', object({ layers: list(fc.oneof(layer, one('l'))), name }))),
  says(initializer),
  says(regularizer),
  says(constraint),
  says(callback, partly),
  says(call('new lw.CustomCallback', fc.oneof(callback, one('{}')), one("'never'", '1', "'batch'")), partly),
  says(call('lw.callbacks.progressBar', object({ stream: one('{ write() {}, isTTY: false }', '{}') }))),
  says(call('lw.setRandomSeed', one('1', '0', '7'))),
  says(call('lw.configure', object({ simd: one("'auto'", "'strict'", "'relaxed'", "'fast'") }))),
  says(call('lw.init', object({ module: one('{}'), bytes: one('new Uint8Array(8)') }))),
  says(call('lw.ready')),
  says(call('lw.setBackend', one("'wasm'", "'cpu'", "'wsam'"))),
  says(call('lw.backendInfo')),
);

const tensorArgument = fc.oneof(
  one(
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
const shape = one('[2, 3]', '[6]', '[]', '[3, 2]', '[0]', '[1, 6]', '[-1, 2]', '[2, 2]');
const axis = one('0', '1', '-1', '2', 'undefined', 'null', '[0, 1]');
const dtype = one("'float32'", "'int32'", "'bool'", 'undefined', "'string'");
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
/** By name, with the arguments behind the tensor: as a function, and as a method. */
const operations: [string, ...Code[]][] = [
  ...unary.map((name): [string] => [name]),
  ...binary.map((name): [string, Code] => [name, tensorArgument]),
  ['clipByValue', one('0', '-1'), one('1', '0')],
  ['matMul', tensorArgument, bool, bool],
  ...['sum', 'mean', 'max', 'min'].map((name): [string, Code, Code] => [name, axis, bool]),
  ...['argMax', 'argMin', 'softmax', 'expandDims', 'unstack'].map((name): [string, Code] => [name, axis]),
  ['squeeze', one('[0]', 'undefined')],
  ['reshape', shape],
  ['cast', dtype],
  ['transpose', one('[1, 0]', 'undefined', '[0, 2, 1]', '[0, 0]')],
  ['reverse', axis],
  ['slice', one('[0, 0]', '[1]', '1', '[0, 1]'), one('[1, 1]', '[-1, 1]', '1', 'undefined')],
  ['split', one('2', '3', '[1, 1]', '[1, 2]', '[-1, 1]'), axis],
  ['gather', one('[0, 1]', '[[1], [0]]', '[]', '[5]', "lw.tensor([1, 0], [2], 'int32')"), axis, one('0', '1')],
  ['tile', one('[1, 2]', '[0, 1]', '[2]')],
];
const chainedAlone = [
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
  ...operations.map(([name, ...args]) => says(call(`lw.${name}`, tensorArgument, ...args))),
  ...operations.filter(([name]) => !name.endsWith('Like')).map(([name, ...args]) => says(call(`t.${name}`, ...args))),
  ...chainedAlone.map(name => says(call(`t.${name}`))),
  says(call('t.as2D', small, small)),
  says(call('t.as3D', small, small, small)),
  says(call('t.reshapeAs', tensorArgument)),
  says(call('lw.tensor', tensorArgument, shape, dtype), { into: 't' }),
  ...[1, 2, 3, 4].map(rank =>
    says(call(`lw.tensor${rank}d`, tensorArgument, ...(rank === 1 ? [dtype] : [shape, dtype]))),
  ),
  says(call('lw.scalar', one('1', 'true'), dtype)),
  ...['zeros', 'ones'].map(name => says(call(`lw.${name}`, shape, dtype))),
  says(call('lw.fill', shape, one('1', '-1', '1e39'), dtype)),
  says(call('lw.eye', small, small)),
  says(call('lw.range', one('0', '3'), one('5', '-5'), one('1', '-1', '0.5', '0'), dtype)),
  says(call('lw.linspace', one('0'), one('1', '-1'), small)),
  says(call('lw.oneHot', one('[0, 1]', '[[2]]', '[7]', '[-1]'), small, one('1'), one('0'), dtype)),
  says(call('lw.buffer', shape, dtype, one('undefined', '[1, 2, 3, 4, 5, 6]'))),
  says(call('lw.buffer([2, 3]).set', one('1'), one('0', '1', '2'), one('0', '2'))),
  says(call('lw.buffer([2, 3]).get', one('0', '1', '2'), one('0', '2'))),
  says(call('lw.concat', list(tensorArgument), axis)),
  says(call('lw.stack', list(tensorArgument), axis)),
  says(call('lw.multinomial', one('[[0, 1]]', '[0.5, 0.5]', '[[0, 0]]'), small, seed, bool)),
  ...['randomUniform', 'randomNormal', 'truncatedNormal'].map(name =>
    says(call(`lw.${name}`, shape, one('0'), one('1'), dtype, seed)),
  ),
  says(call('lw.moments', tensorArgument, axis, bool)),
  says(call('lw.tidy', one('() => 1', "'name'"), one('undefined', '() => 2'))),
  says(call('lw.keep', one('t'))),
  says(call('lw.dispose', one('t'))),
  says(call('lw.memory')),
  says(call('lw.nextFrame')),
  says(call('lw.util.shuffle', one('[1, 2, 3]'))),
  says(call('lw.util.shuffleCombo', one('[1, 2]'), one('[3, 4]', '[3]'))),
  says(call('lw.util.createShuffledIndices', small)),
  ...['absoluteDifference', 'meanSquaredError'].map(name =>
    says(call(`lw.losses.${name}`, tensorArgument, tensorArgument)),
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
  ].map(name => says(call(`lw.metrics.${name}`, tensorArgument, tensorArgument))),
);

const series = one(
  '[1, 2, 3, 4, 5, 6, 7, 8]',
  't',
  '$.numbers([9, 2])',
  'new Float64Array(9)',
  '[[1, 2], [3, 4], [5, 6]]',
  '[1]',
  '[NaN, 1, 2]',
);
const batchOptions = { batchSize: small, shuffle: bool, seed, dropRemainder: bool };
const columns = one('0', '[0]', '[1, 0]', '[5]');
const walked = (code: string) => `[...${code}].length`;
const dataCalls = fc.oneof(
  says(
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
    ).map(walked),
  ),
  says(call('data.sineCosine', object({ batchSize: small, timeSteps: small })).map(code => `${code}.next().value`)),
  says(
    call(
      'data.trainTestSplit',
      series,
      object({
        testFraction: one('0.2', '0', '0.9'),
        testSize: small,
        validationFraction: one('0.2'),
        validationSize: small,
      }),
    ),
  ),
  ...['standardize', 'minMax'].flatMap(name => [
    says(
      call(
        `data.${name}`,
        series,
        ...(name === 'minMax' ? [object({ range: one('[0, 1]', '[-1, 1]', '[1, 0]') })] : []),
      ),
    ),
    says(call(`data.${name}([[1, 2], [3, 4]]).transform`, series)),
    says(call(`data.${name}([[1, 2], [3, 4]]).inverse`, series)),
    says(call(`data.${name}([[1, 2], [3, 4]]).columns`, columns)),
  ]),
  says(
    call(
      'data.forecast',
      one('m', 'n'),
      series,
      small,
      object({
        scaler: one('data.standardize([[1, 2], [3, 4]])', 'data.minMax([1, 2])'),
        target: columns,
        direct: bool,
        stream: bool,
        inputSteps: small,
      }),
    ),
  ),
  says(
    call(
      'data.sample',
      one('[0.5, 0.5]', 'new Float32Array([1, 0])', '[0]', '[]'),
      object({
        temperature: one('1', '0', '0.1'),
        topK: small,
        seed,
        random: one('() => 0.5', '() => 2', '() => NaN', '$.own'),
      }),
    ),
  ),
  says(call('data.vocabulary', one("'hello'", "''"), object({ unknown: one("'?'", "'??'") }))),
  says(call("data.vocabulary('hello').encode", one("'hell'", "'x'"))),
  says(call("data.vocabulary('hello').decode", one('[0, 1]', 'new Int32Array([3])', '[9]', 't'))),
  says(call("data.vocabulary('hello').oneHot", one("'hell'", '[0, 1]', '[[0]]'))),
  says(call("data.vocabulary('hello').sample", one('[0, 1, 0, 0]', '[1]'), object({ temperature: one('1', '0') }))),
  says(
    call(
      "data.vocabulary('hello').windows",
      one("'hello'", "'he'"),
      object(
        {
          ...batchOptions,
          steps: small,
          stride: small,
          inputs: one("'ids'", "'oneHot'"),
          targets: one("'ids'"),
          returnSequences: bool,
        },
        'steps',
      ),
    ).map(walked),
  ),
  says(call('lw.data.array', one('[1, 2, 3]', '[{ xs: x, ys: y }]'))),
  says(call('lw.data.array([1, 2, 3]).batch', small, bool).map(code => `${code}.toArray()`)),
  ...['take', 'skip', 'prefetch'].map(name =>
    says(call(`lw.data.array([1, 2, 3]).${name}`, small).map(code => `${code}.toArray()`)),
  ),
  says(call('lw.data.array([1, 2, 3]).repeat', count('1', '2')).map(code => `${code}.take(9).toArray()`)),
  says(call('lw.data.array([1, 2, 3]).shuffle', small, seed).map(code => `${code}.toArray()`)),
  says(
    call('lw.data.array([1, 2, 3]).map', one('v => v + 1', '$.own', 'async v => v')).map(code => `${code}.toArray()`),
  ),
  says(call('lw.data.array([1, 2, 3]).forEachAsync', one('v => {}', '$.own'))),
  says(
    call('lw.data.generator', one('function* () { yield 1; }', '() => [1]', 'async function* () { yield 1; }')).map(
      code => `${code}.take(3).toArray()`,
    ),
  ),
  says(call('lw.data.array([{ a: 1, b: [1, 2] }, { a: 2, b: [3] }]).batch', small).map(code => `${code}.toArray()`)),
);

/** Nothing strange about it: what it gives must be numbers. */
const calm = fc.oneof(
  ...[
    'm.trainOnBatch(x, y)',
    'm.predict(x)',
    'm.testOnBatch(x, y)',
    'm.fit(x, y, { verbose: 0, epochs: 2 })',
    'm.evaluate(x, y)',
  ].map(code => fc.constant<Statement>({ code, calm: true })),
);

/** Finite, and more than float32 has room for once it is multiplied or summed. */
const vast = fc.oneof(
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
  { weight: 2, arbitrary: vast },
  { weight: 3, arbitrary: calm },
  { weight: 6, arbitrary: training },
  { weight: 3, arbitrary: asking },
  { weight: 6, arbitrary: changing },
  { weight: 2, arbitrary: compile },
  { weight: 3, arbitrary: saving },
  { weight: 4, arbitrary: making },
  { weight: 3, arbitrary: tensors },
  { weight: 2, arbitrary: dataCalls },
);

export const program: fc.Arbitrary<Program> = fc.record({
  recipe: fc.constantFrom(...recipes),
  statements: fc.array(statement, { minLength: 1, maxLength: 16, size: 'max' }),
});
