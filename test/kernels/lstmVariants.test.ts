// lstmVariantForward and lstmVariantBackward, planned by the layer and run by its stages, against plain float64 loops.
//
//   B batch, T time, D input width, U units, P numbers of the hidden state

import { describe, expect, test } from 'vitest';
import { LSTM, type LSTMOptions } from '../../src/layers/recurrent/lstm.ts';
import { SimpleRNN } from '../../src/layers/recurrent/simpleRnn.ts';
import { expectBits, expectClose } from '../compare.ts';
import { readFixture } from '../fixtures.ts';
import { lstmVariantForward, type VariantWeights } from '../reference/lstmVariants.ts';
import { Random } from '../reference/random.ts';
import { curves } from '../reference/recurrent.ts';
import { type Harness, harness, some } from './harness.ts';
import { type BoundLayer, bind } from './plans.ts';

interface Case {
  B: number;
  T: number;
  D: number;
  U: number;
  /** The numbers of the hidden state; none for no projection. */
  P?: number;
  peepholes?: boolean;
  normalizes?: boolean;
  useBias?: boolean;
  sequences?: boolean;
  carried?: boolean;
  goBackwards?: boolean;
  masked?: boolean;
  drops?: boolean;
  /** Whether the initial states are given, and the final ones returned. */
  states?: boolean;
  /** Whether output, h and c are read; default all. */
  reads?: readonly boolean[];
  activations?: readonly ['tanh' | 'sigmoid' | 'relu' | 'linear', 'sigmoid' | 'hardSigmoid'];
  dx?: boolean;
}

const EPSILON = 0.01;

function layerOf({ U, P, peepholes, normalizes, ...subject }: Case): LSTM {
  const { useBias = true, sequences, carried, goBackwards, drops, states, activations } = subject;
  const options: LSTMOptions = {
    units: U,
    useBias,
    ...(peepholes && { usePeepholes: true }),
    ...(P !== undefined && { projectionUnits: P }),
    ...(normalizes && { layerNormalization: true, normEpsilon: EPSILON }),
    ...(sequences && { returnSequences: true }),
    ...(carried && { stateful: true }),
    ...(goBackwards && { goBackwards }),
    ...(drops && { recurrentDropout: 0.3, seed: 5 }),
    ...(states && { returnState: true }),
    ...(activations && { activation: activations[0], recurrentActivation: activations[1] }),
  };
  return new LSTM(options);
}

/**
 * What a case is run with; weights are scaled for sums of order 1. Small peepholes and gammas of the recurrent product keep
 * rounding errors from growing in 40 steps.
 */
function draw(subject: Case, layer: LSTM) {
  const { B, T, D, U, P = U, sequences } = subject;
  const random = new Random(B * 7 + T * 5 + D * 3 + U);
  const mask = random.uniforms([B, T]).data.map(value => (value < 0.3 ? 1 : 0));
  mask[0] = 0; // a row that skips the first step, one that skips the last, one that skips all, and one that skips none
  if (B > 1) mask[2 * T - 1] = 0;
  if (B > 2) mask.fill(0, 2 * T, 3 * T);
  if (B > 3) mask.fill(1, 3 * T, 4 * T);
  return {
    random,
    mask,
    x: random.normals([B, T, D]),
    weights: layer.weightSpecs.map(({ name, shape }) => {
      const values = random.normals(shape, shape.length === 2 ? shape[0]! ** -0.5 : 0.5).data;
      if (name.endsWith('Gamma')) return values.map(value => (name.startsWith('recurrent') ? 0.4 : 1) * (1 + value));
      return name.endsWith('PeepholeWeights') ? values.map(value => value / 2) : values;
    }),
    states: [random.uniforms([B, P]).data, random.normals([B, U]).data],
    dY: random.normals(sequences ? [B, T, P] : [B, P]).data,
    dStates: [random.normals([B, P]).data, random.normals([B, U]).data],
  };
}

type Given = ReturnType<typeof draw>;

function weightsOf(weights: readonly Float64Array[], { useBias = true, peepholes, P, normalizes }: Case) {
  const rest = [...weights];
  const [kernel, recurrentKernel] = rest.splice(0, 2) as [Float64Array, Float64Array];
  return {
    kernel,
    recurrentKernel,
    ...(useBias && { bias: rest.shift()! }),
    ...(peepholes && { peepholes: rest.splice(0, 3) }),
    ...(P !== undefined && { projection: rest.shift()! }),
    ...(normalizes && { norms: rest }),
  } satisfies VariantWeights;
}

