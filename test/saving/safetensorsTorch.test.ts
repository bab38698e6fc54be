// PyTorch's modules and our layers: the same weights in a safetensors file, the same outputs.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setRandomSeed, Tensor } from 'lstm-wasm';
import { loadSafetensors, readSafetensors, toSafetensors, writeSafetensors } from 'lstm-wasm/safetensors';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RandomGenerator } from '../../src/util/randomGenerator.ts';
import { expectBits, expectClose } from '../compare.ts';
import { cases, fixtures, hasTorch, modelOf, only, type TorchCase, torch } from './torchModels.ts';

/**
 * Both sides compute in float32, in orders of their own: outputs are of the size of one, whose ulp is 1.2e-7, and an
 * error of a few of them enters at every one of at most seven steps, in at most four layers. A gate or a bias in the
 * wrong place is off by tenths.
 */
const near = { abs: 2e-6, rel: 2e-6 };

function expectSame(folder: string, one: TorchCase): void {
  const { model, modules } = modelOf(one);
  const bytes = readFileSync(join(folder, `${one.name}.safetensors`));
  loadSafetensors(model, bytes, { names: 'torch', modules });
  const y = model.predict(only(join(folder, `${one.name}.input.safetensors`)));
  const expected = only(join(folder, `${one.name}.output.safetensors`));
  expect(y.shape).toEqual(expected.shape);
  expectClose(y.dataSync(), expected.dataSync(), near);
}

describe('what PyTorch has written computes the same here', () => {
  test.each(cases)('$name', one => expectSame(fixtures, one));

  test('numbers of every kind are read as torch and numpy read them', () => {
    const { tensors } = readSafetensors(readFileSync(`${fixtures}kinds.safetensors`));
    const { tensors: expected } = readSafetensors(readFileSync(`${fixtures}kinds.expected.safetensors`));
    expect(Object.keys(tensors).sort()).toEqual(Object.keys(expected).sort());
    for (const [name, tensor] of Object.entries(tensors)) {
      expect(tensor.shape, name).toEqual(expected[name]!.shape);
      expect(tensor.dtype, name).toBe('float32');
      expectBits(tensor.dataSync(), expected[name]!.dataSync(), name);
    }
  });

  // The state_dict of LSTMCell, GRUCell and RNNCell: the parameters of the first layer without the suffix _l0.
  const ofCells = (bytes: Uint8Array) => {
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

  test.each(recurrent)('$name: weights under the names of a PyTorch cell load bit for bit', one => {
    const file = readFileSync(`${fixtures}${one.name}.safetensors`);
    const cells = ofCells(file);
    expect(Object.keys(cells).some(name => /(^|\.)weight_hh$/.test(name))).toBe(true);
    const [layer, cell] = [modelOf(one), modelOf(one)];
    loadSafetensors(layer.model, file, { names: 'torch', modules: layer.modules });
    loadSafetensors(cell.model, writeSafetensors(cells), { names: 'torch', modules: cell.modules });
    const expected = layer.model.getWeights();
    for (const [n, weight] of cell.model.getWeights().entries()) expectBits(weight.dataSync(), expected[n]!.dataSync());
  });

  test('a PyTorch cell is rejected for a bidirectional layer, with the name of the parameter', () => {
    const both = cases.find(({ modules }) => modules.some(([, , { bidirectional }]) => bidirectional))!;
    const { model, modules } = modelOf(both);
    const cells = ofCells(readFileSync(`${fixtures}${both.name}.safetensors`));
    expect(() => loadSafetensors(model, writeSafetensors(cells), { names: 'torch', modules })).toThrow(
      /must have the module 'lstm' .*, without 'lstm.bias_hh'/,
    );
  });

  test('the shapes and names that we write are those of PyTorch', () => {
    for (const one of cases) {
      const { model, modules } = modelOf(one);
      const shapes = (bytes: Uint8Array) =>
        Object.fromEntries(Object.entries(readSafetensors(bytes).tensors).map(([name, { shape }]) => [name, shape]));
      const theirs = readFileSync(`${fixtures}${one.name}.safetensors`);
      expect(shapes(toSafetensors(model, { names: 'torch', modules })), one.name).toEqual(shapes(theirs));
    }
  });
});

const live = hasTorch
  ? 'with PyTorch at hand'
  : 'with PyTorch at hand (skipped: /usr/bin/python3 has no torch and numpy)';

describe.skipIf(!hasTorch)(live, () => {
  const home = mkdtempSync(join(tmpdir(), 'lstm-wasm-safetensors-'));
  const [made, ours] = [join(home, 'made'), join(home, 'ours')];
  const inputs = new Map<string, Tensor>();
  const models = new Map<string, ReturnType<typeof modelOf>>();

  beforeAll(() => {
    for (const folder of [made, ours]) mkdirSync(folder);
    torch('make', made, '4711');
    const generator = new RandomGenerator(3);
    setRandomSeed(5);
    for (const one of cases) {
      const { model, modules } = modelOf(one);
      // Biases begin as zeros and ones, and would hide where they went.
      model.setWeights(
        model.getWeights().map(
          ({ shape, size }) =>
            new Tensor(
              floats(size, () => generator.normal() * 0.4),
              shape,
            ),
        ),
      );
      const ids = one.modules[0]![1] === 'Embedding';
      const size = one.shape.reduce((a, b) => a * b);
      const x = new Tensor(
        floats(size, () => (ids ? generator.below(11) : generator.normal())),
        one.shape,
      );
      inputs.set(one.name, x);
      models.set(one.name, { model, modules });
      writeFileSync(join(ours, `${one.name}.safetensors`), toSafetensors(model, { names: 'torch', modules }));
      writeFileSync(join(ours, `${one.name}.input.safetensors`), writeSafetensors({ x }));
    }
    torch('run', ours);
  }, 120_000);

  afterAll(() => rmSync(home, { recursive: true, force: true }));

  test.each(cases)('$name: what it writes computes the same here', one => expectSame(made, one));

  test.each(cases)('$name: load_state_dict(strict=True) takes what we write, and computes the same', ({ name }) => {
    const y = models.get(name)!.model.predict(inputs.get(name)!);
    const theirs = only(join(ours, `${name}.output.safetensors`));
    expect(theirs.shape).toEqual(y.shape);
    expectClose(theirs.dataSync(), y.dataSync(), near);
  });
});

const floats = (size: number, next: () => number) => Float32Array.from({ length: size }, next);
