// Compares tensor functions with the cpu backend of TF.js: every dtype, shapes with axes of 0 and 1, NaN, both zeros and
// infinities. `intendedDifferences` lists exceptions; calls that TF.js rejects are not compared.

import * as lw from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { tf } from './agree.ts';
import type { Library } from './build.ts';

type DataType = 'float32' | 'int32' | 'bool';
type Shape = readonly number[];
/** The name of a call, and a function that runs it in either library. */
type Case = readonly [name: string, call: (library: Library) => unknown];

const dtypes: readonly DataType[] = ['float32', 'int32', 'bool'];
const numbers: Record<DataType, readonly number[]> = {
  float32: [0, -0, 1, -1, 0.5, -0.5, 1.5, 2.5, 3, -3, 100, 1e-40, 1e20, Number.NaN, Infinity, -Infinity],
  int32: [0, 1, -1, 2, -2, 3, 7, -7, 100, 46340],
  bool: [0, 1],
};
const shapes: readonly Shape[] = [[], [0], [1], [2, 3], [2, 0], [0, 3], [1, 3, 1], [2, 2, 2]];
const sizeOf = (shape: Shape) => shape.reduce((product, n) => product * n, 1);
const show = (value: unknown) => JSON.stringify(value) ?? 'undefined';

/** A tensor whose numbers come from the list of the dtype, starting at an index. */
function make(library: Library, shape: Shape, dtype: DataType, from = 0): Library {
  const list = numbers[dtype];
  const values = Array.from({ length: sizeOf(shape) }, (_, i) => list[(i * 3 + from) % list.length]!);
  return library.tensor(values, shape, dtype);
}

/** 0, 1, 2, ... in a shape. */
const counted = (library: Library, shape: Shape): Library => library.range(0, sizeOf(shape)).reshape(shape);

/** Intended differences, with their reasons. */
const intendedDifferences: readonly [RegExp, string][] = [
  [/^(neg|add|sub|div) bool/, 'int32: a bool holds neither 2 nor -1'],
  [/^(max|min|mean|moments) .*\b0\b/, 'an empty set has no mean and no maximum'],
  [/^arg(Max|Min) .*\b0\b/, 'an empty set has no maximum'],
  [/^(sum|max|min|mean|moments|reverse|squeeze) .*\[0,0\]/, 'a repeated axis is likely a mistake'],
  [/^concat (int32|bool) float32/, 'values that do not fit into int32 would be truncated'],
  [/^concat bool int32/, 'values that do not fit into bool would be lost'],
  [/^matMul bool/, 'int32: sums do not fit into bool'],
  [/^matMul .*\[2,1,2,3\]/, 'TF.js pairs batches that do not belong together'],
  [/^transpose \[0,0\]/, 'a repeated axis is likely a mistake'],
];

const cases: Case[] = [];
const add = (name: string, call: Case[1]) => cases.push([name, call]);

