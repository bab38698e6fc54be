/**
 * Random programs, drawn from a seed: a stack of layers with a loss, an optimizer and the sizes of the data.
 *
 * A program is plain data, so a failing one can be printed, and `build` makes its model in either library. Options
 * whose defaults differ between the libraries (docs/differences.md) are always set.
 */

import { LayerGenerator, type Shape } from './layers.ts';
import type { Spec } from './specs.ts';

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

/**
 * Optimizers that divide gradients by their size. A bias below a normalization has gradients of rounding errors alone, so
 * they are not used with one.
 */
export const dividing = ['adam', 'rmsprop', 'adagrad'];

/** Generates one program; the same seed gives the same program on every machine. */
export class Generator extends LayerGenerator {
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
    const divides = dividing.includes(optimizer.kind);
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
      return [{ kind: 'embedding', config: { ...config, ...this.bounds(['embeddings']) } }];
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
    const plain = this.plain(kind, shape);
    if (plain) return plain;
    switch (kind) {
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
        ...this.bounds(['kernel', 'recurrent', 'bias']),
        returnSequences,
        stateful,
        goBackwards,
      },
    };
  }

  #end(shape: Shape, returnSequences: boolean): void {
    if (returnSequences) return;
    shape.steps = null;
    shape.hadMask ||= shape.masked;
    shape.masked = false;
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

  /** For gates: activations that do not let a state grow without bound. */
  #gate(): string {
    return this.pick(['hardSigmoid', 'hardSigmoid', 'sigmoid', 'tanh', 'softsign']);
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
