/** The simpleRNN layer and its cell: options and plan. The equation is in assembly/recurrent/simpleRnn.ts. */

import { floatBits, type KernelCall, type Planner, padded, wholeLines } from '../../plan/planner.ts';
import { rejectExtraArguments } from '../../util/arguments.ts';
import { type Config, serialize } from '../../util/config.ts';
import { FLOAT } from '../../util/memorySizes.ts';
import { checkBoolean, checkNumber, checkOptions } from '../../util/options.ts';
import { useKernels } from '../../wasm/engine.ts';
import type { Kernels } from '../../wasm/kernels.ts';
import { simpleRnn } from '../../wasm/modules/simpleRnn.generated.ts';
import { type Initializer, type InitializerName, initializers } from '../../weights/initializers.ts';
import { checkLayerOptions } from '../layerOptions.ts';
import { readWeightSettings, type WeightSpec } from '../weightSpec.ts';
import { Cell, type CellInputs, type CellOptions, type CellOutput, cellOptions, stateFields } from './cell.ts';
import { type CellBuffer, hiddenStateBuffer } from './cellBuffers.ts';
import { Recurrent, type RecurrentOptions, recurrentOptions } from './recurrent.ts';

/** Options of `layers.simpleRNNCell`. */
export interface SimpleRNNCellOptions extends CellOptions {
  /**
   * Whether to normalize, in each time step and sample, the sum of the products of input and hidden state, before the bias
   * is added; with a trained gamma. Default: false.
   */
  layerNormalization?: boolean;
  /** Added to the variance by the layer normalization. Default: 0.001. */
  normEpsilon?: number;
  /** Initial gamma of the layer normalization, [units]. Default: 'ones'. */
  normGammaInitializer?: Initializer | InitializerName;
}

/** Options of `layers.simpleRNN`. */
export interface SimpleRNNOptions extends SimpleRNNCellOptions, RecurrentOptions {}

const own = [
  ...cellOptions,
  'layerNormalization',
  'normEpsilon',
  'normGammaInitializer',
] as const satisfies readonly (keyof SimpleRNNCellOptions)[];

/** Floats of the mean and the deviation of a row, as in the kernels. */
const MOMENTS = 8;

/** The input is multiplied by the kernel before the loop over time if it has more features than this, as for lstm. */
const WIDE = 8;

export class SimpleRNNCell extends Cell {
  readonly className = 'SimpleRNNCell';
  protected override readonly gates = 1;
  /** @internal Null without layer normalization. */
  readonly norm: { readonly epsilon: number; readonly gamma: Initializer } | null;

  /** @internal */
  constructor(call: string, known: Partial<SimpleRNNCellOptions>) {
    super(call, known);
    const { layerNormalization = false, normEpsilon = 0.001 } = known;
    const normalizes = checkBoolean(call, 'layerNormalization', layerNormalization);
    const epsilon = checkNumber(call, 'normEpsilon', normEpsilon, { above: 0 });
    const gamma = readWeightSettings(call, 'normGamma', known, () => initializers.ones()).initializer;
    this.norm = normalizes ? { epsilon, gamma } : null;
    useKernels(simpleRnn);
  }

  override getConfig(): Config {
    const config = super.getConfig();
    if (!this.norm) return config;
    const { epsilon, gamma } = this.norm;
    return { ...config, layerNormalization: true, normEpsilon: epsilon, normGammaInitializer: serialize(gamma) };
  }

  override get weightCount(): number {
    return super.weightCount + Number(this.norm !== null);
  }

  override describeWeights(inputs: number): Omit<WeightSpec, 'seed'>[] {
    const weights = super.describeWeights(inputs);
    if (!this.norm) return weights;
    return [...weights, { name: 'normGamma', shape: [this.units], initializer: this.norm.gamma }];
  }

  override remake(config: Config): Cell {
    return simpleRNNCell(config as never);
  }

  override get buffers(): Readonly<Record<string, CellBuffer>> {
    return { h: hiddenStateBuffer('hx') };
  }

