/** Tests that all recurrent layers share; the test file of each layer runs them for its kernels. */

import { describe, expect, test } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';
import { type Block, block } from '../reference/block.ts';
import * as gru from '../reference/gru.ts';
import * as lstm from '../reference/lstm.ts';
import * as minRnn from '../reference/minRnn.ts';
import { Random } from '../reference/random.ts';
import { curves } from '../reference/recurrent.ts';
import * as simpleRnn from '../reference/simpleRnn.ts';
import { type Harness, harness, some } from './harness.ts';
import {
  type ActivationName,
  type BoundCell,
  bindCell,
  type Cell,
  gatesOf,
  isMinimal,
  type PlanOptions,
} from './recurrentPlans.ts';

export interface Case extends Omit<PlanOptions, 'mask' | 'drop' | 'activation' | 'recurrentActivation'> {
  masked?: boolean;
  drops?: boolean;
  activations?: readonly [ActivationName, ActivationName];
}

/** The inputs of a layer in the caller's order; weights are scaled for sums of order 1. */
export interface Given {
  x: Block;
  /** Kernel, recurrent kernel if there is one, bias. */
  weights: Block[];
  states: Block[];
  /** [B,T,U], or [B,U] for the last step only */
  dY: Block;
  /** The initial states that are given to the layer, instead of carried ones. */
  initial: Block[];
  /** The gradients of the final states. */
  dStates: Block[];
  mask: Float64Array;
  drop: Float64Array;
}

export function draw({ cell, U, B, T, I, sequences, resetAfter = true }: Case, seed = 1): Given {
  const random = new Random(seed);
  const gates = gatesOf[cell] * U;
  const mask = random.uniforms([B, T]).data.map(value => (value < 0.3 ? 1 : 0));
  mask[0] = 0; // a row that skips the first step, one that skips the last, and one that skips all where there are more
  if (B > 1) mask[2 * T - 1] = 0;
  if (B > 2) mask.fill(0, 2 * T, 3 * T);
  if (B > 3) mask.fill(1, 3 * T, 4 * T);
  const given = {
    x: random.normals([B, T, I]),
    weights: [
      random.normals([I, gates], I ** -0.5),
      ...(isMinimal(cell) ? [] : [random.normals([U, gates], U ** -0.5)]),
      random.normals(cell === 'gru' && resetAfter ? [2, gates] : [gates], 0.5),
    ],
    states: [random.uniforms([B, U]), random.normals([B, U])].slice(0, cell === 'lstm' ? 2 : 1),
    dY: random.normals(sequences ? [B, T, U] : [B, U]),
    mask,
    drop: random.uniforms([B, U]).data.map(value => (value < -0.4 ? 0 : 1.25)),
  };
  const states = () => [random.normals([B, U]), random.normals([B, U])].slice(0, cell === 'lstm' ? 2 : 1);
  return { ...given, initial: states(), dStates: states() };
}

export function prepare(h: Harness, subject: Case, given: Given): BoundCell {
  const [activation, recurrentActivation] = subject.activations ?? [];
  const bound = bindCell(h, {
    ...subject,
    ...(subject.masked ? { mask: given.mask } : {}),
    ...(subject.drops ? { drop: given.drop } : {}),
    ...(activation ? { activation, recurrentActivation } : {}),
  });
  bound.setX(given.x);
  bound.setWeights(given.weights.slice(0, (subject.useBias ?? true) ? undefined : -1).map(({ data }) => data));
  if (subject.carried) bound.setState(given.states.map(({ data }) => data));
  if (subject.initial) bound.setInitial(given.initial.map(({ data }) => data));
  return bound;
}

type Gradients = minRnn.MinRnnGradients & Partial<Pick<lstm.LstmGradients, 'dC0' | 'dRecurrentKernel'>>;

interface Expected {
  outputs: Float64Array;
  states: Float64Array[];
  gradients(dOutputs: ArrayLike<number>, dh?: ArrayLike<number>, dc?: ArrayLike<number>): Gradients;
}

