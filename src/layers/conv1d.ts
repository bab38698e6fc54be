/** The convolution over time: options and plan. */

import {
  type LinearCall,
  type PlannedCall,
  type Planner,
  padded,
  parameterFields,
  type Rows,
  rowFields,
  type Signals,
  wholeLines,
} from '../plan/planner.ts';
import type { Config } from '../util/config.ts';
import { fail, show } from '../util/errors.ts';
import { FLOAT } from '../util/memorySizes.ts';
import { checkBoolean, checkCount } from '../util/options.ts';
import type { Shape } from '../util/shapes.ts';
import { useKernels } from '../wasm/engine.ts';
import type { Kernels } from '../wasm/kernels.ts';
import { conv } from '../wasm/modules/conv.generated.ts';
import type { Constraint, ConstraintName } from '../weights/constraints.ts';
import { type Initializer, type InitializerName, initializers } from '../weights/initializers.ts';
import type { Regularizer, RegularizerName } from '../weights/regularizers.ts';
import { type Activation, type ActivationName, numberOf, storesSlope } from './activations.ts';
import { Layer } from './layer.ts';
import { checkLayerOptions, type LayerOptions } from './layerOptions.ts';
import { readActivation } from './usedActivation.ts';
import { describeWeightSettings, readWeightSettings, type WeightSettings } from './weightSpec.ts';
import { checkChannelsLast, checkSequence, checkSteps, type Padding, readPadding, windowsOver } from './windows.ts';

/** Options of `layers.conv1d`. */
export interface Conv1DOptions extends LayerOptions {
  /** The number of output features. */
  filters: number;
  /** The number of time steps in a window. */
  kernelSize: number | readonly [number];
  /** The number of time steps from one window to the next. Default: 1. */
  strides?: number | readonly [number];
  /**
   * The zeros around the sequence. 'valid': none, so the output is shorter than the input. 'same': on both sides, so that
   * with strides of 1 the output has the length of the input. 'causal': before the sequence, so that an output depends on
   * its own time step and earlier ones only. Default: 'valid'.
   */
  padding?: Padding;
  /** The number of time steps from one number of a window to the next. Above 1, strides must be 1. Default: 1. */
  dilationRate?: number | readonly [number];
  /** The order of the axes of the input; 'channelsLast', [batch, timeSteps, features], is the only one. */
  dataFormat?: 'channelsLast';
  /** The number of groups of features, as Keras writes it in files; 1 is the only one. */
  groups?: 1;
  /** Activation of the output. Default: 'linear', which is none. */
  activation?: Activation;
  /** Whether to add a bias. Default: true. */
  useBias?: boolean;
  /** Initial kernel, [kernelSize, inputs, filters]. Default: 'glorotUniform'. */
  kernelInitializer?: Initializer | InitializerName;
  /** Initial bias, [filters]. Default: 'zeros'. */
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
  'filters',
  'kernelSize',
  'strides',
  'padding',
  'dilationRate',
  'dataFormat',
  'groups',
  'activation',
  'useBias',
  'kernelInitializer',
  'biasInitializer',
  'kernelRegularizer',
  'biasRegularizer',
  'kernelConstraint',
  'biasConstraint',
] as const satisfies readonly (keyof Conv1DOptions)[];

/** The kernels compute positions in int32. */
const LONGEST_WINDOW = 2 ** 30;

export class Conv1D extends Layer {
  readonly filters: number;
  readonly kernelSize: number;
  readonly strides: number;
  readonly padding: Padding;
  readonly dilationRate: number;
  readonly activation: ActivationName;
  readonly useBias: boolean;
  readonly #kernel: WeightSettings;
  readonly #bias: WeightSettings;

  constructor(options: Conv1DOptions) {
    const call = 'layers.conv1d';
    const known = checkLayerOptions<Conv1DOptions>(call, options, own);
    const filters = checkCount(call, 'filters', known.filters);
    const kernelSize = checkSteps(call, 'kernelSize', known.kernelSize);
    const strides = checkSteps(call, 'strides', known.strides ?? 1);
    const dilationRate = checkSteps(call, 'dilationRate', known.dilationRate ?? 1);
    const padding = readPadding(call, known.padding, ['valid', 'same', 'causal']);
    const { groups = 1, activation: function_ = 'linear' } = known;
    checkChannelsLast(call, known.dataFormat);
    if (groups !== 1) fail(call, `groups must be 1, got ${show(groups)}`);
    if (strides > 1 && dilationRate > 1) {
      fail(call, `strides or dilationRate must be 1, got strides ${strides} and dilationRate ${dilationRate}`);
    }
    const reach = (kernelSize - 1) * dilationRate + 1;
    if (reach > LONGEST_WINDOW) fail(call, `a window must have at most ${LONGEST_WINDOW} time steps, got ${reach}`);
    const activation = readActivation(call, 'activation', function_);
    const useBias = known.useBias === undefined ? true : checkBoolean(call, 'useBias', known.useBias);
    const kernel = readWeightSettings(call, 'kernel', known, () => initializers.glorotUniform());
    const bias = readWeightSettings(call, 'bias', known, () => initializers.zeros());
    super('Conv1D', known, 2);
    this.filters = filters;
    this.kernelSize = kernelSize;
    this.strides = strides;
    this.padding = padding;
    this.dilationRate = dilationRate;
    this.activation = activation;
    this.useBias = useBias;
    this.#kernel = kernel;
    this.#bias = bias;
    useKernels(conv);
  }

