// Invalid arguments of lstm-wasm/data throw a one-sentence error that starts with the call.

import { model as functional, input, layers, sequential, tensor, ValueError } from 'lstm-wasm';
import {
  classificationReport,
  classWeights,
  confusionMatrix,
  data,
  forecast,
  minMax,
  padSequences,
  sample,
  standardize,
  trainTestSplit,
  vocabulary,
  windows,
} from 'lstm-wasm/data';
import { expect, test } from 'vitest';

// biome-ignore lint/suspicious/noExplicitAny: wrong arguments are the point
const wrong = (value: unknown): any => value;

const series = [1, 2, 3, 4, 5, 6, 7, 8];
const table = series.map(x => [x, 2 * x]);
const v = vocabulary('abc');
const model = (D: number, outputs: number, T: number | null = null) =>
  sequential({ layers: [layers.lstm({ units: 2, inputShape: [T, D] }), layers.dense({ units: outputs })] });
const one = model(1, 1);
const two = model(2, 2, 4);
const flat = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] });

const mistakes: [call: () => unknown, sentence: string][] = [
  [() => windows([1, 2], { inputSteps: 3, context: [1, 2] }), 'windows: context must have at least 3 steps, got 2'],
  [
    () => windows([1, 2], { inputSteps: 1, context: [[1, 2]] }),
    'windows: context must have as many columns as the series (1), got 2',
  ],
  [
    () => trainTestSplit([1, 2, 3], { testSize: 0.2 }),
    'trainTestSplit: testSize must be an integer number of steps, got 0.2; pass testFraction: 0.2 for a share',
  ],
  [
    () => trainTestSplit([1, 2, 3], { validationSize: 0.5 }),
    'trainTestSplit: validationSize must be an integer number of steps, got 0.5; pass validationFraction: 0.5 for a share',
  ],
  [() => padSequences(wrong(5)), 'padSequences: sequences must be an array of sequences, got 5'],
  [
    () => padSequences([[1], [[2, 3]]]),
    'padSequences: sequences[1] must have the shape [steps] like the sequences before it, got [1, 2]',
  ],
  [() => padSequences([[1]], wrong({ maxlen: 3 })), "padSequences: unknown option 'maxlen'; did you mean 'maxLen'?"],
  [() => confusionMatrix([0, 1], [0]), 'confusionMatrix: predicted must have the length of actual, 2, got 1'],
  [
    () => confusionMatrix([0], [0.5]),
    'confusionMatrix: predicted must be class indices, got 0.5; take argMax(-1) of probabilities',
  ],
  [() => confusionMatrix([0], [0], 0), 'confusionMatrix: numClasses must be an integer of at least 1, got 0'],
  [
    () => confusionMatrix(['run'], ['rnu'], { classes: ['run', 'walk'] }),
    "confusionMatrix: predicted must be among the classes, got 'rnu'; did you mean 'run'?",
  ],
  [
    () => confusionMatrix([0, 2], [0, 1], { classes: ['run', 'walk'] }),
    'confusionMatrix: actual must be class indices from 0 to 1, got 2',
  ],
  [() => confusionMatrix([1], [3], { classes: [1, 2] }), 'confusionMatrix: predicted must be among the classes, got 3'],
  [
    () => confusionMatrix(['run'], [0]),
    'confusionMatrix: classes must list the names in the order of the class indices, got none; pass { classes: [...] }',
  ],
  [
    () => confusionMatrix(wrong(['run', 1]), ['run', 'run']),
    'confusionMatrix: actual must have names only, got 1 at index 1',
  ],
  [
    () => confusionMatrix([0], [[0.2, 0.8]], { classes: ['a', 'b', 'c'] }),
    'confusionMatrix: predicted must have a column for each of 3 classes, got 2',
  ],
  [() => confusionMatrix([0], [[NaN, 0.8]]), 'confusionMatrix: predicted must not have NaN, got NaN in row 0'],
  [
    () => confusionMatrix([0], [[[0.2]]]),
    'confusionMatrix: predicted must have the shape [samples] or [samples, classes], got [1, 1, 1]',
  ],
  [
    () => confusionMatrix([0], [0], { classes: wrong(['a', 1]) }),
    "confusionMatrix: classes must be different names or integers, at least one, got ['a', 1]",
  ],
  [
    () => confusionMatrix([0], [0], { classes: ['a', 'a'] }),
    "confusionMatrix: classes must be different names or integers, at least one, got ['a', 'a']",
  ],
  [
    () => confusionMatrix([0], [0], wrong({ clases: ['a'] })),
    "confusionMatrix: unknown option 'clases'; did you mean 'classes'?",
  ],
  [
    () => classificationReport([0], [0]).toString(-1),
    'classificationReport.toString: digits must be an integer of at least 0, got -1',
  ],
  [
    () => classificationReport([0], [0]).toString(16),
    'classificationReport.toString: digits must be at most 15, got 16',
  ],
  [
    () => wrong(classificationReport([0], [0])).toString(2, 3),
    'classificationReport.toString: takes one argument, got 3 as argument 2',
  ],
  [() => classWeights([]), 'classWeights: labels must have at least one sample, got none'],
  [() => classWeights([0, -1]), 'classWeights: labels must be class indices of at least 0, got -1'],
  [
    () => classWeights(['run'], { classes: ['run', 'walk'] }),
    "classWeights: labels must have a sample of each class, got none of 'walk'",
  ],
  [() => classWeights([0], wrong(3)), 'classWeights: options must be an object, got 3'],
  [
    () => windows(wrong('1'), { inputSteps: 1 }),
    "windows: series must be numbers in arrays, a typed array or a tensor, got '1'",
  ],
  [() => windows([1, 2], wrong(undefined)), 'windows: inputSteps must be an integer of at least 1, got undefined'],
  [() => windows([1, 2], wrong({ inputStep: 1 })), "windows: unknown option 'inputStep'; did you mean 'inputSteps'?"],
  [() => windows([1, 2], { inputSteps: 0 }), 'windows: inputSteps must be an integer of at least 1, got 0'],
  [
    () => windows([1, 2], { inputSteps: 1, outputSteps: 0.5 }),
    'windows: outputSteps must be an integer of at least 1, got 0.5',
  ],
  [() => windows([1, 2], { inputSteps: 1, stride: 0 }), 'windows: stride must be an integer of at least 1, got 0'],
  [() => windows([1, 2], { inputSteps: 2 }), 'windows: series must have at least 3 steps, got 2'],
  [
    () => windows(wrong([[[1]]]), { inputSteps: 1 }),
    'windows: series must have the shape [steps] or [steps, width], got [1, 1, 1]',
  ],
  [
    () => windows([[1, 2], [3]], { inputSteps: 1 }),
    'windows: series must not be ragged: expected arrays of 2 on axis 1, got one of 1',
  ],
  [() => windows([[], [], []], { inputSteps: 1 }), 'windows: series must have a number in each step, got [3, 0]'],
  [
    () => windows(table, { inputSteps: 1, target: 2 }),
    'windows: target must be column indices of the series, integers from 0 to 1, got 2',
  ],
  [
    () => windows(table, { inputSteps: 1, target: [] }),
    'windows: target must be column indices of the series, integers from 0 to 1, got []',
  ],
  [
    () => windows(series, { inputSteps: 1, batchSize: -1 }),
    'windows: batchSize must be an integer of at least 1, got -1',
  ],
  [
    () => windows(series, { inputSteps: 1, shuffle: wrong('yes') }),
    "windows: shuffle must be true or false, got 'yes'",
  ],
  [() => windows(series, { inputSteps: 1, seed: 0.5 }), 'windows: seed must be an integer from 0 to 2^53 - 1, got 0.5'],
  [
    () => windows(series, { inputSteps: 1, dropRemainder: wrong(1) }),
    'windows: dropRemainder must be true or false, got 1',
  ],
  [
    () => windows(series, { inputSteps: 1, returnSequences: wrong(1) }),
    'windows: returnSequences must be true or false, got 1',
  ],

  [() => trainTestSplit([1]), 'trainTestSplit: series must have at least 2 steps, got 1'],
  [
    () => trainTestSplit(series, { testFraction: 1 }),
    'trainTestSplit: testFraction must be a finite number at least 0 and below 1, got 1',
  ],
  [
    () => trainTestSplit(series, { testFraction: 0.1, testSize: 1 }),
    'trainTestSplit: takes either testFraction or testSize, got both',
  ],
  [
    () => trainTestSplit(series, { validationSize: 1.5 }),
    'trainTestSplit: validationSize must be an integer of at least 0, got 1.5',
  ],
  [
    () => trainTestSplit(series, { testSize: 4, validationSize: 4 }),
    'trainTestSplit: the training set must have at least one step, got 8 of 8 steps for validation and test',
  ],
  [
    () => trainTestSplit(series, wrong({ testsize: 1 })),
    "trainTestSplit: unknown option 'testsize'; did you mean 'testSize'?",
  ],

  [() => standardize(wrong(null)), 'standardize: train must be numbers in arrays, a typed array or a tensor, got null'],
  [() => standardize([]), 'standardize: train must have at least 1 step, got 0'],
  [
    () =>
      standardize([
        [1, 2],
        [3, Number.NaN],
      ]),
    'standardize: train must have finite numbers, got NaN in step 1, column 1',
  ],
  [
    () => standardize({ mean: [1, 2], std: [1, Number.NaN] }),
    'standardize: mean and std must have finite numbers, got NaN in step 1, column 1',
  ],
  [() => standardize(wrong({ mean: [1], sd: [1] })), "standardize: unknown option 'sd'; did you mean 'std'?"],
  [
    () => standardize(wrong({ mean: [1] })),
    'standardize: mean and std must not be ragged: expected arrays of 1 on axis 1, got undefined',
  ],
  [
    () => minMax({ min: [0], max: [1, 2] }),
    'minMax: min and max must not be ragged: expected arrays of 1 on axis 1, got one of 2',
  ],
  [() => minMax(series, { range: wrong([0]) }), 'minMax: range must be [low, high], got [0]'],
  [() => minMax(series, { range: [1, 1] }), 'minMax: range[1] must be a finite number above 1, got 1'],
  [() => minMax(series, wrong({ rang: [0, 1] })), "minMax: unknown option 'rang'; did you mean 'range'?"],
  [() => standardize(table).transform([1, 2, 3]), 'scaler.transform: values must have 2 columns, got the shape [3]'],
  [
    () => standardize(table).inverse(wrong('x')),
    "scaler.inverse: values must be numbers in arrays, a typed array or a tensor, got 'x'",
  ],
  [
    () => standardize(table).columns(2),
    'scaler.columns: target must be column indices of the series, integers from 0 to 1, got 2',
  ],
  [
    () => standardize(table).columns(new Array(2 ** 32 - 1)), // too many holes to check one by one
    'scaler.columns: target must be column indices of the series, integers from 0 to 1, got an array of 4294967295',
  ],

  [() => vocabulary(wrong(1)), 'vocabulary: text must be a string, got 1'],
  [() => vocabulary(''), "vocabulary: text must have at least one character, got ''"],
  [() => vocabulary('a', { unknown: '??' }), "vocabulary: unknown must be a single character, got '??'"],
  [() => v.encode(wrong(1)), 'vocabulary.encode: text must be a string, got 1'],
  [() => v.decode([3]), 'vocabulary.decode: ids must be integers from 0 to 2, got 3'],
  [() => v.decode([0.5]), 'vocabulary.decode: ids must be integers from 0 to 2, got 0.5'],
  [() => v.oneHot([-1]), 'vocabulary.oneHot: ids must be integers from 0 to 2, got -1'],
  [() => v.oneHot('abx'), "vocabulary.oneHot: text must have only known characters, got 'x'; set the option unknown"],
  [() => v.sample([1, 2]), 'vocabulary.sample: probabilities must have 3 numbers, got [2]'],
  [() => v.windows('abc', { steps: 3 }), 'vocabulary.windows: text must have at least 4 characters, got 3'],
  [() => v.windows('abc', wrong({})), 'vocabulary.windows: steps must be an integer of at least 1, got undefined'],
  [
    () => v.windows('abc', { steps: 1, inputs: wrong('onehot') }),
    "vocabulary.windows: unknown inputs 'onehot'; did you mean 'oneHot'?",
  ],
  [
    () => v.windows('abc', { steps: 1, targets: wrong('id') }),
    "vocabulary.windows: unknown targets 'id'; did you mean 'ids'?",
  ],

  [() => sample([]), 'sample: probabilities must have a number above 0, got none'],
  [() => sample([0, 0]), 'sample: probabilities must have a number above 0, got none'],
  [() => sample([1, -1]), 'sample: probabilities must be finite and not negative, got -1'],
  [() => sample([1, Number.NaN]), 'sample: probabilities must be finite and not negative, got NaN'],
  [() => sample([1], { temperature: -1 }), 'sample: temperature must be a finite number at least 0, got -1'],
  [() => sample([1], { topK: 0 }), 'sample: topK must be an integer of at least 1, got 0'],
  [() => sample([1], { seed: -1 }), 'sample: seed must be an integer from 0 to 2^53 - 1, got -1'],
  [() => sample([1], { seed: 1, random: Math.random }), 'sample: takes either seed or random, got both'],
  [() => sample([1], { random: wrong(0.5) }), 'sample: random must be a function, got 0.5'],
  [() => sample([1], { random: () => 1 }), 'sample: random must return numbers in [0, 1), got 1'],

  [() => forecast(wrong({}), series, 1), 'forecast: model must be made with sequential() or model(), got {}'],
  [() => forecast(wrong(null), series, 1), 'forecast: model must be made with sequential() or model(), got null'],
  [
    () => {
      const [a, b] = [input({ shape: [null, 1] }), input({ shape: [null, 1] })];
      return forecast(functional({ inputs: [a, b], outputs: [layers.add().apply([a, b]), a] }), series, 1);
    },
    'forecast: model must have one input and one output, got 2 inputs and 2 outputs',
  ],
  [() => forecast(sequential(), series, 1), 'forecast: model must have a layer, got none; call model.add first'],
  [() => forecast(one, series, 0), 'forecast: steps must be an integer of at least 1, got 0'],
  [() => forecast(one, [], 1), 'forecast: history must have at least 1 step, got 0'],
  [
    () => forecast(one, table, 1),
    "forecast: history must have the width of the model's input, [null, null, 1], got a width of 2",
  ],
  [
    () => forecast(flat, series, 1),
    "forecast: history must have the width of the model's input, [null, 1], got a width of 1",
  ],
  [
    () => forecast(two, table.slice(0, 3), 1),
    "forecast: history must have at least the 4 steps of the model's input, got 3",
  ],
  [
    () =>
      forecast(
        model(3, 2, 4),
        series.map(x => [x, x, x]),
        5,
      ),
    'forecast: the model must predict as many numbers as it takes in a step, 3, so that its predictions can be fed back, or all 5 steps at once, [null, 5], got the output [null, 2]',
  ],
  [
    () => forecast(one, series, 5, { direct: true }),
    'forecast: the model must predict all 5 steps at once, [null, 5], got the output [null, 1]',
  ],
  [
    () => forecast(model(1, 5), series, 5, { direct: false }),
    'forecast: the model must predict as many numbers as it takes in a step, 1, so that its predictions can be fed back, got the output [null, 5]',
  ],
  [() => forecast(one, series, 5, { stream: wrong(1) }), 'forecast: stream must be true or false, got 1'],
  [() => forecast(one, series, 5, { direct: wrong(1) }), 'forecast: direct must be true or false, got 1'],
  [
    () => forecast(model(1, 5), series, 5, { stream: true }),
    'forecast: stream must be false for a model that predicts several steps at once, got true',
  ],
  [
    () => forecast(two, table, 5, { inputSteps: 3 }),
    "forecast: inputSteps must be 4, the number of steps in the model's input, got 3",
  ],
  [() => forecast(one, series, 5, { inputSteps: 0 }), 'forecast: inputSteps must be an integer of at least 1, got 0'],
  [
    () => forecast(one, series, 5, { scaler: wrong({}) }),
    'forecast: scaler must be made by standardize or minMax, or be such a scaler saved as JSON, got {}',
  ],
  [
    () => forecast(one, series, 5, { scaler: standardize(table) }),
    'forecast: scaler must have as many columns as history, 1, got 2',
  ],
  [
    () => forecast(model(2, 4, 4), table, 4, { scaler: standardize(table) }),
    'forecast: target must list the 1 of 2 columns that the model predicts, got none',
  ],
  [
    () => forecast(two, table, 5, { target: 2 }),
    'forecast: target must be column indices of the series, integers from 0 to 1, got 2',
  ],
  [() => forecast(one, series, 5, wrong({ scalar: 1 })), "forecast: unknown option 'scalar'; did you mean 'scaler'?"],

  [() => data.array(wrong(tensor([1]))), 'data.array: items must be an array, got a Tensor'],
  [() => data.generator(wrong([])), 'data.generator: generator must be a function, got []'],
  [() => data.array([1]).take(-1), 'dataset.take: count must be an integer of at least 0, got -1'],
  [() => data.array([1]).skip(0.5), 'dataset.skip: count must be an integer of at least 0, got 0.5'],
  [() => data.array([1]).repeat(-1), 'dataset.repeat: count must be an integer of at least 0, got -1'],
  [() => data.array([1]).batch(0), 'dataset.batch: batchSize must be an integer of at least 1, got 0'],
  [() => data.array([1]).batch(1, wrong(1)), 'dataset.batch: smallLastBatch must be true or false, got 1'],
  [() => data.array([1]).shuffle(0), 'dataset.shuffle: bufferSize must be an integer of at least 1, got 0'],
  [() => data.array([1]).map(wrong(1)), 'dataset.map: f must be a function, got 1'],
];

test.each(mistakes.map(([call, sentence]) => [sentence, call] as const))('%s', (sentence, call) => {
  let error: unknown;
  try {
    call();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(ValueError);
  expect((error as ValueError).message).toBe(sentence);
});

test('data sets reject invalid items while they are iterated', async () => {
  await expect(data.generator(wrong(() => 5)).toArray()).rejects.toThrow(
    new ValueError('data.generator: generator must return an iterator, got 5'),
  );
  await expect(data.array([1]).forEachAsync(wrong(1))).rejects.toThrow(
    new ValueError('dataset.forEachAsync: f must be a function, got 1'),
  );
});
