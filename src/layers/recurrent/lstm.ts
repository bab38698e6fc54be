/** LSTM, the layer and its cell: options, and what the kernels need. The equations are in assembly/recurrent/lstm.ts. */

import { offsetBy, type Planner, padded, rowBytes } from '../../plan/plan.ts';
import { noMore } from '../../util/arguments.ts';
import type { Config } from '../../util/config.ts';
import { checkBoolean, checkOptions } from '../../util/options.ts';
import { FLOAT } from '../../util/units.ts';
import type { Kernels } from '../../wasm/kernels.ts';
import { lstmGateNumbers } from '../../wasm/shared.generated.ts';
import { ForgetBias, type Initializer } from '../../weights/initializers.ts';
import { type ActivationName, numberOf } from '../activations.ts';
import { checkLayerOptions } from '../layer.ts';
import {
  Cell,
  type CellInputs,
  type CellOutput,
  cellOptions,
  checkActivation,
  type GatedCellOptions,
  type StateSpec,
} from './cell.ts';
import { Recurrent, type RecurrentOptions, recurrentOptions } from './recurrent.ts';

/** Gate blocks come in the order i, f, c, o. */
export interface LstmCellOptions extends GatedCellOptions {
  /** Start the bias of the forget gate at one; default true. */
  unitForgetBias?: boolean;
}

/** Options of `layers.lstm`. */
export interface LstmOptions extends LstmCellOptions, RecurrentOptions {}

const own = [
  ...cellOptions,
  'recurrentActivation',
  'unitForgetBias',
] as const satisfies readonly (keyof LstmCellOptions)[];

/** Floats of one row and group of gates: i f g o of four units. */
const GATES = 4 * Object.keys(lstmGateNumbers).length;
/**
 * Inputs wider than this are multiplied before the sweep over time. Narrow ones are copied beside h instead, which
 * makes one product of two.
 */
const WIDE = 8;

export class LstmCell extends Cell {
  readonly className = 'LSTMCell';
  readonly recurrentActivation: ActivationName;
  protected override readonly blocks = 4;
  readonly #unitForgetBias: boolean;

  /** @internal */
  constructor(call: string, known: Partial<LstmCellOptions>) {
    super(call, known);
    this.recurrentActivation = checkActivation(call, 'recurrentActivation', known.recurrentActivation, 'sigmoid');
    this.#unitForgetBias =
      known.unitForgetBias === undefined ? true : checkBoolean(call, 'unitForgetBias', known.unitForgetBias);
  }

  override getConfig(): Config {
    const { recurrentActivation } = this;
    return { ...super.getConfig(), recurrentActivation, unitForgetBias: this.#unitForgetBias };
  }

  override remake(config: Config): Cell {
    return lstmCell(config as never);
  }

  override get states(): readonly StateSpec[] {
    return [
      { name: 'h', width: this.units },
      { name: 'c', width: this.units },
    ];
  }

  protected override biasStart(chosen: Initializer): Initializer {
    return this.#unitForgetBias ? new ForgetBias(chosen, this.units) : chosen;
  }

  override parameterCount(inputs: number): number {
    const H = padded(this.units);
    return (H / 4) * (1 + H + inputs) * GATES;
  }

  override stateCount(batch: number): number {
    return 2 * batch * padded(this.units);
  }

  override moveWeights(
    kernels: Kernels,
    packed: number,
    [kernel, recurrent, bias]: readonly number[],
    inputs: number,
    inward: boolean,
  ): void {
    const move = inward ? kernels.packLstmWeights : kernels.unpackLstmWeights;
    move(packed, kernel!, recurrent!, bias ?? 0, inputs, this.units);
  }

  override moveStates(kernels: Kernels, home: number, batch: number, [h, c]: readonly number[], inward: boolean): void {
    const stateC = home + batch * padded(this.units) * FLOAT;
    const move = inward ? kernels.packLstmState : kernels.unpackLstmState;
    move(home, stateC, h!, c!, batch, this.units);
  }

  override plan(planner: Planner, seat: CellInputs): CellOutput {
    const { name, x, dx, states } = seat;
    const { batch: B, training } = planner;
    const T = x.steps;
    const I = x.width;
    const H = padded(this.units);
    const G = H / 4;
    const wide = I > WIDE;
    const fast = this.activation === 'tanh' && this.recurrentActivation === 'sigmoid';
    const gatesGroup = rowBytes(B * GATES);
    const hx = planner.rows(`${name}/hx`, T + 1, wide ? H : H + I);
    const { fields, outcome } = this.frame(planner, seat, hx);
    const scratch = (what: string, ...shape: number[]) => (training ? planner.floats(`${name}/${what}`, ...shape) : 0);
    planner.calls.push({
      kind: 'lstm',
      fields: {
        ...fields,
        hx: hx.place,
        hxRow: hx.row,
        gates: planner.floats(`${name}/gates`, T, G, gatesGroup / FLOAT),
        gatesGroup,
        c: planner.floats(`${name}/c`, T + 1, G, B, 4),
        tanhC: planner.floats(`${name}/tanhC`, T, G, B, 4),
        wt: scratch('wt', 4 * H * (H + (dx ? padded(I) : 0))),
        dc: scratch('dc', G, B, 4),
        stateC: states ? offsetBy(states, B * H * FLOAT) : 0,
        wide: Number(wide),
        recurrentActivation: numberOf(this.recurrentActivation),
        slopes: fast ? 0 : scratch('slopes', T, G, gatesGroup / FLOAT),
        slopesC: fast ? 0 : scratch('slopesC', T, G, B, 4),
      },
    });
    return outcome;
  }
}

export class Lstm extends Recurrent {
  readonly useBias: boolean;

  constructor(options: LstmOptions) {
    const call = 'layers.lstm';
    const known = checkLayerOptions<LstmOptions>(call, options, [...own, ...recurrentOptions]);
    const cell = new LstmCell(call, known);
    super('LSTM', known, [cell]);
    this.useBias = cell.useBias;
  }

  protected override remake(options: RecurrentOptions): Lstm {
    return new Lstm(options as LstmOptions);
  }
}

/** A cell for `layers.rnn`. */
export function lstmCell(options: LstmCellOptions): LstmCell {
  noMore('layers.lstmCell', 1, arguments);
  const call = 'layers.lstmCell';
  return new LstmCell(call, checkOptions<LstmCellOptions>(call, options, own));
}
