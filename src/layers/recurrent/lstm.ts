/** The lstm layer and its cell: options and plan. The equations are in assembly/recurrent/lstm.ts. */

import { PART_GAP, rowsOfPart } from '../../plan/kernelCalls.ts';
import { type KernelCall, offsetBy, type Planner, padded, roundUp, rowBytes } from '../../plan/planner.ts';
import { rejectExtraArguments } from '../../util/arguments.ts';
import type { Config } from '../../util/config.ts';
import { FLOAT, LINE } from '../../util/memorySizes.ts';
import { checkBoolean, checkOptions } from '../../util/options.ts';
import { Place } from '../../util/part.ts';
import type { Kernels } from '../../wasm/kernels.ts';
import { lstmGateNumbers } from '../../wasm/shared.generated.ts';
import { ForgetBias, type Initializer } from '../../weights/initializers.ts';
import { type ActivationName, numberOf } from '../activations.ts';
import { checkLayerOptions } from '../layerOptions.ts';
import type { WeightSpec } from '../weightSpec.ts';
import {
  Cell,
  type CellInputs,
  type CellOutput,
  cellOptions,
  checkActivation,
  type GatedCellOptions,
  type StateSpec,
  stateFields,
} from './cell.ts';
import { type CellBuffer, cellStateBuffer, hiddenStateBuffer, lstmGateBuffer } from './cellBuffers.ts';
import { type LSTMVariantOptions, type LstmVariant, variantOptions } from './lstmVariant.ts';
import { Recurrent, type RecurrentOptions, recurrentOptions } from './recurrent.ts';

/** Options of `layers.lstmCell`. The columns of the weights are those of the input, forget, cell and output gates, in this order. */
export interface LSTMCellOptions extends GatedCellOptions, LSTMVariantOptions {
  /** Whether the bias of the forget gate starts at 1, so that the initial network remembers. Default: true. */
  unitForgetBias?: boolean;
}

/** Options of `layers.lstm`. */
export interface LSTMOptions extends LSTMCellOptions, RecurrentOptions {}

const own = [
  ...cellOptions,
  'recurrentActivation',
  'unitForgetBias',
  ...variantOptions,
] as const satisfies readonly (keyof LSTMCellOptions)[];

/** The number of floats of the four gates for a row and a group of four units. */
const GATES = 4 * Object.keys(lstmGateNumbers).length;
/**
 * The input is multiplied by the kernel before the loop over time if it has more features than this. A narrower input is
 * copied next to h in each time step, so that one matrix product covers both.
 */
const WIDE = 8;

/** Reads the options that Keras does not have. */
export const variantPlace: Place<typeof LstmVariant.read> = /* @__PURE__ */ new Place('lstmVariants');

export class LSTMCell extends Cell {
  readonly className = 'LSTMCell';
  readonly recurrentActivation: ActivationName;
  protected override readonly gates = 4;
  /** @internal Null for an lstm of Keras, which has kernels of its own. */
  readonly variant: LstmVariant | null;
  readonly #unitForgetBias: boolean;

  /** @internal */
  constructor(call: string, known: Partial<LSTMCellOptions>) {
    super(call, known);
    this.recurrentActivation = checkActivation(call, 'recurrentActivation', known.recurrentActivation, 'sigmoid');
    this.#unitForgetBias =
      known.unitForgetBias === undefined ? true : checkBoolean(call, 'unitForgetBias', known.unitForgetBias);
    const isVariant = variantOptions.some(name => known[name] !== undefined);
    this.variant = isVariant ? variantPlace.need(call)(call, known, this.units, this.useBias) : null;
  }

  override getConfig(): Config {
    const { recurrentActivation } = this;
    return {
      ...super.getConfig(),
      recurrentActivation,
      unitForgetBias: this.#unitForgetBias,
      ...this.variant?.getConfig(),
    };
  }

  override remake(config: Config): Cell {
    return lstmCell(config as never);
  }

  override get outputUnits(): number {
    return this.variant?.outputs ?? this.units;
  }

  override get states(): readonly StateSpec[] {
    return [
      { name: 'h', width: this.outputUnits },
      { name: 'c', width: this.units },
    ];
  }

  override get buffers(): Readonly<Record<string, CellBuffer>> {
    if (this.variant) return this.variant.buffers;
    const [i, f, g, o] = [lstmGateBuffer(0), lstmGateBuffer(1), lstmGateBuffer(2), lstmGateBuffer(3)];
    return { i, f, g, o, c: cellStateBuffer(), h: hiddenStateBuffer('hx') };
  }

  protected override biasInitializer(given: Initializer): Initializer {
    return this.#unitForgetBias ? new ForgetBias(given, this.units) : given;
  }

  override get weightCount(): number {
    return super.weightCount + (this.variant?.weightCount ?? 0);
  }

  override describeWeights(inputs: number): Omit<WeightSpec, 'seed'>[] {
    return [...super.describeWeights(inputs), ...(this.variant?.describeWeights() ?? [])];
  }

  override parameterCount(inputs: number): number {
    if (this.variant) return this.variant.parameterCount(inputs);
    const H = padded(this.units);
    return (H / 4) * (1 + H + inputs) * GATES;
  }

  override stateCount(batch: number): number {
    return batch * (padded(this.outputUnits) + padded(this.units));
  }

