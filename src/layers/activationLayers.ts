/** Layers that only apply an activation. */

import { floatBits, type PlannedCall, type Planner, padded, rowFields, type Signals } from '../plan/planner.ts';
import type { Config } from '../util/config.ts';
import { fail, show } from '../util/errors.ts';
import { checkNumber } from '../util/options.ts';
import { type Shape, showShape } from '../util/shapes.ts';
import { useKernels } from '../wasm/engine.ts';
import { activations } from '../wasm/modules/activations.generated.ts';
import { parametricActivationNumbers } from '../wasm/shared.generated.ts';
import {
  type ActivationName,
  type Activation as Name,
  numberOf,
  resolveActivation,
  storesSlope,
} from './activations.ts';
import { Layer } from './layer.ts';
import { checkLayerOptions, type LayerOptions } from './layerOptions.ts';

/**
 * An activation with parameters: min(x, maxValue) for x above zero, and alpha x or alpha (exp(x) - 1) below; or x above
 * alpha, and 0 below.
 */
interface ParametricActivation {
  /** Its number in the kernels, after those of the activations without parameters. */
  kind: number;
  alpha: number;
  maxValue: number;
}

const { rectifier: RECTIFIER, exponential: EXPONENTIAL, threshold: THRESHOLD } = parametricActivationNumbers;

const rectifier = (alpha: number, maxValue = Number.POSITIVE_INFINITY): ParametricActivation => ({
  kind: RECTIFIER,
  alpha,
  maxValue,
});

/** The base class of activation layers. */
export abstract class Pointwise extends Layer {
  constructor(
    className: string,
    options: LayerOptions,
    private readonly f: ActivationName | ParametricActivation,
  ) {
    super(className, options, 1);
    useKernels(activations);
  }

  override checkWrapped(): void {}

  override get takesAnyWidth(): boolean {
    return true;
  }

  override outputShapeFor(_call: string, input: Shape): Shape {
    return input;
  }

  override plan(planner: Planner, inputs: Signals, call: PlannedCall): Signals {
    const { f } = this;
    const { y: x, dy: dx, mask } = inputs[0];
    if (f === 'linear') return inputs;
    const inLoss = f === call.lossActivation;
    const parametric = typeof f === 'object';
    const y = planner.rows(`${call.name}/y`, x.steps, x.width);
    const dy = dx && !inLoss ? planner.rows(`${call.name}/dy`, x.steps, x.width) : null;
    const slope = dy && (parametric || f === 'relu' || f === 'sigmoid' || f === 'tanh' || storesSlope(f));
    planner.calls.push({
      kind: 'activation',
      fields: {
        activation: parametric ? f.kind : numberOf(f),
        alpha: parametric ? floatBits(f.alpha) : 0,
        top: parametric ? floatBits(f.maxValue) : 0,
        steps: x.steps,
        rows: x.rows,
        width: x.width,
        ...rowFields('x', x),
        ...rowFields('y', y),
        slope: slope ? planner.rows(`${call.name}/slope`, x.steps, x.width).start : 0,
        scratch: f === 'logSoftmax' ? planner.floats(`${call.name}/scratch`, padded(x.width)) : 0,
        ...rowFields('dy', dy),
        ...rowFields('dx', dy && dx),
      },
    });
    // The loss writes the gradient of the logits directly into that of the input
    return [inLoss ? { y, dy: dx, mask, logits: x } : { y, dy, mask }];
  }
}

/** Options of `layers.activation`. */
export interface ActivationOptions extends LayerOptions {
  /** The name of the activation, such as 'relu', 'tanh' or 'softmax'. */
  activation: Name;
}

export class Activation extends Pointwise {
  readonly activation: ActivationName;

  constructor(options: ActivationOptions) {
    const call = 'layers.activation';
    const known = checkLayerOptions<ActivationOptions>(call, options, ['activation']);
    const activation = resolveActivation(call, 'activation', known.activation);
    super('Activation', known, activation);
    this.activation = activation;
  }

  protected override settings(): Config {
    return { activation: this.activation };
  }
}

/** Options of `layers.softmax`. */
export interface SoftmaxOptions extends LayerOptions {
  /** The axis over which the outputs sum to 1. It must be the last one: -1, or 1 or 2 by its index. Default: -1. */
  axis?: number;
}

