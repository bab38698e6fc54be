/** The dense layer: options and plan. */

import { type PlannedCall, type Planner, padded, type Signals, wholeLines } from '../plan/planner.ts';
import type { Config } from '../util/config.ts';
import { checkBoolean, checkCount } from '../util/options.ts';
import type { Shape } from '../util/shapes.ts';
import type { Kernels } from '../wasm/kernels.ts';
import type { Constraint, ConstraintName } from '../weights/constraints.ts';
import { glorotUniform, type Initializer, type InitializerName, zeros } from '../weights/initializers.ts';
import type { Regularizer, RegularizerName } from '../weights/regularizers.ts';
import type { Activation, ActivationName } from './activations.ts';
import { Layer } from './layer.ts';
import { checkLayerOptions, type LayerOptions } from './layerOptions.ts';
import { planDense } from './planDense.ts';
import { readActivation } from './usedActivation.ts';
import { describeWeightSettings, readWeightSettings, type WeightSettings } from './weightSpec.ts';

/** Options of `layers.dense`. */
export interface DenseOptions extends LayerOptions {
  /** The number of output features. */
  units: number;
  /** Activation of the output. Default: 'linear', which is none. */
  activation?: Activation;
  /** Whether to add a bias. Default: true. */
  useBias?: boolean;
  /** Initial kernel, [inputs, units]. Default: 'glorotUniform'. */
  kernelInitializer?: Initializer | InitializerName;
  /** Initial bias, [units]. Default: 'zeros'. */
  biasInitializer?: Initializer | InitializerName;
  /** Penalty on the kernel, added to the loss. Default: none. */
  kernelRegularizer?: Regularizer | RegularizerName | null;
  /** Penalty on the bias, added to the loss. Default: none. */
  biasRegularizer?: Regularizer | RegularizerName | null;
  /** Constraint applied to the kernel after every update. Default: none. */
  kernelConstraint?: Constraint | ConstraintName | null;
  /** Constraint applied to the bias after every update. Default: none. */
  biasConstraint?: Constraint | ConstraintName | null;
}

const own = [
  'units',
  'activation',
  'useBias',
  'kernelInitializer',
  'biasInitializer',
  'kernelRegularizer',
  'biasRegularizer',
  'kernelConstraint',
  'biasConstraint',
] as const satisfies readonly (keyof DenseOptions)[];

export class Dense extends Layer {
  readonly units: number;
  readonly activation: ActivationName;
  readonly useBias: boolean;
  readonly #kernel: WeightSettings;
  readonly #bias: WeightSettings;

  constructor(options: DenseOptions) {
    const call = 'layers.dense';
    const known = checkLayerOptions<DenseOptions>(call, options, own);
    const units = checkCount(call, 'units', known.units);
    const activation = readActivation(call, 'activation', known.activation ?? 'linear');
    const useBias = known.useBias === undefined ? true : checkBoolean(call, 'useBias', known.useBias);
    const kernel = readWeightSettings(call, 'kernel', known, glorotUniform);
    const bias = readWeightSettings(call, 'bias', known, zeros);
    super('Dense', known, 1);
    this.units = units;
    this.activation = activation;
    this.useBias = useBias;
    this.#kernel = kernel;
    this.#bias = bias;
  }

  protected override settings(): Config {
    const { units, activation, useBias } = this;
    return {
      units,
      activation,
      useBias,
      ...describeWeightSettings('kernel', this.#kernel),
      ...describeWeightSettings('bias', this.#bias),
    };
  }

  override checkWrapped(): void {}

  override outputShapeFor(_call: string, input: Shape): Shape {
    return [...input.slice(0, -1), this.units];
  }

  protected override describeWeights(input: Shape) {
    const kernel = { name: 'kernel', shape: [input.at(-1)!, this.units], ...this.#kernel };
    return this.useBias ? [kernel, { name: 'bias', shape: [this.units], ...this.#bias }] : [kernel];
  }

  get #inputs(): number {
    return this.connection.inputs[0]!.at(-1)!;
  }

  override get parameterCount(): number {
    return wholeLines((1 + this.#inputs) * padded(this.units));
  }

  override packWeights(kernels: Kernels, packed: number, matrices: readonly number[]): void {
    kernels.packDenseWeights(packed, matrices[0]!, matrices[1] ?? 0, this.#inputs, this.units);
  }

  override unpackWeights(kernels: Kernels, packed: number, matrices: readonly number[]): void {
    kernels.unpackDenseWeights(packed, matrices[0]!, matrices[1] ?? 0, this.#inputs, this.units);
  }

  override plan(planner: Planner, [input]: Signals, call: PlannedCall): Signals {
    return [planDense(planner, input, call, this.units, this.useBias, this.activation)];
  }
}
