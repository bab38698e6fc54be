// Invalid arguments of the tensor functions throw a one-sentence error that starts with the call.

import * as lw from 'lstm-wasm';
import { tensor, ValueError } from 'lstm-wasm';
import { expect, test } from 'vitest';

// biome-ignore lint/suspicious/noExplicitAny: wrong arguments are the point
const wrong = (value: unknown): any => value;

const row = tensor([1, 2, 3]);
const table = tensor([
  [1, 2, 3],
  [4, 5, 6],
]);

const unary = ['neg', 'abs', 'sign', 'square', 'floor', 'ceil', 'round', 'sqrt', 'exp', 'log', 'sin', 'cos'] as const;
const more = ['sigmoid', 'tanh', 'relu', 'sum', 'mean', 'max', 'min', 'argMax', 'argMin', 'moments'] as const;
const shaping = ['reshape', 'flatten', 'squeeze', 'expandDims', 'cast', 'clone', 'transpose', 'reverse'] as const;
const parts = ['slice', 'split', 'unstack', 'gather', 'tile', 'zerosLike', 'onesLike', 'print'] as const;
const binary = ['add', 'sub', 'mul', 'div', 'pow', 'maximum', 'minimum', 'squaredDifference', 'matMul'] as const;
const compare = ['equal', 'notEqual', 'greater', 'greaterEqual', 'less', 'lessEqual'] as const;

/** The functions by their names. */
const functional = wrong({ ...lw });

test.each([...unary, ...more, ...shaping, ...parts])('%s rejects text in place of a tensor', name => {
  const message = `${name}: x must be numbers in arrays, a typed array or a tensor, got 'text'`;
  const given = functional[name].length > 1 ? ['text', 0] : ['text'];
  expect(() => functional[name](...given)).toThrow(new ValueError(message));
});

test('an object that inherits from a tensor is rejected', () => {
  const heir = Object.create(lw.Tensor.prototype);
  expect(heir).not.toBeInstanceOf(lw.Tensor);
  expect(() => lw.relu(heir)).toThrow(/^relu: x must be numbers in arrays, a typed array or a tensor, got /);
});

test.each([...binary, ...compare])('%s rejects text in place of either tensor', name => {
  const rule = "must be numbers in arrays, a typed array or a tensor, got 'text'";
  expect(() => functional[name]('text', row)).toThrow(new ValueError(`${name}: a ${rule}`));
  expect(() => functional[name](row, 'text')).toThrow(new ValueError(`${name}: b ${rule}`));
});

test.each([...binary.slice(0, -1), ...compare])('%s rejects shapes that do not broadcast', name => {
  const message = `${name}: a and b must have shapes that broadcast, got [3] and [2]`;
  expect(() => functional[name](row, [1, 2])).toThrow(new ValueError(message));
});

test.each(['sum', 'mean', 'max', 'min', 'moments'])('%s rejects an axis that does not exist', name => {
  const message = (got: string) => `${name}: axis must be an integer from -2 to 1, got ${got}`;
  expect(() => functional[name](table, 2)).toThrow(new ValueError(message('2')));
  expect(() => functional[name](table, [0, -3])).toThrow(new ValueError(message('-3')));
  expect(() => functional[name](table, 'x')).toThrow(new ValueError(message("'x'")));
  expect(() => functional[name](table, [0, -2])).toThrow(
    new ValueError(`${name}: axis must list each axis once, got [0, -2]`),
  );
  expect(() => functional[name](table, 0, 1)).toThrow(new ValueError(`${name}: keepDims must be true or false, got 1`));
});

