/** GRU, the layer and its cell: options, and what the kernels need. The equations are in assembly/recurrent/gru.ts. */

import { type Planner, padded, rowBytes, wholeLines } from '../../plan/plan.ts';
import { noMore } from '../../util/arguments.ts';
import type { Config } from '../../util/config.ts';
import { checkBoolean, checkOptions } from '../../util/options.ts';
import { FLOAT } from '../../util/units.ts';
import type { Kernels } from '../../wasm/kernels.ts';
import { gruGateNumbers } from '../../wasm/shared.generated.ts';
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

/** Gate blocks come in the order z, r, h. */
export interface GruCellOptions extends GatedCellOptions {
  /**
   * Let the reset gate work on what the recurrent kernel has made of the state, with a second bias, instead of on the
   * state; default true. The bias is [2, 3U] then, and [3U] otherwise.
   */
  resetAfter?: boolean;
}

/** Options of `layers.gru`. */
export interface GruOptions extends GruCellOptions, RecurrentOptions {}

const own = [...cellOptions, 'recurrentActivation', 'resetAfter'] as const satisfies readonly (keyof GruCellOptions)[];

/** Floats of one row and group of gates: a z r n of four units. */
const GATES = 4 * Object.keys(gruGateNumbers).length;

export class GruCell extends Cell {
  readonly className = 'GRUCell';
  readonly recurrentActivation: ActivationName;
  readonly resetAfter: boolean;
  protected override readonly blocks = 3;

  /** @internal */
  constructor(call: string, known: Partial<GruCellOptions>) {
    super(call, known);
    this.recurrentActivation = checkActivation(call, 'recurrentActivation', known.recurrentActivation, 'sigmoid');
    this.resetAfter = known.resetAfter === undefined ? true : checkBoolean(call, 'resetAfter', known.resetAfter);
  }

  override getConfig(): Config {
    const { recurrentActivation, resetAfter } = this;
    return { ...super.getConfig(), recurrentActivation, resetAfter };
  }

  override remake(config: Config): Cell {
    return gruCell(config as never);
  }

  override get states(): readonly StateSpec[] {
    return [{ name: 'h', width: this.units }];
  }

  protected override biasShape(): number[] {
    return this.resetAfter ? [2, 3 * this.units] : [3 * this.units];
  }

  override parameterCount(inputs: number): number {
    const H = padded(this.units);
    return wholeLines((H / 4) * (2 + H + inputs) * 12);
  }

  override stateCount(batch: number): number {
    return batch * padded(this.units);
  }

  override moveWeights(
    kernels: Kernels,
    packed: number,
    [kernel, recurrent, bias]: readonly number[],
    inputs: number,
    inward: boolean,
  ): void {
    const { units, resetAfter } = this;
    const move = inward ? kernels.packGruWeights : kernels.unpackGruWeights;
    move(packed, kernel!, recurrent!, bias ?? 0, inputs, units, Number(resetAfter));
  }

  override moveStates(kernels: Kernels, home: number, batch: number, [h]: readonly number[], inward: boolean): void {
    const move = inward ? kernels.packState : kernels.unpackState;
    move(home, h!, batch, this.units);
  }

  override plan(planner: Planner, seat: CellInputs): CellOutput {
    const { name, x, dx } = seat;
    const { batch: B, training } = planner;
    const T = x.steps;
    const H = padded(this.units);
    const G = H / 4;
    const fast = this.activation === 'tanh' && this.recurrentActivation === 'sigmoid';
    const gatesGroup = rowBytes(B * GATES);
    const h = planner.rows(`${name}/h`, T + 1, this.units);
    const { fields, outcome } = this.frame(planner, seat, h);
    const scratch = (what: string, ...shape: number[]) => (training ? planner.floats(`${name}/${what}`, ...shape) : 0);
    planner.calls.push({
      kind: 'gru',
      fields: {
        ...fields,
        h: h.place,
        hRow: h.row,
        gates: planner.floats(`${name}/gates`, T, G, gatesGroup / FLOAT),
        gatesGroup,
        wt: scratch('wt', 3 * H * (H + (dx ? padded(x.width) : 0))),
        drh: this.resetAfter ? 0 : scratch('drh', B, H),
        resetAfter: Number(this.resetAfter),
        recurrentActivation: numberOf(this.recurrentActivation),
        slopes: fast ? 0 : scratch('slopes', T, G, gatesGroup / FLOAT),
      },
    });
    return outcome;
  }
}

export class Gru extends Recurrent {
  constructor(options: GruOptions) {
    const call = 'layers.gru';
    const known = checkLayerOptions<GruOptions>(call, options, [...own, ...recurrentOptions]);
    super('GRU', known, [new GruCell(call, known)]);
  }

  protected override remake(options: RecurrentOptions): Gru {
    return new Gru(options as GruOptions);
  }
}

/** A cell for `layers.rnn`. */
export function gruCell(options: GruCellOptions): GruCell {
  noMore('layers.gruCell', 1, arguments);
  const call = 'layers.gruCell';
  return new GruCell(call, checkOptions<GruCellOptions>(call, options, own));
}
