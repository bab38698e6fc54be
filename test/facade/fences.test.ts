// The debug build puts fences around blocks and buffers: a write out of bounds throws an error that names the kernel.

import { layers, type Sequential, sequential } from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { Planner } from '../../src/plan/planner.ts';
import { sizeOf } from '../../src/util/shapes.ts';
import { Block, float32, kernels } from '../../src/wasm/engine.ts';
import { fencesChecked } from '../setup/fences.ts';

const x = new Float32Array(2 * 5 * 3).fill(0.5);
const y = new Float32Array(2 * 6);

function createModel(): Sequential {
  const model = sequential({ layers: [layers.lstm({ units: 6, inputShape: [5, 3] })] });
  model.compile({ optimizer: 'adam', loss: 'mse' });
  return model;
}

const { LSTM_WASM_BUILD, LSTM_WASM_WIDE } = process.env;

describe.runIf(LSTM_WASM_BUILD === 'debug' && !LSTM_WASM_WIDE)('fences', () => {
  test.each([
    ['before a block', -1],
    ['right after a block', 40],
    ['far after a block', 40 + 60],
  ])('fences detect a write %s', (_, byte) => {
    const block = new Block('test', 40);
    const other = new Block('test', 8);
    new Uint8Array(float32().buffer)[block.address + byte] = 1;
    expect(() => kernels().zero(other.address, 8)).toThrow(/^zero wrote outside .* byte \d+ of the fence/);
    block.free();
    other.free();
  });

  test('fences detect a kernel call with too large a size', () => {
    const block = new Block('test', 32);
    expect(() => kernels().clamp(block.address, 8, 1)).not.toThrow();
    expect(() => kernels().scale(block.address, 12, 0.5)).toThrow(
      /^scale wrote outside its buffers: byte \d of the fence behind a block of 32 bytes/,
    );
    block.free();
  });

  test('fences detect a layer whose buffer is planned too small', () => {
    const { floats } = Planner.prototype;
    const shortened: string[] = [];
    Planner.prototype.floats = function (name, ...shape) {
      if (!name.endsWith('/tanhC')) return floats.call(this, name, ...shape);
      shortened.push(name);
      return floats.call(this, name, sizeOf(shape) - 4);
    };
    try {
      const model = createModel();
      expect(() => model.trainOnBatch(x, y)).toThrow(/^lstmForward wrote outside .* the fence behind .*tanhC/);
      model.dispose();
    } finally {
      Planner.prototype.floats = floats;
    }
    expect(shortened).toHaveLength(1);
  });

  test('fences are checked during training', () => {
    const model = createModel();
    const before = fencesChecked();
    model.trainOnBatch(x, y);
    expect(fencesChecked() - before).toBeGreaterThan(100);
    model.dispose();
  });
});