const mistakes: [call: () => unknown, sentence: string][] = [
  [() => tensor(wrong({})), 'tensor: values must be numbers in arrays, a typed array or a tensor, got {}'],
  [() => tensor([1], [1], wrong('f32')), "tensor: dtype must be 'float32', 'int32' or 'bool', got 'f32'"],
  [() => tensor(wrong([[true], 1])), 'tensor: values must not be ragged: expected arrays of 1 on axis 1, got 1'],
  [() => lw.scalar(wrong([1])), 'scalar: value must be a number, got [1]'],
  [() => lw.zeros(wrong(3)), 'zeros: shape must be an array of integers, got 3'],
  [() => lw.zeros([-1]), 'zeros: shape must be an array of integers, got [-1]'],
  [() => lw.zeros([1e9, 1e9]), 'zeros: the result must fit into memory, got the shape [1000000000, 1000000000]'],
  [() => lw.ones([1], wrong('int8')), "ones: dtype must be 'float32', 'int32' or 'bool', got 'int8'"],
  [() => lw.fill([1], wrong('1')), "fill: value must be a number, got '1'"],
  [() => lw.eye(wrong(1.5)), 'eye: numRows must be an integer of at least 0, got 1.5'],
  [() => lw.eye(1, -1), 'eye: numColumns must be an integer of at least 0, got -1'],
  [() => lw.range(wrong('0'), 1), "range: start must be a finite number, got '0'"],
  [() => lw.range(0, Number.NaN), 'range: stop must be a finite number, got NaN'],
  [() => lw.range(0, 1, 0), 'range: step must not be zero, got 0'],
  [() => lw.linspace(0, 1, 0), 'linspace: num must be an integer of at least 1, got 0'],
  [() => lw.oneHot([0.5], 2), 'oneHot: indices must be integers, got 0.5'],
  [() => lw.oneHot([0], 0), 'oneHot: depth must be an integer of at least 1, got 0'],
  [() => lw.oneHot([0], 2, Number.NaN), 'oneHot: onValue must be a finite number, got NaN'],
  [() => lw.buffer(wrong('2')), "buffer: shape must be an array of integers, got '2'"],
  [() => lw.buffer([2], 'float32', [1]), 'buffer: values must have the 2 numbers of the shape [2], got [1]'],
  [() => lw.buffer([2]).set(1, 2), 'buffer.set: indices must be within the shape [2], got [2]'],
  [() => lw.buffer([2, 2]).set(1, 1), 'buffer.set: indices must be 2 numbers, one for each axis, got [1]'],
  [() => lw.buffer([2]).set(wrong('1'), 0), "buffer.set: value must be a number, got '1'"],
  [() => lw.buffer([2]).get(-1), 'buffer.get: indices must be within the shape [2], got [-1]'],
  [() => row.reshape([2, 2]), 'reshape: shape must have as many elements as [3], got [2, 2]'],
  [() => row.reshape([-1, 2]), 'reshape: shape must have as many elements as [3], got [-1, 2]'],
  [() => row.reshape([-1, -1]), 'reshape: shape must be an array of integers, got [-1]'],
  [() => row.reshape(wrong(3)), 'reshape: shape must be an array of integers, got 3'],
  [() => row.as2D(2, 2), 'as2D: shape must have as many elements as [3], got [2, 2]'],
  [() => row.as3D(1, 1, wrong('3')), "as3D: shape must be an array of integers, got [1, 1, '3']"],
  [() => row.asScalar(), 'asScalar: shape must have as many elements as [3], got []'],
  [() => row.reshapeAs(wrong([3])), 'reshapeAs: x must be a tensor, got [3]'],
  [() => table.squeeze([0]), 'squeeze: axis must list axes of size 1, got 0 of [2, 3]'],
  [() => table.squeeze(1), 'squeeze: axis must list axes of size 1, got 1 of [2, 3]'],
  [() => table.squeeze(wrong('0')), "squeeze: axis must be an integer from -2 to 1, got '0'"],
  [() => row.expandDims(2), 'expandDims: axis must be an integer from -2 to 1, got 2'],
  [() => row.cast(wrong('string')), "cast: dtype must be 'float32', 'int32' or 'bool', got 'string'"],
  [() => table.transpose([0, 0]), 'transpose: perm must list each of the 2 axes once, got [0, 0]'],
  [() => table.transpose([0]), 'transpose: perm must list each of the 2 axes once, got [0]'],
  [() => table.reverse(2), 'reverse: axis must be an integer from -2 to 1, got 2'],
  [
    () => table.slice([0, 2], [1, 2]),
    'slice: begin and size must stay within the shape [2, 3], got begin [0, 2] and size [1, 2]',
  ],
  [
    () => table.slice([-1]),
    'slice: begin and size must stay within the shape [2, 3], got begin [-1] and size undefined',
  ],
  [() => table.slice([0, 0, 0]), 'slice: begin must be an integer for each of at most 2 axes, got [0, 0, 0]'],
  [() => table.slice(0, wrong('1')), "slice: size must be an integer for each of at most 2 axes, got '1'"],
  [() => table.split(2, 1), 'split: numOrSizeSplits must divide 3, got 2'],
  [() => table.split([1, 1], 1), 'split: numOrSizeSplits must add up to 3, got [1, 1]'],
  [() => table.split([-1, 4], 1), 'split: numOrSizeSplits must add up to 3, got [-1, 4]'],
  [
    () => table.split(new Array(2 ** 32 - 1), 1),
    'split: numOrSizeSplits must be an integer of at least 0, got undefined',
  ],
  [() => table.split(0), 'split: numOrSizeSplits must be an integer of at least 1, got 0'],
  [() => table.unstack(5), 'unstack: axis must be an integer from -2 to 1, got 5'],
  [() => table.gather([2]), 'gather: indices must be integers from 0 to 1, got 2'],
  [() => table.gather([0.5]), 'gather: indices must be integers from 0 to 1, got 0.5'],
  [() => table.gather([0], 2), 'gather: axis must be an integer from -2 to 1, got 2'],
  [() => table.gather([0], 0, 1), 'gather: batchDims must be an integer of at most 0, got 1'],
  [() => table.gather([0, 1], 1, -2), 'gather: batchDims must be an integer of at most 1, got -2'],
  [() => table.gather([[0]], 1, 1), 'gather: indices must have the batch axes of x, got the shapes [1, 1] and [2, 3]'],
  [() => lw.concat([]), 'concat: tensors must be an array of at least one tensor, got []'],
  [() => lw.concat(wrong(row)), 'concat: tensors must be an array of at least one tensor, got a Tensor'],
  [() => lw.concat([row, table]), 'concat: tensors must have equal sizes on all axes except 0, got [3], [2, 3]'],
  [
    () => lw.concat([row, wrong('x')]),
    "concat: tensors[1] must be numbers in arrays, a typed array or a tensor, got 'x'",
  ],
  [() => lw.concat([row], 1), 'concat: axis must be an integer from -1 to 0, got 1'],
  [() => lw.stack([row, [1, 2]]), 'stack: tensors must have equal shapes, got [3] and [2]'],
  [() => lw.stack([row], 2), 'stack: axis must be an integer from -2 to 1, got 2'],
  [() => table.tile([2]), 'tile: reps must be an array of 2 integers, one for each axis, got [2]'],
  [() => row.tile([-1]), 'tile: reps must be an integer of at least 0, got -1'],
  [() => table.argMax(2), 'argMax: axis must be an integer from -2 to 1, got 2'],
  [() => lw.zeros([2, 0]).argMin(1), 'argMin: x must have at least one number along axis 1, got the shape [2, 0]'],
  [() => table.softmax(0), 'softmax: dim must be the last axis, got 0'],
  [() => row.clipByValue(1, 0), 'clipByValue: clipValueMin must be at most clipValueMax, both numbers, got 1 and 0'],
  [() => lw.matMul(row, table), 'matMul: a must have at least 2 axes, got [3]'],
  [() => lw.matMul(table, row), 'matMul: b must have at least 2 axes, got [3]'],
  [() => lw.matMul(table, table), 'matMul: a and b must have inner axes of equal size, got [2, 3] and [2, 3]'],
  [
    () => lw.matMul(lw.ones([2, 1, 3]), lw.ones([3, 3, 1])),
    'matMul: a and b must have batch axes that broadcast, got [2] and [3]',
  ],
  [() => lw.randomNormal([2], 0, 1, wrong('bool')), "randomNormal: dtype must be 'float32' or 'int32', got 'bool'"],
  [() => lw.eye(2, 2, wrong([0.5])), 'eye: batchShape must be an array of integers, got [0.5]'],
  [() => lw.matMul(table, table, wrong(1)), 'matMul: transposeA must be true or false, got 1'],
  [() => lw.randomUniform([2], 1, 0), 'randomUniform: maxval must be a finite number at least 1, got 0'],
  [
    () => lw.randomUniform([2], 0, 1, 'float32', -1),
    'randomUniform: seed must be an integer from 0 to 2^53 - 1, got -1',
  ],
  [() => lw.randomNormal([2], 0, -1), 'randomNormal: stdDev must be a finite number at least 0, got -1'],
  [() => lw.randomNormal(wrong(2)), 'randomNormal: shape must be an array of integers, got 2'],
  [() => lw.truncatedNormal([2], Number.NaN), 'truncatedNormal: mean must be a finite number, got NaN'],
  [() => lw.multinomial([0], 1), 'multinomial: logits must have at least 2 classes, got [1]'],
  [() => lw.multinomial([[[0, 1]]], 1), 'multinomial: logits must have 1 or 2 axes, got [1, 1, 2]'],
  [() => lw.multinomial([0, 1], 0), 'multinomial: numSamples must be an integer of at least 1, got 0'],
  [() => lw.multinomial([0, 1], 1, 0.5), 'multinomial: seed must be an integer from 0 to 2^53 - 1, got 0.5'],
  [() => lw.multinomial([-1, 2], 1, 1, true), 'multinomial: logits must be probabilities, got -1 in row 0'],
  [() => lw.multinomial([0, Number.NaN], 1, 1), 'multinomial: logits must be numbers below Infinity, got NaN in row 0'],
  [
    () => lw.multinomial([0, 0], 1, 1, true),
    'multinomial: logits must give a class a probability above 0, got none in row 0',
  ],
  [() => lw.tidy(wrong(1)), 'tidy: f must be a function, got 1'],
  [() => lw.util.shuffle(wrong(1)), 'util.shuffle: array must be an array, got 1'],
  [() => lw.util.shuffleCombo([1], [1, 2]), 'util.shuffleCombo: array2 must be as long as array, 1, got 2'],
  [() => lw.util.createShuffledIndices(-1), 'util.createShuffledIndices: n must be an integer of at least 0, got -1'],
  [() => lw.util.sizeFromShape([0.5]), 'util.sizeFromShape: shape must be an array of integers, got [0.5]'],
  [
    () => lw.losses.meanSquaredError(row, [1]),
    'losses.meanSquaredError: predictions must have the shape of labels, [3], got [1]',
  ],
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

test('a single sample in place of a batch is rejected with advice to wrap it', () => {
  const model = lw.sequential({ layers: [lw.layers.gru({ units: 2, inputShape: [4, 3] })] });
  model.compile({ loss: 'meanSquaredError', optimizer: 'sgd' });
  const sample = lw.ones([4, 3]);
  const rule = 'x must have the shape [null, 4, 3], got [4, 3]';
  expect(() => model.predict(sample)).toThrow(`model.predict: ${rule}; wrap it: x.expandDims(0)`);
  expect(() => model.predict(sample.arraySync() as number[][])).toThrow(`model.predict: ${rule}; wrap it: [x]`);
  expect(() => model.evaluate(sample, lw.ones([1, 2]))).toThrow(`${rule}; wrap it: x.expandDims(0)`);
  expect(() => model.trainOnBatch(sample, lw.ones([1, 2]))).toThrow(`${rule}; wrap it: x.expandDims(0)`);
  expect(model.predict(sample.expandDims(0)).shape).toEqual([1, 2]);
});
