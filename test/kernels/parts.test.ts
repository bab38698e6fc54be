// Threads compute the parts of a kernel: rows in any order, then columns of weight gradients. The parts give the bits of the
// whole.

import { describe, expect, test } from 'vitest';
import { Attention } from '../../src/layers/attention.ts';
import { Dense } from '../../src/layers/dense.ts';
import { MultiHeadAttention } from '../../src/layers/multiHeadAttention.ts';
import { SimpleRNN } from '../../src/layers/recurrent/simpleRnn.ts';
import { expectBits } from '../compare.ts';
import { Random } from '../reference/random.ts';
import { type Harness, harness } from './harness.ts';
import { bindCall } from './multiPlans.ts';
import { bind } from './plans.ts';
import { type Case, draw, flags, prepare, product } from './recurrentCases.ts';
import { type BoundCell, gatesOf, isMinimal, kindOf } from './recurrentPlans.ts';

type Part = (plan: number, first: number, count: number) => void;

/** Ranges [first, count] of `extent`, the last ones first. */
const ranges = (extent: number, size: number): [number, number][] =>
  Array.from({ length: Math.ceil(extent / size) }, (_, n): [number, number] => [
    n * size,
    Math.min(size, extent - n * size),
  ]).reverse();

/** Computes the rows twice, as after a thread has stopped. */
function forwardInParts({ kernels }: Harness, layer: BoundCell, { cell, B, carried }: Case): void {
  const named = kernels as unknown as Record<string, Part>;
  const before = carried ? layer.state() : [];
  for (const [first, rows] of [...ranges(B, 4), ...ranges(B, 7)]) {
    named[`${kindOf(cell)}ForwardRows`]!(layer.address, first, rows);
    for (const [n, values] of before.entries()) expectBits(layer.state()[n]!, values, `state ${n}`);
  }
  for (const [first, rows] of ranges(B, 3)) named[`${kindOf(cell)}ForwardEnd`]!(layer.address, first, rows);
}

function backwardInParts({ kernels }: Harness, layer: BoundCell, { cell, U, B }: Case): void {
  const named = kernels as unknown as Record<string, Part>;
  const part = (name: string) => named[`${kindOf(cell)}Backward${name}`]!;
  part('Start')(layer.address, 0, 0);
  for (const [first, rows] of ranges(B, 4)) part('Rows')(layer.address, first, rows);
  const minRnn = Math.ceil((gatesOf[cell] * Math.ceil(U / 4)) / 4);
  const groups = { lstm: 2 * Math.ceil(U / 4), gru: Math.ceil(U / 4), simpleRnn: Math.ceil(U / 16), minRnn }[
    kindOf(cell)
  ];
  for (const [first, count] of ranges(groups, 2)) part('Weights')(layer.address, first, count);
}

describe.each([
  { cell: 'lstm' },
  { cell: 'gru', resetAfter: true },
  { cell: 'gru', resetAfter: false },
  { cell: 'simpleRnn' },
  { cell: 'minGru' },
  { cell: 'minLstm' },
] as const)('%o', kind => {
  const drops = isMinimal(kind.cell) ? [false] : flags;
  const options = product({ masked: flags, drops, sequences: flags, carried: flags });
  test.each(options.map((option, n) => ({ ...option, useBias: n % 3 > 0, wide: n % 2 })))(
    'the parts of forward and backward give the bits of the whole: %o',
    option => {
      for (const [U, B, T] of [
        [1, 5, 1],
        [7, 9, 6],
        [33, 13, 40],
      ] as const) {
        const subject: Case = { ...kind, ...option, U, B, T, I: 3, dx: true };
        const given = draw(subject);
        const [whole, parts] = [harness(), harness()].map(h => ({ h, layer: prepare(h, subject, given) }));
        whole!.layer.forward();
        forwardInParts(parts!.h, parts!.layer, subject);
        expectBits(parts!.layer.y(), whole!.layer.y(), 'y');
        for (const [n, values] of (option.carried ? parts!.layer.state() : []).entries()) {
          expectBits(values, whole!.layer.state()[n]!, `state ${n} of ${U} units`);
        }
        for (const { layer } of [whole!, parts!]) layer.setDy(given.dY.data);
        whole!.layer.backward();
        backwardInParts(parts!.h, parts!.layer, subject);
        expectBits(parts!.layer.dx(), whole!.layer.dx(), 'dX');
        for (const [n, values] of parts!.layer.gradients().entries()) {
          expectBits(values, whole!.layer.gradients()[n]!, `gradient ${n} of ${U} units`);
        }
      }
    },
  );

  test('the weight gradients of more rows than a block have the bits of the blocks', () => {
    const subject: Case = { ...kind, U: 5, B: 300, T: 3, I: 2, dx: true };
    const given = draw(subject);
    const h = harness();
    const whole = prepare(h, subject, given);
    for (const [first, rows] of [
      [0, 256],
      [256, 44],
    ] as const)
      whole.forward(first, rows);
    whole.setDy(given.dY.data);
    for (const [first, rows] of [
      [0, 256],
      [256, 44],
    ] as const)
      whole.backward(first, rows);
    const other = harness();
    const parts = prepare(other, subject, given);
    for (const [first, rows] of ranges(300, 52)) parts.forward(first, rows);
    parts.setDy(given.dY.data);
    backwardInParts(other, parts, subject);
    for (const [n, values] of parts.gradients().entries()) expectBits(values, whole.gradients()[n]!, `gradient ${n}`);
  });
});

