/** The LSTM layer: options, shapes, and what its kernels need. The equations are in assembly/lstm.ts. */

import type { Kernels } from '../engine/kernels.ts';
import { fail, show } from '../errors.ts';
import {
  ForgetBias,
  type Initializer,
  type InitializerName,
  initializers,
  resolveInitializer,
} from '../initializers.ts';
import { checkBoolean, checkCount, checkName } from '../options.ts';
import { at, type Flow, type Homes, type Planner, padded, type Rows, rowBytes } from '../plan.ts';
import { type Shape, showShape } from '../shapes.ts';
import { checkLayerOptions, Layer, type LayerOptions } from './layer.ts';

export interface LstmOptions extends LayerOptions {
  /** Width of the output and of both states. */
  units: number;
  /** Return the output of every time step, [B, T, U], instead of the last one, [B, U]; default false. */
  returnSequences?: boolean;
  /** Carry the final state into the next batch; fixes the batch size; default false. */
  stateful?: boolean;
  /** Process the time steps in reverse; outputs come in that order; default false. */
  goBackwards?: boolean;
  /** Default true. */
  useBias?: boolean;
  /** Start the bias of the forget gate at one; default true. */
  unitForgetBias?: boolean;
  /** Of the kernel [D, 4U]; default glorotUniform. */
  kernelInitializer?: Initializer | InitializerName;
  /** Of the recurrent kernel [U, 4U]; default orthogonal. */
  recurrentInitializer?: Initializer | InitializerName;
  /** Of the bias [4U]; default zeros. */
  biasInitializer?: Initializer | InitializerName;
  /** Of the candidate and the output: tanh, the only one so far. */
  activation?: 'tanh';
  /** Of the gates: sigmoid, the only one so far. */
  recurrentActivation?: 'sigmoid';
  /** Refused: use `model.getStates()`. */
  returnState?: false;
  /** Accepted as in TF.js; changes nothing a caller can see. */
  unroll?: boolean;
  /** Accepted as in TF.js; changes nothing a caller can see. */
  implementation?: number;
}

const own = [
  'units',
  'returnSequences',
  'stateful',
  'goBackwards',
  'useBias',
  'unitForgetBias',
  'kernelInitializer',
  'recurrentInitializer',
  'biasInitializer',
  'activation',
  'recurrentActivation',
  'returnState',
  'unroll',
  'implementation',
] as const satisfies readonly (keyof LstmOptions)[];

const FLOAT = 4;
/** Floats of one row and group of gates: i f g o of four units. */
const GATES = 16;
/**
 * Inputs wider than this are multiplied before the sweep over time. Narrow ones are copied beside h instead, which
 * makes one product of two.
 */
const WIDE = 8;

export class Lstm extends Layer {
  readonly units: number;
  readonly returnSequences: boolean;
  readonly goBackwards: boolean;
  readonly useBias: boolean;
  readonly #stateful: boolean;
  readonly #unitForgetBias: boolean;
  readonly #initializers: { kernel: Initializer; recurrent: Initializer; bias: Initializer };

  constructor(options: LstmOptions) {
    const call = 'layers.lstm';
    const known = checkLayerOptions<LstmOptions>(call, options, own);
    const flag = (name: keyof LstmOptions, otherwise: boolean) =>
      known[name] === undefined ? otherwise : checkBoolean(call, name, known[name]);
    if (flag('returnState', false)) {
      fail(call, 'returnState must be false in a sequential model, got true; model.getStates() gives the states');
    }
    flag('unroll', false);
    if (known.implementation !== undefined && ![0, 1, 2].includes(known.implementation)) {
      fail(call, `implementation must be 0, 1 or 2, got ${show(known.implementation)}`);
    }
    checkName(call, 'activation', known.activation ?? 'tanh', ['tanh']);
    checkName(call, 'recurrentActivation', known.recurrentActivation ?? 'sigmoid', ['sigmoid']);
    const units = checkCount(call, 'units', known.units);
    const initializer = (name: `${'kernel' | 'recurrent' | 'bias'}Initializer`, otherwise: Initializer) =>
      known[name] === undefined ? otherwise : resolveInitializer(call, name, known[name]);
    const chosen = {
      kernel: initializer('kernelInitializer', initializers.glorotUniform()),
      recurrent: initializer('recurrentInitializer', initializers.orthogonal()),
      bias: initializer('biasInitializer', initializers.zeros()),
    };
    const stateful = flag('stateful', false);
    const [sequences, backwards] = [flag('returnSequences', false), flag('goBackwards', false)];
    const [useBias, unitForgetBias] = [flag('useBias', true), flag('unitForgetBias', true)];
    super('LSTM', known, 2);
    this.units = units;
    this.returnSequences = sequences;
    this.goBackwards = backwards;
    this.useBias = useBias;
    this.#stateful = stateful;
    this.#unitForgetBias = unitForgetBias;
    this.#initializers = chosen;
  }

  override get stateful(): boolean {
    return this.#stateful;
  }