interface Prepared {
  layer: LSTM;
  bound: BoundLayer;
  given: Given;
  /** The carried states, h [B, P] and c [B, U]. */
  carried(): Float32Array[];
}

const all = [true, true, true];

/** Binds the layer of a case, and sets its inputs, weights and states. */
function prepare(h: Harness, subject: Case): Prepared {
  const { B, T, D, U, P = U, carried = false, masked, states, dx = true } = subject;
  const layer = layerOf(subject);
  const sample = layerOf(subject);
  sample.connect('test', [[B, T, D]]);
  const given = draw(subject, sample);
  const bound = bind(h, layer, {
    ...{ batch: B, steps: T, inputs: D, order: dx ? 'steps' : 'samples', dx },
    ...(masked && { mask: given.mask }),
    ...(states && { initial: [P, U], isRead: subject.reads ?? all }),
  });
  bound.setX(given.x);
  bound.setWeights(given.weights);
  if (carried) {
    const [hState, cState] = given.states.map(values => h.put(values));
    layer.packStates(h.kernels, bound.fields.stateH!, B, [hState!, cState!]);
  }
  if (states) {
    for (const [n, { y }] of bound.inputs.slice(1).entries()) bound.write(y, given.states[n]!);
  }
  return {
    layer,
    bound,
    given,
    carried() {
      const places = given.states.map(({ length }) => h.put(new Float32Array(length)));
      layer.unpackStates(h.kernels, bound.fields.stateH!, B, places);
      return places.map((place, n) => h.get(place, given.states[n]!.length));
    },
  };
}

/** Sets the gradients of all outputs. */
function setGradients({ bound, given }: Prepared, { states, reads = all }: Case): void {
  if (reads[0]) bound.setDy(given.dY);
  else given.dY.fill(0);
  if (!states) return;
  for (const [n, { dy }] of bound.outputs.slice(1).entries()) {
    if (reads[n + 1]) bound.write(dy!, given.dStates[n]!);
    else given.dStates[n]!.fill(0);
  }
}

/** The factors of recurrent dropout, [B, P]. */
function dropOf({ kernels: _, ...h }: Harness, { bound }: Prepared, { B, U, P = U }: Case): Float64Array {
  const row = Math.ceil(P / 4) * 4;
  const factors = h.get(bound.fields.drop!, B * row);
  return Float64Array.from({ length: B * P }, (_, n) => factors[Math.floor(n / P) * row + (n % P)]!);
}

const largest = (values: ArrayLike<number>) =>
  Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/**
 * The bounds of lstm.test.ts, for the reasons given there. A normalization divides by the deviation of its row, and with
 * that its rounding.
 */
const bounds = { state: 3e-6, gradient: { abs: 5e-6, rel: 1e-5 } };

