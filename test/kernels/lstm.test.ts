// lstmForward and lstmBackward, planned by the layer but called directly, against plain float64 loops.
//
//   B batch, T time, I input width, U units, H = U padded to whole groups of four

import { describe, expect, test } from 'vitest';
import { LSTM } from '../../src/layers/recurrent/lstm.ts';
import { expectBits, expectClose } from '../compare.ts';
import { readFixture } from '../fixtures.ts';
import { type Block, block } from '../reference/block.ts';
import * as reference from '../reference/lstm.ts';
import { Random } from '../reference/random.ts';
import { type Harness, harness } from './harness.ts';
import { type BoundLayer, bind, type Order } from './plans.ts';

interface Case {
  U: number;
  B: number;
  T: number;
  I: number;
  /** Whether the input is multiplied before the loop over time; default: the choice of the layer. */
  wide?: number;
  sequences?: boolean;
  carried?: boolean;
  useBias?: boolean;
  goBackwards?: boolean;
  dx?: boolean;
  order?: Order;
}

/** The inputs of a layer in the caller's order; weights are scaled for sums of order 1. */
interface Given {
  x: Block;
  kernel: Block;
  recurrentKernel: Block;
  bias: Block;
  h0: Block;
  c0: Block;
  /** [B, T, U], or [B, U] for the last step only */
  dY: Block;
}

function draw({ U, B, T, I, sequences }: Case, seed = 1): Given {
  const random = new Random(seed);
  return {
    x: random.normals([B, T, I]),
    kernel: random.normals([I, 4 * U], I ** -0.5),
    recurrentKernel: random.normals([U, 4 * U], U ** -0.5),
    bias: random.normals([4 * U], 0.5),
    h0: random.uniforms([B, U]),
    c0: random.normals([B, U]),
    dY: random.normals(sequences ? [B, T, U] : [B, U]),
  };
}

interface Bound extends BoundLayer {
  /** Runs the rows from `first` on. */
  forward(first?: number, rows?: number): void;
  backward(first?: number, rows?: number): void;
  /** The carried state, h and c [B, U]. */
  state(): [Float32Array, Float32Array];
  setState(h: Block, c: Block): void;
}

/** Binds the layer of a case and sets its inputs, weights and states. */
function prepare(h: Harness, subject: Case, given: Given): Bound {
  const { U, B, T, I, wide, sequences = false, carried = false, useBias = true, goBackwards = false, dx } = subject;
  const layer = new LSTM({ units: U, returnSequences: sequences, stateful: carried, useBias, goBackwards });
  const order = dx ? 'steps' : subject.order;
  const fields: Record<string, number> = wide === undefined ? {} : { wide };
  const bound = bind(h, layer, { batch: B, steps: T, inputs: I, order, dx, fields });
  const { kernels } = h;
  const packStates = (h: number, c: number) => layer.packStates(kernels, bound.fields.stateH!, B, [h, c]);
  const unpackStates = (h: number, c: number) => layer.unpackStates(kernels, bound.fields.stateH!, B, [h, c]);
  const ready: Bound = {
    ...bound,
    forward: (first = 0, rows = B) => kernels.lstmForward(bound.address, first, rows),
    backward: (first = 0, rows = B) => kernels.lstmBackward(bound.address, first, rows),
    setState: (hState, cState) => packStates(h.put(hState.data), h.put(cState.data)),
    state() {
      const [hState, cState] = [h.alloc(B * U * 4), h.alloc(B * U * 4)];
      unpackStates(hState, cState);
      return [h.get(hState, B * U), h.get(cState, B * U)];
    },
  };
  const { x, kernel, recurrentKernel, bias, h0, c0 } = given;
  ready.setX(x);
  ready.setWeights([kernel, recurrentKernel, ...(useBias ? [bias] : [])].map(({ data }) => data));
  if (carried) ready.setState(h0, c0);
  return ready;
}

