// minRnnForward and minRnnBackward against plain float64 loops, as minGRU and as minLSTM.

import { describe, expect, test } from 'vitest';
import { expectClose } from '../compare.ts';
import { harness } from './harness.ts';
import { describeCell } from './recurrentCases.ts';
import { bindCell } from './recurrentPlans.ts';

describe('minGru', () => describeCell({ cell: 'minGru' }));
describe('minLstm', () => describeCell({ cell: 'minLstm' }));

test('packMinRnnWeights stores the bias, then the kernel in panels, with each gate padded to groups of four units', () => {
  const [U, I] = [5, 2];
  const layer = bindCell(harness(), { cell: 'minGru', U, I, B: 1, T: 1 });
  const row = (what: number) => Array.from({ length: 2 * U }, (_, n) => what * 100 + n);
  layer.setWeights([[1, 2].flatMap(row), row(9)]);
  const packed = layer.rooms.w!.floats();
  const columns = (what: number) => {
    const [z, h] = [row(what).slice(0, U), row(what).slice(U)];
    return [...z, 0, 0, 0, ...h, 0, 0, 0];
  };
  expect([...packed.subarray(0, 16)]).toEqual(columns(9));
  for (const i of [0, 1]) expect([...packed.subarray(16 * (i + 1), 16 * (i + 2))]).toEqual(columns(i + 1));
});

// Sigmoids below 2^-126 are zero, and zero divided by zero is not a number.
test('minLstm weights state and candidate equally if both gates are closed', () => {
  const layer = bindCell(harness(), { cell: 'minLstm', U: 3, I: 1, B: 1, T: 2, sequences: true });
  layer.setWeights([
    [-1e4, -1e4, -1e4, -1e4, -1e4, -1e4, 1, 1, 1],
    [0, 0, 0, 0, 0, 0, 0, 0, 0],
  ]);
  layer.setX({ shape: [1, 2, 1], data: Float64Array.of(1, 1) });
  layer.forward();
  expectClose(layer.y(), [0.5, 0.5, 0.5, 0.75, 0.75, 0.75], { abs: 0, rel: 0 });
  layer.setDy([1, 1, 1, 1, 1, 1]);
  layer.backward();
  for (const gradient of layer.gradients()) expect(gradient.every(Number.isFinite)).toBe(true);
});