for (const dtype of dtypes) {
  const all = [numbers[dtype].length];
  for (const name of 'neg abs sign square floor ceil round sqrt exp log sin cos sigmoid tanh relu softmax'.split(' ')) {
    for (const shape of [all, ...shapes]) add(`${name} ${dtype} ${show(shape)}`, L => L[name](make(L, shape, dtype)));
  }
  for (const name of 'sum mean max min moments argMax argMin squeeze reverse transpose unstack onesLike zerosLike'.split(
    ' ',
  )) {
    for (const shape of [all, ...shapes])
      add(`${name} ${dtype} ${show(shape)}`, L => L[name](make(L, shape, dtype, 1)));
  }
  for (const [low, high] of [
    [0, 1],
    [-1, 1.5],
    [-Infinity, Infinity],
  ]) {
    add(`clipByValue ${dtype} ${low} ${high}`, L => L.clipByValue(make(L, all, dtype), low, high));
  }
  for (const other of dtypes) {
    add(`cast ${dtype} ${other}`, L => L.cast(make(L, all, dtype), other));
    for (const axis of [0, -1, 1, 2, null]) {
      add(`concat ${dtype} ${other} ${axis}`, L => L.concat([L.ones([2, 1], dtype), L.ones([2, 1], other)], axis));
      add(`stack ${dtype} ${other} ${axis}`, L => L.stack([L.ones([2, 1], dtype), L.ones([2, 1], other)], axis));
    }
    const pairs = numbers[dtype].flatMap(a => numbers[other].map(b => [a, b] as const));
    for (const name of 'add sub mul div pow maximum minimum squaredDifference equal notEqual greater greaterEqual less lessEqual'.split(
      ' ',
    )) {
      // Two rows of shifted values, so that all pairs of numbers occur
      const half = (L: Library, i: 0 | 1) =>
        L.tensor(
          pairs.map(pair => pair[i]),
          [pairs.length],
          i ? other : dtype,
        );
      add(`${name} ${dtype} ${other}`, L => L[name](half(L, 0), half(L, 1)));
      for (const [a, b] of [
        [[], [0]],
        [[2, 0], [0]],
        [[2, 3], [3]],
        [
          [2, 1],
          [1, 3],
        ],
        [[2], [3]],
        [[1], [0, 1]],
      ] as const) {
        add(`${name} ${dtype} ${other} ${show([a, b])}`, L => L[name](make(L, a, dtype), make(L, b, other)));
      }
    }
  }
  for (const shape of [[], [2], [0], [2, 1], [1, 2, 3]]) {
    add(`eye ${dtype} ${show(shape)}`, L => L.eye(2, 3, shape, dtype));
    add(`eye ${dtype} ${show(shape)} square`, L => L.eye(3, null, shape, dtype));
    add(`toString ${dtype} ${show(shape)}`, L => make(L, shape, dtype).toString(true));
  }
  for (const [start, stop, step] of [
    [0, 5, undefined],
    [5, 0, undefined],
    [5, 0, 1],
    [0, 5, -1],
    [0, 1, 0.3],
    [5, 0, -2],
  ]) {
    add(`range ${dtype} ${start} ${stop} ${step}`, L => L.range(start, stop, step, dtype));
  }
  add(`oneHot ${dtype}`, L => L.oneHot(L.tensor([0, 1, -1, 3], [4], 'int32'), 3, 1, 0, dtype));
  add(`tensor ${dtype}`, L => L.tensor([1.5, -1.5, Number.NaN, 3e9], null, dtype));
}