  override parameterCount(inputs: number): number {
    const H = padded(this.units);
    return wholeLines(H * (1 + H + inputs + Number(this.norm !== null)));
  }

  /** Where gamma is among the packed weights, in bytes. */
  #gammaAt(inputs: number): number {
    const H = padded(this.units);
    return H * (1 + H + inputs) * FLOAT;
  }

  override packWeights(kernels: Kernels, packed: number, matrices: readonly number[], inputs: number): void {
    kernels.packSimpleRnnWeights(packed, matrices[0]!, matrices[1]!, this.#biasOf(matrices), inputs, this.units);
    if (!this.norm) return;
    const gamma = packed + this.#gammaAt(inputs);
    kernels.zero(gamma, padded(this.units) * FLOAT);
    kernels.copyRows(gamma, 0, 0, matrices.at(-1)!, 0, 0, 1, 1, this.units);
  }

  override unpackWeights(kernels: Kernels, packed: number, matrices: readonly number[], inputs: number): void {
    kernels.unpackSimpleRnnWeights(packed, matrices[0]!, matrices[1]!, this.#biasOf(matrices), inputs, this.units);
    if (this.norm) {
      kernels.copyRows(matrices.at(-1)!, 0, 0, packed + this.#gammaAt(inputs), 0, 0, 1, 1, this.units);
    }
  }

  #biasOf(matrices: readonly number[]): number {
    return this.useBias ? matrices[2]! : 0;
  }

  override plan(planner: Planner, inputs: CellInputs): CellOutput {
    const { name, x, dx, mask, parameters } = inputs;
    const { norm } = this;
    const I = x.width;
    const H = padded(this.units);
    const wide = I > WIDE;
    const hx = planner.rows(`${name}/hx`, x.steps + 1, wide ? H : H + I);
    const { fields, output, dh, after } = this.planCommon(planner, inputs, hx);
    // The gradients of z can replace those of the output, which tanh allows if every step has one and none is masked
    const inPlace = fields.sequences && !mask && this.activation === 'tanh' && !norm;
    const dz = inPlace ? dh : planner.gradientRows(`${name}/dz`, x.steps, this.units);
    const z = norm && planner.rows(`${name}/z`, x.steps, this.units);
    const dn = norm && planner.gradientRows(`${name}/dn`, x.steps, this.units);
    const call: KernelCall = {
      kind: 'simpleRnn',
      fields: {
        ...fields,
        hx: hx.start,
        hxRow: hx.row,
        wt: planner.needsGradients ? planner.floats(`${name}/wt`, H * (H + (dx ? padded(I) : 0))) : 0,
        dz: dz?.start ?? 0,
        dzRow: dz?.row ?? 0,
        wide: Number(wide),
        gamma: norm ? { block: 'weights', offset: parameters + this.#gammaAt(I) } : 0,
        ...stateFields('z', z),
        moments: norm ? planner.floats(`${name}/moments`, x.steps, planner.batch, MOMENTS) : 0,
        dn: dn?.start ?? 0,
        epsilon: norm ? floatBits(norm.epsilon) : 0,
      },
    };
    planner.calls.push(call, ...after);
    return output;
  }
}

export class SimpleRNN extends Recurrent {
  constructor(options: SimpleRNNOptions) {
    const call = 'layers.simpleRNN';
    const known = checkLayerOptions<SimpleRNNOptions>(call, options, [...own, ...recurrentOptions]);
    super('SimpleRNN', known, [new SimpleRNNCell(call, known)]);
  }

  protected override remake(options: RecurrentOptions): SimpleRNN {
    return new SimpleRNN(options as SimpleRNNOptions);
  }
}

/** Creates a cell for `layers.rnn`. */
export function simpleRNNCell(options: SimpleRNNCellOptions): SimpleRNNCell {
  rejectExtraArguments('layers.simpleRNNCell', 1, arguments);
  const call = 'layers.simpleRNNCell';
  return new SimpleRNNCell(call, checkOptions<SimpleRNNCellOptions>(call, options, own));
}
