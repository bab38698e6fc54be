// Recurrent and bidirectional layers with initial and final states, planned by the layer and run by its stages, against
// plain float64. The kernels alone are in recurrentCases.ts.

import { describe, expect, test } from 'vitest';
import { Bidirectional } from '../../src/layers/recurrent/bidirectional.ts';
import { GRU, gruCell } from '../../src/layers/recurrent/gru.ts';
import { LSTM, lstmCell } from '../../src/layers/recurrent/lstm.ts';
import type { RecurrentLayer } from '../../src/layers/recurrent/recurrent.ts';
import { RNN } from '../../src/layers/recurrent/rnn.ts';
import { SimpleRNN, simpleRNNCell } from '../../src/layers/recurrent/simpleRnn.ts';
import { expectBits, expectClose } from '../compare.ts';
import * as gru from '../reference/gru.ts';
import * as lstm from '../reference/lstm.ts';
import { Random } from '../reference/random.ts';
import * as simpleRnn from '../reference/simpleRnn.ts';
import { harness } from './harness.ts';
import { bind } from './plans.ts';

type Kind = 'lstm' | 'gru' | 'simpleRNN';

/** A reference: all states are [B, U]. */
interface Pass {
  /** [B, T, U], in processing order. */
  outputs: Float64Array;
  states: Float64Array[];
  backward(dOutputs: Float64Array, dStates: Float64Array[]): Gradients;
}

interface Gradients {
  /** [B, T, D] */
  dX: Float64Array;
  dStates: Float64Array[];
  dWeights: Float64Array[];
}

interface Sizes {
  B: number;
  T: number;
  D: number;
}

interface CellOptions {
  kind: Kind;
  U: number;
}

interface Inputs extends Sizes {
  x: Float64Array;
  weights: readonly Float64Array[];
  states: readonly Float64Array[];
  mask: ArrayLike<number> | undefined;
  goBackwards: boolean;
}

const statesOf = ({ kind }: CellOptions) => (kind === 'lstm' ? 2 : 1);

function runCell({ kind, U }: CellOptions, { B, T, D, x, weights, states, mask, goBackwards }: Inputs): Pass {
  const [kernel, recurrentKernel, bias] = weights as [Float64Array, Float64Array, Float64Array];
  const [h0, c0] = states;
  const inputs = { sizes: { B, T, D, U }, x, kernel, recurrentKernel, bias, h0, goBackwards, mask };
  const order = ({ dX, dKernel, dRecurrentKernel, dBias }: gru.GruGradients, dStates: Float64Array[]) => ({
    dX,
    dStates,
    dWeights: [dKernel, dRecurrentKernel, dBias],
  });
  if (kind === 'lstm') {
    const { outputs, h, c, cache } = lstm.lstmForward({ ...inputs, c0 });
    const backward: Pass['backward'] = (dOutputs, [dh, dc]) => {
      const gradients = lstm.lstmBackward(cache, dOutputs, dh, dc);
      return order(gradients, [gradients.dH0, gradients.dC0]);
    };
    return { outputs, states: [h, c], backward };
  }
  if (kind === 'gru') {
    const { outputs, h, cache } = gru.gruForward({ ...inputs, resetAfter: true });
    const backward: Pass['backward'] = (dOutputs, [dh]) => {
      const gradients = gru.gruBackward(cache, dOutputs, dh);
      return order(gradients, [gradients.dH0]);
    };
    return { outputs, states: [h], backward };
  }
  const { outputs, h, cache } = simpleRnn.simpleRnnForward(inputs);
  const backward: Pass['backward'] = (dOutputs, [dh]) => {
    const gradients = simpleRnn.simpleRnnBackward(cache, dOutputs, dh);
    return order(gradients, [gradients.dH0]);
  };
  return { outputs, states: [h], backward };
}

/** Cells on top of each other. As in Keras, they share the mask of the input. */
function runCells(cells: readonly CellOptions[], inputs: Inputs): Pass {
  const passes: Pass[] = [];
  let [x, D, firstState] = [inputs.x, inputs.D, 0];
  for (const [n, cell] of cells.entries()) {
    // The first cell reverses its input, so the others go forward, and with them the mask
    const mask = n > 0 && inputs.goBackwards && inputs.mask ? reversed(inputs.mask, inputs, 1) : inputs.mask;
    const pass = runCell(cell, {
      ...inputs,
      ...{ x, D, mask, goBackwards: n === 0 && inputs.goBackwards },
      weights: inputs.weights.slice(3 * n, 3 * n + 3),
      states: inputs.states.slice(firstState, firstState + statesOf(cell)),
    });
    passes.push(pass);
    [x, D] = [pass.outputs, cell.U];
    firstState += statesOf(cell);
  }
  return {
    outputs: x,
    states: passes.flatMap(({ states }) => states),
    backward(dOutputs, dStates) {
      let dX = dOutputs;
      let end = dStates.length;
      const parts: Gradients[] = [];
      for (const [n, cell] of [...cells.entries()].toReversed()) {
        const gradients = passes[n]!.backward(dX, dStates.slice(end - statesOf(cell), end));
        end -= statesOf(cell);
        dX = gradients.dX;
        parts.unshift(gradients);
      }
      return {
        dX,
        dStates: parts.flatMap(part => part.dStates),
        dWeights: parts.flatMap(part => part.dWeights),
      };
    },
  };
}

