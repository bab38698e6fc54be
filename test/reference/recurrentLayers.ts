// Every recurrent layer in plain float64: stacked cells, in either direction of time, with masks, dropout and carried
// states. Keras layout.
//
//   B batch, T time, D input width, U units

import { type ActivationName, activations } from './activations.ts';
import { type Block, block } from './block.ts';
import { Tape, type Value } from './tape.ts';

export interface CellConfig {
  units: number;
  useBias?: boolean;
  activation?: ActivationName;
  recurrentActivation?: ActivationName;
  resetAfter?: boolean;
  unitForgetBias?: boolean;
  usePeepholes?: boolean;
  projectionUnits?: number;
  layerNormalization?: boolean;
  normEpsilon?: number;
  dropout?: number;
  recurrentDropout?: number;
  seed?: number;
}

export interface TimeConfig {
  inputShape?: (number | null)[];
  batchInputShape?: (number | null)[];
  returnSequences?: boolean;
  stateful?: boolean;
  goBackwards?: boolean;
}

export type CellClass = 'lstm' | 'gru' | 'simpleRNN' | 'minGRU' | 'minLSTM';
export type CellSpec = { class: CellClass; config: CellConfig };

export type PlainSpec =
  | { class: CellClass; config: CellConfig & TimeConfig }
  | { class: 'rnn'; config: TimeConfig & { cells: CellSpec[] } };

export type RecurrentSpec =
  | PlainSpec
  | { class: 'bidirectional'; config: TimeConfig & { layer: PlainSpec; mergeMode?: 'concat' | 'sum' | 'ave' | 'mul' } };

/** A mask [B,T]: 1 for unmasked steps. */
export type Mask = Float64Array | null;

export interface RecurrentPass {
  y: Block;
  mask: Mask;
  backward(dY: Float64Array): { dX: Float64Array; dWeights: Float64Array[] };
}

/** Factors of the dropouts of a cell, for all time steps: on the input [B,D] and on h_{t-1} [B,U]. */
export interface Drops {
  input?: ArrayLike<number>;
  state?: ArrayLike<number>;
}

const blocks = { lstm: 4, gru: 3, simpleRNN: 1, minGRU: 2, minLSTM: 3 } as const;

const isMinimal = (kind: CellClass): kind is 'minGRU' | 'minLSTM' => kind === 'minGRU' || kind === 'minLSTM';

/** The width of the output of a cell. */
const outputsOf = ({ config }: CellSpec): number => config.projectionUnits ?? config.units;

const statesOf = (spec: CellSpec): number[] =>
  spec.class === 'lstm' ? [outputsOf(spec), spec.config.units] : [spec.config.units];

/** The shapes of the weights of a cell. */
function shapesOf(spec: CellSpec, inputs: number): number[][] {
  const { class: kind, config } = spec;
  const U = config.units;
  const columns = blocks[kind] * config.units;
  const bias = kind === 'gru' && (config.resetAfter ?? true) ? [2, columns] : [columns];
  const recurrentKernel = isMinimal(kind) ? [] : [[outputsOf(spec), columns]];
  return [
    [inputs, columns],
    ...recurrentKernel,
    ...((config.useBias ?? true) ? [bias] : []),
    ...(config.usePeepholes ? [[U], [U], [U]] : []),
    ...(config.projectionUnits ? [[U, config.projectionUnits]] : []),
    ...(config.layerNormalization && kind === 'lstm' ? [[columns], [columns], [columns], [columns], [U], [U]] : []),
    ...(config.layerNormalization && kind === 'simpleRNN' ? [[U]] : []),
  ];
}

/** One step of minGRU or minLSTM. */
function minimalStep(
  tape: Tape,
  { class: kind, config }: CellSpec,
  [kernel, bias]: Value[],
  x: Value,
  h: Value,
): Value {
  const part = (n: number) => tape.columns(bias ? tape.add(product, bias) : product, n * config.units, config.units);
  const product = tape.matmul(x, kernel!);
  const gates = blocks[kind] - 1;
  const n = tape.map(part(gates), activations[config.activation ?? 'linear']);
  const [first, i] = [0, 1].slice(0, gates).map(gate => tape.map(part(gate), activations.sigmoid)) as [Value, Value?];
  const inverse = { of: (v: number) => 1 / v, slope: (y: number) => -(y ** 2) };
  const z = i ? tape.mul(i, tape.map(tape.add(first, i), inverse)) : first;
  const rest = tape.map(z, { of: v => 1 - v, slope: () => -1 });
  return tape.add(tape.mul(rest, h), tape.mul(z, n));
}