export class Softmax extends Pointwise {
  readonly axis: number;

  constructor(options?: SoftmaxOptions) {
    const call = 'layers.softmax';
    const known = checkLayerOptions<SoftmaxOptions>(call, options, ['axis']);
    const { axis = -1 } = known;
    if (![-1, 1, 2].includes(axis)) fail(call, `axis must be -1, 1 or 2, got ${show(axis)}`);
    super('Softmax', known, 'softmax');
    this.axis = axis;
  }

  protected override settings(): Config {
    return { axis: this.axis };
  }

  override outputShapeFor(call: string, input: Shape): Shape {
    if (this.axis !== -1 && this.axis !== input.length - 1) {
      fail(
        call,
        `axis of ${this.name} must be the last one of ${showShape(input)}, -1 or ${input.length - 1}, got ${this.axis}`,
      );
    }
    return input;
  }
}

/** Options of `layers.reLU`. */
export interface ReLUOptions extends LayerOptions {
  /** The upper limit of the output, at least 0; null for none. Default: null. */
  maxValue?: number | null;
  /** The slope for inputs below zero, as in Keras. Default: 0. */
  negativeSlope?: number;
}

export class ReLU extends Pointwise {
  readonly maxValue: number | null;
  readonly negativeSlope: number;

  constructor(options?: ReLUOptions) {
    const call = 'layers.reLU';
    const known = checkLayerOptions<ReLUOptions>(call, options, ['maxValue', 'negativeSlope']);
    const most = known.maxValue ?? null;
    if (most !== null) checkNumber(call, 'maxValue', most, { least: 0 });
    const slope = checkNumber(call, 'negativeSlope', known.negativeSlope ?? 0);
    super('ReLU', known, rectifier(slope, most ?? undefined));
    this.maxValue = most;
    this.negativeSlope = slope;
  }

  protected override settings(): Config {
    const { maxValue, negativeSlope } = this;
    // TF.js has only maxValue, so the default slope is left out
    return { maxValue, ...(negativeSlope !== 0 && { negativeSlope }) };
  }
}

/** Options of `layers.leakyReLU`. */
export interface LeakyReLUOptions extends LayerOptions {
  /** The slope for inputs below zero. Default: 0.3. */
  alpha?: number;
}

export class LeakyReLU extends Pointwise {
  readonly alpha: number;

  constructor(options?: LeakyReLUOptions) {
    const call = 'layers.leakyReLU';
    const known = checkLayerOptions<LeakyReLUOptions>(call, options, ['alpha']);
    const alpha = checkNumber(call, 'alpha', known.alpha ?? 0.3);
    super('LeakyReLU', known, rectifier(alpha));
    this.alpha = alpha;
  }

  protected override settings(): Config {
    return { alpha: this.alpha };
  }
}

/** Options of `layers.elu`. */
export interface ELUOptions extends LayerOptions {
  /** The factor of exp(x) - 1 for inputs x below zero. Default: 1. */
  alpha?: number;
}

export class ELU extends Pointwise {
  readonly alpha: number;

  constructor(options?: ELUOptions) {
    const call = 'layers.elu';
    const known = checkLayerOptions<ELUOptions>(call, options, ['alpha']);
    const alpha = checkNumber(call, 'alpha', known.alpha ?? 1);
    super('ELU', known, alpha === 1 ? 'elu' : { kind: EXPONENTIAL, alpha, maxValue: Number.POSITIVE_INFINITY });
    this.alpha = alpha;
  }

  protected override settings(): Config {
    return { alpha: this.alpha };
  }
}

/** Options of `layers.thresholdedReLU`. */
export interface ThresholdedReLUOptions extends LayerOptions {
  /** The limit above which inputs are kept. Default: 1. */
  theta?: number;
}

export class ThresholdedReLU extends Pointwise {
  readonly theta: number;

  constructor(options?: ThresholdedReLUOptions) {
    const call = 'layers.thresholdedReLU';
    const known = checkLayerOptions<ThresholdedReLUOptions>(call, options, ['theta']);
    const theta = checkNumber(call, 'theta', known.theta ?? 1);
    super('ThresholdedReLU', known, { kind: THRESHOLD, alpha: theta, maxValue: Number.POSITIVE_INFINITY });
    this.theta = theta;
  }

  protected override settings(): Config {
    return { theta: this.theta };
  }
}
