/** The gradient over time steps, compared with finite differences of the float64 reference of the cells. */

import { describe, expect, it } from 'vitest';
import { type Gates, medianReach, reach } from '../../demo/understand/reach.ts';
import { sigmoid } from '../reference/activations.ts';
import { gruForward } from '../reference/gru.ts';
import { lstmForward } from '../reference/lstm.ts';
import { matmul } from '../reference/matmul.ts';
import { Random } from '../reference/random.ts';
import { simpleRnnForward } from '../reference/simpleRnn.ts';

const [T, D, U] = [6, 2, 5];
const random = new Random(11);
const x = random.normals([T * D]).data;
const blocks = { lstm: 4, gru: 3, simpleRNN: 1 };
type Name = keyof typeof blocks;
type Vector = ArrayLike<number>;

describe.each(Object.keys(blocks) as Name[])('%s', name => {
  const G = blocks[name] * U;
  const weights = {
    kernel: random.normals([D, G], 0.6).data,
    recurrentKernel: random.normals([U, G], 0.6).data,
    bias: random.normals([name === 'gru' ? 2 * G : G], 0.4).data,
  };

  /** Runs the steps from `first` to `last`, starting with the given state. */
  function run(first: number, last: number, h0: Vector, c0: Vector) {
    const steps = { x: x.slice(first * D, (last + 1) * D), sizes: { B: 1, T: last + 1 - first, D, U } };
    if (name === 'lstm') return lstmForward({ ...weights, ...steps, h0, c0 });
    const gru = name === 'gru' ? gruForward({ ...weights, ...steps, h0, resetAfter: true }) : null;
    return { c: c0, ...(gru ?? simpleRnnForward({ ...weights, ...steps, h0 })) };
  }
  const zero = new Float64Array(U);

  /** The gates, computed from their equations and the states before each step. */
  function gates(): Gates {
    const states = Array.from({ length: T }, (_, t) => run(0, t, zero, zero));
    const all = (of: (t: number) => Vector) => states.flatMap((_, t) => Array.from(of(t)));
    const before = (t: number): Vector => (t > 0 ? states[t - 1]!.h : zero);
    const part = (values: Float64Array, n: number) => values.slice(n * U, n * U + U);
    const input = (t: number) =>
      matmul(x.slice(t * D, t * D + D), weights.kernel, 1, D, G).map((z, k) => z + weights.bias[k]!);
    const recurrent = (t: number) =>
      matmul(before(t), weights.recurrentKernel, 1, U, G).map((z, k) => z + (weights.bias[G + k] ?? 0));
    const sum = (t: number) => input(t).map((z, k) => z + recurrent(t)[k]!);
    const gate = (n: number, of: (z: number) => number) => all(t => part(sum(t), n).map(of));
    const h = all(t => states[t]!.h);
    if (name === 'simpleRNN') return { h };
    if (name === 'lstm') {
      const c = all(t => states[t]!.c);
      return { i: gate(0, sigmoid), f: gate(1, sigmoid), g: gate(2, Math.tanh), o: gate(3, sigmoid), c, h };
    }
    const r = gate(1, sigmoid);
    const n = all(t => part(input(t), 2).map((z, u) => Math.tanh(z + r[t * U + u]! * part(recurrent(t), 2)[u]!)));
    return { z: gate(0, sigmoid), r, n, h };
  }

  it.each([1, 3])('the gradient norms equal finite differences with %i outputs', outputs => {
    const dense = random.normals([U, outputs], 0.5).data;
    const found = reach(gates(), { recurrent: weights.recurrentKernel, bias: weights.bias, dense }, U);
    expect(found.h).toHaveLength(T);
    expect(found.c === null).toBe(name !== 'lstm');

    /** The output if one number of the state after step t is changed. */
    function outputAfter(t: number, u: number, change: { h?: number; c?: number }) {
      const before = run(0, t, zero, zero);
      const [h, c] = [Float64Array.from(before.h), Float64Array.from(before.c)];
      h[u]! += change.h ?? 0;
      if (change.c) {
        const output = h[u]! / Math.tanh(c[u]!);
        c[u]! += change.c;
        h[u] = output * Math.tanh(c[u]!);
      }
      const last = t === T - 1 ? h : run(t + 1, T - 1, h, c).h;
      return matmul(last, dense, 1, U, outputs);
    }
    const step = 1e-5;
    for (const state of ['h', 'c'] as const) {
      if (!found[state]) continue;
      for (let t = 0; t < T; t++) {
        let square = 0;
        for (let u = 0; u < U; u++) {
          const [above, below] = [outputAfter(t, u, { [state]: step }), outputAfter(t, u, { [state]: -step })];
          for (let k = 0; k < outputs; k++) square += ((above[k]! - below[k]!) / (2 * step)) ** 2;
        }
        const ratio = found[state][t]! / Math.sqrt(square);
        expect(Math.abs(ratio - 1), `${state} of step ${t}`).toBeLessThan(1e-6);
      }
    }
  });
});

it('the median over rows is that of the norms relative to the last step', () => {
  const rows = [
    { h: Float64Array.of(1, 2, 4), c: Float64Array.of(2, 2, 2) },
    { h: Float64Array.of(3, 1, 1), c: Float64Array.of(8, 4, 2) },
    { h: Float64Array.of(8, 4, 8), c: Float64Array.of(1, 2, 2) },
  ];
  const { h, c } = medianReach(rows);
  expect([...h]).toEqual([1, 0.5, 1]);
  expect([...c!]).toEqual([1, 1, 1]);
  expect([...medianReach(rows.slice(0, 2)).h]).toEqual([1.625, 0.75, 1]);
  expect(medianReach([{ h: Float64Array.of(1), c: null }]).c).toBeNull();
});