/** One step: from the input [B,D] and the states to the new states, of which the first is the output. */
function step(tape: Tape, spec: CellSpec, weights: Value[], x: Value, states: Value[], drops: Drops): Value[] {
  const { class: kind, config } = spec;
  const U = config.units;
  const input = drops.input ? tape.mul(x, tape.value(x.M, x.N, drops.input)) : x;
  if (isMinimal(kind)) return [minimalStep(tape, spec, weights, input, states[0]!)];
  const activation = activations[config.activation ?? 'tanh'];
  const gate = activations[config.recurrentActivation ?? 'sigmoid'];
  const [kernel, recurrent, ...others] = weights as [Value, Value, ...Value[]];
  const bias = (config.useBias ?? true) ? others.shift() : undefined;
  const [h, c] = states as [Value, Value];
  const before = drops.state ? tape.mul(h, tape.value(h.M, h.N, drops.state)) : h;
  const part = (z: Value, n: number) => tape.columns(z, n * U, U);
  const biased = (z: Value, b?: Value) => (b ? tape.add(z, b) : z);
  const fromInput = tape.matmul(input, kernel);
  const split = kind === 'gru' && (config.resetAfter ?? true);
  if (kind === 'gru') {
    const xz = biased(fromInput, bias && split ? tape.row(bias, 0) : bias);
    let [r, candidate]: Value[] = [];
    let z: Value;
    if (split) {
      const hz = biased(tape.matmul(before, recurrent), bias && tape.row(bias, 1));
      [z, r] = [0, 1].map(n => tape.map(tape.add(part(xz, n), part(hz, n)), gate)) as [Value, Value];
      candidate = tape.map(tape.add(part(xz, 2), tape.mul(r, part(hz, 2))), activation);
    } else {
      const gates = tape.matmul(before, tape.columns(recurrent, 0, 2 * U));
      [z, r] = [0, 1].map(n => tape.map(tape.add(part(xz, n), part(gates, n)), gate)) as [Value, Value];
      const reset = tape.matmul(tape.mul(r, before), tape.columns(recurrent, 2 * U, U));
      candidate = tape.map(tape.add(part(xz, 2), reset), activation);
    }
    const rest = tape.map(z, { of: v => 1 - v, slope: () => -1 });
    return [tape.add(tape.mul(z, before), tape.mul(rest, candidate))];
  }
  if (kind === 'simpleRNN') {
    const sum = tape.add(fromInput, tape.matmul(before, recurrent));
    const normalized = config.layerNormalization
      ? tape.mulRow(tape.normalize(sum, config.normEpsilon ?? 0.001), others[0]!)
      : sum;
    return [tape.map(biased(normalized, bias), activation)];
  }
  const peepholes = config.usePeepholes ? others.splice(0, 3) : null;
  const projection = config.projectionUnits ? others.shift()! : null;
  const norm = (value: Value, n: number) =>
    config.layerNormalization
      ? tape.add(tape.mulRow(tape.normalize(value, config.normEpsilon ?? 0.001), others[2 * n]!), others[2 * n + 1]!)
      : value;
  const peeped = (value: Value, n: number, state: Value) =>
    peepholes ? tape.add(value, tape.mulRow(state, peepholes[n]!)) : value;
  const z = biased(tape.add(norm(fromInput, 0), norm(tape.matmul(before, recurrent), 1)), bias);
  const [i, f] = [0, 1].map(n => tape.map(peeped(part(z, n), n, c), gate)) as [Value, Value];
  const g = tape.map(part(z, 2), activation);
  const sum = tape.add(tape.mul(f, c), tape.mul(i, g));
  const o = tape.map(peeped(part(z, 3), 2, sum), gate);
  const cell = norm(sum, 2);
  const output = tape.mul(o, tape.map(cell, activation));
  return [projection ? tape.matmul(output, projection) : output, cell];
}

