/** The package itself: one rival per build of its kernels, each in a separate instance of the package. */

import { timed } from '../harness.js';
import { instanceOf } from '../instance.js';
import { measured, named } from './rival.js';

/** @typedef {import('./rival.js').Rival} Rival */
/** @typedef {import('./rival.js').Workload} Workload */

/**
 * @param {'strict' | 'relaxed'} simd
 * @param {{ turbo?: boolean, threads?: number }} [options]
 * @returns {Promise<Rival>}
 */
export async function ours(simd, options = {}) {
  const lw = await instanceOf(simd, options);
  const flags = options.turbo ? ` with lstm-wasm/turbo (${lw.backendInfo().turbo.join(', ')})` : '';
  const { threads } = lw.backendInfo();
  return {
    name: named(simd, threads),
    threads,
    version: `lstm-wasm ${lw.version}, ${simd} build${flags}, ${threads} thread${threads > 1 ? 's' : ''}, Node ${process.version}`,
    checkedWith: 'sgd',
    limitation: () => '',
    library: lw,

    async build({ workload, weights, data, optimizer, learningRate }) {
      const { batch, timeSteps, inputs, outputs } = workload;
      const model = network(lw, workload);
      if (optimizer !== 'none') model.compile({ optimizer: lw.train[optimizer](learningRate), loss: 'mse' });
      model.setWeights(weights);
      const x = lw.tensor3d(data.x, [batch, timeSteps, inputs]);
      const y = lw.tensor3d(data.y, [batch, timeSteps, outputs]);
      const predict = batch * timeSteps === 1 ? stepper(model, data.x) : () => model.predictOnBatch(x).dataSync();
      const train = () => model.trainOnBatch(x, y);
      return {
        outputs: () => predict().slice(),
        train,
        measure: measured(() => void predict(), train),
        dispose: () => model.dispose(),
      };
    },

    // Weights are created when they are first read.
    create: async workload =>
      timed(() => {
        const model = network(lw, workload);
        model.compile({ optimizer: 'adam', loss: 'mse' });
        model.getWeights();
        model.dispose();
      }),
  };
}

/**
 * @param {any} lw
 * @param {Workload} workload
 */
function network(lw, { cell, units, batch, timeSteps, inputs, outputs, stateful }) {
  const model = lw.sequential();
  for (const [n, width] of units.entries()) {
    const shape = stateful ? { batchInputShape: [batch, timeSteps, inputs] } : { inputShape: [timeSteps, inputs] };
    model.add(lw.layers[cell]({ units: width, returnSequences: true, stateful, ...(n === 0 ? shape : {}) }));
  }
  model.add(lw.layers.timeDistributed({ layer: lw.layers.dense({ units: outputs }) }));
  return model;
}

/**
 * Returns a function that runs one time step of one sample and carries the state.
 * @param {any} model
 * @param {Float32Array} x
 * @returns {() => Float32Array}
 */
function stepper(model, x) {
  if (!model.stream) return () => model.predictOnBatch([[[...x]]]).dataSync();
  const stream = model.stream();
  const out = new Float32Array(1);
  return () => stream.step(x, out);
}