function expectReference(h: Harness, subject: Case): Prepared {
  const { B, T, D, U, P = U, sequences, goBackwards, masked, drops, states, activations, dx = true } = subject;
  const { reads = all } = subject;
  const what = JSON.stringify(subject).replaceAll('"', '');
  const prepared = prepare(h, subject);
  const { bound, given } = prepared;
  bound.forward();
  const starts = subject.carried || states;
  const expected = lstmVariantForward({
    sizes: { B, T, D, U },
    P,
    x: given.x.data,
    weights: weightsOf(given.weights, subject),
    ...(starts && { h0: given.states[0], c0: given.states[1] }),
    ...(goBackwards && { goBackwards }),
    ...(masked && { mask: given.mask }),
    ...(drops && { drop: dropOf(h, prepared, subject) }),
    ...(activations && { activation: curves[activations[0]], recurrentActivation: curves[activations[1]] }),
    epsilon: EPSILON,
  });
  const expectState = (got: ArrayLike<number>, wanted: Float64Array, name: string) =>
    expectClose(got, wanted, {
      abs: bounds.state * Math.max(1, largest(wanted)) * (subject.normalizes ? 4 : 1),
      rel: 0,
      what: `${name} of ${what}`,
    });
  // An output that is not read need not be computed
  if (reads[0]) expectState(bound.y(), sequences ? expected.outputs : expected.h, 'outputs');
  for (const [n, values] of (subject.carried ? prepared.carried() : []).entries()) {
    expectState(values, [expected.h, expected.c][n]!, `carried state ${n}`);
  }
  for (const [n, { y }] of bound.outputs.slice(1).entries()) {
    if (reads[n + 1]) expectState(bound.read(y), [expected.h, expected.c][n]!, `final state ${n}`);
  }

  setGradients(prepared, subject);
  bound.backward();
  const [dh, dc] = states ? given.dStates : [new Float64Array(B * P), undefined];
  const last = sequences ? dh! : given.dY.map((value, n) => value + dh![n]!);
  const dOutputs = sequences ? given.dY : new Float64Array(B * T * P);
  const { dWeights, dX, dH0, dC0 } = expected.backward(dOutputs, last, dc);
  // A weight of few numbers does not show the size of the terms that cancel in it, so all weights together set the scale
  const scale = Math.max(...dWeights.map(largest), largest(dX));
  const expectGradient = (got: Float32Array, wanted: Float64Array, name: string) =>
    expectClose(got, wanted, {
      abs: bounds.gradient.abs * scale,
      rel: bounds.gradient.rel,
      what: `${name} of ${what}`,
    });
  for (const [n, got] of bound.gradients().entries()) expectGradient(got, dWeights[n]!, `gradient of weight ${n}`);
  if (dx) {
    expectGradient(bound.dx(), dX, 'dX');
    const padding = bound.dxPadding();
    expectClose(padding, new Float32Array(padding.length), { abs: 0, rel: 0, what: `padding of dX of ${what}` });
    for (const [n, { dy }] of bound.inputs.slice(1).entries()) {
      expectGradient(bound.read(dy!), [dH0, dC0][n]!, `gradient of initial state ${n}`);
    }
  }
  bound.expectFences();
  return prepared;
}

const flags = [false, true];

/** The eight combinations of the options; without any of them the layer has kernels of its own. */
const variants = [1, 2, 3, 4, 5, 6, 7].map(bits => ({
  peepholes: (bits & 1) > 0,
  projects: (bits & 2) > 0,
  normalizes: (bits & 4) > 0,
}));
const named = (variant: (typeof variants)[number]) =>
  Object.entries(variant)
    .filter(([, has]) => has)
    .map(([name]) => name)
    .join(', ');

