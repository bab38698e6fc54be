// gruForward and gruBackward against plain float64 loops, with resetAfter and without.

import { describe, expect, test } from 'vitest';
import { harness } from './harness.ts';
import { describeCell, expectReference } from './recurrentCases.ts';
import { bindCell } from './recurrentPlans.ts';

describe('gru with resetAfter', () => describeCell({ cell: 'gru', resetAfter: true }));
describe('gru without resetAfter', () => describeCell({ cell: 'gru', resetAfter: false }));

// A slice of the product of the candidate has 1024 units.
test('gru without resetAfter matches the reference with more units than one slice', () => {
  const subject = { cell: 'gru', resetAfter: false, U: 1030, B: 2, T: 1, I: 1 } as const;
  expectReference(harness(), { ...subject, carried: true });
});

test('packGruWeights stores [group][biases z r n, biases a z r, recurrent kernel a z r, kernel z r n][4 units]', () => {
  const [U, I] = [5, 2];
  const layer = bindCell(harness(), { cell: 'gru', U, I, B: 1, T: 1 });
  // Weight of gate g and unit u: 1 + g with u in two decimals, plus hundreds by matrix; the candidate h has number 3
  const value = (what: number, gate: number, u: number) => what * 100 + (gate + 1) + (u + 1) / 16;
  const row = (what: number) => Array.from({ length: 3 * U }, (_, n) => value(what, Math.floor(n / U), n % U));
  layer.setWeights([[1, 2].flatMap(row), [11, 12, 13, 14, 15].flatMap(row), [21, 22].flatMap(row)]);
  const panels = layer.rooms.w!.floats();
  const rows = 2 + 8 + I;
  const at = (group: number, r: number) => [...panels.subarray((group * rows + r) * 12, (group * rows + r + 1) * 12)];
  const gate = (what: number, gate: number, group: number) =>
    [0, 1, 2, 3].map(n => (4 * group + n < U ? value(what, gate, 4 * group + n) : 0));
  for (const group of [0, 1]) {
    const input = (what: number) => [0, 1, 2].flatMap(n => gate(what, n, group));
    const state = (what: number) => [2, 0, 1].flatMap(n => gate(what, n, group));
    expect(at(group, 0)).toEqual(input(21));
    expect(at(group, 1)).toEqual(state(22));
    for (let u = 0; u < U; u++) expect(at(group, 2 + u)).toEqual(state(11 + u));
    for (let u = U; u < 8; u++) expect(at(group, 2 + u)).toEqual(Array(12).fill(0));
    for (let i = 0; i < I; i++) expect(at(group, 10 + i)).toEqual(input(1 + i));
  }
});