/** [B, T, width] with time steps in reverse. */
function reversed(values: ArrayLike<number>, { B, T }: Sizes, width: number): Float64Array {
  const result = new Float64Array(B * T * width);
  for (let row = 0; row < B * T; row++) {
    const [b, t] = [Math.floor(row / T), row % T];
    for (let n = 0; n < width; n++) result[(b * T + T - 1 - t) * width + n] = values[row * width + n]!;
  }
  return result;
}

/** The last time step of [B, T, width]. */
const lastStep = (values: Float64Array, { B, T }: Sizes, width: number) =>
  Float64Array.from(
    { length: B * width },
    (_, n) => values[(Math.floor(n / width) * T + T - 1) * width + (n % width)]!,
  );

/** Zeros [B, T, width] but for the last time step. */
function onlyLast(step: Float64Array, { B, T }: Sizes, width: number): Float64Array {
  const result = new Float64Array(B * T * width);
  step.forEach((value, n) => {
    result[(Math.floor(n / width) * T + T - 1) * width + (n % width)] = value;
  });
  return result;
}

const flags = [false, true];
const bounds = { abs: 5e-6, rel: 1e-5 };

interface Case extends Sizes {
  layer: RecurrentLayer;
  /** The output shapes [steps, width] of the layer, states included, and the reference in both directions. */
  run(inputs: Omit<Inputs, 'goBackwards'>): {
    outputs: Float64Array[];
    backward(gradients: Float64Array[]): Gradients;
  };
  masked: boolean;
  initial: boolean;
  isRead: readonly boolean[];
}

