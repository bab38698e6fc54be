/** Layers that apply an activation and do nothing else. */

import { floatBits, type LayerOffsets, type Planner, padded, type Signal, strided } from '../plan/plan.ts';
import type { Config } from '../util/config.ts';
import { fail, show } from '../util/errors.ts';
import { checkNumber } from '../util/options.ts';
import { type Shape, showShape } from '../util/shapes.ts';
import { parametricActivationNumbers } from '../wasm/shared.generated.ts';
import {
  type ActivationName,
  hasOwnSlope,
  type Activation as Name,
  numberOf,
  resolveActivation,
} from './activations.ts';
import { checkLayerOptions, type LayerOptions } from './layer.ts';
import { Weightless } from './weightless.ts';

/** An activation with parameters: min(x, top) above zero, and alpha x or alpha (exp(x) - 1) below. */
interface Shaped {
  /** Its number in the kernels. */
  kind: number;
  alpha: number;
  top: number;
}

const { rectifier: RECTIFIER, exponential: EXPONENTIAL } = parametricActivationNumbers;

const rectifier = (alpha: number, top = Number.POSITIVE_INFINITY): Shaped => ({ kind: RECTIFIER, alpha, top });

/** What all of them are. */
export abstract class Pointwise extends Weightless {
  constructor(
    className: string,
    options: LayerOptions,
    private readonly f: ActivationName | Shaped,
  ) {
    super(className, options, 1);
  }

  override checkWrapped(): void {}

  override outputShapeFor(_call: string, input: Shape): Shape {
    return input;
  }

  override plan(planner: Planner, input: Signal, _home: LayerOffsets, top: boolean): Signal {
    const { f } = this;
    const { y: x, dy: dx, mask } = input;
    if (f === 'linear') return input;
    const fused = top && planner.fused === f;
    const shaped = typeof f === 'object';
    const y = planner.rows(`${this.name}/y`, x.steps, x.width);
    const dy = dx && !fused ? planner.rows(`${this.name}/dy`, x.steps, x.width) : null;
    const slope = dy && (shaped || f === 'relu' || f === 'sigmoid' || f === 'tanh' || hasOwnSlope(f));
    planner.calls.push({
      kind: 'activation',
      fields: {
        activation: shaped ? f.kind : numberOf(f),
        alpha: shaped ? floatBits(f.alpha) : 0,
        top: shaped ? floatBits(f.top) : 0,
        steps: x.steps,
        rows: x.rows,
        width: x.width,
        ...strided('x', x),
        ...strided('y', y),
        slope: slope ? planner.rows(`${this.name}/slope`, x.steps, x.width).place : 0,
        scratch: f === 'logSoftmax' ? planner.floats(`${this.name}/scratch`, padded(x.width)) : 0,
        ...strided('dy', dy),
        ...strided('dx', dy && dx),
      },
    });
    // The gradient of the logits goes straight to the layer below.
    return fused ? { y, dy: dx, mask, logits: x } : { y, dy, mask };
  }
}

/** Options of `layers.activation`. */
export interface ActivationOptions extends LayerOptions {
  /** Its name, as in the option of other layers. */
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
  /** The last one, which is the only one: -1, the default, or its number. */
  axis?: number;
}

export class Softmax extends Pointwise {
  readonly axis: number;

  constructor(options?: SoftmaxOptions) {
    const call = 'layers.softmax';
    const known = checkLayerOptions<SoftmaxOptions>(call, options, ['axis']);
    const { axis = -1 } = known;
    if (![-1, 1, 2].includes(axis)) fail(call, `axis must be the last one, -1, 1 or 2, got ${show(axis)}`);
    super('Softmax', known, 'softmax');
    this.axis = axis;
  }

  protected override settings(): Config {
    return { axis: this.axis };
  }

  override outputShapeFor(call: string, input: Shape): Shape {
    if (this.axis !== -1 && this.axis !== input.length - 1) {
      fail(call, `axis of ${this.name} must be -1, the last one of ${showShape(input)}, got ${this.axis}`);
    }
    return input;
  }
}

/** Options of `layers.reLU`. */
export interface ReLUOptions extends LayerOptions {
  /** The greatest result; none by default. */
  maxValue?: number | null;
  /** The slope for x below zero, as in Keras; default 0. */
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
    // TF.js supports maxValue only
    return { maxValue, ...(negativeSlope !== 0 && { negativeSlope }) };
  }
}

/** Options of `layers.leakyReLU`. */
export interface LeakyReLUOptions extends LayerOptions {
  /** The slope below zero; default 0.3. */
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
  /** The factor of exp(x) - 1 for x below zero; default 1. */
  alpha?: number;
}

export class ELU extends Pointwise {
  readonly alpha: number;

  constructor(options?: ELUOptions) {
    const call = 'layers.elu';
    const known = checkLayerOptions<ELUOptions>(call, options, ['alpha']);
    const alpha = checkNumber(call, 'alpha', known.alpha ?? 1);
    super('ELU', known, alpha === 1 ? 'elu' : { kind: EXPONENTIAL, alpha, top: Number.POSITIVE_INFINITY });
    this.alpha = alpha;
  }

  protected override settings(): Config {
    return { alpha: this.alpha };
  }
}
