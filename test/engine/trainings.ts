/** Trainings whose calls are large enough to be shared, with every kernel that threads share. */

import { createHash } from 'node:crypto';

export type Package = typeof import('lstm-wasm');
type LayersModel = import('lstm-wasm').LayersModel;
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
} satisfies Record<string, (lw: Package) => LayersModel>;

export type ProgramName = keyof typeof programs;
export const programNames = Object.keys(programs) as ProgramName[];

/**
 * SHA-256 of losses, weights, evaluations and predictions of ten training steps.
 *
 * @param before called before each step
 */
export function trained(lw: Package, name: ProgramName, before: (step: number) => void = () => {}): string {
  lw.setRandomSeed(4);
  const model = programs[name](lw);
  model.compile({ optimizer: lw.train.adam({ learningRate: 0.01, globalClipNorm: 1 }), loss: 'meanSquaredError' });
  const batch = model.inputs[0]!.shape[0]!;
  const x = lw.randomNormal([batch, 13, 5]).dataSync();
  for (let row = 0; row < batch; row += 3) x.fill(0, row * 65 + 20, row * 65 + 40); // masked steps
  const y = lw.randomUniform([batch, 3]);
  const xs = lw.tensor(x, [batch, 13, 5]);
  const hash = createHash('sha256');
  const add = (...numbers: number[]) => hash.update(Float64Array.from(numbers));
  for (let step = 0; step < 10; step++) {
    before(step);
    add(model.trainOnBatch(xs, y) as number);
  }
  for (const weight of model.getWeights()) hash.update(weight.dataSync());
  before(10);
  hash.update(model.predictOnBatch(xs).dataSync());
  before(11);
  hash.update((model.evaluate(xs, y, { batchSize: batch }) as { dataSync(): Float32Array }).dataSync());
  hash.update(model.predict(xs, { batchSize: batch, training: true }).dataSync());
  model.dispose();
  return hash.digest('hex');
}