/** The reference of a case; pass `drop` if the kernel has drawn it. */
function expectedOf(subject: Case, given: Given, drop = subject.drops ? given.drop : undefined): Expected {
  const { cell, U, B, T, I, goBackwards, useBias = true, resetAfter = true, activations } = subject;
  const [kernel, ...others] = given.weights.map(({ data }) => data);
  const [bias, recurrentKernel] = others.reverse();
  const start = subject.initial ? given.initial : subject.carried ? given.states : [];
  const [h0, c0] = start.map(({ data }) => data);
  const inputs = {
    sizes: { B, T, D: I, U },
    x: given.x.data,
    kernel: kernel!,
    recurrentKernel: recurrentKernel!,
    bias: useBias ? bias! : null,
    h0,
    goBackwards,
    mask: subject.masked ? given.mask : undefined,
    drop,
    activation: activations && curves[activations[0]],
    recurrentActivation: activations && curves[activations[1]],
  };
  if (isMinimal(cell)) {
    const { outputs, h, cache } = minRnn.minRnnForward(inputs);
    return { outputs, states: [h], gradients: (dOutputs, dh) => minRnn.minRnnBackward(cache, dOutputs, dh) };
  }
  if (cell === 'lstm') {
    const { outputs, h, c, cache } = lstm.lstmForward({ ...inputs, c0 });
    return { outputs, states: [h, c], gradients: (...given) => lstm.lstmBackward(cache, ...given) };
  }
  if (cell === 'gru') {
    const { outputs, h, cache } = gru.gruForward({ ...inputs, resetAfter });
    return { outputs, states: [h], gradients: (dOutputs, dh) => gru.gruBackward(cache, dOutputs, dh) };
  }
  const { outputs, h, cache } = simpleRnn.simpleRnnForward(inputs);
  return { outputs, states: [h], gradients: (dOutputs, dh) => simpleRnn.simpleRnnBackward(cache, dOutputs, dh) };
}

function largest(values: ArrayLike<number>): number {
  let most = 0;
  for (let n = 0; n < values.length; n++) most = Math.max(most, Math.abs(values[n]!));
  return most;
}

/** The bounds of lstm.test.ts, for the reasons given there. States beyond 1 are compared relative to their size. */
const bounds = { state: 3e-6, gradient: { abs: 5e-6, rel: 1e-5 } };

const expectState = (got: ArrayLike<number>, expected: ArrayLike<number>, what: string) =>
  expectClose(got, expected, { abs: bounds.state * Math.max(1, largest(expected)), rel: 0, what });

const expectZero = (values: ArrayLike<number>, what: string) =>
  expectClose(values, new Float32Array(values.length), { abs: 0, rel: 0, what });

/** Rows of U numbers, each padded with zeros to whole vectors. */
function paddedRows(values: Float64Array, U: number): Float64Array {
  const H = Math.ceil(U / 4) * 4;
  const rows = new Float64Array((values.length / U) * H);
  values.forEach((value, n) => {
    rows[Math.floor(n / U) * H + (n % U)] = value;
  });
  return rows;
}

