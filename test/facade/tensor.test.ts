// Tensors: every function is compared with plain nested arrays over random shapes, and with numbers computed by hand.

import * as lw from 'lstm-wasm';
import { backendInfo, setRandomSeed, type Tensor, TensorBuffer, tensor, util } from 'lstm-wasm';
import { describe, expect, it, test, vi } from 'vitest';
import { RandomGenerator } from '../../src/util/randomGenerator.ts';
import { expectClose } from '../compare.ts';
import { Random } from '../reference/random.ts';

type Index = readonly number[];

const random = new Random(4);
const whole = (from: number, to: number) => from + Math.floor(((random.uniform() + 1) / 2) * (to - from + 1));

/** Random numbers in quarters, so that sums and products are exact. */
function numbers(shape: readonly number[], dtype: 'float32' | 'int32' = 'float32'): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  const values = Array.from({ length: size }, () => (dtype === 'int32' ? whole(-9, 9) : whole(-20, 20) / 4));
  return tensor(values, shape, dtype);
}

/** All indices of a shape, row by row. */
function indicesOf(shape: readonly number[]): Index[] {
  return shape.reduce<Index[]>(
    (list, n) => list.flatMap(index => Array.from({ length: n }, (_, i) => [...index, i])),
    [[]],
  );
}

/** The number at an index, read from nested arrays. */
function at(x: Tensor, index: Index): number {
  if (!nested.has(x)) nested.set(x, x.arraySync());
  // biome-ignore lint/suspicious/noExplicitAny: nested to any depth
  return index.reduce<any>((branch, i) => branch[i], nested.get(x));
}

const nested = new WeakMap<Tensor, unknown>();
/** The functions by their names. */
const functional: typeof lw = { ...lw };

/** Expects `got` to have this shape and dtype, and the number `f(index)` at each index. */
function expectTensor(got: Tensor, shape: readonly number[], f: (index: Index) => number, dtype = 'float32'): void {
  expect(got.shape).toEqual(shape);
  expect(got.dtype).toBe(dtype);
  expectClose(got.dataSync(), indicesOf(shape).map(f), { abs: 1e-6, rel: 1e-6 });
}

/** Shapes of every rank, including odd sizes and sizes of 1. */
const shapes: number[][] = [[], [1], [5], [1, 4], [3, 1], [3, 5], [2, 3, 4], [3, 1, 2], [2, 1, 3, 2]];
for (let n = 0; n < 12; n++) shapes.push(Array.from({ length: whole(1, 4) }, () => whole(1, 5)));

