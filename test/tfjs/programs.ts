/**
 * Random programs, drawn from a seed: a stack of layers with a loss, an optimizer and the sizes of the data.
 *
 * A program is plain data, so a failing one can be printed, and `build` makes its model in either library. Options
 * whose defaults differ between the libraries (docs/differences.md) are always set.
 */

import { Random } from '../reference/random.ts';

export type Json = string | number | boolean | null | undefined | readonly Json[] | { readonly [key: string]: Json };

/**
 * A layer or cell: `layers.${kind}(config)`; `layer` and `cells` are those of wrappers and rnn. Or a nested model, of the kind
 * 'model' with a graph, or 'sequential' with layers.
 */
export interface Spec {
  kind: string;
  config: Record<string, Json>;
  layer?: Spec;
  cells?: Spec[];
  /** Of a nested model. */
  graph?: Graph;
  layers?: Spec[];
}

/** The values are numbered: first the inputs, then the outputs of each call. */
export interface Graph {
  inputs: { name: string; shape: (number | null)[] }[];
  layers: Spec[];
  calls: { layer: number; inputs: number[]; initialState: number[]; masked: boolean }[];
  outputs: number[];
}

export interface Program {
  seed: number;
  /** Samples in a batch. */
  batch: number;
  /** The inputs: rows of numbers, [B, D]; sequences of rows, [B, T, D]; or indices, [B, T]. */
  input: { kind: 'rows' | 'sequences' | 'indices'; steps: number; width: number };
  layers: Spec[];
  loss: string;
  metrics: string[];
  optimizer: { kind: string; args: (number | boolean)[]; clip?: Record<string, number> };
  trainingSteps: number;
  /** The shape of the output of the last layer. */
  output: { steps: number | null; width: number; masked: boolean };
}

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

interface LossKind {
  targets: 'any' | 'counts' | 'signs' | 'bits' | 'one-hot' | 'classes';
  /** The activation of the last layer, if the loss does not accept all numbers. */
  outputs?: string;
  /** The minimum number of outputs. */
  minimum?: number;
  metrics: string[];
}

/** The losses and their requirements. */
export const losses: Record<string, LossKind> = {
  meanSquaredError: { targets: 'any', metrics: ['mse', 'mae', 'cosine'] },
  meanAbsoluteError: { targets: 'any', metrics: ['mse', 'mape'] },
  huberLoss: { targets: 'any', metrics: ['mse', 'mae'] },
  logcosh: { targets: 'any', metrics: ['mse', 'mae'] },
  meanAbsolutePercentageError: { targets: 'any', metrics: ['mse'] },
  meanSquaredLogarithmicError: { targets: 'counts', outputs: 'softplus', metrics: ['mse'] },
  poisson: { targets: 'counts', outputs: 'softplus', metrics: ['mse'] },
  hinge: { targets: 'signs', metrics: ['mse'] },
  squaredHinge: { targets: 'signs', metrics: ['mse'] },
  categoricalHinge: { targets: 'one-hot', minimum: 2, metrics: ['categoricalAccuracy'] },
  cosineProximity: { targets: 'any', minimum: 2, metrics: ['mse'] },
  kullbackLeiblerDivergence: { targets: 'one-hot', outputs: 'softmax', minimum: 2, metrics: ['accuracy'] },
  binaryCrossentropy: { targets: 'bits', outputs: 'sigmoid', metrics: ['accuracy', 'binaryAccuracy', 'mse'] },
  categoricalCrossentropy: { targets: 'one-hot', outputs: 'softmax', minimum: 2, metrics: ['accuracy', 'mse'] },
  sparseCategoricalCrossentropy: { targets: 'classes', outputs: 'softmax', minimum: 2, metrics: ['accuracy'] },
};

/** Generates one program; the same seed gives the same program on every machine. */
export class Generator {
  #random: Random;
  protected readonly seed: number;
  /** The share of weights with a regularizer, and of those with a constraint. */
  protected readonly boundsShare: number = 0.1;

  constructor(seed: number) {
    this.seed = seed;
    this.#random = new Random(seed);
  }