/** Forward and backward over all rows, and every result against the reference. */
export function expectReference(h: Harness, subject: Case, given = draw(subject)): BoundCell {
  const { U, B, T, sequences = false, carried = false, useBias = true, dx = false } = subject;
  const what = JSON.stringify(subject).replaceAll('"', '');
  const layer = prepare(h, subject, given);
  const dropped = subject.drops || (subject.dropRate ?? 0) > 0;

  /** As in a plan, which limits the rows of a call. */
  const inBlocks = (run: BoundCell['forward']) => {
    for (let first = 0; first < B; first += 256) run(first, Math.min(256, B - first));
  };
  inBlocks(layer.forward);
  const backward = () => inBlocks(layer.backward);
  const expected = expectedOf(subject, given, dropped ? Float64Array.from(layer.drop()) : undefined);
  const end = expected.states[0]!;
  expectState(layer.y(), sequences ? expected.outputs : end, `outputs of ${what}`);
  if (carried) {
    for (const [n, state] of layer.state().entries()) expectState(state, expected.states[n]!, `state ${n} of ${what}`);
  }
  if (subject.final && subject.cell === 'lstm') {
    expectState(layer.cT(), paddedRows(expected.states[1]!, U), `final cell state of ${what}`);
  }
  if (subject.predicts) return layer;

  const dY = given.dY.data.slice();
  if (subject.final) {
    // The gradient of the final hidden state is added to that of the last output
    const last = sequences ? T - 1 : 0;
    given.dStates[0]!.data.forEach((value, n) => {
      dY[Math.floor(n / U) * (dY.length / B) + last * U + (n % U)]! += value;
    });
    if (subject.cell === 'lstm') layer.setDcT(given.dStates[1]!.data);
  }
  layer.setDy(dY);
  backward();
  const dc = subject.final ? given.dStates[1]?.data : undefined;
  const gradients = sequences
    ? expected.gradients(dY, undefined, dc)
    : expected.gradients(new Float64Array(B * T * U), dY, dc);
  const { dKernel, dRecurrentKernel, dBias, dX, dH0, dC0 } = gradients;
  // A block of one number does not show the size of the terms that cancel in it, so all weights together set the scale.
  const expectedWeights = [dKernel, ...(dRecurrentKernel ? [dRecurrentKernel] : []), dBias];
  const weights = Math.max(...expectedWeights.map(largest));
  const expectGradient = (got: Float32Array, wanted: Float64Array, name: string, scale = weights) =>
    expectClose(got, wanted, {
      abs: bounds.gradient.abs * scale,
      rel: bounds.gradient.rel,
      what: `${name} of ${what}`,
    });
  const got = layer.gradients();
  for (const [n, wanted] of expectedWeights.slice(0, useBias ? undefined : -1).entries()) {
    expectGradient(got[n]!, wanted, `gradient ${n}`);
  }
  if (dx) {
    expectGradient(layer.dx(), dX, 'dX', largest(dX));
    expectZero(layer.dxPadding(), `padding of dX of ${what}`); // the layer below relies on it
  }
  if (subject.initial && (subject.initialGradients ?? true)) {
    for (const [n, got] of layer.initialGradients().entries()) {
      const wanted = [dH0, dC0!][n]!;
      expectGradient(got, paddedRows(wanted, U), `gradient of initial state ${n}`, largest(wanted));
    }
  }
  return layer;
}

/** Every combination of the values of each field. */
export function product<K extends keyof Case>(axes: { [N in K]: Required<Case>[N][] }): Pick<Required<Case>, K>[] {
  let cases: object[] = [{}];
  for (const [name, values] of Object.entries<unknown[]>(axes)) {
    cases = cases.flatMap(subject => values.map(value => ({ ...subject, [name]: value })));
  }
  return cases as Pick<Required<Case>, K>[];
}

export const flags = [false, true];

type Activations = NonNullable<Case['activations']>;

/** The default activations, then others. */
const activationsOf = (cell: Cell): Activations[] =>
  isMinimal(cell)
    ? [
        ['linear', 'sigmoid'],
        ['tanh', 'sigmoid'],
        ['sigmoid', 'sigmoid'],
        ['relu', 'sigmoid'],
        ['hardSigmoid', 'sigmoid'],
      ]
    : [
        ['tanh', 'sigmoid'],
        ['tanh', 'hardSigmoid'],
        ['sigmoid', 'hardSigmoid'],
        ['relu', 'sigmoid'],
        ['linear', 'sigmoid'],
      ];

