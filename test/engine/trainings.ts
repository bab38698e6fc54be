/** Trainings whose calls are large enough to be shared, with every kernel that threads share. */

import { createHash } from 'node:crypto';

export type Package = typeof import('lstm-wasm');
type LayersModel = import('lstm-wasm').LayersModel;
type CompileOptions = import('lstm-wasm').CompileOptions;
type CustomFunction = import('lstm-wasm').CustomFunction;
type SymbolicTensor = import('lstm-wasm').SymbolicTensor;

const programs = {
  'stacked lstm': ({ layers, sequential }) =>
    sequential({
      layers: [
        layers.lstm({ units: 33, returnSequences: true, stateful: true, batchInputShape: [51, 13, 5] }),
        layers.lstm({ units: 40, returnSequences: true, recurrentDropout: 0.2 }),
        layers.timeDistributed({ layer: layers.dense({ units: 20, activation: 'relu' }) }),
        layers.lstm({ units: 30, recurrentActivation: 'hardSigmoid' }),
        layers.dense({ units: 3 }),
      ],
    }),
  'lstm variants': ({ layers, sequential }) =>
    sequential({
      layers: [
        layers.masking({ batchInputShape: [51, 13, 5] }),
        layers.lstm({ units: 33, returnSequences: true, stateful: true, usePeepholes: true }),
        layers.lstm({ units: 40, projectionUnits: 30, returnSequences: true, recurrentDropout: 0.2 }),
        layers.bidirectional({ layer: layers.lstm({ units: 18, returnSequences: true, layerNormalization: true }) }),
        layers.simpleRNN({ units: 39, returnSequences: true, layerNormalization: true, recurrentDropout: 0.1 }),
        layers.lstm({ units: 21, usePeepholes: true, projectionUnits: 17, layerNormalization: true }),
        layers.dense({ units: 3 }),
      ],
    }),
  'masked and bidirectional': ({ layers, sequential }) =>
    sequential({
      layers: [
        layers.masking({ batchInputShape: [51, 13, 5] }),
        layers.bidirectional({ layer: layers.gru({ units: 30, returnSequences: true }) }),
        layers.gru({ units: 41, resetAfter: false, returnSequences: true, dropout: 0.2 }),
        layers.simpleRNN({ units: 70 }),
        layers.dense({ units: 200, activation: 'tanh' }),
        layers.dense({ units: 3, activation: 'softmax' }),
      ],
    }),
  'all stateful': ({ layers, sequential }) => {
    const options = { units: 34, returnSequences: true, stateful: true };
    return sequential({
      layers: [
        layers.gru({ ...options, batchInputShape: [51, 13, 5], kernelRegularizer: 'l1l2' }),
        layers.simpleRNN({ ...options, dropout: 0.1 }),
        layers.lstm({ ...options, returnSequences: false }),
        layers.dense({ units: 3 }),
      ],
    });
  },
  'minimal recurrent layers': ({ layers, sequential }) =>
    sequential({
      layers: [
        layers.masking({ batchInputShape: [51, 13, 5] }),
        layers.minGRU({ units: 67, returnSequences: true, stateful: true, dropout: 0.2 }),
        layers.bidirectional({ layer: layers.minLSTM({ units: 30, activation: 'gelu', returnSequences: true }) }),
        layers.minLSTM({ units: 41, returnSequences: true, stateful: true, goBackwards: true }),
        layers.minGRU({ units: 22, activation: 'tanh', useBias: false, kernelRegularizer: 'l1l2' }),
        layers.dense({ units: 3 }),
      ],
    }),
  'a few rows': ({ layers, sequential }) =>
    sequential({
      layers: [
        layers.lstm({ units: 131, returnSequences: true, stateful: true, batchInputShape: [3, 13, 5] }),
        layers.lstm({ units: 70, returnSequences: true, recurrentActivation: 'hardSigmoid' }),
        layers.lstm({ units: 100, goBackwards: true }),
        layers.dense({ units: 3 }),
      ],
    }),
  'a few rows of gru': ({ layers, sequential }) =>
    sequential({
      layers: [
        layers.gru({ units: 131, returnSequences: true, stateful: true, batchInputShape: [3, 13, 5] }),
        layers.gru({ units: 102, returnSequences: true, stateful: true, resetAfter: false }),
        layers.gru({ units: 70, returnSequences: true, recurrentActivation: 'hardSigmoid', goBackwards: true }),
        layers.gru({ units: 97, resetAfter: false, activation: 'relu', useBias: false }),
        layers.dense({ units: 3 }),
      ],
    }),
  convolutions: ({ layers, sequential }) =>
    sequential({
      layers: [
        layers.conv1d({
          filters: 37,
          kernelSize: 3,
          activation: 'relu',
          padding: 'causal',
          batchInputShape: [51, 13, 5],
        }),
        layers.conv1d({ filters: 20, kernelSize: 4, strides: 2, padding: 'same', activation: 'gelu' }),
        layers.lstm({ units: 30, returnSequences: true }),
        layers.conv1d({ filters: 50, kernelSize: 2, dilationRate: 3, kernelRegularizer: 'l1l2' }),
        layers.conv1d({ filters: 9, kernelSize: 3, activation: 'softmax' }),
        layers.flatten(),
        layers.dense({ units: 3 }),
      ],
    }),
  normalized: ({ layers, sequential }) =>
    sequential({
      layers: [
        layers.masking({ batchInputShape: [51, 13, 5] }),
        layers.batchNormalization({ momentum: 0.9 }),
        layers.lstm({ units: 33, returnSequences: true, stateful: true }),
        layers.batchNormalization({ momentum: 0.8 }),
        layers.layerNormalization(),
        layers.gru({ units: 30 }),
        layers.batchNormalization({ scale: false }),
        layers.dense({ units: 3 }),
      ],
    }),
  'a graph with attention': ({ layers, input, model }) => {
    const x = input({ batchShape: [51, 13, 5] });
    const masked = layers.masking().apply(x);
    const encoder = layers.lstm({ units: 26, returnSequences: true, returnState: true });
    const [encoded, ...states] = encoder.apply(masked) as SymbolicTensor[];
    const decoder = layers.lstm({ units: 26, returnSequences: true });
    const decoded = decoder.apply(encoded!, { initialState: states }) as SymbolicTensor;
    const heads = layers.multiHeadAttention({ numHeads: 3, keyDim: 7, dropout: 0.1 });
    const dot = layers.attention({ useCausalMask: true, returnAttentionScores: true, dropout: 0.2 });
    const [context, scores] = dot.apply([decoded, encoded!]) as SymbolicTensor[];
    const scaled = layers.attention({ useScale: true }).apply([decoded, encoded!]) as SymbolicTensor;
    const added = layers.additiveAttention().apply([decoded, encoded!]) as SymbolicTensor;
    const all = layers
      .concatenate()
      .apply([
        heads.apply([decoded, encoded!]) as SymbolicTensor,
        layers.add().apply([context!, scaled, added]) as SymbolicTensor,
        scores!,
      ]);
    const y = layers
      .dense({ units: 3 })
      .apply(layers.gru({ units: 20 }).apply(all as SymbolicTensor) as SymbolicTensor);
    return model({ inputs: x, outputs: y as SymbolicTensor });
  },
  'custom layers': ({ layers, sequential }) => {
    class Turn extends layers.Layer {
      static readonly className = 'Turn';
      override supportsMasking = true;
      matrix!: import('lstm-wasm').LayerVariable;
      override build([, , width]: import('lstm-wasm').Shape) {
        this.matrix = this.addWeight('matrix', [width!, width!], 'float32', 'glorotUniform', 'l2');
      }
      override call([x]: [import('lstm-wasm').Tensor]) {
        const [batch, steps, width] = x.shape as [number, number, number];
        return x.reshape([-1, width]).matMul(this.matrix.read()).tanh().reshape([batch, steps, width]);
      }
    }
    return sequential({
      layers: [
        layers.masking({ batchInputShape: [51, 13, 5] }),
        layers.lstm({ units: 33, returnSequences: true, stateful: true }),
        new Turn(),
        layers.batchNormalization({ momentum: 0.9 }),
        layers.gru({ units: 30, returnSequences: true, stateful: true, dropout: 0.2 }),
        new Turn(),
        layers.lstm({ units: 31 }),
        layers.dense({ units: 3 }),
      ],
    });
  },
} satisfies Record<string, (lw: Package) => LayersModel>;

