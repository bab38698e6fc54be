// Layers of users, for tests: classes that extend `layers.Layer`.

import {
  type CallArguments,
  type Config,
  type Initializer,
  initializers,
  type LayerOptions,
  type LayerVariable,
  layers,
  type Regularizer,
  type Shape,
  serialization,
  type Tensor,
  tensor,
} from 'lstm-wasm';

interface OwnDenseOptions extends LayerOptions {
  units: number;
  activation?: 'tanh' | 'linear';
  kernelInitializer?: Initializer;
  kernelRegularizer?: Regularizer;
}

/** The same as the built-in `dense`, for inputs of any rank. */
export class OwnDense extends layers.Layer {
  static readonly className: string = 'OwnDense';
  readonly units: number;
  readonly activation: string;
  readonly #options: OwnDenseOptions;
  kernel!: LayerVariable;
  bias!: LayerVariable;

  constructor(options: OwnDenseOptions) {
    super(options);
    this.units = options.units;
    this.activation = options.activation ?? 'tanh';
    this.perTimeStep = true;
    this.supportsMasking = true;
    this.#options = options;
  }

  override build(inputShape: Shape): void {
    const { kernelInitializer = initializers.glorotUniform(), kernelRegularizer } = this.#options;
    const shape = [inputShape.at(-1)!, this.units];
    this.kernel = this.addWeight('kernel', shape, 'float32', kernelInitializer, kernelRegularizer);
    this.bias = this.addWeight('bias', [this.units], null, 'zeros');
    super.build(inputShape);
  }

  override call([x]: [Tensor]): Tensor {
    const flat = x.reshape([-1, x.shape.at(-1)!]);
    const y = flat.matMul(this.kernel.read()).add(this.bias.read());
    const all = y.reshape([...x.shape.slice(0, -1), this.units]);
    return this.activation === 'tanh' ? all.tanh() : all;
  }

  override computeOutputShape(inputShape: Shape): Shape {
    return [...inputShape.slice(0, -1), this.units];
  }

  override getConfig(): Config {
    return { ...super.getConfig(), units: this.units, activation: this.activation };
  }
}

/** Multiplies each feature by a weight, and its inputs by each other. */
export class Gate extends layers.Layer {
  static readonly className = 'Gate';
  override perTimeStep = true;
  override supportsMasking = true;
  scale!: LayerVariable;

  override build(inputShape: Shape[]): void {
    this.scale = this.addWeight('scale', [inputShape[0]!.at(-1)!], 'float32', 'ones');
  }

  override call([a, b]: [Tensor, Tensor]): Tensor {
    return a.mul(this.scale.read()).mul(b.sigmoid());
  }

  override computeOutputShape(inputShape: Shape[]): Shape {
    return inputShape[0]!;
  }
}

/** The moving mean of the inputs is a weight that is not trained. */
export class Centre extends layers.Layer {
  static readonly className = 'Centre';
  override perTimeStep = true;
  mean!: LayerVariable;
  gain!: LayerVariable;

  override build(inputShape: Shape): void {
    const shape = [inputShape.at(-1)!];
    this.mean = this.addWeight('mean', shape, 'float32', 'zeros', null, false);
    this.gain = this.addWeight('gain', shape, 'float32', 'ones');
  }

  override call([x]: [Tensor], { training }: CallArguments): Tensor {
    if (training) {
      const axes = x.shape.slice(0, -1).map((_, axis) => axis);
      this.mean.write(this.mean.read().mul(0.9).add(x.mean(axes).mul(0.1)));
    }
    return x.sub(this.mean.read()).mul(this.gain.read());
  }
}

/** The sum over the time steps that count. */
export class MaskedSum extends layers.Layer {
  static readonly className = 'MaskedSum';
  override supportsMasking = true;

  override call([x]: [Tensor], { mask }: CallArguments): Tensor {
    return mask ? x.mul((mask as Tensor).cast('float32').expandDims(2)).sum(1) : x.sum(1);
  }

  override computeOutputShape([batch, , width]: Shape): Shape {
    return [batch!, width!];
  }
}

/** Masks the steps whose first number is negative. */
export class MaskNegative extends layers.Layer {
  static readonly className = 'MaskNegative';
  override supportsMasking = true;
  override perTimeStep = true;

  override call([x]: [Tensor]): Tensor {
    return x;
  }

  override computeMask([x]: [Tensor], [mask]: [Tensor | null]): Tensor {
    const [batch, steps] = x.shape as [number, number];
    const counts = x.slice([0, 0, 0], [batch, steps, 1]).greaterEqual(0).reshape([batch, steps]);
    return mask ? counts.cast('float32').mul(mask.cast('float32')) : counts;
  }
}

/** Two outputs: the first and the second half of the features. */
export class Halves extends layers.Layer {
  static readonly className = 'Halves';

  override call([x]: [Tensor]): Tensor[] {
    return x.split(2, -1);
  }

  override computeOutputShape(inputShape: Shape): Shape[] {
    const half = [...inputShape.slice(0, -1), inputShape.at(-1)! / 2];
    return [half, [...half]];
  }
}

for (const layerClass of [OwnDense, Gate, Centre, MaskedSum, MaskNegative, Halves]) {
  serialization.registerClass(layerClass);
}

export const numbers = (shape: number[], f: (n: number) => number): Tensor =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, n) => f(n)),
    shape,
  );

/** All weights of a model, one after the other. */
export const flat = (model: { getWeights(): Tensor[] }): Float32Array =>
  Float32Array.from(model.getWeights().flatMap(weight => Array.from(weight.dataSync())));