describe('an lstm whose rows lie apart, as those of threads do', () => {
  const options = product({
    masked: flags,
    drops: flags,
    sequences: flags,
    carried: flags,
  });
  const cases = options.flatMap(option => flags.map(starts => ({ ...option, starts })));
  test.each(cases.map((option, n) => ({ ...option, useBias: n % 3 > 0, final: n % 2 > 0 })))(
    'has the bits of one whose rows lie together: %o',
    ({ starts, ...option }) => {
      const activations = [undefined, ['sigmoid', 'hardSigmoid']] as const;
      for (const [n, [U, B, part, T]] of [
        [1, 6, 3, 1],
        [7, 10, 5, 6],
        [33, 12, 4, 40],
        [20, 50, 25, 20],
      ].entries()) {
        const kind = {
          ...option,
          ...(starts && { initial: 'tight' }),
          cell: 'lstm',
          U,
          B,
          T,
          I: 3,
          wide: 0,
          dx: true,
        } as Case;
        const subject = n % 2 > 0 && activations[1] ? { ...kind, activations: activations[1] } : kind;
        const given = draw(subject);
        const [together, apart, shared] = [B, part, part].map(part => {
          const h = harness();
          return { h, layer: prepare(h, { ...subject, part } as Case, given) };
        });
        const layers = [together!.layer, apart!.layer, shared!.layer];
        const expectSame = (of: (layer: BoundCell) => Float32Array[], what: string) => {
          for (const layer of layers.slice(1)) {
            for (const [n, values] of of(layer).entries()) expectBits(values, of(together!.layer)[n]!, `${what} ${n}`);
          }
        };
        together!.layer.forward();
        apart!.layer.forward();
        forwardInParts(shared!.h, shared!.layer, subject);
        expectSame(layer => [layer.y()], 'y');
        if (option.carried) expectSame(layer => layer.state(), 'state');
        if (option.final) expectSame(layer => [layer.cT()], 'final cell state');
        for (const layer of layers) layer.setDy(given.dY.data);
        if (option.final) for (const layer of layers) layer.setDcT(given.dStates[1]!.data);
        together!.layer.backward();
        apart!.layer.backward();
        backwardInParts(shared!.h, shared!.layer, subject);
        expectSame(layer => [layer.dx(), ...layer.gradients()], 'gradient');
        if (starts) expectSame(layer => layer.initialGradients(), 'gradient of the initial state');
        if (option.carried) {
          for (const layer of layers) layer.rewind();
          expectSame(layer => layer.state(), 'state before the batch');
        }
        for (const layer of layers) layer.expectFences();
      }
    },
  );
});