describe.each(variants.map(variant => ({ ...variant, name: named(variant) })))('lstm with $name', variant => {
  const { peepholes, projects, normalizes } = variant;
  const caseOf = (subject: Case): Case => ({
    ...subject,
    peepholes,
    normalizes,
    ...(projects && { P: [1, 2, 3, 5, 7, 13, 20][(subject.U + subject.T) % 7]! }),
  });

  test.each([1, 2, 3, 5, 7, 20, 33])('%i units match the reference for all batch sizes and lengths', U => {
    // A single unit normalizes to zero, so that the terms of the other gradients cancel in long sums
    const most = normalizes && U === 1 ? 500 : 9000;
    const sizes = [1, 2, 3, 50].flatMap(B => [1, 2, 3, 40].map(T => ({ B, T }))).filter(({ B, T }) => U * B * T < most);
    for (const [n, { B, T }] of some([...sizes.entries()])) {
      const turn = n + U;
      expectReference(
        harness(),
        caseOf({
          ...{ U, B, T, D: [1, 2, 3, 9][turn % 4]! },
          ...{ sequences: turn % 3 > 0, carried: turn % 5 > 2, useBias: turn % 7 > 0, goBackwards: turn % 4 === 3 },
          ...{ dx: turn % 5 > 1, masked: turn % 6 === 1, drops: turn % 7 === 2 },
          ...(turn % 8 === 5 && { activations: ['sigmoid', 'hardSigmoid'] as const }),
        }),
      );
    }
  });

  const ways = flags.flatMap(sequences =>
    flags.flatMap(masked => flags.flatMap(drops => flags.map(states => ({ sequences, masked, drops, states })))),
  );
  test.each(ways)('all options match the reference: %o', way => {
    // A single unit normalizes to zero, so that all gradients but those of beta nearly cancel
    for (const [n, U] of some([...[normalizes ? 3 : 1, 6].entries()])) {
      for (const [k, carried] of flags.entries()) {
        const subject = caseOf({ U, B: 4, T: 3, D: 2 + 7 * k, ...way, carried, useBias: k + n > 0 });
        expectReference(harness(), subject);
        expectReference(harness(), {
          ...subject,
          goBackwards: true,
          activations: ['linear', 'hardSigmoid'],
          useBias: true,
        });
      }
    }
  });

  test('any choice of outputs that are read matches the reference', () => {
    for (let bits = 1; bits < 8; bits++) {
      const reads = [1, 2, 4].map(bit => (bits & bit) > 0);
      for (const sequences of flags) {
        const subject = caseOf({ U: 6, B: 4, T: 3, D: 2, states: true, reads, sequences, masked: bits % 2 > 0 });
        expectReference(harness(), subject);
      }
    }
  });

  test('more rows than a block, and reductions longer than a slice, match the reference', () => {
    expectReference(harness(), caseOf({ U: 5, B: 259, T: 3, D: 2, sequences: true }));
    expectReference(harness(), caseOf({ U: 3, B: 2, T: 2, D: 300, sequences: true, carried: true }));
    expectReference(harness(), { ...caseOf({ U: 70, B: 2, T: 2, D: 3 }), ...(projects && { P: 261 }) });
  });

  test('the parts that threads compute give the bits of the whole', () => {
    type Part = (plan: number, first: number, count: number) => void;
    /** Ranges [first, count], the last ones first. */
    const ranges = (extent: number, size: number) =>
      Array.from(
        { length: Math.ceil(extent / size) },
        (_, n) => [n * size, Math.min(size, extent - n * size)] as const,
      );
    for (const [n, [U, B, T]] of [[1, 5, 1] as const, [7, 9, 6] as const, [33, 300, 3] as const].entries()) {
      const subject = caseOf({ U, B, T, D: 3, sequences: n > 0, carried: true, masked: n === 1, drops: n === 2 });
      const { P = U } = subject;
      const whole = prepare(harness(), subject);
      const h = harness();
      const parts = prepare(h, subject);
      const run = (name: string, list: (readonly [number, number])[]) => {
        const kernel = (h.kernels as unknown as Record<string, Part>)[`lstmVariant${name}`]!;
        for (const [first, count] of list.toReversed()) kernel(parts.bound.address, first, count);
      };
      whole.bound.forward();
      const before = parts.carried();
      run('ForwardRows', ranges(B, 4));
      run('ForwardRows', ranges(B, 7)); // as after a thread has stopped
      for (const [k, values] of parts.carried().entries()) expectBits(values, before[k]!, `carried state ${k}`);
      run('ForwardEnd', ranges(B, 3));
      expectBits(parts.bound.y(), whole.bound.y(), 'y');
      for (const [k, values] of parts.carried().entries()) expectBits(values, whole.carried()[k]!, `state ${k}`);
      for (const each of [whole, parts]) setGradients(each, subject);
      whole.bound.backward();
      run('BackwardStart', [[0, 0]]);
      run('BackwardRows', ranges(B, 4));
      run('BackwardWeights', ranges(Math.ceil(U / 4) + (projects ? Math.ceil(P / 16) : 0), 2));
      expectBits(parts.bound.dx(), whole.bound.dx(), 'dX');
      for (const [k, values] of parts.bound.gradients().entries()) {
        expectBits(values, whole.bound.gradients()[k]!, `gradient ${k} of ${U} units`);
      }
    }
  });

  test('rewind restores the carried states, with and without given initial states', () => {
    for (const states of flags) {
      const subject = caseOf({ U: 6, B: 5, T: 3, D: 2, carried: true, states });
      const { bound, carried } = prepare(harness(), subject);
      const before = carried();
      bound.forward();
      expect(carried()).not.toEqual(before);
      bound.rewind();
      for (const [n, values] of carried().entries()) expectBits(values, before[n]!, `state ${n}`);
    }
  });

  test('packed and unpacked weights keep all bits, and their padding is zero', () => {
    for (const U of [1, 2, 3, 4, 5, 9, 33]) {
      const { bound, given } = prepare(harness(), caseOf({ U, B: 1, T: 1, D: 5 }));
      bound.packed('weights').fill(Number.NaN);
      bound.setWeights(given.weights);
      for (const [n, values] of bound.weights().entries()) {
        expectBits(values, Float32Array.from(given.weights[n]!), `weight ${n} of ${U} units`);
      }
      const used = (values: ArrayLike<number>) => Array.from(values).filter(value => value !== 0).length;
      expect(used(bound.packed('weights'))).toBe(given.weights.reduce((sum, values) => sum + used(values), 0));
    }
  });

  test('padding of the gradients stays zero', () => {
    for (const [n, U] of [1, 2, 3, 5, 7, 9].entries()) {
      const subject = caseOf({
        ...{ U, B: 5, T: 4, D: 3, sequences: true, masked: n % 2 > 0 },
        ...(n > 3 && { activations: ['sigmoid', 'hardSigmoid'] as const }),
      });
      const prepared = prepare(harness(), subject);
      const { bound } = prepared;
      bound.forward();
      setGradients(prepared, subject);
      bound.backward();
      const used = (values: ArrayLike<number>) => Array.from(values).filter(value => value !== 0).length;
      const all = bound.gradients().reduce((sum, values) => sum + used(values), 0);
      expect(used(bound.packed('gradients')), `${U} units`).toBe(all);
    }
  });
});

