/** The dense layer: options, shapes, and what its kernels need. */

import {
  inLine,
  type LayerOffsets,
  type Planner,
  padded,
  type Rows,
  type Signal,
  spacing,
  wholeLines,
} from '../plan/plan.ts';
import type { Config } from '../util/config.ts';
import { checkBoolean, checkCount } from '../util/options.ts';
import type { Shape } from '../util/shapes.ts';
import { FLOAT } from '../util/units.ts';
import type { Kernels } from '../wasm/kernels.ts';
import { type Constraint, type ConstraintName, resolveConstraint } from '../weights/constraints.ts';
import { type Initializer, type InitializerName, initializers, resolveInitializer } from '../weights/initializers.ts';
import { type Regularizer, type RegularizerName, resolveRegularizer } from '../weights/regularizers.ts';
import { type Activation, type ActivationName, hasOwnSlope, numberOf, resolveActivation } from './activations.ts';
import { checkLayerOptions, Layer, type LayerOptions, settingsOf, type WeightSettings } from './layer.ts';

/** Options of `layers.dense`. */
export interface DenseOptions extends LayerOptions {
  /** Width of the output. */
  units: number;
  /** Default linear. */
  activation?: Activation;
  /** Default true. */
  useBias?: boolean;
  /** Of the kernel [D, U]; default glorotUniform. */
  kernelInitializer?: Initializer | InitializerName;
  /** Of the bias [U]; default zeros. */
  biasInitializer?: Initializer | InitializerName;
  /** A penalty on the kernel that joins the loss; none by default. */
  kernelRegularizer?: Regularizer | RegularizerName | null;
  /** A penalty on the bias that joins the loss; none by default. */
  biasRegularizer?: Regularizer | RegularizerName | null;
  /** What the kernel must be after every update; anything by default. */
  kernelConstraint?: Constraint | ConstraintName | null;
  /** What the bias must be after every update; anything by default. */
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
    const activation = resolveActivation(call, 'activation', known.activation ?? 'linear');
    const useBias = known.useBias === undefined ? true : checkBoolean(call, 'useBias', known.useBias);
    const kernel = {
      initializer: resolveInitializer(
        call,
        'kernelInitializer',
        known.kernelInitializer ?? initializers.glorotUniform(),
      ),
      regularizer: resolveRegularizer(call, 'kernelRegularizer', known.kernelRegularizer),
      constraint: resolveConstraint(call, 'kernelConstraint', known.kernelConstraint),
    };
    const bias = {
      initializer: resolveInitializer(call, 'biasInitializer', known.biasInitializer ?? initializers.zeros()),
      regularizer: resolveRegularizer(call, 'biasRegularizer', known.biasRegularizer),
      constraint: resolveConstraint(call, 'biasConstraint', known.biasConstraint),
    };
    super('Dense', known, 1);
    this.units = units;
    this.activation = activation;
    this.useBias = useBias;
    this.#kernel = kernel;
    this.#bias = bias;
  }

  protected override settings(): Config {
    const { units, activation, useBias } = this;
    return { units, activation, useBias, ...settingsOf('kernel', this.#kernel), ...settingsOf('bias', this.#bias) };
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
    return this.built.input.at(-1)!;
  }

  override get parameterCount(): number {
    return wholeLines((1 + this.#inputs) * padded(this.units));
  }

  override moveWeights(kernels: Kernels, packed: number, plain: readonly number[], inward: boolean): void {
    const [kernel, bias] = plain;
    const move = inward ? kernels.packDenseWeights : kernels.unpackDenseWeights;
    move(packed, kernel!, bias ?? 0, this.#inputs, this.units);
  }

  override plan(planner: Planner, input: Signal, home: LayerOffsets, top: boolean): Signal {
    const { training } = planner;
    const { y: x, dy: dx, mask } = inLine(planner, this.name, input);
    const K = x.width;
    const N = this.units;
    const width = padded(N);
    // Rows go through in the order in which they lie, sample by sample or step by step: their order is that of y.
    const { bySample, stride } = spacing(x)!;
    const like = (name: string): Rows => {
      const place = planner.floats(`${this.name}/${name}`, x.steps * x.rows, width);
      const row = (bySample ? x.steps : 1) * width * FLOAT;
      const step = (bySample ? 1 : x.rows) * width * FLOAT;
      return { place, row, step, steps: x.steps, rows: x.rows, width: N };
    };
    const y = like('y');
    const dy = training ? like('dy') : null;
    const fused = top && planner.fused === this.activation;
    const logits = fused ? like('logits') : null;
    const slope = training && !fused && hasOwnSlope(this.activation) ? like('slope') : null;
    planner.calls.push({
      kind: 'dense',
      fields: {
        rows: x.steps * x.rows,
        inputs: K,
        units: N,
        activation: numberOf(this.activation),
        x: x.place,
        xRow: stride,
        z: (logits ?? y).place,
        y: y.place,
        slope: slope?.place ?? 0,
        scratch: this.activation === 'logSoftmax' ? planner.floats(`${this.name}/scratch`, width) : 0,
        w: { block: 'weights', offset: home.parameters },
        dw: training ? { block: 'gradients', offset: home.parameters } : 0,
        wt: dx ? planner.floats(`${this.name}/wt`, N, padded(K)) : 0,
        dy: dy?.place ?? 0,
        dx: dx?.place ?? 0,
        dxRow: dx ? spacing(dx)!.stride : 0,
        useBias: Number(this.useBias),
        fused: Number(fused),
      },
    });
    return logits ? { y, dy, mask, logits } : { y, dy, mask };
  }
}
