// PyTorch modules and our layers give the same outputs for the same safetensors file.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setRandomSeed, Tensor } from 'lstm-wasm';
import { loadSafetensors, readSafetensors, toSafetensors, writeSafetensors } from 'lstm-wasm/safetensors';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RandomGenerator } from '../../src/util/randomGenerator.ts';
import { expectBits, expectClose } from '../compare.ts';
import { cases, fixtures, hasTorch, modelOf, readOnlyTensor, runTorch, type TorchCase } from './torchModels.ts';

/**
 * Both sides compute in float32, in different orders. Outputs are about 1, where an ulp is 1.2e-7; an error of a few
 * ulps enters at each of at most seven time steps, in at most four layers. A misplaced gate or bias is off by tenths.
 */
const tolerance = { abs: 2e-6, rel: 2e-6 };

function expectSameOutput(folder: string, testCase: TorchCase): void {
  const { model, modules } = modelOf(testCase);
  const bytes = readFileSync(join(folder, `${testCase.name}.safetensors`));
  loadSafetensors(model, bytes, { names: 'torch', modules });
  const y = model.predict(readOnlyTensor(join(folder, `${testCase.name}.input.safetensors`)));
  const expected = readOnlyTensor(join(folder, `${testCase.name}.output.safetensors`));
  expect(y.shape).toEqual(expected.shape);
  expectClose(y.dataSync(), expected.dataSync(), tolerance);
}

describe('files written by PyTorch', () => {
  test.each(cases)('$name: our layers compute the same output', testCase => expectSameOutput(fixtures, testCase));

  test('tensors of every dtype are read as torch and numpy read them', () => {
    const { tensors } = readSafetensors(readFileSync(`${fixtures}kinds.safetensors`));
    const { tensors: expected } = readSafetensors(readFileSync(`${fixtures}kinds.expected.safetensors`));
    expect(Object.keys(tensors).sort()).toEqual(Object.keys(expected).sort());
    for (const [name, tensor] of Object.entries(tensors)) {
      expect(tensor.shape, name).toEqual(expected[name]!.shape);
      expect(tensor.dtype, name).toBe('float32');
      expectBits(tensor.dataSync(), expected[name]!.dataSync(), name);
    }
  });

  // The state_dict of LSTMCell, GRUCell and RNNCell has the parameters of the first layer without the suffix _l0.
  const withCellNames = (bytes: Uint8Array) => {
    const { tensors } = readSafetensors(bytes);
    return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name.replace(/_l0$/, ''), tensor]));
  };
  const oneLayer = cases.filter(({ modules }) =>
    modules.every(([, , { num_layers = 1, bidirectional = false }]) => num_layers === 1 && !bidirectional),
  );
  const recurrent = oneLayer.filter(({ modules }) => modules.some(([, kind]) => ['LSTM', 'GRU', 'RNN'].includes(kind)));

  test('the single-layer fixtures include LSTM, GRU and RNN', () => {
    const kinds = new Set(recurrent.flatMap(({ modules }) => modules.map(([, kind]) => kind)));
    expect([...kinds]).toEqual(expect.arrayContaining(['LSTM', 'GRU', 'RNN']));
  });

  test.each(recurrent)('$name: weights under the names of a PyTorch cell load bit for bit', testCase => {
    const file = readFileSync(`${fixtures}${testCase.name}.safetensors`);
    const cells = withCellNames(file);
    expect(Object.keys(cells).some(name => /(^|\.)weight_hh$/.test(name))).toBe(true);
    const [layer, cell] = [modelOf(testCase), modelOf(testCase)];
    loadSafetensors(layer.model, file, { names: 'torch', modules: layer.modules });
    loadSafetensors(cell.model, writeSafetensors(cells), { names: 'torch', modules: cell.modules });
    const expected = layer.model.getWeights();
    for (const [n, weight] of cell.model.getWeights().entries()) expectBits(weight.dataSync(), expected[n]!.dataSync());
  });

  test('a PyTorch cell is rejected for a bidirectional layer, with the name of the parameter', () => {
    const bidirectionalCase = cases.find(({ modules }) => modules.some(([, , { bidirectional }]) => bidirectional))!;
    const { model, modules } = modelOf(bidirectionalCase);
    const cells = withCellNames(readFileSync(`${fixtures}${bidirectionalCase.name}.safetensors`));
    expect(() => loadSafetensors(model, writeSafetensors(cells), { names: 'torch', modules })).toThrow(
      /must have the module 'lstm' .*, without 'lstm.bias_hh'/,
    );
  });

  test('toSafetensors writes the tensor names and shapes of PyTorch', () => {
    for (const testCase of cases) {
      const { model, modules } = modelOf(testCase);
      const shapes = (bytes: Uint8Array) => {
        const entries = Object.entries(readSafetensors(bytes).tensors).map(
          ([name, { shape }]) => [name, shape] as const,
        );
        return Object.fromEntries(entries.filter(([name]) => !name.endsWith('num_batches_tracked')));
      };
      const torchResult = readFileSync(`${fixtures}${testCase.name}.safetensors`);
      expect(shapes(toSafetensors(model, { names: 'torch', modules })), testCase.name).toEqual(shapes(torchResult));
    }
  });
});

