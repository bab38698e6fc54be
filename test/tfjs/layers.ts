/** Random layers that are not recurrent, drawn from a seed. */

import { Random } from '../reference/random.ts';
import type { Json, Spec } from './specs.ts';

/** A call of a library function, `{ call: 'regularizers.l2', args: { l2: 0.1 } }`. */
const call = (name: string, args: Record<string, Json>): Json => ({ call: name, args });

/** Elementwise activations. Softmax uses a whole row, so it is only used for outputs. */
const activations = [
  'tanh',
  'sigmoid',
  'hardSigmoid',
  'linear',
  'relu',
  'relu6',
  'elu',
  'selu',
  'softplus',
  'softsign',
  'swish',
  'gelu',
];

/** The output shape of the layers so far. */
export interface Shape {
  steps: number | null;
  width: number;
  masked: boolean;
  /** A layer below had a mask, which TF.js would apply to any later sequence. */
  hadMask?: boolean;
  /** A layer requires a fixed number of time steps. */
  fixesSteps?: boolean;
}

/** Draws numbers, choices and layers; the same seed draws the same on every machine. */
export class LayerGenerator {
  #random: Random;
  protected readonly seed: number;
  /** The share of weights with a regularizer, and of those with a constraint. */
  protected readonly boundsShare: number = 0.1;

  /**
   * Whether the model is not trained: layers may drop out and add noise, which they do in training only, and convolutions may
   * have a dilation, for which TF.js has no gradient.
   */
  protected onlyPredicts = false;

  constructor(seed: number) {
    this.seed = seed;
    this.#random = new Random(seed);
  }

  /** A layer that is not recurrent; changes the shape to that of its output. Returns null for other kinds. */
  protected plain(kind: string, shape: Shape): Spec | null {
    switch (kind) {
      case 'dense':
        return this.dense(shape);
      case 'timeDistributed':
        return { kind, config: {}, layer: this.dense(shape) };
      case 'activation':
        return { kind, config: { activation: this.activation() } };
      case 'dropout':
      case 'spatialDropout1d':
      case 'gaussianDropout':
        return { kind, config: { rate: this.onlyPredicts ? 0.4 : 0 } };
      case 'conv1d':
        return this.conv1d(shape, this.bounds(['kernel', 'bias']));
      case 'batchNormalization':
      case 'layerNormalization':
        return this.#normalization(kind);
      case 'gaussianNoise':
        return { kind, config: { stddev: this.onlyPredicts ? 0.5 : 0 } };
      case 'leakyReLU':
        return { kind, config: { alpha: this.pick([0.01, 0.3, 1.5]) } };
      case 'thresholdedReLU':
        return { kind, config: { theta: this.pick([0.1, 0.5]) } };
      case 'elu':
        return { kind, config: { alpha: 1 } };
      case 'maxPooling1d':
      case 'averagePooling1d':
        return this.#pooling(kind, shape);
      case 'globalMaxPooling1d':
      case 'globalAveragePooling1d':
        shape.steps = null;
        return { kind, config: {} };
      case 'cropping1d': {
        const room = shape.steps! - 2;
        const start = this.whole(0, room);
        const cropping = [start, this.whole(0, room - start)];
        shape.steps = shape.steps! - cropping[0]! - cropping[1]!;
        return { kind, config: { cropping } };
      }
      case 'zeroPadding1d': {
        const padding = [this.whole(0, 2), this.whole(0, 2)];
        shape.steps = shape.steps! + padding[0]! + padding[1]!;
        return { kind, config: { padding } };
      }
      case 'upSampling1d': {
        const size = this.whole(1, 3);
        shape.steps = shape.steps! * size;
        return { kind, config: { size } };
      }
      case 'permute':
        if (shape.width < 2) return { kind: 'activation', config: { activation: 'tanh' } };
        [shape.steps, shape.width] = [shape.width, shape.steps!];
        shape.fixesSteps = true;
        return { kind, config: { dims: [2, 1] } };
      case 'prelu':
        return this.#prelu(shape);
      case 'repeatVector':
        shape.steps = this.whole(2, 4);
        return { kind, config: { n: shape.steps } };
      case 'flatten':
        this.#flatten(shape);
        return { kind, config: {} };
      case 'reshape':
        return this.#reshape(shape);
      default:
        return null;
    }
  }

  protected dense(shape: Shape, activation = this.activation(), units = this.whole(1, 6)): Spec {
    shape.width = units;
    const config = { units, activation, useBias: this.chance(0.8), ...this.bounds(['kernel', 'bias']) };
    return { kind: 'dense', config };
  }

