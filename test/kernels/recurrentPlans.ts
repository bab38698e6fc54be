/**
 * Recurrent kernels with plan structures written by the test, independent of the layers in src/, and with guard regions
 * around every buffer. Memory that a kernel must write before reading is NaN.
 */

import { padded, rowBytes } from '../../src/plan/planner.ts';
import { unitFunctions } from '../../src/plan/unitGroups.ts';
import { FLOAT } from '../../src/util/memorySizes.ts';
import { activationNumbers, structures } from '../../src/wasm/shared.generated.ts';
import { type Block, sizeOf } from '../reference/block.ts';
import type { Harness, Room } from './harness.ts';

export type Cell = 'lstm' | 'gru' | 'simpleRnn' | 'minGru' | 'minLstm';

/** The activations that the references support. */
export type ActivationName = 'linear' | 'relu' | 'sigmoid' | 'tanh' | 'hardSigmoid';

export const gatesOf = { lstm: 4, gru: 3, simpleRnn: 1, minGru: 2, minLstm: 3 } as const satisfies Record<Cell, number>;

/** Whether no gate reads the state, so that there are no recurrent kernel and no recurrent dropout. */
export const isMinimal = (cell: Cell): cell is 'minGru' | 'minLstm' => cell === 'minGru' || cell === 'minLstm';

/** The name of its kernels and of their plan structure. */
export const kindOf = (cell: Cell) => (isMinimal(cell) ? 'minRnn' : cell);

export interface PlanOptions {
  cell: Cell;
  U: number;
  B: number;
  T: number;
  I: number;
  /** Whether the input is multiplied separately; ignored for a gru. */
  wide?: number;
  sequences?: boolean;
  carried?: boolean;
  useBias?: boolean;
  goBackwards?: boolean;
  dx?: boolean;
  /** [B,T], in the order of x. */
  mask?: ArrayLike<number>;
  /** [B,U]: factors of recurrent dropout. */
  drop?: ArrayLike<number>;
  /** Factors drawn by the kernel instead. */
  dropRate?: number;
  dropSeed?: number;
  activation?: ActivationName;
  recurrentActivation?: ActivationName;
  /** For a gru only. */
  resetAfter?: boolean;
  /** A plan for prediction only. */
  predicts?: boolean;
  /** How the rows of the initial states are stored; none without. */
  initial?: 'tight' | 'padded';
  /** Whether to compute the gradients of the initial states. */
  initialGradients?: boolean;
  /** Whether to output the final cell state, and read its gradient. */
  final?: boolean;
  /** Whether no gradient of the output is written. */
  zeroDh?: boolean;
  /** The threads that share the units of each time step, for an lstm and a gru. */
  threads?: number;
  /** The rows of a part of the batch, of an lstm; parts lie 32 floats apart. Default: the whole batch. */
  part?: number;
}

export interface BoundCell {
  address: number;
  fields: Record<string, number>;
  rooms: Record<string, Room>;
  forward(first?: number, rows?: number): void;
  backward(first?: number, rows?: number): void;
  rewind(): void;
  setX(x: Block): void;
  /** The output [B,T,U], T = 1 if only the last step is returned. */
  y(): Float32Array;
  setDy(dy: ArrayLike<number>): void;
  /** [B,T,I]. */
  dx(): Float32Array;
  dxPadding(): Float32Array;
  setWeights(values: readonly ArrayLike<number>[]): void;
  weights(): Float32Array[];
  /** The gradients, in the form of the weights. */
  gradients(): Float32Array[];
  /** h, and c of an lstm, [B,U] each. */
  state(): Float32Array[];
  setState(values: readonly ArrayLike<number>[]): void;
  /** The initial states, h and c [B,U]. */
  setInitial(values: readonly ArrayLike<number>[]): void;
  /** Rows [B][padded U]: the gradients of the initial states, with their padding. */
  initialGradients(): Float32Array[];
  /** Rows [B][padded U]: the final cell state, with its padding. */
  cT(): Float32Array;
  /** Sets the gradient of the final cell state, [B,U]. */
  setDcT(values: ArrayLike<number>): void;
  /** [B,U]: the factors in memory. */
  drop(): Float32Array;
  /** Fails if a kernel has written outside its buffers, or to its inputs. */
  expectFences(): void;
}