/** Draws inputs, weights and gradients, and compares all results. */
function expectReference({ layer, run, masked, initial, isRead, B, T, D }: Case) {
  const random = new Random(4);
  const widths = layer.states.map(({ width }) => width);
  const mask = masked ? random.uniforms([B, T]).data.map(value => (value < 0.2 ? 1 : 0)) : undefined;
  mask?.set([0], 0);
  mask?.set([0], 2 * T - 1);
  const bound = bind(harness(), layer, {
    ...{ batch: B, steps: T, inputs: D, order: 'steps', dx: true, isRead },
    ...(initial ? { initial: widths } : {}),
    ...(mask ? { mask } : {}),
  });
  const x = random.normals([B, T, D]);
  const weights = layer.weightSpecs.map(({ shape }) => random.normals(shape, 0.6).data);
  const states = initial ? widths.map(width => random.normals([B, width]).data) : [];
  bound.setX(x);
  bound.setWeights(weights);
  const [, ...given] = bound.inputs;
  for (const [n, { y }] of given.entries()) bound.write(y, states[n]!);
  bound.forward();
  const expected = run({ B, T, D, x: x.data, weights, states, mask });
  expect(bound.outputs.length).toBe(expected.outputs.length);
  for (const [n, { y }] of bound.outputs.entries()) {
    // An output that is not read need not be computed
    if (isRead[n]) expectClose(bound.read(y), expected.outputs[n]!, { abs: 3e-6, rel: 0, what: `output ${n}` });
  }

  const gradients = expected.outputs.map(({ length }, n) =>
    isRead[n] ? random.normals([length]).data : new Float64Array(length),
  );
  for (const [n, { dy }] of bound.outputs.entries()) {
    if (isRead[n]) bound.write(dy!, gradients[n]!);
    else expect(dy, `gradient of output ${n}`).toBeNull();
  }
  bound.backward();
  const { dX, dStates, dWeights } = expected.backward(gradients);
  const largest = (values: Float64Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const scale = Math.max(...dWeights.map(largest), largest(dX));
  const expectGradient = (got: Float32Array, wanted: Float64Array, what: string) =>
    expectClose(got, wanted, { abs: bounds.abs * scale, rel: bounds.rel, what });
  expectGradient(bound.dx(), dX, 'dX');
  for (const [n, got] of bound.gradients().entries()) expectGradient(got, dWeights[n]!, `gradient of weight ${n}`);
  for (const [n, { dy }] of given.entries()) {
    const width = widths[n]!;
    expectGradient(bound.read(dy!), dStates[n]!, `gradient of initial state ${n}`);
    const whole = bound.read({ ...dy!, width: Math.ceil(width / 4) * 4 });
    const padding = whole.filter((_, i) => i % (whole.length / B) >= width);
    expectBits(padding, new Float32Array(padding.length), `padding of the gradient of initial state ${n}`);
  }
  bound.expectFences();
}

/** Every choice of outputs that are read, but for none. */
const choices = (count: number) =>
  Array.from({ length: 2 ** count - 1 }, (_, bits) =>
    Array.from({ length: count }, (_, n) => ((bits + 1) >> n) % 2 > 0),
  );

const cellsOf = {
  lstm: [{ kind: 'lstm', U: 5 }],
  gru: [{ kind: 'gru', U: 6 }],
  simpleRNN: [{ kind: 'simpleRNN', U: 7 }],
  stacked: [
    { kind: 'lstm', U: 5 },
    { kind: 'gru', U: 3 },
    { kind: 'simpleRNN', U: 6 },
  ],
} as const satisfies Record<string, readonly CellOptions[]>;
const names = Object.keys(cellsOf) as (keyof typeof cellsOf)[];

interface LayerOptions {
  returnSequences: boolean;
  returnState: boolean;
  goBackwards: boolean;
  stateful?: boolean;
}

function layerOf(name: keyof typeof cellsOf, options: LayerOptions) {
  const own = { units: cellsOf[name][0].U, ...options };
  if (name === 'lstm') return new LSTM(own);
  if (name === 'gru') return new GRU(own);
  if (name === 'simpleRNN') return new SimpleRNN(own);
  return new RNN({ ...options, cell: [lstmCell({ units: 5 }), gruCell({ units: 3 }), simpleRNNCell({ units: 6 })] });
}

const lengths = [
  { B: 5, T: 4, D: 3 },
  { B: 2, T: 1, D: 9 },
  { B: 259, T: 3, D: 2 },
];

describe.each(names)('initial and final states of %s', name => {
  const cells = cellsOf[name];
  const width = cells.at(-1)!.U;
  const stateCount = cells.reduce((count, cell) => count + statesOf(cell), 0);

  test.each(
    flags.flatMap(returnSequences =>
      flags.flatMap(goBackwards => flags.map(masked => ({ returnSequences, goBackwards, masked }))),
    ),
  )('match the reference, whichever outputs are read: %o', ({ masked, ...options }) => {
    for (const [n, isRead] of choices(1 + stateCount).entries()) {
      expectReference({
        ...lengths[n % 2]!,
        layer: layerOf(name, { ...options, returnState: true }),
        ...{ masked, isRead, initial: n % 3 > 0 },
        run(inputs) {
          const pass = runCells(cells, { ...inputs, goBackwards: options.goBackwards });
          const { returnSequences } = options;
          return {
            outputs: [returnSequences ? pass.outputs : lastStep(pass.outputs, inputs, width), ...pass.states],
            backward: ([dY, ...dStates]) =>
              pass.backward(returnSequences ? dY! : onlyLast(dY!, inputs, width), dStates),
          };
        },
      });
    }
  });

  test.each(lengths)('initial states match the reference without final states: %o', sizes => {
    for (const returnSequences of flags) {
      expectReference({
        ...sizes,
        layer: layerOf(name, { returnSequences, returnState: false, goBackwards: false }),
        ...{ masked: returnSequences, isRead: [true], initial: true },
        run(inputs) {
          const pass = runCells(cells, { ...inputs, goBackwards: false });
          const zeros = pass.states.map(({ length }) => new Float64Array(length));
          return {
            outputs: [returnSequences ? pass.outputs : lastStep(pass.outputs, inputs, width)],
            backward: ([dY]) => pass.backward(returnSequences ? dY! : onlyLast(dY!, inputs, width), zeros),
          };
        },
      });
    }
  });

  test('rewind restores the carried states of a stateful layer with initial states', () => {
    const options = { returnSequences: true, returnState: true, goBackwards: false };
    const stateful = layerOf(name, { ...options, stateful: true });
    const sizes = { batch: 5, steps: 3, inputs: 2, order: 'steps' as const };
    const isRead = Array(1 + stateCount).fill(true);
    const bound = bind(harness(), stateful, { ...sizes, initial: stateful.states.map(state => state.width), isRead });
    const random = new Random(1);
    bound.setWeights(stateful.weightSpecs.map(({ shape }) => random.normals(shape).data));
    bound.setX(random.normals([5, 3, 2]));
    const [, ...given] = bound.inputs;
    for (const { y } of given) bound.write(y, random.normals([5, y.width]).data);
    const before = bound.states().map((_, n) => n / 8);
    bound.states().set(before);
    bound.forward();
    const [, ...final] = bound.outputs.map(({ y }) => bound.read(y));
    const packed = bound.states().slice();
    expect([...packed]).not.toEqual([...before]);
    // Every number of the final states is in the carried states
    for (const values of final) for (const value of values) expect(packed.includes(value)).toBe(true);
    bound.rewind();
    expectBits(bound.states(), before);
    bound.expectFences();
  });
});

describe('initial and final states of bidirectional', () => {
  const merges = {
    concat: (a: number, b: number) => [a, b],
    sum: (a: number, b: number) => a + b,
    ave: (a: number, b: number) => (a + b) / 2,
    mul: (a: number, b: number) => a * b,
  };
  const modes = [...(Object.keys(merges) as (keyof typeof merges)[]), null];

  interface Way {
    mode: keyof typeof merges | null;
    returnSequences: boolean;
    masked: boolean;
  }

  /** Both directions, of these cells. */
  function runBoth(forward: CellOptions[], backward: CellOptions[], { mode, returnSequences }: Way): Case['run'] {
    return inputs => {
      const { B, T } = inputs;
      const half = [forward, backward].map(cells => cells.reduce((count, cell) => count + statesOf(cell), 0));
      const passes = [forward, backward].map((cells, n) =>
        runCells(cells, {
          ...inputs,
          goBackwards: n > 0,
          weights: n === 0 ? inputs.weights.slice(0, 3 * forward.length) : inputs.weights.slice(3 * forward.length),
          states: n === 0 ? inputs.states.slice(0, half[0]) : inputs.states.slice(half[0]),
        }),
      );
      const widths = [forward.at(-1)!.U, backward.at(-1)!.U];
      const [a, b] = passes.map(({ outputs }, n) => {
        if (!returnSequences) return lastStep(outputs, inputs, widths[n]!);
        return n > 0 ? reversed(outputs, inputs, widths[n]!) : outputs;
      }) as [Float64Array, Float64Array];
      const states = passes.flatMap(pass => pass.states);
      const U = widths[0]!;
      const rows = B * (returnSequences ? T : 1);
      const merged = (): Float64Array[] => {
        if (mode === null) return [a, b];
        if (mode !== 'concat') return [a.map((value, n) => merges[mode](value, b[n]!))];
        return [
          Float64Array.from({ length: rows * 2 * U }, (_, n) => {
            const [row, k] = [Math.floor(n / (2 * U)), n % (2 * U)];
            return k < U ? a[row * U + k]! : b[row * U + k - U]!;
          }),
        ];
      };
      const split = ([dY, dB]: Float64Array[]): Float64Array[] => {
        if (mode === null) return [dY!, dB!];
        if (mode === 'mul') return [dY!.map((value, n) => value * b[n]!), dY!.map((value, n) => value * a[n]!)];
        if (mode !== 'concat') return [0, 1].map(() => dY!.map(value => (mode === 'ave' ? value / 2 : value)));
        return [0, U].map(from =>
          Float64Array.from({ length: rows * U }, (_, n) => dY![Math.floor(n / U) * 2 * U + from + (n % U)]!),
        );
      };
      return {
        outputs: [...merged(), ...states],
        backward(gradients) {
          const dStates = gradients.slice(mode === null ? 2 : 1);
          const [first, second] = split(gradients).map((dY, n) => {
            const whole = returnSequences ? dY : onlyLast(dY, inputs, widths[n]!);
            const own = returnSequences && n > 0 ? reversed(whole, inputs, widths[n]!) : whole;
            return passes[n]!.backward(own, n === 0 ? dStates.slice(0, half[0]) : dStates.slice(half[0]));
          }) as [Gradients, Gradients];
          return {
            dX: first.dX.map((value, n) => value + second.dX[n]!),
            dStates: [...first.dStates, ...second.dStates],
            dWeights: [...first.dWeights, ...second.dWeights],
          };
        },
      };
    };
  }

  const ways = modes.flatMap(mode =>
    flags.flatMap(returnSequences => flags.map((masked): Way => ({ mode, returnSequences, masked }))),
  );

  test.each(ways)('match the reference, whichever outputs are read: %o', way => {
    const { mode, returnSequences, masked } = way;
    for (const [n, isRead] of choices((mode === null ? 2 : 1) + 4).entries()) {
      const cell: CellOptions = { kind: 'lstm', U: 5 };
      expectReference({
        ...lengths[n % 2]!,
        layer: new Bidirectional({
          layer: new LSTM({ units: 5, returnSequences, returnState: true }),
          mergeMode: mode,
        }),
        ...{ masked, isRead, initial: n % 3 > 0 },
        run: runBoth([cell], [cell], way),
      });
    }
  });

  test.each(ways)('match the reference with another layer backwards: %o', way => {
    const { mode, returnSequences, masked } = way;
    const units = mode === null ? 3 : 5;
    const isRead = Array((mode === null ? 2 : 1) + 3).fill(true);
    const options = { returnSequences, returnState: true };
    expectReference({
      ...lengths[0]!,
      layer: new Bidirectional({
        layer: new LSTM({ units: 5, ...options }),
        backwardLayer: new GRU({ units, ...options, goBackwards: true }),
        mergeMode: mode,
      }),
      ...{ masked, isRead, initial: true },
      run: runBoth([{ kind: 'lstm', U: 5 }], [{ kind: 'gru', U: units }], way),
    });
  });

  test('both outputs keep the mask of the input with mergeMode null', () => {
    const layer = new Bidirectional({ layer: new GRU({ units: 2, returnSequences: true }), mergeMode: null });
    const mask = [1, 0, 1, 0, 0, 1];
    const bound = bind(harness(), layer, { batch: 2, steps: 3, inputs: 1, mask, isRead: [true, true] });
    const [a, b] = bound.outputs;
    expect(a.mask).not.toBeNull();
    expect(b!.mask).toEqual(a.mask);
    expectBits(bound.mask()!, Float32Array.from(mask));
  });
});

describe('shapes of initial and final states', () => {
  const x = [null, 4, 3];

  test('recurrent layers return the shapes of the output and of the final states', () => {
    const layer = new LSTM({ units: 5, returnState: true });
    expect(layer.outputShapesFor('test', [x])).toEqual([
      [null, 5],
      [null, 5],
      [null, 5],
    ]);
    expect(
      layerOf('stacked', { returnSequences: true, returnState: true, goBackwards: false }).connect('test', [x]),
    ).toEqual([
      [null, 4, 6],
      [null, 5],
      [null, 5],
      [null, 3],
      [null, 6],
    ]);
  });

  test('bidirectional returns two outputs with mergeMode null, then the states', () => {
    const layer = new GRU({ units: 5, returnSequences: true, returnState: true });
    expect(new Bidirectional({ layer, mergeMode: null }).outputShapesFor('test', [x])).toEqual([
      [null, 4, 5],
      [null, 4, 5],
      [null, 5],
      [null, 5],
    ]);
    expect(new Bidirectional({ layer }).outputShapesFor('test', [x])).toEqual([
      [null, 4, 10],
      [null, 5],
      [null, 5],
    ]);
  });

  test('rejects a wrong number of initial states', () => {
    const layer = new LSTM({ units: 5, name: 'decoder' });
    expect(() => layer.outputShapesFor('test', [x, [null, 5]])).toThrow(
      'test: decoder takes a sequence and 2 initial states (h, c), or a sequence alone, got 1 initial state',
    );
    const both = new Bidirectional({ layer: new GRU({ units: 5 }), name: 'both' });
    expect(() => both.outputShapesFor('test', [x, [null, 5]])).toThrow(
      'test: both takes a sequence and 2 initial states (forward h, backward h), or a sequence alone, got 1 initial state',
    );
  });

  test.each<[string, (number | null)[], string]>([
    ['width', [null, 4], '[null, 4]'],
    ['rank', [null, 1, 5], '[null, 1, 5]'],
  ])('rejects initial states of another %s', (_, shape, shown) => {
    const layer = new LSTM({ units: 5, name: 'decoder' });
    expect(() => layer.outputShapesFor('test', [x, [null, 5], shape])).toThrow(
      `test: the initial state c of decoder must have the shape [null, 5], got ${shown}`,
    );
  });

  test('compares batch sizes of the sequence and the initial states only if both are fixed', () => {
    const layer = new GRU({ units: 5, name: 'decoder' });
    for (const [steps, state] of [
      [null, 2],
      [2, null],
      [2, 2],
    ]) {
      expect(
        layer.outputShapesFor('test', [
          [steps!, 4, 3],
          [state!, 5],
        ]),
      ).toEqual([[steps, 5]]);
    }
    expect(() =>
      layer.outputShapesFor('test', [
        [2, 4, 3],
        [3, 5],
      ]),
    ).toThrow('test: the initial state h of decoder must have the shape [2, 5], got [3, 5]');
  });
});