test.each([
  { masked: true, activation: 'tanh' },
  { masked: false, activation: 'sigmoid', useBias: false },
] as const)(
  'the parts of a simpleRNN with layer normalization give the bits of the whole: %o',
  ({ masked, ...more }) => {
    const [B, T, U, D] = [261, 5, 18, 3];
    const random = new Random(6);
    const [x, dY] = [random.normals([B, T, D]), random.normals([B, T, U]).data];
    const layer = () => new SimpleRNN({ units: U, returnSequences: true, layerNormalization: true, ...more });
    const run = (inParts: boolean) => {
      const h = harness();
      const mask = masked ? Float32Array.from({ length: B * T }, (_, n) => Number(n % 3 > 0)) : undefined;
      const bound = bind(h, layer(), {
        ...{ batch: B, steps: T, inputs: D, order: 'steps', dx: true },
        ...(mask && { mask }),
      });
      const seeds = new Random(7);
      bound.setX(x);
      bound.setWeights(bound.weights().map(({ length }) => seeds.normals([length], 0.5).data));
      const part = (name: string, list: [number, number][]) => {
        const kernel = (h.kernels as unknown as Record<string, Part>)[`simpleRnn${name}`]!;
        for (const [first, count] of list) kernel(bound.address, first, count);
      };
      if (inParts) part('ForwardRows', [...ranges(B, 4), ...ranges(B, 7)]);
      else bound.forward();
      const y = bound.y();
      bound.setDy(dY);
      if (inParts) {
        part('BackwardStart', [[0, 0]]);
        part('BackwardRows', ranges(B, 4));
        part('BackwardWeights', ranges(Math.ceil(U / 16), 1));
      } else {
        bound.backward();
      }
      bound.expectFences();
      return [y, bound.dx(), ...bound.gradients()];
    };
    const whole = run(false);
    for (const [n, values] of run(true).entries()) expectBits(values, whole[n]!, `result ${n}`);
  },
);

test.each([
  { K: 5, N: 3, activation: 'tanh' },
  { K: 9, N: 40, activation: 'softmax' },
  { K: 3, N: 33, activation: 'swish', useBias: false },
  { K: 4, N: 17, activation: 'logSoftmax' },
] as const)('the parts of a dense layer give the bits of the whole: %o', ({ K, N, activation, useBias = true }) => {
  // With few rows in a time step threads take some of all rows, with more of them some of each step
  for (const [B, T, rowsEach] of [
    [11, 60, 660],
    [18, 40, 18],
  ] as const) {
    const random = new Random(3);
    const given = { x: random.normals([B, T, K]), dY: random.normals([B, T, N]) };
    const weights = [random.normals([K, N]).data, ...(useBias ? [random.normals([N]).data] : [])];
    const run = (inParts: boolean) => {
      const h = harness();
      const layer = bind(h, new Dense({ units: N, activation, useBias }), {
        batch: B,
        steps: T,
        inputs: K,
        order: 'steps',
        dx: true,
      });
      layer.setX(given.x);
      layer.setWeights(weights);
      const { address } = layer;
      expect(layer.fields.stepRows).toBe(rowsEach);
      const shares = ranges(rowsEach, rowsEach > 52 ? 52 : 7);
      const { denseForwardRows, denseBackwardStart, denseBackwardRows, denseBackwardWeights } = h.kernels;
      if (inParts) for (const [first, rows] of shares) denseForwardRows(address, first, rows);
      else layer.forward();
      layer.setDy(given.dY.data);
      if (inParts) {
        denseBackwardStart(address);
        for (const [first, rows] of shares) denseBackwardRows(address, first, rows);
        for (const [first, count] of ranges(Math.ceil(N / 16), 1)) denseBackwardWeights(address, first, count);
      } else {
        layer.backward();
      }
      return [layer.y(), layer.dx(), ...layer.gradients()];
    };
    const whole = run(false);
    for (const [n, values] of run(true).entries()) expectBits(values, whole[n]!, `result ${n}`);
  }
});

test.each([
  ['attention', () => new Attention({ dropout: 0.2, seed: 1, useCausalMask: true, returnAttentionScores: true })],
  ['multiHeadAttention', () => new MultiHeadAttention({ numHeads: 3, keyDim: 5, dropout: 0.3, seed: 1 })],
] as const)('the parts of %s give the bits of the whole', (_, make) => {
  const [B, T, D] = [7, 40, 6];
  const random = new Random(4);
  const inputs = [0, 1].map(n => ({
    values: random.normals([B, T, D]),
    mask: Array.from({ length: B * T }, (_, k) => Number(k % T < 30 + 5 * n)),
  }));
  const run = (inParts: boolean) => {
    const h = harness();
    const named = h.kernels as unknown as Record<string, Part>;
    const team = {
      size: 2,
      run: (name: string, plan: number, extent: number) => {
        for (const [first, count] of ranges(extent, 2)) named[name]!(plan, first, count);
      },
    };
    const bound = bindCall(h, make(), inputs, { ...(inParts && { team }) });
    const seeds = new Random(5);
    bound.setWeights(bound.weights().map(({ length }) => seeds.normals([length]).data));
    bound.forward();
    const y = bound.output();
    bound.setGradient(seeds.normals([y.length]).data);
    bound.backward();
    return [y, bound.gradient(0), bound.gradient(1), ...bound.weightGradients()];
  };
  const whole = run(false);
  for (const [n, values] of run(true).entries()) expectBits(values, whole[n]!, `result ${n}`);
});
