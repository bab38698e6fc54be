/** Trainings whose calls are large enough to be shared, with every kernel that threads share. */

import { createHash } from 'node:crypto';

export type Package = typeof import('lstm-wasm');

const programs = {
  'stacked lstm': ({ layers }) => [
    layers.lstm({ units: 33, returnSequences: true, stateful: true, batchInputShape: [51, 13, 5] }),
    layers.lstm({ units: 40, returnSequences: true, recurrentDropout: 0.2 }),
    layers.timeDistributed({ layer: layers.dense({ units: 20, activation: 'relu' }) }),
    layers.lstm({ units: 30, recurrentActivation: 'hardSigmoid' }),
    layers.dense({ units: 3 }),
  ],
  'masked and bidirectional': ({ layers }) => [
    layers.masking({ batchInputShape: [51, 13, 5] }),
    layers.bidirectional({ layer: layers.gru({ units: 30, returnSequences: true }) }),
    layers.gru({ units: 41, resetAfter: false, returnSequences: true, dropout: 0.2 }),
    layers.simpleRNN({ units: 70 }),
    layers.dense({ units: 200, activation: 'tanh' }),
    layers.dense({ units: 3, activation: 'softmax' }),
  ],
  'all stateful': ({ layers }) => {
    const options = { units: 34, returnSequences: true, stateful: true };
    return [
      layers.gru({ ...options, batchInputShape: [51, 13, 5], kernelRegularizer: 'l1l2' }),
      layers.simpleRNN({ ...options, dropout: 0.1 }),
      layers.lstm({ ...options, returnSequences: false }),
      layers.dense({ units: 3 }),
    ];
  },
} satisfies Record<string, (lw: Package) => unknown[]>;

export type ProgramName = keyof typeof programs;
export const programNames = Object.keys(programs) as ProgramName[];

/**
 * SHA-256 of losses, weights, evaluations and predictions of ten training steps.
 *
 * @param before called before each step
 */
export function trained(lw: Package, name: ProgramName, before: (step: number) => void = () => {}): string {
  lw.setRandomSeed(4);
  const model = lw.sequential({ layers: programs[name](lw) as never });
  model.compile({ optimizer: lw.train.adam({ learningRate: 0.01, globalClipNorm: 1 }), loss: 'meanSquaredError' });
  const x = lw.randomNormal([51, 13, 5]).dataSync();
  for (let row = 0; row < 51; row += 3) x.fill(0, row * 65 + 20, row * 65 + 40); // masked steps
  const y = lw.randomUniform([51, 3]);
  const xs = lw.tensor(x, [51, 13, 5]);
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
  hash.update((model.evaluate(xs, y, { batchSize: 51 }) as { dataSync(): Float32Array }).dataSync());
  hash.update(model.predict(xs, { batchSize: 51, training: true }).dataSync());
  model.dispose();
  return hash.digest('hex');
}