/** All tests of a cell. `kind` has the options that its cases share, such as resetAfter. */
export function describeCell(kind: Pick<Case, 'cell' | 'resetAfter'> & { cell: Cell }): void {
  const { cell } = kind;
  const wides = cell === 'gru' || isMinimal(cell) ? [1] : [0, 1];
  const [defaults, ...otherActivations] = activationsOf(cell) as [Activations, ...Activations[]];
  const oddCase: Case = { ...kind, U: 7, B: 5, T: 6, I: 3, sequences: true, carried: true, dx: true };
  /** The options that change a single step. */
  const drops = isMinimal(cell) ? [false] : flags;
  const steps = product({ masked: flags, drops, activations: [defaults, otherActivations[0]!] });

  describe('compared with the reference', () => {
    // All combinations of sizes; the other options alternate.
    test.each([1, 2, 3, 5, 7, 20, 33, 64, 130])(
      'matches the reference with %i units, all batch sizes and lengths',
      U => {
        const h = harness();
        const sizes = product({ B: [1, 2, 3, 50], T: [1, 2, 3, 40] }).filter(({ B, T }) => U * B * T <= 20_000);
        for (const [n, { B, T }] of some([...sizes.entries()])) {
          const turn = n + U;
          expectReference(h, {
            ...{ ...kind, U, B, T, I: [1, 2, 3, 8][turn % 4]! },
            wide: Math.floor(turn / 3) % 2,
            sequences: turn % 3 > 0,
            carried: turn % 5 > 2,
            useBias: turn % 7 > 0,
            goBackwards: turn % 4 === 3,
            dx: turn % 5 > 1,
            masked: turn % 6 === 1,
            drops: !isMinimal(cell) && turn % 7 === 2,
            activations: turn % 8 === 5 ? otherActivations[turn % 2]! : defaults,
          });
        }
      },
    );

    // All combinations of options.
    const sizes = product({ U: [1, 6], B: [4], T: [1, 3] });
    test.each(sizes.flatMap(size => steps.map(step => ({ ...size, ...step }))))(
      'matches the reference with all options: %o',
      size => {
        const h = harness();
        const ways = product({
          I: [1, 9],
          wide: wides,
          sequences: flags,
          carried: flags,
          useBias: flags,
          goBackwards: flags,
          dx: flags,
        });
        for (const way of some(ways)) expectReference(h, { ...kind, ...size, ...way });
      },
    );

    // Products are computed in slices of a panel.
    test.each(some(product({ carried: flags, sequences: flags })))(
      'matches the reference with long reductions: %o',
      way => {
        const h = harness();
        for (const [U, I] of [
          [250, 6],
          [257, 1],
          [342, 2],
          [3, 255],
          [3, 257],
          [3, 342],
          [6, 530],
          [2, 1030],
        ] as const) {
          expectReference(h, { ...kind, U, B: 3, T: 3, I, dx: true, ...way });
        }
      },
    );

    // Weight gradients are summed over 256 rows at a time: over 19 steps here.
    test.each(product({ wide: wides, carried: flags }))('matches the reference for 1 to 40 steps: %o', way => {
      const h = harness();
      for (let T = 1; T <= 40; T++) {
        expectReference(h, { ...kind, U: 5, B: 13, T, I: 2, sequences: T % 2 > 0, masked: T % 3 > 1, ...way });
      }
    });

    test.each(some(product({ activations: [...otherActivations], masked: flags, sequences: flags, carried: flags })))(
      'matches the reference with other activations: %o',
      way => {
        const h = harness();
        for (const B of [1, 3, 64, 65, 150]) expectReference(h, { ...kind, U: 6, B, T: 4, I: 2, dx: true, ...way });
      },
    );

    test.each(steps)('matches the reference in prediction: %o', way => {
      for (const sequences of flags) expectReference(harness(), { ...oddCase, sequences, predicts: true, ...way });
    });
  });

  // The sums of masked steps overflow to Infinity and NaN, which must not reach a result.
  test.each(product({ activations: [defaults, otherActivations[0]!], wide: wides, carried: flags, sequences: flags }))(
    'ignores the contents of masked steps, however large: %o',
    way => {
      const subject: Case = { ...oddCase, I: 2, masked: true, ...way };
      const run = (skipped: number) => {
        const given = draw(subject);
        const [kernel] = given.weights;
        kernel!.data.forEach((_, n, data) => {
          data[n] = n < data.length / 2 ? 2 : -2;
        });
        given.x.data.forEach((_, n, data) => {
          if (given.mask[Math.floor(n / subject.I)] === 0) data[n] = skipped;
        });
        const layer = prepare(harness(), subject, given);
        layer.forward();
        layer.setDy(given.dY.data);
        layer.backward();
        return [layer.y(), layer.dx(), ...layer.gradients(), ...(way.carried ? layer.state() : [])];
      };
      const [zero, huge] = [run(0), run(3e38)];
      for (const [n, values] of huge.entries()) expectBits(values, zero[n]!, `result ${n}`);
    },
  );

  describe('rows in two blocks', () => {
    test.each(
      some(steps.flatMap(step => product({ carried: flags, sequences: flags }).map(way => ({ ...step, ...way })))),
    )('two blocks of rows give the bits of one: %o', way => {
      const subject = { ...oddCase, ...way };
      const given = draw(subject);
      const h = harness();
      const whole = prepare(h, subject, given);
      whole.forward();
      const [y, states] = [whole.y(), way.carried ? whole.state() : []];
      whole.setDy(given.dY.data);
      whole.backward();
      for (let first = 1; first < subject.B; first++) {
        const what = `${first} and ${subject.B - first} rows`;
        const layer = prepare(h, subject, given);
        layer.forward(first, subject.B - first);
        layer.forward(0, first);
        expectBits(layer.y(), y, `outputs of ${what}`);
        for (const [n, values] of states.entries()) expectBits(layer.state()[n]!, values, `state ${n} of ${what}`);

        layer.setDy(given.dY.data);
        layer.backward(0, first);
        layer.backward(first, subject.B - first);
        expectBits(layer.dx(), whole.dx(), `dX of ${what}`);
        const expected = whole.gradients();
        for (const [n, gradient] of layer.gradients().entries()) {
          const abs = bounds.gradient.abs * largest(expected[n]!);
          expectClose(gradient, expected[n]!, { abs, rel: bounds.gradient.rel, what: `gradient ${n} of ${what}` });
        }
      }
    });

    test('a block of rows does not write to other rows', () => {
      const given = draw(oddCase);
      const layer = prepare(harness(), oddCase, given);
      layer.forward(1, 3);
      const y = layer.y();
      const rows = [0, 1, 2, 3, 4].map(b => y.subarray(b * oddCase.T * oddCase.U, (b + 1) * oddCase.T * oddCase.U));
      expect(rows.map(row => row.every(Number.isNaN))).toEqual([true, false, false, false, true]);
      expect(rows.map(row => row.some(Number.isNaN))).toEqual([true, false, false, false, true]);
      const h = layer.state()[0]!;
      for (const b of [0, 4]) {
        const given0 = given.states[0]!.data.subarray(b * oddCase.U, (b + 1) * oddCase.U);
        expectBits(h.subarray(b * oddCase.U, (b + 1) * oddCase.U), given0, `state of row ${b}`);
      }
    });
  });

  describe('memory', () => {
    const ways = product({ U: [1, 6, 8], wide: wides, sequences: flags, carried: flags, dx: flags });
    test.each(steps)('writes only to the buffers of the plan: %o', step => {
      const h = harness();
      for (const way of ways) expectReference(h, { ...oddCase, ...way, ...step }).expectFences();
    });

    // Padding must be zero in every factor of a product; otherwise it would leak into the units.
    test.each(some(product({ U: [1, 2, 3, 5, 7], wide: wides, activations: [defaults, ['sigmoid', 'sigmoid']] })))(
      'padding stays zero: %o',
      way => {
        const subject = { ...oddCase, ...way };
        const { U, B, T } = subject;
        const H = Math.ceil(U / 4) * 4;
        const layer = prepare(harness(), subject, draw(subject));
        layer.forward();
        const row = layer.fields.hRow! / 4;
        for (let slot = 0; slot < (T + 1) * B; slot++) {
          expectZero(layer.rooms.h!.floats().subarray(slot * row + U, slot * row + H), `h in row ${slot}`);
        }
        expectPaddingZero(layer, subject, 'states');
        layer.setDy(draw(subject).dY.data);
        layer.backward();
        expectPaddingZero(layer, subject, 'dw');
      },
    );

    test.each(wides)('padding stays zero with infinite input: wide %i', wide => {
      const subject = { ...oddCase, U: 5, T: 1, wide };
      const given = draw(subject);
      given.x.data.fill(Number.POSITIVE_INFINITY, 0, 1);
      const layer = prepare(harness(), subject, given);
      layer.forward();
      expectPaddingZero(layer, subject, 'states');
    });
  });

  /** Unpacking and packing again, which zeroes the padding, must change nothing. */
  function expectPaddingZero(layer: BoundCell, subject: Case, room: 'states' | 'dw'): void {
    const before = layer.rooms[room]!.floats().slice();
    if (room === 'states') {
      layer.setState(layer.state());
      expectBits(before, layer.rooms.states!.floats(), 'states');
    } else {
      const other = prepare(harness(), subject, draw(subject));
      other.setWeights(layer.gradients());
      expectBits(before, other.rooms.w!.floats(), 'gradients');
    }
  }

  describe('gradients', () => {
    test('backward adds to the gradients in dw', () => {
      const given = draw(oddCase);
      const [fresh, filled] = [prepare(harness(), oddCase, given), prepare(harness(), oddCase, given)];
      filled.rooms.dw!.floats().fill(16);
      for (const layer of [fresh, filled]) {
        layer.forward();
        layer.setDy(given.dY.data);
        layer.backward();
      }
      // Additions to 16 round to a multiple of 2^-20.
      const expected = fresh.gradients().map(values => Float64Array.from(values, value => value + 16));
      for (const [n, values] of filled.gradients().entries()) {
        expectClose(values, expected[n]!, { abs: oddCase.B * oddCase.T * 2 ** -20, rel: 0, what: `gradient ${n}` });
      }
    });

    test('backward without a bias gives a bias gradient of zero and does not change the others', () => {
      const given = draw(oddCase);
      given.weights.at(-1)!.data.fill(0);
      const [without, zero] = [{ ...oddCase, useBias: false }, oddCase].map(subject => {
        const layer = prepare(harness(), subject, given);
        layer.forward();
        layer.setDy(given.dY.data);
        layer.backward();
        return layer;
      });
      for (const [n, values] of without!.gradients().entries())
        expectBits(values, zero!.gradients()[n]!, `gradient ${n}`);
      expectPaddingZero(without!, { ...oddCase, useBias: false }, 'dw');
    });

    // The cost of a product with a subnormal number is a hundred times that of another one.
    test('vanishing gradients become zero instead of subnormal', () => {
      const subject: Case = { ...kind, U: 4, B: 2, T: 200, I: 1 };
      const given = draw(subject);
      // each step leaves about a tenth of a gradient
      given.weights[isMinimal(cell) ? 0 : 1]!.data.forEach((value, n, data) => {
        data[n] = value / 8;
      });
      given.weights.at(-1)!.data.fill({ lstm: -2, gru: -2, simpleRnn: 0, minGru: 2, minLstm: 2 }[cell]);
      if (cell === 'minLstm') given.weights.at(-1)!.data.fill(-2, 0, subject.U);
      const layer = prepare(harness(), subject, given);
      layer.forward();
      layer.setDy(given.dY.data);
      layer.backward();
      const gradients = layer.rooms[cell === 'simpleRnn' ? 'dz' : 'gates']!.floats();
      const subnormal = gradients.filter(value => value !== 0 && Math.abs(value) < 2 ** -126);
      expect([...subnormal]).toEqual([]);
      expect(gradients.subarray(0, 8).every(value => value === 0)).toBe(true);
      expect(gradients.subarray(-4).every(value => value !== 0)).toBe(true);
    });
  });

  describe('the carried state', () => {
    test.each(steps)('the state is carried from batch to batch: %o', step => {
      const subject = { ...oddCase, ...step };
      const given = draw(subject);
      const layer = prepare(harness(), subject, given);
      layer.forward();
      layer.setX(draw(subject, 2).x);
      layer.forward();
      const first = expectedOf(subject, given);
      const states = first.states.map(state => block([oddCase.B, oddCase.U], state));
      const { outputs, states: last } = expectedOf(subject, { ...given, x: draw(subject, 2).x, states });
      expectState(layer.y(), outputs, 'outputs');
      for (const [n, state] of layer.state().entries()) expectState(state, last[n]!, `state ${n}`);
    });

    test.each(some(steps.flatMap(step => product({ wide: wides, U: [5, 8] }).map(way => ({ ...step, ...way })))))(
      'rewind restores the carried state to the bit: %o',
      way => {
        const subject = { ...oddCase, ...way };
        const layer = prepare(harness(), subject, draw(subject));
        const before = layer.rooms.states!.floats().slice();
        layer.forward();
        const y = layer.y();
        expect([...layer.rooms.states!.floats()]).not.toEqual([...before]);
        layer.rewind();
        expectBits(layer.rooms.states!.floats(), before);
        layer.forward();
        expectBits(layer.y(), y, 'outputs of the same batch again');
      },
    );

    test('rewind does nothing without a carried state', () => {
      const subject = { ...oddCase, carried: false };
      const layer = prepare(harness(), subject, draw(subject));
      layer.forward();
      const y = layer.y();
      layer.rewind();
      expectBits(layer.y(), y);
    });
  });

  describe('initial and final states', () => {
    const initials = ['tight', 'padded'] as const;
    const stateful: Case = { ...oddCase, initial: 'tight', final: true };
    /** Runs a batch. */
    const run = (subject: Case, given: Given, layer = prepare(harness(), subject, given)) => {
      layer.forward();
      layer.setDy(given.dY.data);
      if (subject.final && cell === 'lstm') layer.setDcT(given.dStates[1]!.data);
      layer.backward();
      return layer;
    };
    const resultsOf = (layer: BoundCell, subject: Case) => [
      layer.y(),
      layer.dx(),
      ...layer.gradients(),
      ...(subject.carried ? layer.state() : []),
      ...(subject.final && cell === 'lstm' ? [layer.cT()] : []),
    ];

    const options = steps.flatMap(step =>
      product({ initial: [...initials], carried: flags }).map(way => ({ ...step, ...way })),
    );
    // Of the other options, every test has a fifth of the combinations, and five tests have all.
    test.each(options.map((way, turn) => ({ turn, ...way })))(
      'initial and final states match the reference with all options: %o',
      ({ turn, ...way }) => {
        const h = harness();
        const others = product({
          U: [1, 6, 8],
          T: [1, 3],
          I: [1, 9],
          wide: wides,
          sequences: flags,
          goBackwards: flags,
          final: flags,
        });
        for (const [n, other] of some(others.filter((_, n) => n % 5 === turn % 5)).entries()) {
          const useBias = n % 3 > 0;
          expectReference(h, { ...kind, B: 5, dx: n % 2 > 0, useBias, ...way, ...other }).expectFences();
        }
      },
    );

    test.each([2, 3, 5, 7, 20, 33, 64, 130])('initial and final states match the reference with %i units', U => {
      const h = harness();
      for (const [n, { B, T }] of some([...product({ B: [1, 2, 3, 50], T: [1, 2, 5] }).entries()])) {
        const turn = n + U;
        const options = { wide: Number(turn % 3 > 0), sequences: turn % 2 > 0, carried: turn % 5 > 2 };
        const initial = initials[turn % 2]!;
        expectReference(h, {
          ...stateful,
          ...options,
          initial,
          U,
          B,
          T,
          masked: turn % 4 === 1,
          drops: !isMinimal(cell) && turn % 7 === 2,
        });
      }
    });

    test.each(some(product({ activations: [...otherActivations], masked: flags, drops, sequences: flags })))(
      'initial and final states match the reference with other activations: %o',
      way => {
        const h = harness();
        for (const B of [1, 3, 65]) expectReference(h, { ...stateful, U: 6, B, T: 4, I: 2, carried: false, ...way });
      },
    );

    test.each(steps)('initial and final states match the reference with more than 256 rows: %o', step => {
      for (const way of product({ wide: wides, sequences: flags, carried: flags })) {
        expectReference(harness(), { ...stateful, B: 301, T: 3, ...way, ...step });
      }
    });

    test.each(steps)('initial and final states match the reference in prediction: %o', step => {
      for (const sequences of flags) {
        expectReference(harness(), { ...stateful, sequences, predicts: true, ...step }).expectFences();
      }
    });

    test.each(steps.flatMap(step => product({ wide: wides, sequences: flags }).map(way => ({ ...step, ...way }))))(
      'an initial state gives the bits of a carried state: %o',
      way => {
        const subject = { ...stateful, ...way };
        const given = draw(subject);
        const states = given.initial;
        const carried = { ...subject, initial: undefined };
        const expected = resultsOf(run(carried, { ...given, states }), subject);
        for (const [n, values] of resultsOf(run(subject, given), subject).entries()) {
          expectBits(values, expected[n]!, `result ${n}`);
        }
        const without = { ...subject, initialGradients: false };
        for (const [n, values] of resultsOf(run(without, given), subject).entries()) {
          expectBits(values, expected[n]!, `result ${n} without gradients of the initial states`);
        }
      },
    );

    test.each(steps.flatMap(step => product({ wide: wides, sequences: flags }).map(way => ({ ...step, ...way }))))(
      'initial states and two blocks of rows give the bits of one: %o',
      way => {
        const subject = { ...stateful, ...way };
        const given = draw(subject);
        const whole = run(subject, given);
        for (let first = 1; first < subject.B; first++) {
          const layer = prepare(harness(), subject, given);
          layer.forward(first, subject.B - first);
          layer.forward(0, first);
          layer.setDy(given.dY.data);
          if (cell === 'lstm') layer.setDcT(given.dStates[1]!.data);
          layer.backward(0, first);
          layer.backward(first, subject.B - first);
          for (const [n, values] of layer.initialGradients().entries()) {
            expectBits(values, whole.initialGradients()[n]!, `gradient of initial state ${n}, ${first} rows first`);
          }
          if (cell === 'lstm') expectBits(layer.cT(), whole.cT(), `final cell state, ${first} rows first`);
          expectBits(layer.y(), whole.y(), `outputs, ${first} rows first`);
        }
      },
    );

    test.each(some(steps.flatMap(step => product({ wide: wides, U: [5, 8] }).map(way => ({ ...step, ...way })))))(
      'rewind restores the carried state after a batch with an initial state: %o',
      way => {
        const subject = { ...stateful, ...way };
        const layer = prepare(harness(), subject, draw(subject));
        const before = layer.rooms.states!.floats().slice();
        layer.forward(2, 3);
        layer.forward(0, 2);
        const y = layer.y();
        expect([...layer.rooms.states!.floats()]).not.toEqual([...before]);
        layer.rewind();
        expectBits(layer.rooms.states!.floats(), before);
        layer.rewind();
        expectBits(layer.rooms.states!.floats(), before, 'rewound twice');
        layer.forward();
        expectBits(layer.y(), y, 'outputs of the same batch again');
      },
    );

    test.each(steps)('backward starts from zero if nothing writes the gradient of the output: %o', step => {
      const subject: Case = { ...stateful, sequences: false, ...step };
      const given = draw(subject);
      given.dY.data.fill(0);
      const zeros = run(subject, given);
      const layer = prepare(harness(), { ...subject, zeroDh: true }, given);
      layer.forward();
      if (cell === 'lstm') layer.setDcT(given.dStates[1]!.data);
      layer.backward();
      const [got, expected] = [layer, zeros].map(each => [...resultsOf(each, subject), ...each.initialGradients()]);
      for (const [n, values] of got!.entries()) expectBits(values, expected![n]!, `result ${n}`);
    });
  });

  if (!isMinimal(cell))
    describe('recurrent dropout', () => {
      test.each(product({ masked: flags, carried: flags, sequences: flags }))(
        'draws the factors of recurrent dropout: %o',
        way => {
          const layer = expectReference(harness(), { ...oddCase, ...way, B: 30, dropRate: 0.25, dropSeed: 5 });
          const factors = [...layer.drop()];
          expect(new Set(factors)).toEqual(new Set([0, Math.fround(4 / 3)]));
          const zeros = factors.filter(value => value === 0).length;
          expect(Math.abs(zeros / factors.length - 0.25)).toBeLessThan(0.12);
        },
      );
    });

  describe('packing and unpacking', () => {
    const units = [1, 2, 3, 4, 5, 7, 8, 20, 33];
    /** Distinct numbers, including -0, Infinity and a subnormal number. */
    const different = (n: number, from: number) => {
      const values = Float32Array.from({ length: n }, (_, i) => from + i);
      values.set([-0, Number.POSITIVE_INFINITY, 1e-45].slice(0, n));
      return values;
    };

    test.each(product({ U: units, I: [1, 3, 17], useBias: flags }))(
      'packed and unpacked weights keep all bits: %o',
      way => {
        const h = harness();
        const layer = bindCell(h, { ...kind, B: 1, T: 1, ...way });
        const shapes = draw({ ...kind, B: 1, T: 1, ...way }).weights.slice(0, way.useBias ? undefined : -1);
        const given = shapes.map(({ data }, n) => different(data.length, 1 + n * 1e5));
        layer.rooms.w!.floats().fill(Number.NaN);
        layer.setWeights(given);
        layer.weights().forEach((values, n) => {
          expectBits(values, given[n]!, `weight ${n}`);
        });
        layer.expectFences();
        // All padding is zero.
        const numbers = layer.rooms.w!.floats().filter(value => value !== 0).length;
        expect(numbers).toBe(given.reduce((sum, values) => sum + values.filter(value => value !== 0).length, 0));
      },
    );

    test.each(product({ U: units, B: [1, 2, 5] }))('packed and unpacked states keep all bits: %o', way => {
      const layer = bindCell(harness(), { ...kind, T: 1, I: 1, carried: true, ...way });
      const given = draw({ ...kind, T: 1, I: 1, ...way }).states.map((_, n) => different(way.B * way.U, 1 + n * 1e5));
      layer.rooms.states!.floats().fill(Number.NaN);
      layer.setState(given);
      layer.state().forEach((state, n) => {
        expectBits(state, given[n]!, `state ${n}`);
      });
      layer.expectFences();
    });
  });
}
