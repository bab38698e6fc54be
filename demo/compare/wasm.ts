/** The worker of WebAssembly: the package, in its ordinary use. */

import { layers, sequential, setRandomSeed, type Tensor, tensor, train } from 'lstm-wasm';
import { serve } from './thread.ts';

serve<{ xs: Tensor; ys: Tensor }>((sizes, weights) => {
  const { batch, timeSteps, inputs, outputs, units, stateful, learningRate, seed } = sizes;
  setRandomSeed(seed);
  const model = sequential();
  model.add(layers.lstm({ units, returnSequences: true, stateful, batchInputShape: [batch, timeSteps, inputs] }));
  model.add(layers.timeDistributed({ layer: layers.dense({ units: outputs }) }));
  model.compile({ optimizer: train.adam(learningRate), loss: 'meanSquaredError' });
  const shapes = model.getWeights().map(({ shape }) => [...shape]);
  if (weights) model.setWeights(weights.map((values, n) => tensor(values, shapes[n]!)));
  return {
    weights: model.getWeights().map(weight => Float32Array.from(weight.dataSync())),
    batch: ({ xs, ys }) => ({
      xs: tensor(xs, [batch, timeSteps, inputs]),
      ys: tensor(ys, [batch, timeSteps, outputs]),
    }),
    step: ({ xs, ys }) => model.trainOnBatch(xs, ys) as number,
    dispose: () => model.dispose(),
  };
});