const optimizers = {
  sgd: ({ train }) => train.sgd({ learningRate: 0.01, clipValue: 0.01 }),
  momentum: ({ train }) => train.momentum({ momentum: 0.9 }),
  'nesterov momentum': ({ train }) => train.momentum({ momentum: 0.9, useNesterov: true, globalClipNorm: 0.1 }),
  adam: ({ train }) => train.adam({ clipNorm: 0.1 }),
  'adam with a global norm': ({ train }) => train.adam({ globalClipNorm: 0.1 }),
  amsgrad: ({ train }) => train.adam({ amsgrad: true, useEma: true, emaMomentum: 0.6, emaOverwriteFrequency: 3 }),
  adamw: ({ train }) => train.adamw({ clipValue: 0.01, useEma: true }),
  nadam: ({ train }) => train.nadam({ weightDecay: 0.01 }),
  adamax: ({ train }) => train.adamax({ decay: 0.1 }),
  rmsprop: ({ train }) => train.rmsprop({}),
  'rmsprop centered, with momentum': ({ train }) => train.rmsprop({ centered: true, momentum: 0.9, globalClipNorm: 1 }),
  'rmsprop with momentum': ({ train }) => train.rmsprop({ momentum: 0.5, useEma: true }),
  'rmsprop centered': ({ train }) => train.rmsprop({ centered: true }),
  adagrad: ({ train }) => train.adagrad({ learningRate: 0.01, weightDecay: 0.1 }),
  adadelta: ({ train }) => train.adadelta({ learningRate: 0.1, useEma: true, clipValue: 0.1 }),
} satisfies Record<string, (lw: Package) => import('lstm-wasm').Optimizer>;