  program(): Program {
    const batch = this.whole(1, 5);
    const steps = this.whole(2, 6); // TF.js cannot train on sequences of one step
    const stateful = this.chance(0.2);
    const input = this.#input(steps);
    const shape: Shape = { steps: input.kind === 'rows' ? null : steps, width: input.width, masked: false };
    const layers = this.#bottom(input, shape, batch, stateful);
    const count = this.whole(1, 3);
    for (let n = 0; n < count; n++) layers.push(this.#layer(shape, stateful));
    const head = this.#head(layers, shape);
    if (shape.masked) head.metrics = []; // TF.js includes masked steps in metrics
    if (!stateful && input.kind !== 'rows' && !shape.fixesSteps && this.chance(0.5)) openSteps(layers[0]!);
    if (this.chance(0.15)) this.#freeze(layers);
    const optimizer = this.optimizer();
    // A bias below a normalization has gradients of rounding errors alone, which these divide by their size
    const divides = ['adam', 'rmsprop', 'adagrad'].includes(optimizer.kind);
    const isNormalized = layers.some(({ kind }) => kind.endsWith('Normalization'));
    return {
      seed: this.seed,
      batch,
      input,
      layers,
      ...head,
      optimizer: divides && isNormalized ? { kind: 'momentum', args: [0.1, 0.9, true] } : optimizer,
      trainingSteps: this.whole(1, 4),
      output: { steps: shape.steps, width: shape.width, masked: shape.masked },
    };
  }

  #input(steps: number): Program['input'] {
    const kind = this.chance(0.1) ? 'rows' : this.chance(0.3) ? 'indices' : 'sequences';
    return { kind, steps, width: kind === 'indices' ? this.whole(2, 9) : this.whole(1, 6) };
  }