/** What `ReferenceModel` needs of a recurrent layer. */
export interface Recurrent {
  readonly width: number;
  readonly weights: Block[];
  /** Each [B,U]; null for zero. Updated only if stateful. */
  states: Block[] | null;
  readonly stateWidths: number[];
  forward(x: Block, mask?: Mask): RecurrentPass;
}

export class PlainLayer implements Recurrent {
  readonly width: number;
  readonly weights: Block[];
  readonly stateWidths: number[];
  states: Block[] | null = null;
  /** The dropout factors of each cell, which tests copy from the kernels. */
  drops: Drops[] = [];
  readonly #cells: CellSpec[];
  readonly #time: TimeConfig;
  readonly #counts: number[];

  constructor(spec: PlainSpec, inputs: number) {
    this.#time = spec.config;
    this.#cells = spec.class === 'rnn' ? spec.config.cells : [spec];
    const shapes = this.#cells.map((cell, n) => shapesOf(cell, n === 0 ? inputs : outputsOf(this.#cells[n - 1]!)));
    this.#counts = shapes.map(own => own.length);
    this.weights = shapes.flat().map(shape => block(shape));
    this.width = outputsOf(this.#cells.at(-1)!);
    this.stateWidths = this.#cells.flatMap(statesOf);
  }

  forward(x: Block, mask: Mask = null): RecurrentPass {
    const [B, T, D] = x.shape as [number, number, number];
    const { returnSequences = false, stateful = false, goBackwards = false } = this.#time;
    const tape = new Tape();
    const timeOf = (t: number) => (goBackwards ? T - 1 - t : t);
    const rows = (t: number) => {
      const step = new Float64Array(B * D);
      for (let b = 0; b < B; b++) {
        step.set(x.data.subarray((b * T + timeOf(t)) * D, (b * T + timeOf(t) + 1) * D), b * D);
      }
      return tape.value(B, D, step);
    };
    const maskOf = (t: number) => mask && Array.from({ length: B }, (_, b) => mask[b * T + timeOf(t)]!);
    const weights = this.weights.map(({ shape, data }) =>
      tape.value(shape.length > 1 ? shape[0]! : 1, shape.at(-1)!, data),
    );
    let states = this.stateWidths.map((U, k) => tape.value(B, U, this.states?.[k]?.data));
    const inputs: Value[] = [];
    const outputs: Value[] = [];
    for (let t = 0; t < T; t++) {
      let below = rows(t);
      inputs.push(below);
      const next: Value[] = [];
      let [w, s] = [0, 0];
      for (const [n, cell] of this.#cells.entries()) {
        const count = cell.class === 'lstm' ? 2 : 1;
        const own = states.slice(s, s + count);
        const cellWeights = weights.slice(w, w + this.#counts[n]!);
        let after = step(tape, cell, cellWeights, below, own, this.drops[n] ?? {});
        const here = maskOf(t);
        if (here) after = after.map((state, k) => tape.choose(here, state, own[k]!));
        next.push(...after);
        below = after[0]!;
        s += count;
        w += this.#counts[n]!;
      }
      outputs.push(below);
      states = next;
    }
    const U = this.width;
    if (stateful) this.states = states.map(({ data }, k) => block([B, this.stateWidths[k]!], data));
    const steps = returnSequences ? outputs : outputs.slice(-1);
    const each = (use: (value: Value, at: number, from: number) => void) => {
      for (const [t, value] of steps.entries()) {
        for (let b = 0; b < B; b++) for (let u = 0; u < U; u++) use(value, b * U + u, (b * steps.length + t) * U + u);
      }
    };
    const y = block(returnSequences ? [B, T, U] : [B, U]);
    each((value, at, from) => {
      y.data[from] = value.data[at]!;
    });
    return {
      y,
      // In the order of the input, for both directions.
      mask: returnSequences ? mask : null,
      backward(dY) {
        each((value, at, from) => {
          value.grad[at]! += dY[from]!;
        });
        tape.backward();
        const dX = new Float64Array(B * T * D);
        for (const [t, { grad }] of inputs.entries()) {
          for (let b = 0; b < B; b++) dX.set(grad.subarray(b * D, (b + 1) * D), (b * T + timeOf(t)) * D);
        }
        return { dX, dWeights: weights.map(({ grad }) => grad) };
      },
    };
  }
}

/** Reverses the time axis of [B,T,U]. */
function reversed(values: Float64Array, B: number, T: number, U: number): Float64Array {
  return values.map((_, n) => {
    const [b, t, u] = [Math.floor(n / (T * U)), Math.floor(n / U) % T, n % U];
    if (b >= B) throw new Error('reversed: the numbers must fill [B,T,U]');
    return values[(b * T + T - 1 - t) * U + u]!;
  });
}

export class BidirectionalLayer implements Recurrent {
  readonly halves: [PlainLayer, PlainLayer];
  readonly width: number;
  readonly #mode: 'concat' | 'sum' | 'ave' | 'mul';
  readonly #sequences: boolean;

  constructor({ config }: Extract<RecurrentSpec, { class: 'bidirectional' }>, inputs: number) {
    const { layer, mergeMode = 'concat' } = config;
    const half = (goBackwards: boolean) =>
      new PlainLayer({ ...layer, config: { ...layer.config, goBackwards } } as PlainSpec, inputs);
    const turned = layer.config.goBackwards ?? false;
    this.halves = [half(turned), half(!turned)];
    this.#mode = mergeMode;
    this.#sequences = layer.config.returnSequences ?? false;
    this.width = mergeMode === 'concat' ? 2 * this.halves[0].width : this.halves[0].width;
  }

  get weights(): Block[] {
    return this.halves.flatMap(half => half.weights);
  }

  get stateWidths(): number[] {
    return this.halves.flatMap(half => half.stateWidths);
  }

  get states(): Block[] | null {
    const [ahead, behind] = this.halves;
    return ahead.states && behind.states && [...ahead.states, ...behind.states];
  }

  set states(states: Block[] | null) {
    const count = this.halves[0].stateWidths.length;
    this.halves[0].states = states?.slice(0, count) ?? null;
    this.halves[1].states = states?.slice(count) ?? null;
  }

  forward(x: Block, mask: Mask = null): RecurrentPass {
    const [B, T] = x.shape as [number, number];
    const passes = this.halves.map(half => half.forward(x, mask)) as [RecurrentPass, RecurrentPass];
    const U = this.halves[0].width;
    const steps = this.#sequences ? T : 1;
    const a = passes[0].y.data;
    const b = reversed(passes[1].y.data, B, steps, U);
    const y = block(this.#sequences ? [B, T, this.width] : [B, this.width]);
    const mode = this.#mode;
    for (let n = 0; n < a.length; n++) {
      const [row, u] = [Math.floor(n / U), n % U];
      if (mode === 'concat') {
        y.data[row * 2 * U + u] = a[n]!;
        y.data[row * 2 * U + U + u] = b[n]!;
      } else {
        y.data[n] = mode === 'mul' ? a[n]! * b[n]! : (a[n]! + b[n]!) / (mode === 'ave' ? 2 : 1);
      }
    }
    return {
      y,
      mask: passes[0].mask,
      backward(dY) {
        const share = (n: number, first: boolean) => {
          if (mode === 'concat') return dY[Math.floor(n / U) * 2 * U + (first ? 0 : U) + (n % U)]!;
          if (mode === 'mul') return dY[n]! * (first ? b : a)[n]!;
          return mode === 'ave' ? dY[n]! / 2 : dY[n]!;
        };
        const da = a.map((_, n) => share(n, true));
        const db = b.map((_, n) => share(n, false));
        const ahead = passes[0].backward(da);
        const behind = passes[1].backward(reversed(db, B, steps, U));
        return {
          dX: ahead.dX.map((value, n) => value + behind.dX[n]!),
          dWeights: [...ahead.dWeights, ...behind.dWeights],
        };
      },
    };
  }
}