export type OptimizerName = keyof typeof optimizers;
export const optimizerNames = Object.keys(optimizers) as OptimizerName[];

/** SHA-256 of losses, weights and the state of the optimizer of eight training steps, with two ranges of trainable weights. */
export function optimized(lw: Package, name: OptimizerName): string {
  lw.setRandomSeed(5);
  const { dense } = lw.layers;
  const frozen = dense({ units: 201, trainable: false });
  const model = lw.sequential({
    layers: [dense({ units: 303, activation: 'tanh', inputShape: [151] }), frozen, dense({ units: 91 })],
  });
  model.compile({ optimizer: optimizers[name](lw), loss: 'meanSquaredError' });
  const [x, y] = [lw.randomNormal([2, 151]), lw.randomNormal([2, 91])];
  const hash = createHash('sha256');
  for (let step = 0; step < 8; step++) {
    if (step === 5) frozen.trainable = true;
    hash.update(Float64Array.of(model.trainOnBatch(x, y) as number));
  }
  hash.update(model.snapshot());
  model.dispose();
  return hash.digest('hex');
}

const losses = {
  meanSquaredError: 'linear',
  meanAbsoluteError: 'linear',
  huberLoss: 'linear',
  logcosh: 'linear',
  binaryCrossentropy: 'sigmoid',
  categoricalCrossentropy: 'softmax',
  sparseCategoricalCrossentropy: 'softmax',
  meanAbsolutePercentageError: 'linear',
  meanSquaredLogarithmicError: 'relu',
  hinge: 'tanh',
  squaredHinge: 'tanh',
  categoricalHinge: 'linear',
  kullbackLeiblerDivergence: 'softmax',
  poisson: 'softplus',
  cosineProximity: 'linear',
  pinball: 'linear',
  gaussianNLL: 'linear',
  studentTNLL: 'linear',
  negativeBinomialNLL: 'linear',
  ctc: 'softmax',
} as const;

/** The predictions for each target. */
const groups: Partial<Record<keyof typeof losses, number>> = {
  pinball: 3,
  gaussianNLL: 2,
  studentTNLL: 3,
  negativeBinomialNLL: 2,
};

export type Loss = keyof typeof losses;
export const lossNames = Object.keys(losses) as Loss[];