  /**
   * TF.js lacks causal padding and gradients with a dilation. The output has at least two steps, because TF.js cannot train
   * on sequences of one.
   */
  protected conv1d(shape: Shape, more: Spec['config'] = {}): Spec {
    const padding = this.pick(['valid', 'same']);
    const kernelSize = this.whole(1, padding === 'same' ? 4 : Math.max(1, shape.steps! - 1));
    const fits = padding === 'same' || 2 * (kernelSize - 1) + 1 < shape.steps!;
    const dilationRate = this.onlyPredicts && fits ? 2 : 1;
    const room = padding === 'same' ? shape.steps! : shape.steps! - dilationRate * (kernelSize - 1);
    const strides = room > 2 && dilationRate === 1 ? this.whole(1, 2) : 1;
    shape.steps = Math.ceil(room / strides);
    shape.width = this.whole(1, 6);
    shape.fixesSteps = true;
    const config = { filters: shape.width, kernelSize, strides, padding, dilationRate };
    const rest = { activation: this.activation(), useBias: this.chance(0.8), ...more };
    return { kind: 'conv1d', config: { ...config, ...rest } };
  }

  #normalization(kind: string): Spec {
    const config = { epsilon: this.pick([0.001, 0.1]), ...this.bounds(['gamma', 'beta']) };
    // TF.js cannot train them without center or scale
    if (kind === 'batchNormalization') return { kind, config: { ...config, momentum: this.pick([0.99, 0.6]) } };
    const { gammaConstraint: _, betaConstraint: __, ...others } = config as Record<string, Json>; // not in TF.js
    return { kind, config: others };
  }

  /** Windows that leave at least two steps. TF.js computes other gradients for means of padded windows. */
  #pooling(kind: string, shape: Shape): Spec {
    const config = { poolSize: this.whole(1, 3), strides: this.whole(1, 2), padding: this.pick(['valid', 'same']) };
    const steps = shape.steps!;
    const count = ({ poolSize, strides, padding }: typeof config) =>
      padding === 'same' ? Math.ceil(steps / strides) : Math.floor((steps - poolSize) / strides) + 1;
    if (kind === 'averagePooling1d') config.padding = 'valid';
    if (count(config) < 2) Object.assign(config, { poolSize: 1, strides: 1 });
    shape.steps = count(config);
    return { kind, config };
  }

  #prelu(shape: Shape): Spec {
    const axes = shape.steps === null ? [null, [1]] : [null, [1], [2], [1, 2]];
    const sharedAxes = this.pick(axes);
    if (shape.steps !== null && !sharedAxes?.includes(1)) shape.fixesSteps = true;
    return { kind: 'prelu', config: { sharedAxes, ...this.bounds(['alpha']) } };
  }

  #reshape(shape: Shape): Spec {
    const size = (shape.steps ?? 1) * shape.width;
    const divisors = Array.from({ length: size }, (_, n) => n + 1).filter(n => n > 1 && size % n === 0);
    const targetShape = divisors.length > 0 && this.chance(0.6) ? [this.pick(divisors)] : [];
    if (targetShape.length > 0) {
      targetShape.push(size / targetShape[0]!);
      [shape.steps, shape.width] = [targetShape[0]!, targetShape[1]!];
    } else {
      targetShape.push(size);
      this.#flatten(shape);
    }
    shape.fixesSteps = true;
    return { kind: 'reshape', config: { targetShape } };
  }

  #flatten(shape: Shape): void {
    shape.width *= shape.steps ?? 1;
    shape.steps = null;
    shape.fixesSteps = true;
  }

  /** Regularizers and constraints. */
  protected bounds(weights: string[]): Record<string, Json> {
    const bounds: Record<string, Json> = {};
    for (const weight of weights) {
      if (this.chance(this.boundsShare)) {
        bounds[`${weight}Regularizer`] = this.pick([
          call('regularizers.l1', { l1: 0.01 }),
          call('regularizers.l2', { l2: 0.02 }),
          call('regularizers.l1l2', { l1: 0.005, l2: 0.01 }),
        ]);
      }
      if (this.chance(this.boundsShare)) {
        bounds[`${weight}Constraint`] = this.pick([
          call('constraints.maxNorm', { maxValue: 0.8, axis: 0 }),
          // nonNeg sets weights to 0, where the derivative of |w| is -1 in TF.js and 0 in lstm-wasm.
          ...(JSON.stringify(bounds).includes('l1') ? [] : [call('constraints.nonNeg', {})]),
          call('constraints.unitNorm', { axis: 0 }),
          call('constraints.minMaxNorm', { minValue: 0.4, maxValue: 0.9, rate: 0.7, axis: 0 }),
        ]);
      }
    }
    return bounds;
  }

  protected activation(): string {
    return this.pick(activations);
  }

  protected whole(minimum: number, maximum: number): number {
    return minimum + (this.#random.bits() % (maximum - minimum + 1));
  }

  protected chance(share: number): boolean {
    return this.#random.bits() / 2 ** 32 < share;
  }

  protected pick<T>(from: readonly T[]): T {
    return from[this.#random.bits() % from.length]!;
  }
}