  /** The first layer, with the shape of the input. */
  #bottom(input: Program['input'], shape: Shape, batch: number, stateful: boolean): Spec[] {
    const rest =
      input.kind === 'rows' ? [input.width] : input.kind === 'indices' ? [input.steps] : [input.steps, input.width];
    const inputShape = stateful ? { batchInputShape: [batch, ...rest] } : { inputShape: rest };
    if (input.kind === 'indices') {
      const outputDim = this.whole(1, 6);
      const maskZero = this.chance(0.5);
      shape.width = outputDim;
      shape.masked = maskZero;
      const config = { inputDim: input.width, outputDim, maskZero, ...inputShape };
      return [{ kind: 'embedding', config: { ...config, ...this.#bounds(['embeddings']) } }];
    }
    if (input.kind === 'sequences' && this.chance(0.25)) {
      shape.masked = true;
      return [{ kind: 'masking', config: { maskValue: this.pick([0, 0, -1, 0.5]), ...inputShape } }];
    }
    return [{ kind: 'inputLayer', config: inputShape }];
  }

  #layer(shape: Shape, stateful: boolean): Spec {
    const pointwise = ['leakyReLU', 'elu', 'prelu', 'gaussianNoise', 'gaussianDropout'];
    const small = ['activation', 'dropout', this.pick(pointwise)];
    const kinds =
      shape.steps === null
        ? ['dense', 'dense', ...small, 'batchNormalization', 'layerNormalization'].concat(
            shape.hadMask ? [] : ['repeatVector', 'reshape'],
          )
        : ['lstm', 'lstm', 'gru', 'gru', 'simpleRNN', 'simpleRNN', 'bidirectional', 'bidirectional', 'rnn'].concat(
            ['dense', 'timeDistributed', ...small, 'spatialDropout1d', 'layerNormalization'],
            shape.masked ? [] : ['flatten', 'reshape', 'batchNormalization'], // in TF.js masked steps count
            shape.masked || shape.hadMask ? [] : [this.pick(['maxPooling1d', 'averagePooling1d', 'permute'])],
            shape.masked || shape.hadMask ? [] : ['globalAveragePooling1d', 'conv1d'],
          );
    const kind = this.pick(kinds);
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
        return { kind, config: { rate: 0 } };
      case 'conv1d':
        return this.conv1d(shape, this.#bounds(['kernel', 'bias']));
      case 'batchNormalization':
      case 'layerNormalization':
        return this.#normalization(kind);
      case 'gaussianNoise':
        return { kind, config: { stddev: 0 } };
      case 'leakyReLU':
        return { kind, config: { alpha: this.pick([0.01, 0.3, 1.5]) } };
      case 'elu':
        return { kind, config: { alpha: 1 } };
      case 'maxPooling1d':
      case 'averagePooling1d':
        return this.#pooling(kind, shape);
      case 'globalAveragePooling1d':
        shape.steps = null;
        return { kind, config: {} };
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
      case 'bidirectional': {
        const returnSequences = this.chance(0.5);
        const layer = this.recurrent(this.pick(['lstm', 'gru', 'simpleRNN']), shape, returnSequences, stateful);
        const mergeMode = this.pick(['concat', 'sum', 'ave', 'mul']);
        if (mergeMode === 'concat') shape.width *= 2;
        if (layer.config.resetAfter) layer.config.resetAfter = false; // TF.js cannot copy a layer with a custom cell
        return { kind, config: { mergeMode }, layer };
      }
      case 'rnn': {
        const returnSequences = this.chance(0.5);
        const cells = Array.from({ length: this.whole(1, 3) }, () => {
          const { kind, config } = this.recurrent(this.pick(['lstm', 'gru', 'simpleRNN']), shape, true, false);
          const { returnSequences: _, stateful: __, goBackwards: ___, ...own } = config;
          return { kind: `${kind}Cell`, config: own };
        });
        const goBackwards = this.chance(0.2);
        this.#end(shape, returnSequences);
        return { kind, config: { returnSequences, stateful, goBackwards }, cells };
      }
      default:
        return this.recurrent(kind, shape, this.chance(0.5), stateful);
    }
  }

  protected recurrent(kind: string, shape: Shape, returnSequences: boolean, stateful: boolean): Spec {
    const units = this.whole(1, 7);
    const goBackwards = this.chance(0.2);
    shape.width = units;
    this.#end(shape, returnSequences);
    const defaultActivations = this.chance(0.5);
    const gates = kind === 'simpleRNN' ? {} : { recurrentActivation: defaultActivations ? 'sigmoid' : this.#gate() };
    return {
      kind,
      config: {
        units,
        activation: defaultActivations ? 'tanh' : this.activation(),
        ...gates,
        ...(kind === 'gru' ? { resetAfter: this.chance(0.5) } : {}),
        useBias: this.chance(0.8),
        ...(kind === 'lstm' ? { unitForgetBias: this.chance(0.5) } : {}),
        recurrentInitializer: 'zeros', // weights are set later, and TF.js is slow to compute orthogonal ones
        dropout: 0,
        recurrentDropout: 0,
        ...this.#bounds(['kernel', 'recurrent', 'bias']),
        returnSequences,
        stateful,
        goBackwards,
      },
    };
  }

  #normalization(kind: string): Spec {
    const config = { epsilon: this.pick([0.001, 0.1]), ...this.#bounds(['gamma', 'beta']) };
    // TF.js cannot train them without center or scale
    if (kind === 'batchNormalization') return { kind, config: { ...config, momentum: this.pick([0.99, 0.6]) } };
    const { gammaConstraint: _, betaConstraint: __, ...others } = config as Record<string, Json>; // not in TF.js
    return { kind, config: others };
  }

  protected dense(shape: Shape, activation = this.activation(), units = this.whole(1, 6)): Spec {
    shape.width = units;
    const config = { units, activation, useBias: this.chance(0.8), ...this.#bounds(['kernel', 'bias']) };
    return { kind: 'dense', config };
  }

  /**
   * TF.js lacks causal padding and gradients with a dilation. The output has at least two steps, because TF.js cannot train
   * on sequences of one.
   */
  protected conv1d(shape: Shape, more: Spec['config'] = {}): Spec {
    const padding = this.pick(['valid', 'same']);
    const kernelSize = this.whole(1, padding === 'same' ? 4 : Math.max(1, shape.steps! - 1));
    const room = padding === 'same' ? shape.steps! : shape.steps! - kernelSize + 1;
    const strides = room > 2 ? this.whole(1, 2) : 1;
    shape.steps = Math.ceil(room / strides);
    shape.width = this.whole(1, 6);
    shape.fixesSteps = true;
    const config = { filters: shape.width, kernelSize, strides, padding };
    const rest = { activation: this.activation(), useBias: this.chance(0.8), ...more };
    return { kind: 'conv1d', config: { ...config, ...rest } };
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
    return { kind: 'prelu', config: { sharedAxes, ...this.#bounds(['alpha']) } };
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

  #end(shape: Shape, returnSequences: boolean): void {
    if (returnSequences) return;
    shape.steps = null;
    shape.hadMask ||= shape.masked;
    shape.masked = false;
  }

  /** Regularizers and constraints. */
  #bounds(weights: string[]): Record<string, Json> {
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

  /** A loss and its metrics; adds a last layer whose outputs the loss accepts, if necessary. */
  #head(layers: Spec[], shape: Shape): Pick<Program, 'loss' | 'metrics'> {
    const loss = this.pick(Object.keys(losses));
    const { outputs, minimum = 1, metrics } = losses[loss]!;
    if (outputs) layers.push(...this.#outputs(shape, outputs, minimum));
    else if (!layers.some(hasWeights) || shape.width < minimum)
      layers.push(this.dense(shape, 'tanh', this.whole(minimum, 5)));
    return { loss, metrics: metrics.filter(() => this.chance(0.4)) };
  }

  /** A dense layer with an activation, in the different ways to write it. */
  #outputs(shape: Shape, activation: string, minimum: number): Spec[] {
    const width = this.whole(minimum, 6);
    switch (this.pick(['dense', 'activation', ...(shape.steps === null ? [] : ['timeDistributed'])])) {
      case 'activation':
        return [this.dense(shape, 'linear', width), { kind: 'activation', config: { activation } }];
      case 'timeDistributed':
        return [{ kind: 'timeDistributed', config: {}, layer: this.dense(shape, activation, width) }];
      default:
        return [this.dense(shape, activation, width)];
    }
  }

  protected optimizer(): Program['optimizer'] {
    const rate = this.pick([0.1, 0.5]);
    const optimizer = this.pick<Program['optimizer']>([
      { kind: 'sgd', args: [rate] },
      { kind: 'momentum', args: [rate, 0.9, this.chance(0.5)] },
      // With such a small epsilon it makes no difference where it is added, but for gradients below 1e-10.
      { kind: 'adam', args: [rate / 10, 0.9, 0.99, 1e-16] },
      { kind: 'rmsprop', args: [rate / 10, 0.9, this.pick([0, 0.5]), 1e-4, this.chance(0.3)] },
      { kind: 'adagrad', args: [rate, 0.1] },
    ]);
    if (!this.chance(0.3)) return optimizer;
    const clip = this.pick<Record<string, number>>([{ clipNorm: 0.05 }, { clipValue: 0.01 }, { globalClipNorm: 0.1 }]);
    return { ...optimizer, clip };
  }

  /** Freezes one layer, if another one stays trainable. */
  #freeze(layers: Spec[]): void {
    const candidates = layers.filter(hasWeights);
    const plain = candidates.filter(spec => !spec.layer && !spec.cells);
    if (candidates.length > 1 && plain.length > 0) this.pick(plain).config.trainable = false;
  }

  protected activation(): string {
    return this.pick(activations);
  }

  /** For gates: activations that do not let a state grow without bound. */
  #gate(): string {
    return this.pick(['hardSigmoid', 'hardSigmoid', 'sigmoid', 'tanh', 'softsign']);
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

const hasWeights = ({ kind }: Spec) =>
  [
    'lstm',
    'gru',
    'simpleRNN',
    'rnn',
    'bidirectional',
    'dense',
    'conv1d',
    'timeDistributed',
    'embedding',
    'prelu',
  ].includes(kind);

/** Makes the number of time steps variable: [T, D] becomes [null, D]. */
function openSteps({ config }: Spec): void {
  const [, ...rest] = config.inputShape as number[];
  config.inputShape = [null, ...rest];
}

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