  protected override settings(): Config {
    const { filters, kernelSize, strides, padding, dilationRate, activation, useBias } = this;
    return {
      filters,
      kernelSize: [kernelSize],
      strides: [strides],
      padding,
      dataFormat: 'channelsLast',
      dilationRate: [dilationRate],
      activation,
      useBias,
      ...describeWeightSettings('kernel', this.#kernel),
      ...describeWeightSettings('bias', this.#bias),
    };
  }

  /** The layer does not read a mask, and its outputs have none, as in Keras. */
  override get endsMask(): boolean {
    return true;
  }

  override get runsByTimeStep(): boolean {
    return this.kernelSize === 1 && this.strides === 1;
  }

  /** The time steps from the first to the last of a window. */
  get #reach(): number {
    return (this.kernelSize - 1) * this.dilationRate + 1;
  }

  /** @internal The windows over a sequence, and the zeros before it. */
  windows(call: string, steps: number): { steps: number; before: number } {
    const { strides: stride, padding } = this;
    return windowsOver(call, this.name, steps, { extent: this.#reach, stride, padding });
  }

  override outputShapeFor(call: string, input: Shape): Shape {
    checkSequence(call, this.name, input);
    const steps = input[1] === null ? null : this.windows(call, input[1]!).steps;
    return [input[0]!, steps, this.filters];
  }

  protected override describeWeights(input: Shape) {
    const kernel = { name: 'kernel', shape: [this.kernelSize, input.at(-1)!, this.filters], ...this.#kernel };
    return this.useBias ? [kernel, { name: 'bias', shape: [this.filters], ...this.#bias }] : [kernel];
  }

  /** The rows of the kernel as a matrix. */
  get #height(): number {
    return this.kernelSize * this.connection.inputs[0]!.at(-1)!;
  }

  override get parameterCount(): number {
    return wholeLines((1 + this.#height) * padded(this.filters));
  }

  override packWeights(kernels: Kernels, packed: number, matrices: readonly number[]): void {
    kernels.packDenseWeights(packed, matrices[0]!, matrices[1] ?? 0, this.#height, this.filters);
  }

  override unpackWeights(kernels: Kernels, packed: number, matrices: readonly number[]): void {
    kernels.unpackDenseWeights(packed, matrices[0]!, matrices[1] ?? 0, this.#height, this.filters);
  }

  override plan(planner: Planner, [{ y: x, dy: dx }]: Signals, call: PlannedCall): Signals {
    const { needsGradients } = planner;
    const { filters, activation, kernelSize } = this;
    const { steps, before } = this.windows(call.name, x.steps);
    const width = padded(filters);
    // The output keeps the order of the input, by sample or by time step, and is contiguous
    const bySample = x.row > x.step && x.step > 0;
    const row = (bySample ? steps : 1) * width * FLOAT;
    const step = (bySample ? 1 : x.rows) * width * FLOAT;
    const like = (name: string): Rows => {
      const start = planner.floats(`${call.name}/${name}`, steps * x.rows, width);
      return { start, row, step, steps, rows: x.rows, width: filters };
    };
    const y = like('y');
    const dy = needsGradients ? like('dy') : null;
    const inLoss = activation === call.lossActivation;
    const logits = inLoss ? like('logits') : null;
    const slope = needsGradients && !inLoss && storesSlope(activation) ? like('slope') : null;
    const planned: LinearCall = {
      kind: 'conv1d',
      fields: {
        rows: x.rows,
        steps: x.steps,
        outputSteps: steps,
        inputs: x.width,
        units: filters,
        taps: kernelSize,
        // Longer strides than these also lead out of the sequence
        stride: Math.min(this.strides, x.steps + this.#reach),
        dilation: kernelSize === 1 ? 1 : this.dilationRate,
        before,
        activation: numberOf(activation),
        ...rowFields('x', x),
        z: (logits ?? y).start,
        ...rowFields('y', y),
        slope: slope?.start ?? 0,
        scratch: activation === 'logSoftmax' ? planner.floats(`${call.name}/scratch`, width) : 0,
        ...parameterFields(planner, call.offsets.parameters),
        wt: dx ? planner.floats(`${call.name}/wt`, kernelSize * filters, padded(x.width)) : 0,
        dy: dy?.start ?? 0,
        ...rowFields('dx', dx),
        useBias: Number(this.useBias),
        fused: Number(inLoss),
      },
    };
    planner.calls.push(planned);
    if (logits) return [{ y, dy, mask: null, logits }];
    return [activation === 'linear' ? { y, dy, mask: null, linear: planned } : { y, dy, mask: null }];
  }
}