/** SHA-256 of losses, gradients and weights of trainings by a loss: with masked steps and sample weights, and without. */
export function scored(lw: Package, loss: Loss): string {
  lw.setRandomSeed(6);
  const group = groups[loss] ?? 1;
  const [batch, steps, width] = [41, 7, group > 1 ? 36 : 37];
  const x = lw.randomNormal([batch, steps, 5]).dataSync();
  for (let row = 0; row < batch; row += 3) x.fill(0, row * steps * 5 + 10, row * steps * 5 + 20); // masked steps
  const xs = lw.tensor(x, [batch, steps, 5]);
  const classes = Float32Array.from({ length: batch * steps }, (_, n) => (n * 7) % width);
  const isSparse = loss === 'sparseCategoricalCrossentropy';
  const labels = lw.tensor(
    classes.slice(0, batch * 2).map(label => label % 36),
    [batch, 2],
  );
  const numbers = loss === 'ctc' ? labels : lw.randomUniform([batch, steps, width / group]);
  const y = isSparse ? lw.tensor(classes, [batch, steps, 1]) : numbers;
  const withOptions = { pinball: lw.losses.pinball({ levels: [0.1, 0.5, 0.9] }), ctc: lw.losses.ctc({ blank: 36 }) };
  const given = loss === 'pinball' || loss === 'ctc' ? withOptions[loss] : loss;
  const sampleWeight = Float32Array.from({ length: batch }, (_, n) => n % 4);
  const hash = createHash('sha256');
  const { masking, dense, timeDistributed } = lw.layers;
  // Cross-entropies start from the logits of a last layer, else from its predictions
  for (const last of [[], [lw.layers.reshape({ targetShape: [steps, width] })]]) {
    const output = timeDistributed({ layer: dense({ units: width, activation: losses[loss] }) });
    const model = lw.sequential({ layers: [masking({ inputShape: [steps, 5] }), output, ...last] });
    model.compile({ optimizer: 'sgd', loss: given });
    const add = (value: unknown) => hash.update(Float64Array.of(value as number));
    for (let step = 0; step < 3; step++) add(model.trainOnBatch(xs, y));
    for (let step = 0; step < 3; step++) add(model.trainOnBatch(xs, y, { sampleWeight }));
    add(model.testOnBatch(xs, y));
    hash.update(model.snapshot());
    model.dispose();
  }
  return hash.digest('hex');
}

export type ProgramName = keyof typeof programs;
export const programNames = Object.keys(programs) as ProgramName[];

/** A loss and metrics that run in JavaScript. @param calls counts the calls of the loss */
export function customScores(gradient: 'derived' | 'given', calls = { count: 0 }): Partial<CompileOptions> {
  const value: CustomFunction = (yTrue, yPred) => {
    calls.count++;
    return yPred.sub(yTrue).square().add(0.5).log().mean(-1);
  };
  const slope: CustomFunction = (yTrue, yPred) => {
    const error = yPred.sub(yTrue);
    return error.mul(2 / 3).div(error.square().add(0.5)); // of the mean of 3 numbers
  };
  const bias: CustomFunction = (yTrue, yPred) => yPred.sub(yTrue).mean(-1);
  const loss = gradient === 'derived' ? value : { name: 'logarithmic', value, gradient: slope };
  return { loss, metrics: [bias, 'mae'], weightedMetrics: [bias, 'mse'] };
}

/**
 * SHA-256 of losses, weights, evaluations and predictions of ten training steps.
 *
 * @param before called before each step
 * @param objective options of `compile`
 */
export function trained(
  lw: Package,
  name: ProgramName,
  before: (step: number) => void = () => {},
  objective: Partial<CompileOptions> = {},
): string {
  lw.setRandomSeed(4);
  const model = programs[name](lw);
  const optimizer = lw.train.adam({ learningRate: 0.01, globalClipNorm: 1 });
  model.compile({ optimizer, loss: 'meanSquaredError', ...objective });
  const batch = model.inputs[0]!.shape[0]!;
  const x = lw.randomNormal([batch, 13, 5]).dataSync();
  for (let row = 0; row < batch; row += 3) x.fill(0, row * 65 + 20, row * 65 + 40); // masked steps
  const y = lw.randomUniform([batch, 3]);
  const xs = lw.tensor(x, [batch, 13, 5]);
  const hash = createHash('sha256');
  const add = (...numbers: number[]) => hash.update(Float64Array.from(numbers));
  for (let step = 0; step < 10; step++) {
    before(step);
    add(...[model.trainOnBatch(xs, y)].flat());
  }
  for (const weight of model.getWeights()) hash.update(weight.dataSync());
  before(10);
  hash.update(model.predictOnBatch(xs).dataSync());
  before(11);
  for (const value of [model.evaluate(xs, y, { batchSize: batch })].flat()) hash.update(value.dataSync());
  hash.update(model.predict(xs, { batchSize: batch, training: true }).dataSync());
  model.dispose();
  return hash.digest('hex');
}