describe.each(shapes.map((shape, n) => [`[${shape}] #${n}`, shape] as const))('%s', (_, shape) => {
  const x = numbers(shape);
  const rank = shape.length;
  const axes = [...shape.keys()];

  test('elementwise functions of one tensor', () => {
    const functions: [string, (v: number) => number][] = [
      ['neg', v => -v],
      ['abs', Math.abs],
      ['sign', Math.sign],
      ['square', v => v * v],
      ['floor', Math.floor],
      ['ceil', Math.ceil],
      ['exp', Math.exp],
      ['sin', Math.sin],
      ['cos', Math.cos],
      ['tanh', Math.tanh],
      ['sigmoid', v => 1 / (1 + Math.exp(-v))],
      ['relu', v => Math.max(0, v)],
    ];
    for (const [name, f] of functions) {
      const key = name as 'neg';
      expectTensor(functional[key](x), shape, index => f(at(x, index)));
      expectTensor(x[key](), shape, index => f(at(x, index)));
    }
    const positive = x.square();
    expectTensor(positive.sqrt(), shape, index => Math.abs(at(x, index)));
    expectTensor(positive.add(0.5).log(), shape, index => Math.log(at(x, index) ** 2 + 0.5));
    expectTensor(x.clipByValue(-1, 2), shape, index => Math.min(2, Math.max(-1, at(x, index))));
  });

  test('elementwise functions of two tensors broadcast', () => {
    const functions: [string, (a: number, b: number) => number, 'bool'?][] = [
      ['add', (a, b) => a + b],
      ['sub', (a, b) => a - b],
      ['mul', (a, b) => a * b],
      ['div', (a, b) => a / b],
      ['maximum', Math.max],
      ['minimum', Math.min],
      ['squaredDifference', (a, b) => (a - b) ** 2],
      ['equal', (a, b) => Number(a === b), 'bool'],
      ['notEqual', (a, b) => Number(a !== b), 'bool'],
      ['greater', (a, b) => Number(a > b), 'bool'],
      ['greaterEqual', (a, b) => Number(a >= b), 'bool'],
      ['less', (a, b) => Number(a < b), 'bool'],
      ['lessEqual', (a, b) => Number(a <= b), 'bool'],
    ];
    const others = [
      shape,
      [],
      [1],
      shape.map(n => (random.uniform() < 0 ? 1 : n)),
      shape.slice(1).map(n => (random.uniform() < 0 ? 1 : n)),
      [2, ...shape.map(() => 1)],
    ];
    for (const other of others) {
      const y = numbers(other).add(0.125); // never zero
      const wide = rank >= other.length ? shape : rank === 0 ? other : [2, ...shape];
      const read = (t: Tensor, index: Index) =>
        at(
          t,
          index.slice(index.length - t.rank).map((i, axis) => (t.shape[axis] === 1 ? 0 : i)),
        );
      for (const [name, f, dtype] of functions) {
        const key = name as 'add';
        expectTensor(functional[key](x, y), wide, index => f(read(x, index), read(y, index)), dtype);
        expectTensor(y[key](x), wide, index => f(read(y, index), read(x, index)), dtype);
      }
    }
  });

  test('sum, mean, max and min reduce along axes', () => {
    const choices: (number | number[] | undefined)[] = [undefined, ...axes, ...axes.map(axis => axis - rank)];
    if (rank > 1) choices.push([0, rank - 1], [-1, 0], axes);
    for (const axis of choices) {
      const along = (axis === undefined ? axes : [axis].flat()).map(one => (one < 0 ? one + rank : one));
      for (const keepDims of [false, true]) {
        const kept = axes.filter(one => !along.includes(one));
        const result = keepDims ? shape.map((n, i) => (along.includes(i) ? 1 : n)) : kept.map(i => shape[i]!);
        const group = (index: Index) =>
          indicesOf(shape)
            .filter(full => kept.every((one, i) => full[one] === index[keepDims ? one : i]))
            .map(full => at(x, full));
        const sum = (list: number[]) => list.reduce((a, b) => a + b, 0);
        expectTensor(lw.sum(x, axis, keepDims), result, index => sum(group(index)));
        expectTensor(x.mean(axis, keepDims), result, index => sum(group(index)) / group(index).length);
        expectTensor(x.max(axis, keepDims), result, index => Math.max(...group(index)));
        expectTensor(lw.min(x, axis, keepDims), result, index => Math.min(...group(index)));
        const { mean, variance } = lw.moments(x, axis, keepDims);
        expectTensor(mean, result, index => sum(group(index)) / group(index).length);
        expectTensor(variance, result, index => {
          const list = group(index);
          return sum(list.map(v => (v - sum(list) / list.length) ** 2)) / list.length;
        });
      }
    }
  });

  test('argMax and argMin return the first index of equal numbers', () => {
    for (const axis of rank === 0 ? [] : [undefined, ...axes, -1]) {
      const along = axis === undefined ? 0 : axis < 0 ? axis + rank : axis;
      const result = shape.toSpliced(along, 1);
      const column = (index: Index) =>
        Array.from({ length: shape[along]! }, (_, i) => at(x, index.toSpliced(along, 0, i)));
      const most = (index: Index) => column(index).indexOf(Math.max(...column(index)));
      const least = (index: Index) => column(index).indexOf(Math.min(...column(index)));
      expectTensor(lw.argMax(x, axis), result, most, 'int32');
      expectTensor(x.argMin(axis), result, least, 'int32');
    }
  });

  test('transpose, reverse and tile reorder the numbers', () => {
    for (const perm of [undefined, axes, axes.toReversed(), [...axes.slice(1), ...axes.slice(0, 1)]]) {
      const order = perm ?? axes.toReversed();
      expectTensor(
        x.transpose(perm),
        order.map(axis => shape[axis]!),
        index =>
          at(
            x,
            axes.map(axis => index[order.indexOf(axis)]!),
          ),
      );
    }
    for (const axis of [undefined, ...axes]) {
      const along = axis === undefined ? axes : [axis];
      expectTensor(x.reverse(axis), shape, index =>
        at(
          x,
          index.map((i, one) => (along.includes(one) ? shape[one]! - 1 - i : i)),
        ),
      );
    }
    const reps = axes.map(axis => (axis % 3) + 1);
    expectTensor(
      x.tile(reps),
      shape.map((n, axis) => n * reps[axis]!),
      index =>
        at(
          x,
          index.map((i, axis) => i % shape[axis]!),
        ),
    );
  });

  test('slice, split, unstack and gather return the expected parts', () => {
    const begin = shape.map(n => whole(0, n - 1));
    const size = shape.map((n, axis) => whole(0, n - begin[axis]!));
    const shifted = (index: Index) =>
      at(
        x,
        index.map((i, axis) => i + begin[axis]!),
      );
    expectTensor(x.slice(begin, size), size, shifted);
    const open = shape.map((n, axis) => n - begin[axis]!);
    expectTensor(
      lw.slice(
        x,
        begin,
        shape.map(() => -1),
      ),
      open,
      shifted,
    );
    expectTensor(x.slice(begin), open, shifted);
    for (const axis of axes) {
      const n = shape[axis]!;
      const items = x.unstack(axis);
      expect(items).toHaveLength(n);
      for (const [i, item] of items.entries()) {
        expectTensor(item, shape.toSpliced(axis, 1), index => at(x, index.toSpliced(axis, 0, i)));
      }
      const parts = x.split([1, -1], axis);
      expectTensor(parts[0]!, shape.with(axis, 1), index => at(x, index));
      expectTensor(parts[1]!, shape.with(axis, n - 1), index => at(x, index.with(axis, index[axis]! + 1)));
      expect(lw.split(x, n, axis).map(one => one.shape)).toEqual(items.map(() => shape.with(axis, 1)));
      const chosen = Array.from({ length: 3 }, () => whole(0, n - 1));
      expectTensor(x.gather(lw.tensor1d(chosen, 'int32'), axis), shape.with(axis, 3), index =>
        at(x, index.with(axis, chosen[index[axis]!]!)),
      );
      const table = lw.tensor2d([chosen, chosen.toReversed()], [2, 3], 'int32');
      expectTensor(lw.gather(x, table, axis - rank), shape.toSpliced(axis, 1, 2, 3), index =>
        at(x, index.toSpliced(axis, 2, at(table, index.slice(axis, axis + 2)))),
      );
    }
  });

  test('concat and stack combine tensors', () => {
    const y = numbers(shape);
    for (const axis of [...axes, -1]) {
      const along = axis < 0 ? axis + rank : axis;
      if (rank > 0) {
        const n = shape[along]!;
        const joined = (index: Index) =>
          index[along]! < n ? at(x, index) : at(y, index.with(along, index[along]! - n));
        expectTensor(lw.concat([x, y], axis), shape.with(along, 2 * n), joined);
        expectTensor(x.concat(y, axis), shape.with(along, 2 * n), joined);
        expect(x.concat([y, y], axis).shape).toEqual(shape.with(along, 3 * n));
      }
      const beside = axis < 0 ? rank : axis;
      expectTensor(lw.stack([x, y], axis), shape.toSpliced(beside, 0, 2), index =>
        at(index[beside] === 0 ? x : y, index.toSpliced(beside, 1)),
      );
    }
  });

  test('reshape and related functions keep the numbers', () => {
    const flat = [...x.dataSync()];
    const made: [Tensor, number[]][] = [
      [x.reshape([-1]), [x.size]],
      [x.reshape([1, x.size, -1]), [1, x.size, 1]],
      [lw.reshape(x, shape), shape],
      [x.flatten(), [x.size]],
      [x.as1D(), [x.size]],
      [x.as2D(1, x.size), [1, x.size]],
      [x.as3D(1, 1, x.size), [1, 1, x.size]],
      [x.as4D(1, x.size, 1, 1), [1, x.size, 1, 1]],
      [x.reshapeAs(lw.zeros([x.size, 1])), [x.size, 1]],
      [x.squeeze(), shape.filter(n => n !== 1)],
      [x.expandDims(), [1, ...shape]],
      [x.expandDims(-1), [...shape, 1]],
      [x.expandDims(rank).squeeze([rank]), shape],
      [x.clone(), shape],
    ];
    for (const [got, wanted] of made) {
      expect(got.shape).toEqual(wanted);
      expect([...got.dataSync()]).toEqual(flat);
    }
    expect(x.clone().dataSync()).not.toBe(x.dataSync());
  });
});