describe('the fixture lstm-variants', () => {
  const { cases, simpleRNN, tolerance } = readFixture('lstm-variants');

  test('a simpleRNN with layer normalization matches the numbers of PyTorch', () => {
    const { sizes, weights, given, dOutputs, expect: expected } = simpleRNN;
    const { B, T, D, U } = sizes;
    const layer = new SimpleRNN({ units: U, returnSequences: true, layerNormalization: true });
    const bound = bind(harness(), layer, {
      ...{ batch: B, steps: T, inputs: D, order: 'steps', dx: true, initial: [U], isRead: [true] },
    });
    bound.setX(given.x);
    bound.setWeights(weights.map(({ data }) => data));
    const [, h0] = bound.inputs;
    bound.write(h0!.y, given.h0.data);
    bound.forward();
    expectClose(bound.y(), expected.outputs.data, { ...tolerance, what: 'outputs' });
    bound.setDy(dOutputs.data);
    bound.backward();
    const got = [bound.dx(), bound.read(h0!.dy!), ...bound.gradients()];
    for (const [n, { data }] of [expected.dX, expected.dH0, ...expected.dWeights].entries()) {
      expectClose(got[n]!, data, { ...tolerance, what: `gradient ${n}` });
    }
  });

  test.each(cases)(
    'kernels match the numbers of PyTorch: $name',
    ({ name, sizes, weights, given, dOutputs, expect }) => {
      const { B, T, D, U, P } = sizes;
      const all = name === 'all three';
      const layer = new LSTM({
        ...{ units: U, returnSequences: true, returnState: true },
        usePeepholes: all || name === 'peepholes',
        ...((all || name === 'projection') && { projectionUnits: P }),
        layerNormalization: all || name === 'layer normalization',
      });
      const bound = bind(harness(), layer, {
        ...{ batch: B, steps: T, inputs: D, order: 'steps', dx: true, initial: [P, U], isRead: [true, false, false] },
      });
      bound.setX(given.x);
      bound.setWeights(weights.map(({ data }) => data));
      const [, h0, c0] = bound.inputs;
      bound.write(h0!.y, given.h0.data);
      bound.write(c0!.y, given.c0.data);
      bound.forward();
      const [, h, c] = bound.outputs.map(({ y }) => bound.read(y));
      const got = { outputs: bound.y(), h: h!, c: c! };
      bound.setDy(dOutputs.data);
      bound.backward();
      const gradients = { dX: bound.dx(), dH0: bound.read(h0!.dy!), dC0: bound.read(c0!.dy!) };
      for (const [what, values] of Object.entries({ ...got, ...gradients })) {
        expectClose(values, expect[what as keyof typeof got].data, { ...tolerance, what });
      }
      for (const [n, values] of bound.gradients().entries()) {
        expectClose(values, expect.dWeights[n]!.data, { ...tolerance, what: `gradient of weight ${n}` });
      }
    },
  );
});

test('an lstm without these options runs the kernels of lstm', () => {
  const { bound } = prepare(harness(), { U: 3, B: 2, T: 2, D: 2 });
  expect(bound.stages).toEqual(['lstm']);
  const other = prepare(harness(), { U: 3, B: 2, T: 2, D: 2, peepholes: true });
  expect(other.bound.stages).toEqual(['lstmVariant']);
});