const title = hasTorch
  ? 'files exchanged with PyTorch'
  : 'files exchanged with PyTorch (skipped: /usr/bin/python3 has no torch and numpy)';

describe.skipIf(!hasTorch)(title, () => {
  const directory = mkdtempSync(join(tmpdir(), 'lstm-wasm-safetensors-'));
  const [fromTorch, ours] = [join(directory, 'torch'), join(directory, 'ours')];
  const inputs = new Map<string, Tensor>();
  const models = new Map<string, ReturnType<typeof modelOf>>();

  beforeAll(() => {
    for (const folder of [fromTorch, ours]) mkdirSync(folder);
    runTorch('make', fromTorch, '4711');
    const generator = new RandomGenerator(3);
    setRandomSeed(5);
    for (const testCase of cases) {
      const { model, modules } = modelOf(testCase);
      // Initial biases are zeros and ones, which would hide a misplaced one.
      const names = model.layers.flatMap(layer => layer.weightSpecs.map(({ name }) => name));
      model.setWeights(
        model.getWeights().map(({ shape, size }, n) => {
          const next = () => generator.normal() * 0.4;
          return new Tensor(floats(size, names[n] === 'movingVariance' ? () => 0.5 + next() ** 2 : next), shape);
        }),
      );
      const takesIds = testCase.modules[0]![1] === 'Embedding';
      const size = testCase.shape.reduce((a, b) => a * b);
      const x = new Tensor(
        floats(size, () => (takesIds ? generator.below(11) : generator.normal())),
        testCase.shape,
      );
      inputs.set(testCase.name, x);
      models.set(testCase.name, { model, modules });
      writeFileSync(join(ours, `${testCase.name}.safetensors`), toSafetensors(model, { names: 'torch', modules }));
      writeFileSync(join(ours, `${testCase.name}.input.safetensors`), writeSafetensors({ x }));
    }
    runTorch('run', ours);
  }, 120_000);

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test.each(cases)('$name: weights written by PyTorch give the same output here', testCase =>
    expectSameOutput(fromTorch, testCase),
  );

  test.each(cases)('$name: load_state_dict(strict=True) accepts our file and computes the same output', ({ name }) => {
    const y = models.get(name)!.model.predict(inputs.get(name)!);
    const torchResult = readOnlyTensor(join(ours, `${name}.output.safetensors`));
    expect(torchResult.shape).toEqual(y.shape);
    expectClose(torchResult.dataSync(), y.dataSync(), tolerance);
  });
});

const floats = (size: number, next: () => number) => Float32Array.from({ length: size }, next);