describe('dtypes', () => {
  it('the default dtype follows from the values, as in TF.js', () => {
    expect(tensor([1, 2]).dtype).toBe('float32');
    expect(tensor([[true, false]]).dtype).toBe('bool');
    expect(lw.tensor1d(Int32Array.of(1, 2)).dtype).toBe('int32');
    expect(lw.tensor1d(Uint8Array.of(1, 2)).dtype).toBe('int32');
    expect(lw.tensor1d(Float64Array.of(1, 2)).dtype).toBe('float32');
    expect(lw.scalar(true).dtype).toBe('bool');
    expect(lw.scalar(3, 'int32').dataSync<'int32'>()).toEqual(Int32Array.of(3));
    expect(tensor([2 ** 30 + 1], [1], 'int32').dataSync()[0]).toBe(2 ** 30 + 1);
  });

  it('the default dtype follows from innermost typed arrays, as in TF.js', () => {
    const rows = (kind: { of(...items: number[]): lw.TypedArray }) => [kind.of(1, 2, 3), kind.of(4, 5, 6)];
    for (const kind of [Float32Array, Float64Array, Int16Array]) {
      const x = lw.tensor2d(rows(kind));
      expect([x.shape, x.dtype, x.arraySync()]).toEqual([
        [2, 3],
        'float32',
        [
          [1, 2, 3],
          [4, 5, 6],
        ],
      ]);
    }
    for (const kind of [Int32Array, Uint8Array, Uint8ClampedArray]) expect(tensor(rows(kind)).dtype).toBe('int32');
    expect(lw.tensor3d([rows(Float32Array), rows(Float32Array)]).shape).toEqual([2, 2, 3]);
    expect(tensor([Int32Array.of(2 ** 30 + 1)]).dataSync()[0]).toBe(2 ** 30 + 1);
    expect(tensor([Int32Array.of(-1, 2)], [1, 2], 'float32').dataSync()).toEqual(Float32Array.of(-1, 2));
    expect(tensor([Float32Array.of(1, 2), [3, 4]]).arraySync()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(lw.stack([rows(Float32Array), rows(Float32Array)]).shape).toEqual([2, 2, 3]);
    expect(lw.sum(rows(Float32Array), 1).arraySync()).toEqual([6, 15]);
    expect(tensor([new Float32Array(0)]).shape).toEqual([1, 0]);
  });

  it('cast truncates to int32, and bool is true for all numbers except 0', () => {
    const x = tensor([1.9, -1.9, 0, 0.5]);
    expect([...x.toInt().dataSync()]).toEqual([1, -1, 0, 0]);
    expect([...x.toBool().dataSync()]).toEqual([1, 1, 0, 1]);
    expect(x.cast('int32').toFloat().dtype).toBe('float32');
    expect(x.asType('bool').dtype).toBe('bool');
    expect(x.toInt().dataSync()).toBeInstanceOf(Int32Array);
    expect(x.toBool().dataSync()).toBeInstanceOf(Uint8Array);
  });

  it('functions of two tensors combine their dtypes', () => {
    const [i, b, f] = [tensor([7, -7], [2], 'int32'), tensor([true, false]), tensor([2, 2])];
    expect([...i.div(tensor([2, 2], [2], 'int32')).dataSync()]).toEqual([3, -4]);
    expect([...i.div(f).dataSync()]).toEqual([3.5, -3.5]);
    expect(i.add(b).dtype).toBe('int32');
    expect(i.add(1).dtype).toBe('float32');
    expect([...b.add(b).dataSync()]).toEqual([2, 0]);
    expect(b.sum().dtype).toBe('int32');
    expect(i.mean().dtype).toBe('float32');
    expect(i.max().dtype).toBe('int32');
    expect(lw.concat([i, f]).dtype).toBe('float32');
    expect(i.abs().dtype).toBe('int32');
    expect(i.exp().dtype).toBe('float32');
  });

  it('a model accepts tensors of every dtype', () => {
    const model = lw.sequential({ layers: [lw.layers.dense({ units: 2, inputShape: [3] })] });
    const rows = [
      [1, 0, 1],
      [0, 0, 1],
    ];
    const float = model.predict(tensor(rows)).arraySync();
    expect(model.predict(tensor(rows, [2, 3], 'int32')).arraySync()).toEqual(float);
    expect(model.predict(tensor(rows, [2, 3], 'bool')).arraySync()).toEqual(float);
    model.setWeights([tensor([1, 2, 3, 4, 5, 6], [3, 2], 'int32'), tensor([1, 1], [2], 'int32')]);
    expect(model.predict(tensor(rows)).arraySync()).toEqual([
      [7, 9],
      [6, 7],
    ]);
  });
});

describe('results computed by hand', () => {
  it('functions that create tensors', () => {
    expect(lw.zeros([2, 2]).arraySync()).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect(lw.ones([2], 'int32').arraySync()).toEqual([1, 1]);
    expect(lw.onesLike(tensor([[3]], [1, 1], 'bool')).dtype).toBe('bool');
    expect(lw.zerosLike([[1, 2]]).arraySync()).toEqual([[0, 0]]);
    expect(lw.fill([3], 2.5).arraySync()).toEqual([2.5, 2.5, 2.5]);
    expect(lw.eye(2, 3).arraySync()).toEqual([
      [1, 0, 0],
      [0, 1, 0],
    ]);
    expect(lw.range(0, 5).arraySync()).toEqual([0, 1, 2, 3, 4]);
    expect(lw.range(5, 0).arraySync()).toEqual([5, 4, 3, 2, 1]);
    expect(lw.range(1, 2, 0.25).arraySync()).toEqual([1, 1.25, 1.5, 1.75]);
    expect(lw.range(0, 5, -1).arraySync()).toEqual([]);
    expect(lw.linspace(0, 1, 5).arraySync()).toEqual([0, 0.25, 0.5, 0.75, 1]);
    expect(lw.linspace(3, 9, 1).arraySync()).toEqual([3]);
    expect(lw.linspace(0, 0.1, 7).arraySync()).toEqual([...Float32Array.from([0, 1, 2, 3, 4, 5, 6], i => i / 60)]);
  });

  it('oneHot makes a row for each index', () => {
    expect(lw.oneHot(lw.tensor1d([0, 2, 7, -1], 'int32'), 3).arraySync()).toEqual([
      [1, 0, 0],
      [0, 0, 1],
      [0, 0, 0],
      [0, 0, 0],
    ]);
    const marked = lw.oneHot([[1], [0]], 2, 5, -1, 'float32');
    expect(marked.shape).toEqual([2, 1, 2]);
    expect(marked.arraySync()).toEqual([[[-1, 5]], [[5, -1]]]);
    expect(lw.oneHot([0], 2).dtype).toBe('int32');
  });

  it('matMul multiplies, transposes and broadcasts batches', () => {
    const [a, b] = [numbers([3, 4]), numbers([4, 2])];
    const product = ([m, n]: Index) => [0, 1, 2, 3].reduce((sum, k) => sum + at(a, [m!, k]) * at(b, [k, n!]), 0);
    expectTensor(lw.matMul(a, b), [3, 2], product);
    expectTensor(a.transpose().matMul(b, true), [3, 2], product);
    expectTensor(lw.matMul(a, b.transpose(), false, true), [3, 2], product);
    expectTensor(lw.matMul(a.transpose(), b.transpose(), true, true), [3, 2], product);
  });

  it('round rounds half to even, and pow is accurate', () => {
    expect(tensor([0.5, 1.5, 2.5, -0.5, 2.4, -2.6]).round().dataSync()).toEqual(Float32Array.of(0, 2, 2, 0, 2, -3));
    const [x, y] = [tensor([2, -8, 2, 9, 0, -1]), tensor([10, 3, 0.5, -0.5, 0, 0.5])];
    expectClose(x.pow(y).dataSync(), [1024, -512, Math.fround(Math.SQRT2), Math.fround(1 / 3), 1, Number.NaN], {
      abs: 0,
      rel: 6e-8,
    });
  });

  it('softmax does not overflow', () => {
    expectClose(
      lw
        .softmax([
          [1000, 1000],
          [0, Math.log(3)],
        ])
        .dataSync(),
      [0.5, 0.5, 0.25, 0.75],
      { abs: 1e-7, rel: 0 },
    );
  });

  it('sum adds in float64', () => {
    const many = lw.fill([1_000_000], 0.1);
    expect(many.sum().dataSync()[0]).toBe(Math.fround(1_000_000 * Math.fround(0.1)));
    expect(many.mean().dataSync()[0]).toBe(Math.fround(0.1));
  });

  it('max and min are NaN if any number is NaN', () => {
    for (const values of [
      [Number.NaN, 1],
      [1, Number.NaN],
    ]) {
      expect(Number(tensor(values).max())).toBeNaN();
      expect(Number(tensor(values).min())).toBeNaN();
    }
  });

  it('losses are means over all numbers', () => {
    expect(Number(lw.losses.absoluteDifference([1, 2], [3, 1]))).toBe(1.5);
    expect(Number(lw.losses.meanSquaredError([1, 2], [3, 1]))).toBe(2.5);
  });
});

describe('buffers', () => {
  it('buffers are set and read by indices, and toTensor copies them', () => {
    const buffer = lw.buffer([2, 3]);
    buffer.set(5, 1, 2);
    buffer.set(4);
    expect(buffer.get(1, 2)).toBe(5);
    expect(buffer.get()).toBe(4);
    const made = buffer.toTensor();
    buffer.set(9, 1, 2);
    expect(made.arraySync()).toEqual([
      [4, 0, 0],
      [0, 0, 5],
    ]);
    expect([buffer.rank, buffer.size, buffer.strides]).toEqual([2, 6, [3, 1]]);
    expect(lw.buffer([2], 'int32', [1.5, 2]).values).toEqual(Int32Array.of(1, 2));
    expect(new TensorBuffer([2], 'bool', Uint8Array.of(1, 0)).toTensor().dtype).toBe('bool');
    expect(lw.buffer([]).toTensor().shape).toEqual([]);
  });

  it('buffer and bufferSync return copies', async () => {
    const x = tensor([1, 2]);
    const buffer = x.bufferSync();
    buffer.set(7, 0);
    expect(x.arraySync()).toEqual([1, 2]);
    expect((await x.buffer()).get(1)).toBe(2);
  });
});

describe('tensors as text', () => {
  // The output of TF.js 4.22.
  const texts: [string, () => Tensor, string][] = [
    ['a scalar', () => lw.scalar(0.1), 'Tensor\n    0.10000000149011612'],
    ['a bool', () => lw.scalar(true), 'Tensor\n    true'],
    [
      'a row',
      () => tensor([1, 2.5, -3.123456789, 1e10, 1e-8, Number.NaN]),
      'Tensor\n    [1, 2.5, -3.1234567, 10000000000, 0, NaN]',
    ],
    ['a long row', () => lw.range(0, 25), 'Tensor\n    [0, 1, 2, ..., 22, 23, 24]'],
    ['nothing', () => tensor([]), 'Tensor\n    []'],
    [
      'a matrix',
      () =>
        tensor([
          [1, 20.5],
          [-3, 4],
        ]),
      'Tensor\n    [[1 , 20.5],\n     [-3, 4   ]]',
    ],
    ['a matrix of one row', () => tensor([[1, 2, 3]]), 'Tensor\n     [[1, 2, 3],]'],
    [
      'bools',
      () =>
        tensor([
          [true, false],
          [false, true],
        ]),
      'Tensor\n    [[true , false],\n     [false, true ]]',
    ],
    [
      'three axes',
      () => tensor([1, 2, 3, 4, 5, 6, 7, 80], [2, 2, 2]),
      'Tensor\n    [[[1, 2 ],\n      [3, 4 ]],\n\n     [[5, 6 ],\n      [7, 80]]]',
    ],
    [
      'many rows',
      () => lw.range(0, 44).reshape([22, 2]),
      'Tensor\n    [[0 , 1 ],\n     [2 , 3 ],\n     [4 , 5 ],\n     ...,\n     [38, 39],\n     [40, 41],\n     [42, 43]]',
    ],
    [
      'long rows',
      () => lw.range(0, 44).reshape([2, 22]),
      'Tensor\n    [[0 , 1 , 2 , ..., 19, 20, 21],\n     [22, 23, 24, ..., 41, 42, 43]]',
    ],
  ];
  test.each(texts)('%s', (_, make, text) => expect(make().toString()).toBe(text));

  it('toString adds dtype and shape with verbose', () => {
    const text = 'Tensor\n  dtype: float32\n  rank: 2\n  shape: [2,1]\n  values:\n    [[1],\n     [2]]';
    expect(tensor([[1], [2]]).toString(true)).toBe(text);
  });
});

describe('random tensors', () => {
  it('random tensors are reproducible with a seed or setRandomSeed', () => {
    for (const make of [lw.randomUniform, lw.randomNormal, lw.truncatedNormal]) {
      const seeded = (seed?: number) => [...make([7], 0, 1, 'float32', seed).dataSync()];
      expect(seeded(3)).toEqual(seeded(3));
      expect(seeded(3)).not.toEqual(seeded(4));
      setRandomSeed(1);
      const first = [seeded(), seeded()];
      setRandomSeed(1);
      expect([seeded(), seeded()]).toEqual(first);
      expect(first[0]).not.toEqual(first[1]);
    }
  });

  it('random tensors have the same numbers in every engine', () => {
    // Golden values: only + - * / and the square root are used, so they must never change.
    expect([...lw.randomUniform([3], 0, 1, 'float32', 7).dataSync()]).toMatchInlineSnapshot(`
      [
        0.5652760863304138,
        0.6793265342712402,
        0.35526061058044434,
      ]
    `);
    expect([...lw.randomNormal([3], 0, 1, 'float32', 7).dataSync()]).toMatchInlineSnapshot(`
      [
        0.8806325197219849,
        -1.9526623487472534,
        1.281391978263855,
      ]
    `);
    expect([...lw.multinomial([0, 1, 2], 8, 7).dataSync()]).toMatchInlineSnapshot(`
      [
        2,
        2,
        2,
        2,
        1,
        2,
        2,
        0,
      ]
    `);
  });

  it('random tensors have the right mean and variance', () => {
    const uniform = lw.randomUniform([40_000], -1, 3, 'float32', 1);
    expect(Number(uniform.min())).toBeGreaterThanOrEqual(-1);
    expect(Number(uniform.max())).toBeLessThan(3);
    expectClose([Number(uniform.mean()), Number(lw.moments(uniform).variance)], [1, 16 / 12], { abs: 0.03, rel: 0 });
    const normal = lw.randomNormal([40_000], 2, 3, 'float32', 1);
    expectClose([Number(normal.mean()), Number(lw.moments(normal).variance)], [2, 9], { abs: 0.2, rel: 0 });
    const truncated = lw.truncatedNormal([40_000], 0, 1, 'float32', 1);
    expect(Number(truncated.abs().max())).toBeLessThanOrEqual(2);
    expect(Number(lw.moments(truncated).variance)).toBeCloseTo(0.8796 ** 2, 1);
    expect(new Set(lw.randomUniform([500], 0, 4, 'int32', 2).dataSync())).toEqual(new Set([0, 1, 2, 3]));
  });

  it('randomUniform stays below maxval even if float32 would round up to it', () => {
    const bits = vi.spyOn(RandomGenerator.prototype, 'bits').mockReturnValue(2 ** 32 - 1);
    const greatest = [1, 2, 3].map(most => lw.randomUniform([1], most - 1, most).dataSync()[0]!);
    const whole = lw.randomUniform([1], 0, 2 ** 30 + 1, 'int32').dataSync()[0];
    bits.mockRestore();
    for (const [n, value] of greatest.entries()) expect(value).toBeLessThan(n + 1);
    expect(whole).toBe(2 ** 30 - 63);
  });

  it('multinomial draws with the probabilities of the logits', () => {
    const logits = [
      [Math.log(0.1), Math.log(0.6), Math.log(0.3)],
      [0, -1000, -1000],
    ];
    const drawn = lw.multinomial(logits, 20_000, 5);
    expect([drawn.shape, drawn.dtype]).toEqual([[2, 20_000], 'int32']);
    const shares = lw.oneHot(drawn, 3).mean(1);
    expectClose(shares.dataSync(), [0.1, 0.6, 0.3, 1, 0, 0], { abs: 0.015, rel: 0 });
    const ready = lw.multinomial([0.25, 0.75], 20_000, 5, true);
    expect(ready.shape).toEqual([20_000]);
    expect(Number(ready.mean())).toBeCloseTo(0.75, 1);
    expect(lw.multinomial([0, 0], 4, null).size).toBe(4);
  });
});

describe('compatibility with TF.js programs', () => {
  test('data, array and buffer return promises, and print prints', async () => {
    const x = tensor([1, 2, 3, 4], [2, 2]);
    expect(await x.data()).toEqual(Float32Array.of(1, 2, 3, 4));
    expect(await x.array()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    x.print();
    expect(log.mock.calls).toEqual([[x.toString()]]);
    log.mockRestore();
  });

  test('the method stack stacks a tensor with others', () => {
    const [x, y] = [tensor([1, 2]), tensor([3, 4])];
    expect(x.stack(y, 1).arraySync()).toEqual([
      [1, 3],
      [2, 4],
    ]);
    expect(x.stack([y, x]).shape).toEqual([3, 2]);
  });

  it('tidy, keep, dispose, nextFrame and memory exist', async () => {
    const x = tensor([1]);
    expect(lw.tidy(() => lw.keep(x))).toBe(x);
    lw.dispose([x]);
    x.dispose();
    expect(x.isDisposed).toBe(false);
    await lw.nextFrame();
    const { numTensors, numBytes, numDataBuffers } = lw.memory();
    expect([numTensors, numBytes, numDataBuffers]).toEqual([0, backendInfo().memoryBytes, backendInfo().models]);
    expect(Number(x)).toBe(1);
    expect(Number(tensor([1, 2]))).toBeNaN();
    expect(x instanceof lw.Tensor).toBe(true);
  });

  it('setBackend, getBackend and enableProdMode exist', async () => {
    lw.enableProdMode();
    expect(await lw.setBackend('wasm')).toBe(true);
    for (const other of ['cpu', 'webgl', 'webgpu', 'tensorflow']) expect(await lw.setBackend(other)).toBe(false);
    expect(lw.getBackend()).toBe('wasm');
    const fault = lw.setBackend('wsam');
    await expect(fault).rejects.toThrow("setBackend: unknown backendName 'wsam'; did you mean 'wasm'?");
    await expect(fault).rejects.toBeInstanceOf(lw.ValueError);
    await expect(lw.setBackend(undefined as never)).rejects.toThrow(
      'setBackend: backendName must be a name, got undefined',
    );
  });

  it('mean, max and min of an empty tensor are NaN, -Infinity and Infinity', () => {
    expect([lw.mean([]), lw.max([]), lw.min([]), lw.sum([])].map(Number)).toEqual([Number.NaN, -Infinity, Infinity, 0]);
  });

  it('util has the helpers of TF.js', () => {
    expect(() => util.assert(true, 'fine')).not.toThrow();
    expect(() => util.assert(false, 'not fine')).toThrow('not fine');
    expect(() => util.assert(false, () => 'made late')).toThrow('made late');
    setRandomSeed(3);
    const [a, b] = [lw.range(0, 50).dataSync(), Array.from({ length: 50 }, (_, i) => `${i}`)];
    util.shuffleCombo(a, b);
    expect([...a].map(String)).toEqual(b);
    expect([...a]).not.toEqual([...a].sort((x, y) => x - y));
    util.shuffle(b);
    expect([...a].map(String)).not.toEqual(b);
    expect(b.map(Number).sort((x, y) => x - y)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect([...util.createShuffledIndices(9)].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(util.flatten([[1, [2]], [[[3]]]])).toEqual([1, 2, 3]);
    expect(util.sizeFromShape([2, 3, 4])).toBe(24);
    expect(util.now()).toBeGreaterThan(0);
  });

  it('util.shuffle makes every order equally likely', () => {
    setRandomSeed(11);
    const counts = new Map<string, number>();
    for (let n = 0; n < 6000; n++) {
      const order = [0, 1, 2];
      util.shuffle(order);
      counts.set(order.join(), (counts.get(order.join()) ?? 0) + 1);
    }
    expect([...counts.values()].length).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(120);
  });
});

describe('functions of tensors return copies', () => {
  test.each([
    ['reshape', (x: Tensor) => x.reshape([2, 1])],
    ['reshapeAs', (x: Tensor) => x.reshapeAs(tensor([0, 0]))],
    ['flatten', (x: Tensor) => x.flatten()],
    ['as1D', (x: Tensor) => x.as1D()],
    ['as2D', (x: Tensor) => x.as2D(1, 2)],
    ['squeeze', (x: Tensor) => x.squeeze()],
    ['expandDims', (x: Tensor) => x.expandDims()],
    ['transpose', (x: Tensor) => x.transpose()],
    ['cast', (x: Tensor) => x.cast('float32')],
    ['toFloat', (x: Tensor) => x.toFloat()],
    ['clone', (x: Tensor) => x.clone()],
    ['slice', (x: Tensor) => x.slice(0)],
    ['concat', (x: Tensor) => lw.concat([x])],
    ['stack', (x: Tensor) => lw.stack([x])],
    ['split', (x: Tensor) => x.split(1)[0]!],
    ['tile', (x: Tensor) => x.tile([1])],
    ['bufferSync', (x: Tensor) => x.bufferSync().toTensor()],
  ])('writing to the result of %s does not change the tensor', (_, derive) => {
    const x = tensor([1, 2]);
    derive(x).dataSync()[0] = 9;
    expect(x.arraySync()).toEqual([1, 2]);
  });
});

describe('random int32 numbers', () => {
  test.each(['randomNormal', 'truncatedNormal'] as const)('%s rounds to int32, which keeps the mean', name => {
    const drawn = functional[name]([20_000], 5, 2, 'int32', 1);
    expect(drawn.dtype).toBe('int32');
    expect(Number(drawn.mean())).toBeCloseTo(5, 1);
  });

  test('randomUniform truncates to int32 and bool, as TF.js does', () => {
    const share = (dtype: 'int32' | 'bool') => Number(lw.randomUniform([20_000], 0, 2, dtype, 1).mean());
    expect(share('int32')).toBeCloseTo(0.5, 1);
    expect(share('bool')).toBeCloseTo(0.5, 1);
  });
});

test('sin and cos are correct for all float32 numbers', () => {
  const large = [2 ** 20, 1647099.5, 1e7, 123456789, 2 ** 40, 1e20, 3.4e38, -1e20].map(Math.fround);
  // V8's Math.sin reduces its argument with enough digits of pi.
  expectClose(lw.sin(large).dataSync(), large.map(Math.sin), { abs: 1e-7, rel: 1e-7 });
  expectClose(lw.cos(large).dataSync(), large.map(Math.cos), { abs: 1e-7, rel: 1e-7 });
});

test('tensor functions treat null as an absent argument', () => {
  const x = tensor([[1, 2]]);
  expect(lw.eye(2, null, null, null).arraySync()).toEqual(lw.eye(2).arraySync());
  expect(lw.zeros([2], null).dtype).toBe('float32');
  expect(lw.tensor([1, 2], null, null).shape).toEqual([2]);
  expect(x.squeeze(null).shape).toEqual([2]);
  expect(x.slice(0, null).arraySync()).toEqual([[1, 2]]);
  expect(x.transpose(null).shape).toEqual([2, 1]);
  expect(x.sum(null, null).arraySync()).toBe(3);
  expect(lw.randomNormal([2], null, null, null, null).shape).toEqual([2]);
});