  override outputShapeFor(call: string, input: Shape): Shape {
    if (input.length !== 3) {
      fail(call, `${this.name} needs an input [batch, time steps, width], got ${showShape(input)}`);
    }
    if (this.stateful && input[0] === null) {
      fail(call, `${this.name} is stateful and needs a fixed batch size, got ${showShape(input)}; use batchInputShape`);
    }
    return this.returnSequences ? [input[0]!, input[1]!, this.units] : [input[0]!, this.units];
  }

  protected override describeWeights(input: Shape) {
    const { kernel, recurrent, bias } = this.#initializers;
    const gates = 4 * this.units;
    const weights = [
      { name: 'kernel', shape: [input[2]!, gates], initializer: kernel },
      { name: 'recurrentKernel', shape: [this.units, gates], initializer: recurrent },
    ];
    if (!this.useBias) return weights;
    const start = this.#unitForgetBias ? new ForgetBias(bias, this.units) : bias;
    return [...weights, { name: 'bias', shape: [gates], initializer: start }];
  }

  get #inputs(): number {
    return this.built.input[2]!;
  }

  /** Units with their padding: whole groups of four. */
  get #paddedUnits(): number {
    return padded(this.units);
  }

  override get parameterCount(): number {
    const H = this.#paddedUnits;
    return (H / 4) * (1 + H + this.#inputs) * GATES;
  }

  override stateCount(batch: number): number {
    return 2 * batch * this.#paddedUnits;
  }

  override moveWeights(kernels: Kernels, packed: number, plain: readonly number[], inward: boolean): void {
    const [kernel, recurrent, bias] = plain;
    kernels.lstmWeights(packed, kernel!, recurrent!, bias ?? 0, this.#inputs, this.units, Number(inward));
  }

  /** @internal Moves the carried state between its home and plain h and c [B, U]. */
  moveState(kernels: Kernels, home: number, batch: number, h: number, c: number, inward: boolean): void {
    const stateC = home + batch * this.#paddedUnits * FLOAT;
    kernels.lstmState(home, stateC, h, c, batch, this.units, Number(inward));
  }

  override plan(planner: Planner, { y: x, dy: dx }: Flow, home: Homes): Flow {
    const { batch: B, training } = planner;
    const T = x.steps;
    const I = x.width;
    const H = this.#paddedUnits;
    const G = H / 4;
    const wide = I > WIDE;
    const gatesGroup = rowBytes(B * GATES);
    const hxWidth = wide ? H : H + I;
    const hx = planner.rows(`${this.name}/hx`, T + 1, hxWidth);
    const dh = training ? planner.rows(`${this.name}/dh`, this.returnSequences ? T : 1, this.units) : null;
    const scratch = (name: string, ...shape: number[]) =>
      training ? planner.floats(`${this.name}/${name}`, ...shape) : 0;
    const input = this.goBackwards ? backwards(x) : x;
    const inputGradient = dx && (this.goBackwards ? backwards(dx) : dx);
    const states = { block: 'states', offset: home.states } as const;
    const carries = this.stateful || planner.carriesAll;
    planner.stages.push({
      kind: 'lstm',
      fields: {
        batch: B,
        steps: T,
        inputs: I,
        units: this.units,
        x: input.place,
        xRow: input.row,
        xStep: input.step,
        hx: hx.place,
        hxRow: hx.row,
        gates: planner.floats(`${this.name}/gates`, T, G, gatesGroup / FLOAT),
        gatesGroup,
        c: planner.floats(`${this.name}/c`, T + 1, G, B, 4),
        tanhC: planner.floats(`${this.name}/tanhC`, T, G, B, 4),
        w: { block: 'weights', offset: home.parameters },
        dw: training ? { block: 'gradients', offset: home.parameters } : 0,
        wt: scratch('wt', 4 * H * (H + (dx ? padded(I) : 0))),
        dh: dh?.place ?? 0,
        dhRow: dh?.row ?? 0,
        dc: scratch('dc', G, B, 4),
        dx: inputGradient?.place ?? 0,
        dxRow: inputGradient?.row ?? 0,
        dxStep: inputGradient?.step ?? 0,
        stateH: carries ? states : 0,
        stateC: carries ? at(states, B * H * FLOAT) : 0,
        sequences: Number(this.returnSequences),
        useBias: Number(this.useBias),
        wide: Number(wide),
        mask: 0,
        maskStep: 0,
        drop: 0,
        dropSeed: 0,
        dropRate: 0,
        y: 0,
        yRow: 0,
        dhx: 0,
        activation: 3,
        recurrentActivation: 2,
        slopes: 0,
        slopesC: 0,
      },
    });
    // h_t stands in slot t + 1.
    const first = this.returnSequences ? 1 : T;
    const steps = this.returnSequences ? T : 1;
    return { y: { ...hx, place: at(hx.place, first * hx.step), steps, width: this.units }, dy: dh, mask: null };
  }
}

/** The same rows, last time step first. */
const backwards = (rows: Rows): Rows => ({
  ...rows,
  place: at(rows.place, (rows.steps - 1) * rows.step),
  step: -rows.step,
});