for (const axis of [0, -1, [0, 1], [1, 0], [-1], [], 2, -3, null, undefined, [0, 0], 1.5]) {
  for (const name of ['sum', 'mean', 'max', 'min', 'moments']) {
    for (const keepDims of [false, true]) {
      add(`${name} axis ${show(axis)} ${keepDims}`, L => L[name](counted(L, [2, 3]), axis, keepDims));
    }
  }
  for (const name of ['argMax', 'argMin', 'unstack', 'reverse', 'squeeze', 'expandDims', 'transpose', 'softmax']) {
    const shape = name === 'squeeze' ? [1, 3, 1] : [2, 3];
    // TF.js accepts any value for the axis of these and converts it to a number
    if (
      !Number.isInteger(axis) &&
      axis !== undefined &&
      ['argMax', 'argMin', 'unstack', 'expandDims', 'softmax'].includes(name)
    )
      continue;
    add(`${name} ${show(axis)}`, L => L[name](counted(L, shape), axis));
  }
}
for (const list of [
  [Number.NaN, 1, 2],
  [1, Number.NaN],
  [-Infinity, -Infinity],
  [Infinity, 1],
  [1, 1],
  [1000, 999],
]) {
  for (const name of ['argMax', 'argMin', 'max', 'min', 'sum', 'mean', 'softmax']) {
    add(`${name} of ${list}`, L => L[name](L.tensor1d(list)));
  }
}
for (const [begin, size] of [
  [[1], [1]],
  [
    [1, 1],
    [-1, -1],
  ],
  [0, 1],
  [[0, 1], undefined],
  [1, null],
  [
    [3, 0],
    [0, 1],
  ],
]) {
  add(`slice ${show([begin, size])}`, L => L.slice(counted(L, [2, 3]), begin, size));
}
for (const [sizes, axis] of [
  [2, 0],
  [3, -1],
  [[1, 2], 1],
  [[1, -1], -1],
  [[0, 2], 0],
  [2, null],
]) {
  add(`split ${show([sizes, axis])}`, L => L.split(counted(L, [2, 3]), sizes, axis));
}
for (const shape of [[6], [-1], [3, -1], [4], [2, 3, 1], [0, -1], []]) {
  add(`reshape ${show(shape)}`, L => L.reshape(counted(L, [6]), shape));
  add(`reshape one ${show(shape)}`, L => L.reshape(L.ones([1]), shape));
}
for (const ids of [
  [0],
  [1, 0],
  [
    [0, 1],
    [1, 1],
  ],
  [
    [[0], [1]],
    [[1], [0]],
  ],
]) {
  for (const axis of [0, 1, -1, 2]) {
    for (const batchDims of [0, 1, -1, 2]) {
      for (const shape of [
        [2, 3],
        [2, 2, 2],
      ]) {
        const name = `gather ${show([shape, ids, axis, batchDims])}`;
        add(name, L => L.gather(counted(L, shape), L.tensor(ids, undefined, 'int32'), axis, batchDims));
      }
    }
  }
}
for (const [a, b] of [
  [
    [2, 3],
    [3, 2],
  ],
  [
    [2, 2, 3],
    [2, 3, 2],
  ],
  [
    [1, 2, 3],
    [4, 3, 2],
  ],
  [
    [2, 2, 2, 3],
    [2, 2, 3, 1],
  ],
  [
    [2, 1, 2, 3],
    [3, 3, 2],
  ],
  [
    [2, 2, 3],
    [3, 2],
  ],
  [
    [2, 3],
    [2, 3, 2],
  ],
  [
    [2, 3],
    [2, 3],
  ],
  [
    [0, 3],
    [3, 2],
  ],
  [
    [2, 0],
    [0, 2],
  ],
  [
    [0, 2, 3],
    [0, 3, 2],
  ],
] as const) {
  const small = (L: Library, shape: Shape, dtype: DataType) =>
    L.tensor(
      Array.from({ length: sizeOf(shape) }, (_, i) => (dtype === 'bool' ? i % 2 : ((i * 7) % 5) - 2)),
      shape,
      dtype,
    );
  for (const dtype of dtypes) {
    for (const [left, right] of [
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ] as const) {
      const name = `matMul ${dtype} ${show([a, b])} ${left} ${right}`;
      add(name, L => L.matMul(small(L, a, dtype), small(L, b, dtype), left, right));
    }
  }
}

/** The result as plain data; null if the call throws. */
function resultOf([, call]: Case, library: Library): unknown[] | null {
  try {
    const result = call(library);
    if (typeof result === 'string') return [result];
    return (
      Array.isArray(result) ? result : 'variance' in Object(result) ? Object.values(Object(result)) : [result]
    ).map(({ dtype, shape }: Library, n: number, list: Library[]) => [
      dtype,
      [...shape],
      Array.from(list[n].dataSync()),
    ]);
  } catch {
    return null;
  }
}

/** Formats numbers so that differences within float32 rounding vanish. */
const rounded = (value: unknown): unknown =>
  typeof value === 'number'
    ? Object.is(value, -0)
      ? '-0'
      : String(Number.parseFloat(value.toPrecision(5)))
    : Array.isArray(value)
      ? value.map(rounded)
      : value;

describe('tensor functions equal those of TF.js', () => {
  const names = [...new Set(cases.map(([name]) => name.split(' ')[0]!))];
  test.each(names)('%s gives the results of TF.js', name => {
    const selected = cases.filter(([text]) => text.split(' ')[0] === name);
    let compared = 0;
    for (const testCase of selected) {
      const expected = resultOf(testCase, tf);
      if (expected === null || intendedDifferences.some(([pattern]) => pattern.test(testCase[0]))) continue;
      expect(rounded(resultOf(testCase, lw)), testCase[0]).toEqual(rounded(expected));
      compared++;
    }
    expect(compared).toBeGreaterThan(selected.length / 5);
  });

  test.each(intendedDifferences)('the intended difference %s exists: %s', pattern => {
    const selected = cases.filter(([name]) => pattern.test(name));
    const differing = selected.filter(each => show(rounded(resultOf(each, lw))) !== show(rounded(resultOf(each, tf))));
    expect(differing.length).toBeGreaterThan(0);
  });
});
