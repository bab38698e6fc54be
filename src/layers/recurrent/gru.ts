/** The gru layer and its cell: options and plan. The equations are in assembly/recurrent/gru.ts. */

import { type KernelCall, type Planner, padded, rowBytes, wholeLines } from '../../plan/planner.ts';
import { rejectExtraArguments } from '../../util/arguments.ts';
import type { Config } from '../../util/config.ts';
import { FLOAT } from '../../util/memorySizes.ts';
import { checkBoolean, checkOptions } from '../../util/options.ts';
import { useKernels } from '../../wasm/engine.ts';
import type { Kernels } from '../../wasm/kernels.ts';
import { gru } from '../../wasm/modules/gru.generated.ts';
import { gruGateNumbers } from '../../wasm/shared.generated.ts';
import { type ActivationName, numberOf } from '../activations.ts';
import { checkLayerOptions } from '../layerOptions.ts';
import { Cell, type CellInputs, type CellOutput, cellOptions, checkActivation, type GatedCellOptions } from './cell.ts';
import { type CellBuffer, gateBuffer, hiddenStateBuffer } from './cellBuffers.ts';
import { Recurrent, type RecurrentOptions, recurrentOptions } from './recurrent.ts';

/** Options of `layers.gruCell`. The columns of the weights are those of the update gate, the reset gate and the candidate, in this order. */
export interface GRUCellOptions extends GatedCellOptions {
  /**
   * Whether the reset gate is applied after the product of the state and the recurrent kernel, or before it. With `true`,
   * the bias has the shape [2, 3 * units], one row for the input and one for the state; else [3 * units]. Default: true.
   */
  resetAfter?: boolean;
}

/** Options of `layers.gru`. */
export interface GRUOptions extends GRUCellOptions, RecurrentOptions {}

const own = [...cellOptions, 'recurrentActivation', 'resetAfter'] as const satisfies readonly (keyof GRUCellOptions)[];

/** The number of floats of the gates for a row and a group of four units. */
const GATES = 4 * Object.keys(gruGateNumbers).length;

export class GRUCell extends Cell {
  readonly className = 'GRUCell';
  readonly recurrentActivation: ActivationName;
  readonly resetAfter: boolean;
  protected override readonly gates = 3;

  /** @internal */
  constructor(call: string, known: Partial<GRUCellOptions>) {
    super(call, known);
    this.recurrentActivation = checkActivation(call, 'recurrentActivation', known.recurrentActivation, 'sigmoid');
    this.resetAfter = known.resetAfter === undefined ? true : checkBoolean(call, 'resetAfter', known.resetAfter);
    useKernels(gru);
  }

  override getConfig(): Config {
    const { recurrentActivation, resetAfter } = this;
    return { ...super.getConfig(), recurrentActivation, resetAfter };
  }

  override remake(config: Config): Cell {
    return gruCell(config as never);
  }

  override get buffers(): Readonly<Record<string, CellBuffer>> {
    return { z: gateBuffer(1), r: gateBuffer(2), n: gateBuffer(3), h: hiddenStateBuffer('h') };
  }

  protected override biasShape(): number[] {
    return this.resetAfter ? [2, 3 * this.units] : [3 * this.units];
  }

  override parameterCount(inputs: number): number {
    const H = padded(this.units);
    return wholeLines((H / 4) * (2 + H + inputs) * 12);
  }

  override packWeights(kernels: Kernels, packed: number, matrices: readonly number[], inputs: number): void {
    const resetAfter = Number(this.resetAfter);
    kernels.packGruWeights(packed, matrices[0]!, matrices[1]!, matrices[2] ?? 0, inputs, this.units, resetAfter);
  }

  override unpackWeights(kernels: Kernels, packed: number, matrices: readonly number[], inputs: number): void {
    const resetAfter = Number(this.resetAfter);
    kernels.unpackGruWeights(packed, matrices[0]!, matrices[1]!, matrices[2] ?? 0, inputs, this.units, resetAfter);
  }

  override plan(planner: Planner, inputs: CellInputs): CellOutput {
    const { name, x, dx } = inputs;
    const { batch: B } = planner;
    const T = x.steps;
    const H = padded(this.units);
    const G = H / 4;
    const fast = this.activation === 'tanh' && this.recurrentActivation === 'sigmoid';
    const gatesGroup = rowBytes(B * GATES);
    const h = planner.rows(`${name}/h`, T + 1, this.units);
    const { fields, output, after } = this.planCommon(planner, inputs, h);
    const scratch = (what: string, ...shape: number[]) =>
      planner.needsGradients ? planner.floats(`${name}/${what}`, ...shape) : 0;
    const call: KernelCall = {
      kind: 'gru',
      fields: {
        ...fields,
        h: h.start,
        hRow: h.row,
        gates: planner.floats(`${name}/gates`, T, G, gatesGroup / FLOAT),
        gatesGroup,
        wt: scratch('wt', 3 * H * (H + (dx ? padded(x.width) : 0))),
        drh: this.resetAfter ? 0 : scratch('drh', B, H),
        resetAfter: Number(this.resetAfter),
        recurrentActivation: numberOf(this.recurrentActivation),
        slopes: fast ? 0 : scratch('slopes', T, G, gatesGroup / FLOAT),
        step: 0,
      },
    };
    planner.calls.push(call, ...after);
    return output;
  }
}

export class GRU extends Recurrent {
  constructor(options: GRUOptions) {
    const call = 'layers.gru';
    const known = checkLayerOptions<GRUOptions>(call, options, [...own, ...recurrentOptions]);
    super('GRU', known, [new GRUCell(call, known)]);
  }

  protected override remake(options: RecurrentOptions): GRU {
    return new GRU(options as GRUOptions);
  }
}

/** Creates a cell for `layers.rnn`. */
export function gruCell(options: GRUCellOptions): GRUCell {
  rejectExtraArguments('layers.gruCell', 1, arguments);
  const call = 'layers.gruCell';
  return new GRUCell(call, checkOptions<GRUCellOptions>(call, options, own));
}