const show = (subject: Case) => JSON.stringify(subject).replaceAll('"', '');
const largest = (values: Float64Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/**
 * States are sums of order 1 behind activations within 3 ULP, so they are compared absolutely. Gradients are sums over
 * rows and steps whose terms partly cancel: the error of one follows the largest of its block. The same bounds hold for
 * whole models, in ../facade/gradients.test.ts.
 */
const bounds = { state: { abs: 3e-6, rel: 0 }, gradient: { abs: 5e-6, rel: 1e-5 } };

/** Accepts 0 and -0. */
const expectZero = (values: ArrayLike<number>, what: string) =>
  expectClose(values, new Float32Array(values.length), { abs: 0, rel: 0, what });

/** Forward and backward over all rows, and every result against the reference. */
function expectReference(h: Harness, subject: Case, given = draw(subject)): Bound {
  const { U, B, T, I, sequences = false, carried = false, useBias = true, goBackwards = false, dx = false } = subject;
  const what = show(subject);
  const layer = prepare(h, subject, given);
  const expected = reference.lstmForward({
    sizes: { B, T, D: I, U },
    x: given.x.data,
    kernel: given.kernel.data,
    recurrentKernel: given.recurrentKernel.data,
    bias: useBias ? given.bias.data : null,
    h0: carried ? given.h0.data : undefined,
    c0: carried ? given.c0.data : undefined,
    goBackwards,
  });

  layer.forward();
  expectClose(layer.y(), sequences ? expected.outputs : expected.h, { ...bounds.state, what: `outputs of ${what}` });
  if (carried) {
    const [hState, cState] = layer.state();
    expectClose(hState, expected.h, { ...bounds.state, what: `h of ${what}` });
    // c may grow by one with every step
    expectClose(cState, expected.c, {
      abs: bounds.state.abs * Math.max(1, largest(expected.c)),
      rel: 0,
      what: `c of ${what}`,
    });
  }

  layer.setDy(given.dY.data);
  layer.backward();
  const gradients = sequences
    ? reference.lstmBackward(expected.cache, given.dY.data)
    : reference.lstmBackward(expected.cache, new Float64Array(B * T * U), given.dY.data);
  const [dKernel, dRecurrentKernel, dBias] = layer.gradients();
  const expectGradient = (name: string, got: Float32Array, expected: Float64Array) =>
    expectClose(got, expected, {
      abs: bounds.gradient.abs * largest(expected),
      rel: bounds.gradient.rel,
      what: `${name} of ${what}`,
    });
  expectGradient('dKernel', dKernel!, gradients.dKernel);
  expectGradient('dRecurrentKernel', dRecurrentKernel!, gradients.dRecurrentKernel);
  if (useBias) expectGradient('dBias', dBias!, gradients.dBias);
  if (dx) {
    expectGradient('dX', layer.dx(), gradients.dX);
    expectZero(layer.dxPadding(), `padding of dX of ${what}`); // the layer below relies on it
  }
  return layer;
}

/** Every combination of the values of each field. */
function product<K extends keyof Case>(axes: { [N in K]: Required<Case>[N][] }): Pick<Required<Case>, K>[] {
  let cases: object[] = [{}];
  for (const [name, values] of Object.entries<unknown[]>(axes)) {
    cases = cases.flatMap(subject => values.map(value => ({ ...subject, [name]: value })));
  }
  return cases as Pick<Required<Case>, K>[];
}

const flags = [false, true];

describe('lstm against the reference', () => {
  // All combinations of sizes; the other options alternate. More units are in lstmWays.test.ts.
  test.each([1, 2, 3, 5, 7, 20, 33])('lstm of %i units matches the reference for all batch sizes and lengths', U => {
    const h = harness();
    const sizes = product({ U: [U], B: [1, 2, 3, 50], T: [1, 2, 3, 40] }).filter(({ B, T }) => U * B * T <= 20_000);
    for (const [n, { B, T }] of sizes.entries()) {
      const turn = n + U;
      expectReference(h, {
        ...{ U, B, T, I: [1, 2, 3, 8][turn % 4]! },
        wide: Math.floor(turn / 3) % 2,
        sequences: turn % 3 > 0,
        carried: turn % 5 > 2,
        useBias: turn % 7 > 0,
        goBackwards: turn % 4 === 3,
        dx: turn % 5 > 1,
      });
    }
  });

  // All combinations of options; the input widths alternate.
  test.each(product({ U: [1, 6], B: [1, 3], T: [1, 2, 5] }))(
    'lstm matches the reference with all options: $U units, batch $B, $T steps',
    size => {
      const h = harness();
      const ways = product({
        wide: [0, 1],
        sequences: flags,
        carried: flags,
        useBias: flags,
        goBackwards: flags,
        dx: flags,
      });
      for (const [n, way] of ways.entries()) {
        const turn = n + Math.floor(n / 4) + Math.floor(n / 16) + size.T;
        expectReference(h, { ...size, ...way, I: [1, 2, 3, 8][turn % 4]! });
      }
    },
  );

  test.each(product({ I: [8, 9, 17, 67], dx: flags, carried: flags }))(
    'lstm matches the reference with the default of wide: $I inputs, dx $dx, carried $carried',
    way => {
      expectReference(harness(), { U: 6, B: 3, T: 4, ...way });
      expectReference(harness(), { U: 6, B: 3, T: 4, ...way, goBackwards: true, sequences: true });
    },
  );

  // Products are computed in slices of 256 or 512 rows of a panel. These sizes end with a slice; other sizes are in
  // lstmWays.test.ts.
  test.each(product({ carried: flags, sequences: flags }))(
    'lstm matches the reference for long reductions: carried $carried, sequences $sequences',
    way => {
      const h = harness();
      for (const [U, I] of [
        [252, 5],
        [3, 256],
      ] as const) {
        expectReference(h, { U, B: 3, T: 3, I, dx: true, ...way });
      }
    },
  );

  // Weight gradients are summed over 256 rows at a time: over 19 steps here.
  test.each(product({ wide: [0, 1], carried: flags }))(
    'lstm matches the reference for 1 to 40 steps, wide $wide, carried $carried',
    way => {
      const h = harness();
      for (let T = 1; T <= 40; T++) expectReference(h, { U: 5, B: 13, T, I: 2, sequences: T % 2 > 0, ...way });
    },
  );

  test('lstm matches the reference with input in the order of steps and no dx', () => {
    expectReference(harness(), { U: 6, B: 3, T: 4, I: 2, order: 'steps', sequences: true });
  });
});

describe('the fixture lstm-gradients', () => {
  const { sizes, given, expect: expected, tolerance } = readFixture('lstm-gradients');
  const { B, T, D: I, U } = sizes;

  test.each([0, 1])('lstm matches the fixture lstm-gradients, wide %i', wide => {
    const subject = { U, B, T, I, wide, sequences: true, carried: true, dx: true };
    const layer = prepare(harness(), subject, { ...given, dY: given.dOutputs });
    layer.forward();
    const [outputs, [h, c]] = [layer.y(), layer.state()];
    layer.setDy(given.dOutputs.data);
    layer.backward();
    const [dKernel, dRecurrentKernel, dBias] = layer.gradients();
    const got = { outputs, h, c, dX: layer.dx(), dKernel, dRecurrentKernel, dBias };
    for (const [what, values] of Object.entries(got)) {
      expectClose(values!, expected[what as keyof typeof got].data, { ...tolerance, what });
    }
  });
});

const oddCase: Case = { U: 7, B: 5, T: 6, I: 3, sequences: true, carried: true, dx: true };

describe('rows of the lstm in two blocks', () => {
  test.each(product({ wide: [0, 1], carried: flags, sequences: flags, goBackwards: flags }))(
    'two blocks of rows give the bits of one: %o',
    way => {
      const subject = { ...oddCase, ...way };
      const given = draw(subject);
      const h = harness();
      const whole = prepare(h, subject, given);
      whole.forward();
      const [y, state] = [whole.y(), way.carried ? whole.state() : []];
      whole.setDy(given.dY.data);
      whole.backward();
      for (let first = 1; first < subject.B; first++) {
        const what = `${first} and ${subject.B - first} rows`;
        const layer = prepare(h, subject, given);
        layer.forward(first, subject.B - first);
        layer.forward(0, first);
        expectBits(layer.y(), y, `outputs of ${what}`);
        for (const [n, values] of state.entries()) expectBits(layer.state()[n]!, values, `state ${n} of ${what}`);

        layer.setDy(given.dY.data);
        layer.backward(0, first);
        layer.backward(first, subject.B - first);
        expectBits(layer.dx(), whole.dx(), `dX of ${what}`);
        const expected = whole.gradients();
        for (const [n, gradient] of layer.gradients().entries()) {
          const abs = bounds.gradient.abs * largest(Float64Array.from(expected[n]!));
          expectClose(gradient, expected[n]!, { abs, rel: bounds.gradient.rel, what: `gradient ${n} of ${what}` });
        }
      }
    },
  );

  test('a block of rows does not write to other rows', () => {
    const given = draw(oddCase);
    const layer = prepare(harness(), oddCase, given);
    layer.forward(1, 3);
    const y = block([oddCase.B, oddCase.T * oddCase.U], layer.y());
    const rows = [0, 1, 2, 3, 4].map(b => y.data.subarray(b * oddCase.T * oddCase.U, (b + 1) * oddCase.T * oddCase.U));
    expect(rows.map(row => row.every(Number.isNaN))).toEqual([true, false, false, false, true]);
    expect(rows.map(row => row.some(Number.isNaN))).toEqual([true, false, false, false, true]);
    const [h] = layer.state();
    for (const b of [0, 4]) {
      const state = h.subarray(b * oddCase.U, (b + 1) * oddCase.U);
      expectBits(state, given.h0.data.subarray(b * oddCase.U, (b + 1) * oddCase.U), `state of row ${b}`);
    }
  });
});

describe('memory', () => {
  test.each(product({ U: [1, 6, 8], wide: [0, 1], sequences: flags, carried: flags, dx: flags }))(
    'lstm writes only to the buffers of the plan: %o',
    way => {
      const layer = expectReference(harness(), { ...oddCase, ...way });
      layer.expectFences();
    },
  );

  // Padding must be zero in every factor of a product; otherwise it would leak into the units.
  test.each(product({ U: [1, 2, 3, 5, 7], wide: [0, 1] }))(
    'padding of the lstm stays zero: $U units, wide $wide',
    way => {
      const subject = { ...oddCase, ...way };
      const { U, B, T, I } = subject;
      const h = harness();
      const layer = prepare(h, subject, draw(subject));
      const H = Math.ceil(U / 4) * 4;
      const pads = Array.from({ length: H - U }, (_, n) => U + n);
      const at = (field: string, n: number) => h.get(layer.fields[field]!, n);
      const unit = (values: Float32Array, u: number, row: number) => values[Math.floor(u / 4) * row * 4 + (u % 4)]!;

      /** Numbers of padded units in [blocks][G, groupSize apart][rows][i f g o][4]. */
      const gatesOf = (values: Float32Array, rows: number, groupSize = rows * 16, blocks = 1) =>
        pads.flatMap(u =>
          Array.from({ length: blocks * rows * 4 }, (_, n) => {
            const [blockOf, row, gate] = [Math.floor(n / (rows * 4)), Math.floor(n / 4) % rows, n % 4];
            return values[(blockOf * (H / 4) + Math.floor(u / 4)) * groupSize + row * 16 + gate * 4 + (u % 4)]!;
          }),
        );

      layer.forward();
      const h_ = at('hx', ((T + 1) * B * layer.fields.hxRow!) / 4);
      const hOf = (slot: number, b: number, u: number) => h_[((slot * B + b) * layer.fields.hxRow!) / 4 + u]!;
      for (let slot = 0; slot <= T; slot++) {
        for (let b = 0; b < B; b++)
          expectZero(
            pads.map(u => hOf(slot, b, u)),
            `h of row ${b} in slot ${slot}`,
          );
      }
      const c = at('c', (T + 1) * B * H);
      for (let slot = 0; slot <= T; slot++) {
        for (let b = 0; b < B; b++) {
          expectZero(
            pads.map(u => unit(c.subarray((slot * (H / 4) * B + b) * 4), u, B)),
            `c of row ${b} in slot ${slot}`,
          );
        }
      }
      layer.setDy(draw(subject).dY.data);
      layer.backward();
      const group = layer.fields.gatesGroup! / 4;
      expectZero(gatesOf(at('gates', (T * H * group) / 4), B, group, T), 'gradients of the gates');
      const rows = 1 + H + I;
      expectZero(gatesOf(layer.packed('weights'), rows), 'w');
      expectZero(gatesOf(layer.packed('gradients'), rows), 'dw');
      // and the rows of the recurrent kernel that padded units would feed
      for (const run of ['weights', 'gradients'] as const) {
        const packed = layer.packed(run);
        for (let g = 0; g < H / 4; g++) {
          for (const u of pads) {
            const row = [...packed.subarray((g * rows + 1 + u) * 16, (g * rows + 2 + u) * 16)];
            expectZero(row, `row of padded unit ${u} in ${run}`);
          }
        }
      }
    },
  );
});

test.each([0, 1])('padding of the lstm stays zero with infinite input: wide %i', wide => {
  const subject = { ...oddCase, U: 5, T: 1, wide };
  const given = draw(subject);
  given.x.data.fill(Number.POSITIVE_INFINITY, 0, 1);
  const layer = prepare(harness(), subject, given);
  layer.forward();
  const [h, c] = layer.state();
  const shown = layer.states().slice();
  layer.states().fill(0);
  layer.setState(block([5, 5], h), block([5, 5], c));
  expectBits(shown, layer.states());
});

describe('gradients', () => {
  test('lstmBackward adds to the gradients in dw', () => {
    const given = draw(oddCase);
    const [fresh, filled] = [prepare(harness(), oddCase, given), prepare(harness(), oddCase, given)];
    filled.packed('gradients').fill(16);
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

  test('lstmBackward without a bias gives a bias gradient of zero and does not change the others', () => {
    const given = draw(oddCase);
    given.bias.data.fill(0);
    const [without, zero] = [{ ...oddCase, useBias: false }, oddCase].map(subject => {
      const layer = prepare(harness(), subject, given);
      layer.forward();
      layer.setDy(given.dY.data);
      layer.backward();
      return layer;
    });
    for (const n of [0, 1]) expectBits(without!.gradients()[n]!, zero!.gradients()[n]!, `gradient ${n}`);
    const packed = without!.packed('gradients');
    const rows = 1 + 8 + oddCase.I;
    for (const g of [0, 1]) expectBits(packed.subarray(g * rows * 16, (g * rows + 1) * 16), new Float32Array(16));
  });

  // The cost of a product with a subnormal number is a hundred times that of another one.
  test('vanishing gradients become zero instead of subnormal', () => {
    const subject = { U: 4, B: 2, T: 200, I: 1 };
    const given = draw(subject);
    given.bias.data.fill(-2); // gates nearly closed: each step leaves about a tenth of a gradient
    const h = harness();
    const layer = prepare(h, subject, given);
    layer.forward();
    layer.setDy(given.dY.data);
    layer.backward();
    const step = layer.fields.gatesGroup! / 4;
    const gradients = h.get(layer.fields.gates!, subject.T * step);
    const subnormal = gradients.filter(value => value !== 0 && Math.abs(value) < 2 ** -126);
    expect([...subnormal]).toEqual([]);
    expect(gradients.subarray(0, step).every(value => value === 0)).toBe(true);
    expect(gradients.subarray(-step).every(value => value !== 0)).toBe(true);
  });
});

describe('the carried state', () => {
  test('the state is carried from batch to batch', () => {
    const given = draw(oddCase);
    const next = draw(oddCase, 2).x;
    const layer = prepare(harness(), oddCase, given);
    layer.forward();
    layer.setX(next);
    layer.forward();
    const run = (x: Block, h0: ArrayLike<number>, c0: ArrayLike<number>) =>
      reference.lstmForward({
        sizes: { B: oddCase.B, T: oddCase.T, D: oddCase.I, U: oddCase.U },
        ...{ x: x.data, kernel: given.kernel.data, recurrentKernel: given.recurrentKernel.data, bias: given.bias.data },
        ...{ h0, c0 },
      });
    const first = run(given.x, given.h0.data, given.c0.data);
    const { outputs, h, c } = run(next, first.h, first.c);
    expectClose(layer.y(), outputs, bounds.state);
    expectClose(layer.state()[0], h, bounds.state);
    expectClose(layer.state()[1], c, bounds.state);
  });

  test.each(product({ wide: [0, 1], U: [5, 8] }))('lstmRewind restores the state to the bit: %o', way => {
    const subject = { ...oddCase, ...way };
    const given = draw(subject);
    const h = harness();
    const layer = prepare(h, subject, given);
    const before = layer.states().slice();
    layer.forward();
    const y = layer.y();
    expect([...layer.states()]).not.toEqual([...before]);
    h.kernels.lstmRewind(layer.address);
    expectBits(layer.states(), before);
    layer.forward();
    expectBits(layer.y(), y, 'outputs of the same batch again');
  });

  test('lstmRewind does nothing without a carried state', () => {
    const subject = { ...oddCase, carried: false };
    const h = harness();
    const layer = prepare(h, subject, draw(subject));
    layer.forward();
    const y = layer.y();
    h.kernels.lstmRewind(layer.address);
    expectBits(layer.y(), y);
  });
});

describe('packing and unpacking', () => {
  const units = [1, 2, 3, 4, 5, 7, 8, 20, 33];
  /** Distinct numbers, including -0, Infinity and a subnormal number. */
  const different = (n: number, from: number) => {
    const values = Float32Array.from({ length: n }, (_, i) => from + i);
    values.set([-0, Number.POSITIVE_INFINITY, 1e-45].slice(0, n));
    return values;
  };

  test.each(units.flatMap(U => [1, 3, 17].flatMap(I => flags.map(useBias => ({ U, I, useBias })))))(
    'packed and unpacked lstm weights keep all bits: $U units, $I inputs, bias $useBias',
    ({ U, I, useBias }) => {
      const h = harness();
      const layer = bind(h, new LSTM({ units: U, useBias }), { batch: 1, steps: 1, inputs: I });
      const given = [different(I * 4 * U, 1), different(U * 4 * U, 1e5), different(4 * U, 1e6)].slice(0, 2 + +useBias);
      layer.packed('weights').fill(Number.NaN);
      layer.setWeights(given);
      layer.weights().forEach((values, n) => {
        expectBits(values, given[n]!, `weight ${n}`);
      });
      layer.expectFences();
      // All padding is zero.
      const numbers = layer.packed('weights').filter(value => value !== 0).length;
      expect(numbers).toBe(given.reduce((sum, values) => sum + values.filter(value => value !== 0).length, 0));
    },
  );

  test('packLstmWeights stores [group][bias, recurrent kernel, kernel][i f g o][4 units]', () => {
    const [U, I] = [6, 2];
    const layer = bind(harness(), new LSTM({ units: U }), { batch: 1, steps: 1, inputs: I });
    const given = [different(I * 4 * U, 1), different(U * 4 * U, 1e5), different(4 * U, 1e6)] as const;
    layer.setWeights(given);
    const expected = new Float32Array(2 * (1 + 8 + I) * 16);
    const rows = [given[2], ...[0, 1, 2, 3, 4, 5].map(r => given[1].subarray(r * 24, r * 24 + 24))];
    const all = [...rows, null, null, ...[0, 1].map(r => given[0].subarray(r * 24, r * 24 + 24))];
    all.forEach((row, r) => {
      row?.forEach((value, n) => {
        const [gate, u] = [Math.floor(n / U), n % U];
        expected[(Math.floor(u / 4) * 11 + r) * 16 + gate * 4 + (u % 4)] = value;
      });
    });
    expectBits(layer.packed('weights'), expected);
  });

  test.each(units.flatMap(U => [1, 2, 5].map(B => ({ U, B }))))(
    'packLstmState and unpackLstmState keep all bits: $U units, batch $B',
    ({ U, B }) => {
      const subject = { U, B, T: 1, I: 1, carried: true };
      const layer = prepare(harness(), subject, draw(subject));
      const [hState, cState] = [different(B * U, 1), different(B * U, 1e5)];
      layer.states().fill(Number.NaN);
      layer.setState(block([B, U], hState), block([B, U], cState));
      expectBits(layer.state()[0], hState, 'h');
      expectBits(layer.state()[1], cState, 'c');
      layer.expectFences();
      const H = Math.ceil(U / 4) * 4;
      const expected = new Float32Array(2 * B * H);
      for (let b = 0; b < B; b++) {
        for (let u = 0; u < U; u++) {
          expected[b * H + u] = hState[b * U + u]!;
          expected[B * H + (Math.floor(u / 4) * B + b) * 4 + (u % 4)] = cState[b * U + u]!;
        }
      }
      expectBits(layer.states(), expected, 'states');
    },
  );
});