/** Runs the chunks of each call one after the other, starting with another one each time, the last ones first. */
function chunksInTurn({ kernels }: Harness, size: number) {
  const named = kernels as unknown as Record<string, (plan: number, first: number, count: number) => void>;
  let calls = 0;
  return {
    size,
    run(name: string, plan: number, extent: number, least: number): void {
      const chunks = Math.ceil(extent / least);
      calls++;
      for (let n = 0; n < chunks; n++) {
        const first = ((chunks - 1 - n + calls) % chunks) * least;
        named[name]!(plan, first, Math.min(least, extent - first));
      }
    },
  };
}

export function bindCell(h: Harness, options: PlanOptions): BoundCell {
  const { cell, U, B, T, I, sequences = false, carried = false, useBias = true, goBackwards = false } = options;
  const minimal = isMinimal(cell);
  const kind = kindOf(cell);
  const { mask, resetAfter = true, recurrentActivation = 'sigmoid', dropRate = 0 } = options;
  const { activation = minimal ? 'linear' : 'tanh' } = options;
  const { kernels } = h;
  const trains = !options.predicts;
  const wantsDx = trains && Boolean(options.dx);
  const drops = options.drop !== undefined || dropRate > 0;
  const general = activation !== 'tanh' || (cell !== 'simpleRnn' && recurrentActivation !== 'sigmoid');
  const H = padded(U);
  const G = H / 4;
  const gateWidth = gatesOf[cell] * H;
  const wide = cell === 'gru' || minimal ? 1 : (options.wide ?? Number(I > 8));
  const { part = B } = options;
  const parts = B / part;
  const gap = parts > 1 ? 32 : 0;
  const group = rowBytes(part * 16) / FLOAT;
  const gatesStep = parts * (G * group + gap);
  const cellsStep = parts * (part * H + gap);
  const hRow = rowBytes(wide ? H : H + I);
  const unitRow = rowBytes(U);
  const dxRow = rowBytes(I);
  const outSteps = sequences ? T : 1;

  const rooms: Record<string, Room> = {};
  const room = (name: string, n: number, values?: ArrayLike<number>) => {
    rooms[name] = h.room(n, values);
    return rooms[name].address;
  };
  const when = (wanted: boolean, name: string, n: number, values?: ArrayLike<number>) =>
    wanted ? room(name, n, values) : 0;

  const { initial, final = false } = options;
  const wantsInitial = trains && initial !== undefined && (options.initialGradients ?? true);
  const initialRow = initial === 'tight' ? U * FLOAT : unitRow;
  /** Rows of an initial state; tight ones are unaligned, and nothing follows their last number. */
  const given = (wanted: boolean, name: string) =>
    when(wanted, name, (B * initialRow) / FLOAT + 1) + (wanted && initial === 'tight' ? FLOAT : 0);

  const parameters = {
    lstm: G * (1 + H + I) * 16,
    gru: G * (2 + H + I) * 12,
    simpleRnn: H * (1 + H + I),
    minRnn: gateWidth * (1 + I),
  }[kind];
  const gatesRow = rowBytes(gateWidth);
  const zeros = new Float32Array(parameters);
  const x = room('x', B * T * I + 3);
  const dx = when(wantsDx, 'dx', (T * B * dxRow) / FLOAT);
  const stateCount = B * H * (cell === 'lstm' ? 2 : 1);
  const states = when(carried, 'states', stateCount, new Float32Array(stateCount));
  const maskByStep = mask && Float32Array.from({ length: T * B }, (_, n) => mask[(n % B) * T + Math.floor(n / B)]!);
  const maskAt = when(mask !== undefined, 'mask', T * B, maskByStep);
  const dropValues = () =>
    Float32Array.from({ length: B * H }, (_, n) =>
      n % H < U ? (options.drop?.[Math.floor(n / H) * U + (n % H)] ?? Number.NaN) : 7,
    );
  const separate = trains && (mask !== undefined || drops);
  const slots = room('h', ((T + 1) * B * hRow) / FLOAT);
  const rate = new Int32Array(Float32Array.of(dropRate).buffer)[0]!;
  const mayShare = sequences && !mask && activation === 'tanh';
  const dh = when(trains, 'dh', (outSteps * B * unitRow) / FLOAT);

  const fields: Record<string, number> = {
    batch: B,
    steps: T,
    inputs: I,
    units: U,
    x: goBackwards ? x + (T - 1) * I * FLOAT : x,
    xRow: T * I * FLOAT,
    xStep: (goBackwards ? -I : I) * FLOAT,
    h: slots,
    hx: slots,
    hRow,
    hxRow: hRow,
    gateCount: gatesOf[cell],
    gates: when(cell !== 'simpleRnn', 'gates', minimal ? (T * B * gatesRow) / FLOAT : T * gatesStep),
    gatesRow,
    gatesGroup: group * FLOAT,
    part,
    gatesPart: (gatesStep / parts) * FLOAT,
    cPart: (cellsStep / parts) * FLOAT,
    c: when(cell === 'lstm', 'c', (T + 1) * cellsStep),
    tanhC: when(cell === 'lstm', 'tanhC', T * cellsStep),
    w: room('w', parameters, zeros),
    dw: when(trains, 'dw', parameters, zeros),
    wt: when(trains && !(minimal && !wantsDx), 'wt', gateWidth * ((minimal ? 0 : H) + (wantsDx ? padded(I) : 0))),
    dz: trains && cell === 'simpleRnn' ? (mayShare ? dh : room('dz', (T * B * unitRow) / FLOAT)) : 0,
    dzRow: unitRow,
    dh,
    dhRow: unitRow,
    dhx: when(separate && !minimal, 'dhx', B * H),
    drh: when(trains && cell === 'gru' && !resetAfter, 'drh', B * H),
    dc: when(trains && cell === 'lstm', 'dc', cellsStep),
    dx: wantsDx && goBackwards ? dx + (T - 1) * B * dxRow : dx,
    dxRow,
    dxStep: (goBackwards ? -1 : 1) * B * dxRow,
    stateH: states,
    stateC: carried ? states + B * H * FLOAT : 0,
    h0: given(initial !== undefined, 'h0'),
    h0Row: initialRow,
    dh0: when(wantsInitial, 'dh0', (B * unitRow) / FLOAT),
    dh0Row: unitRow,
    c0: given(initial !== undefined && cell === 'lstm', 'c0'),
    c0Row: initialRow,
    dc0: when(wantsInitial && cell === 'lstm', 'dc0', (B * unitRow) / FLOAT),
    dc0Row: unitRow,
    cT: when(final && cell === 'lstm', 'cT', (B * unitRow) / FLOAT),
    cTRow: unitRow,
    dcT: when(trains && final && cell === 'lstm', 'dcT', (B * unitRow) / FLOAT),
    dcTRow: unitRow,
    savedH: when(initial !== undefined && carried, 'savedH', B * H),
    savedC: when(initial !== undefined && carried && cell === 'lstm', 'savedC', B * H),
    zeroDh: Number(options.zeroDh ?? false),
    sequences: Number(sequences),
    useBias: Number(useBias),
    wide,
    resetAfter: Number(resetAfter),
    mask: mask && goBackwards ? maskAt + (T - 1) * B * FLOAT : maskAt,
    maskStep: mask ? (goBackwards ? -B : B) * FLOAT : 0,
    drop: when(drops, 'drop', B * H, drops ? dropValues() : undefined),
    dropSeed: options.dropSeed ?? 0,
    dropRate: rate,
    y: when(drops, 'y', ((T + 1) * B * unitRow) / FLOAT),
    yRow: drops ? unitRow : 0,
    activation: activationNumbers[activation],
    recurrentActivation: activationNumbers[recurrentActivation],
    slopes: minimal
      ? when(trains && activation !== 'linear', 'slopes', (T * B * unitRow) / FLOAT)
      : when(trains && general && cell !== 'simpleRnn', 'slopes', T * gatesStep),
    slopesRow: unitRow,
    slopesC: when(trains && general && cell === 'lstm', 'slopesC', T * cellsStep),
    ...{ step: 0, gamma: 0, z: 0, zRow: 0, moments: 0, dn: 0, epsilon: 0 },
  };
  const names: readonly string[] = structures[kind];
  const address = h.alloc(names.length * FLOAT);
  const values = names.map(name => {
    if (!(name in fields)) throw new Error(`no field ${name}`);
    return fields[name]!;
  });
  new Int32Array(h.memory.buffer, address, names.length).set(values);

  const shapes = [[I, gatesOf[cell] * U]];
  if (!minimal) shapes.push([U, gatesOf[cell] * U]);
  if (useBias) shapes.push(cell === 'gru' && resetAfter ? [2, 3 * U] : [gatesOf[cell] * U]);
  const moveWeights = (direction: 'pack' | 'unpack', run: 'w' | 'dw', matrices: number[]) => {
    const { address } = rooms[run]!;
    const [kernel, recurrent, bias = 0] = matrices;
    if (kind === 'minRnn') {
      return kernels[`${direction}MinRnnWeights`](address, kernel!, recurrent ?? 0, I, U, gatesOf[cell]);
    }
    const type = ({ lstm: 'Lstm', gru: 'Gru', simpleRnn: 'SimpleRnn' } as const)[kind];
    return kernels[`${direction}${type}Weights`](address, kernel!, recurrent!, bias, I, U, Number(resetAfter));
  };
  const unpack = (run: 'w' | 'dw') => {
    const plain = shapes.map(shape => h.put(new Float32Array(sizeOf(shape))));
    moveWeights('unpack', run, plain);
    return shapes.map((shape, n) => h.get(plain[n]!, sizeOf(shape)));
  };
  const moveState = (direction: 'pack' | 'unpack', [h, c]: number[]) => {
    if (cell === 'lstm') kernels[`${direction}LstmState`](states, states + B * H * FLOAT, h!, c!, B, U);
    else kernels[`${direction}State`](states, h!, B, U);
  };
  /** Rows [T][B], `row` apart, in the order [B,T]. */
  const bySample = (values: Float32Array, row: number, steps: number, from: number, width: number) => {
    const result = new Float32Array(B * steps * width);
    for (let b = 0; b < B; b++) {
      for (let t = 0; t < steps; t++) {
        const at = ((t * B + b) * row) / FLOAT + from;
        for (let n = 0; n < width; n++) result[(b * steps + t) * width + n] = values[at + n]!;
      }
    }
    return result;
  };

  const shared = options.threads ? unitFunctions(kernels, cell, fields, chunksInTurn(h, options.threads)) : null;

  return {
    address,
    fields,
    rooms,
    forward: (first = 0, rows = B) =>
      shared ? shared.forward(address) : kernels[`${kind}Forward`](address, first, rows),
    backward: (first = 0, rows = B) =>
      shared ? shared.backward(address) : kernels[`${kind}Backward`](address, first, rows),
    rewind: () => kernels[`${kind}Rewind`](address),
    setX: ({ data }) => rooms.x!.floats().set(data),
    y() {
      const row = drops ? unitRow : hRow;
      const slots = rooms[drops ? 'y' : 'h']!.floats().subarray(((sequences ? 1 : T) * B * row) / FLOAT);
      return bySample(slots, row, outSteps, 0, U);
    },
    setDy(values) {
      const memory = rooms.dh!.floats().fill(0);
      for (let row = 0; row < values.length / U; row++) {
        const at = (((row % outSteps) * B + Math.floor(row / outSteps)) * unitRow) / FLOAT;
        for (let u = 0; u < U; u++) memory[at + u] = values[row * U + u]!;
      }
    },
    dx: () => bySample(rooms.dx!.floats(), dxRow, T, 0, I),
    dxPadding: () => bySample(rooms.dx!.floats(), dxRow, T, I, padded(I) - I),
    setWeights: values =>
      moveWeights(
        'pack',
        'w',
        values.map(value => h.put(value)),
      ),
    weights: () => unpack('w'),
    gradients: () => unpack('dw'),
    state() {
      const plain = [0, 1].slice(0, cell === 'lstm' ? 2 : 1).map(() => h.put(new Float32Array(B * U)));
      moveState('unpack', plain);
      return plain.map(at => h.get(at, B * U));
    },
    setState: values =>
      moveState(
        'pack',
        values.map(value => h.put(value)),
      ),
    setInitial(values) {
      const first = initial === 'tight' ? 1 : 0;
      for (const [n, name] of ['h0', 'c0'].slice(0, values.length).entries()) {
        const memory = rooms[name]!.floats();
        for (let i = 0; i < B * U; i++) {
          memory[first + (Math.floor(i / U) * initialRow) / FLOAT + (i % U)] = values[n]![i]!;
        }
      }
    },
    initialGradients: () =>
      (cell === 'lstm' ? ['dh0', 'dc0'] : ['dh0']).map(name => bySample(rooms[name]!.floats(), unitRow, 1, 0, H)),
    cT: () => bySample(rooms.cT!.floats(), unitRow, 1, 0, H),
    setDcT(values) {
      const memory = rooms.dcT!.floats().fill(0);
      for (let i = 0; i < B * U; i++) memory[(Math.floor(i / U) * unitRow) / FLOAT + (i % U)] = values[i]!;
    },
    drop: () => bySample(rooms.drop!.floats(), H * FLOAT, 1, 0, U),
    expectFences() {
      const isRead = (name: string) => name === 'mask' || (name === 'drop' && dropRate === 0);
      for (const [name, room] of Object.entries(rooms)) {
        room.expectUntouched(isRead(name) ? [] : [[0, room.floats().length]], name);
      }
    },
  };
}
