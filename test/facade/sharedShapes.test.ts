// Layers without weights that are applied to inputs of several shapes: each call has the output of its own input.

import { input, type Layer, layers, model, type SymbolicTensor, type Tensor, tensor, train } from 'lstm-wasm';
import { describe, expect, test } from 'vitest';

const counting = (shape: number[]) =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, n) => n + 1),
    shape,
  );

const cases: [string, () => Layer, number[][]][] = [
  ['flatten', () => layers.flatten(), [[6], [3, 2], [1, 4], [2, 5]]],
  ['reshape to one time step', () => layers.reshape({ targetShape: [1, -1] }), [[6], [3, 2], [1, 4], [2, 5]]],
  ['reshape to an open number of time steps', () => layers.reshape({ targetShape: [-1, 2] }), [[6], [3, 4], [2, 2]]],
  ['reshape to a vector', () => layers.reshape({ targetShape: [null] }), [[6], [3, 2], [2, 5]]],
];

describe.each(cases)('%s', (_, make, samples) => {
  /** All orders of two of the samples. */
  const pairs = samples.flatMap(first => samples.filter(second => second !== first).map(second => [first, second]));

  test.each(pairs.map(pair => [JSON.stringify(pair), pair] as const))(
    'keeps the numbers of each of two calls, on samples %s',
    (_, pair) => {
      const layer = make();
      const symbols = pair.map(shape => input({ shape }));
      const net = model({ inputs: symbols, outputs: symbols.map(symbol => layer.apply<SymbolicTensor>(symbol)) });
      const x = pair.map(shape => counting([2, ...shape]));
      const y = net.predict<Tensor[]>(x);
      for (const [n, output] of y.entries()) {
        expect(output.shape.slice(1)).toEqual(net.outputs[n]!.shape.slice(1));
        expect([...output.dataSync()]).toEqual([...x[n]!.dataSync()]);
      }
    },
  );

  test('trains the layers below both calls', () => {
    const layer = make();
    const symbols = samples.slice(0, 2).map(shape => input({ shape }));
    const below = symbols.map(symbol =>
      layers.dense({ units: symbol.shape.at(-1)!, useBias: false, kernelInitializer: 'zeros' }).apply(symbol),
    );
    const net = model({ inputs: symbols, outputs: below.map(value => layer.apply<SymbolicTensor>(value)) });
    net.compile({ optimizer: train.sgd(1), loss: 'meanSquaredError' });
    const x = samples.slice(0, 2).map(shape => counting([1, ...shape]));
    net.trainOnBatch(
      x,
      net.outputs.map(({ shape }) => counting([1, ...(shape.slice(1) as number[])])),
    );
    // The slope of the mean of (y - t)^2 at y = 0, with targets that are the inputs
    for (const [n, weight] of net.getWeights().entries()) {
      const [values, width] = [x[n]!.dataSync(), samples[n]!.at(-1)!];
      const expected = Float32Array.from({ length: width * width }, (_, at) => {
        const [i, j] = [Math.floor(at / width), at % width];
        let sum = 0;
        for (let row = 0; row < values.length; row += width) sum += values[row + i]! * values[row + j]!;
        return (2 * sum) / values.length;
      });
      for (const [at, value] of weight.dataSync().entries()) expect(value).toBeCloseTo(expected[at]!, 4);
    }
  });
});

test('a dense layer above flatten reads all numbers of a sequence, whichever call comes first', () => {
  const [vector, sequence] = [counting([2, 6]), counting([2, 3, 2])];
  for (const x of [
    [vector, sequence],
    [sequence, vector],
  ]) {
    const flatten = layers.flatten();
    const sum = layers.dense({ units: 1, kernelInitializer: 'ones' });
    const symbols = x.map(({ shape }) => input({ shape: shape.slice(1) }));
    const outputs = symbols.map(symbol => sum.apply<SymbolicTensor>(flatten.apply<SymbolicTensor>(symbol)));
    const sums = model({ inputs: symbols, outputs }).predict<Tensor[]>(x);
    expect(sums.map(each => each.arraySync())).toEqual([
      [[21], [57]],
      [[21], [57]],
    ]);
  }
});

test('a stream rejects flatten if one of its calls reads a sequence', () => {
  const flatten = layers.flatten({ name: 'flat' });
  const [vector, sequence] = [input({ shape: [4] }), input({ shape: [2, 2] })];
  const sum = layers.add().apply([flatten.apply<SymbolicTensor>(vector), flatten.apply<SymbolicTensor>(sequence)]);
  const net = model({ inputs: [vector, sequence], outputs: sum });
  expect(() => net.stream()).toThrow("every layer must work on one time step at a time, which 'flat' does not");
});