  override packWeights(kernels: Kernels, packed: number, matrices: readonly number[], inputs: number): void {
    if (this.variant) this.variant.packWeights(kernels, packed, matrices, inputs);
    else kernels.packLstmWeights(packed, matrices[0]!, matrices[1]!, matrices[2] ?? 0, inputs, this.units);
  }

  override unpackWeights(kernels: Kernels, packed: number, matrices: readonly number[], inputs: number): void {
    if (this.variant) this.variant.unpackWeights(kernels, packed, matrices, inputs);
    else kernels.unpackLstmWeights(packed, matrices[0]!, matrices[1]!, matrices[2] ?? 0, inputs, this.units);
  }

  override packStates(kernels: Kernels, packed: number, batch: number, [h, c]: readonly number[]): void {
    const cells = packed + this.#stateBytes(batch);
    if (this.variant) {
      kernels.packState(packed, h!, batch, this.outputUnits);
      kernels.packState(cells, c!, batch, this.units);
    } else {
      kernels.packLstmState(packed, cells, h!, c!, batch, this.units);
    }
  }

  override unpackStates(kernels: Kernels, packed: number, batch: number, [h, c]: readonly number[]): void {
    const cells = packed + this.#stateBytes(batch);
    if (this.variant) {
      kernels.unpackState(packed, h!, batch, this.outputUnits);
      kernels.unpackState(cells, c!, batch, this.units);
    } else {
      kernels.unpackLstmState(packed, cells, h!, c!, batch, this.units);
    }
  }

  /** Bytes of the hidden state, which the cell state follows. */
  #stateBytes(batch: number): number {
    return batch * padded(this.outputUnits) * FLOAT;
  }

  override plan(planner: Planner, inputs: CellInputs): CellOutput {
    if (this.variant) {
      const h = this.variant.planState(planner, inputs);
      return this.variant.plan(planner, inputs, h, this.planCommon(planner, inputs, h), this);
    }
    const { name, x, dx, states, initial, returnState, isRead } = inputs;
    const { batch: B } = planner;
    const T = x.steps;
    const I = x.width;
    const H = padded(this.units);
    const G = H / 4;
    const wide = I > WIDE;
    const fast = this.activation === 'tanh' && this.recurrentActivation === 'sigmoid';
    const hx = planner.rows(`${name}/hx`, T + 1, wide ? H : H + I);
    const { fields, output, after } = this.planCommon(planner, inputs, hx);
    const part = wide ? B : rowsOfPart('lstm', fields);
    const parts = B / part;
    const gatesGroup = rowBytes(part * GATES);
    const gap = parts > 1 ? PART_GAP : 0;
    const gatesPart = G * gatesGroup + gap;
    const cPart = parts > 1 ? roundUp(part * H * FLOAT, LINE) + gap : B * H * FLOAT;
    const scratch = (what: string, ...shape: number[]) =>
      planner.needsGradients ? planner.floats(`${name}/${what}`, ...shape) : 0;
    const cT = returnState ? planner.rows(`${name}/cT`, 1, this.units) : null;
    const dcT = returnState && isRead[2] ? planner.gradientRows(`${name}/dcT`, 1, this.units) : null;
    const call: KernelCall = {
      kind: 'lstm',
      fields: {
        ...fields,
        hx: hx.start,
        hxRow: hx.row,
        part,
        gates: planner.floats(`${name}/gates`, T, parts, gatesPart / FLOAT),
        gatesGroup,
        gatesPart,
        c: planner.floats(`${name}/c`, T + 1, parts, cPart / FLOAT),
        cPart,
        tanhC: planner.floats(`${name}/tanhC`, T, parts, cPart / FLOAT),
        wt: scratch('wt', 4 * H * (H + (dx ? padded(I) : 0))),
        dc: scratch('dc', parts, cPart / FLOAT),
        stateC: states ? offsetBy(states, this.#stateBytes(B)) : 0,
        ...stateFields('c0', initial && initial[1]!.y),
        ...stateFields('dc0', initial && initial[1]!.dy),
        ...stateFields('cT', cT),
        ...stateFields('dcT', dcT),
        savedC: states && initial ? planner.floats(`${name}/savedC`, G, B, 4) : 0,
        wide: Number(wide),
        recurrentActivation: numberOf(this.recurrentActivation),
        slopes: fast ? 0 : scratch('slopes', T, parts, gatesPart / FLOAT),
        slopesC: fast ? 0 : scratch('slopesC', T, parts, cPart / FLOAT),
        step: 0,
      },
    };
    planner.calls.push(call, ...after);
    return cT ? { ...output, states: [...output.states, { y: cT, dy: dcT, mask: null }] } : output;
  }
}

export class LSTM extends Recurrent {
  readonly useBias: boolean;

  constructor(options: LSTMOptions) {
    const call = 'layers.lstm';
    const known = checkLayerOptions<LSTMOptions>(call, options, [...own, ...recurrentOptions]);
    const cell = new LSTMCell(call, known);
    super('LSTM', known, [cell]);
    this.useBias = cell.useBias;
  }

  protected override remake(options: RecurrentOptions): LSTM {
    return new LSTM(options as LSTMOptions);
  }
}

/** Creates a cell for `layers.rnn`. */
export function lstmCell(options: LSTMCellOptions): LSTMCell {
  rejectExtraArguments('layers.lstmCell', 1, arguments);
  const call = 'layers.lstmCell';
  return new LSTMCell(call, checkOptions<LSTMCellOptions>(call, options, own));
}
