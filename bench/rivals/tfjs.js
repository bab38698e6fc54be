/**
 * TensorFlow.js Layers, with its plain JavaScript backend and its WebAssembly backend (SIMD, one thread). Data are converted to
 * tensors before timing starts, predictions are not read back, and all tensors are disposed.
 */

import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { load } from './rival.js';

/** @typedef {import('./rival.js').Rival} Rival */
/** @typedef {import('./rival.js').Workload} Workload */
/** @typedef {import('./rival.js').Measure} Measure */

/**
 * @param {'wasm' | 'cpu'} backend
 * @returns {Promise<Rival>}
 */
export async function tfjs(backend) {
  const tf = await load('@tensorflow/tfjs');
  tf.enableProdMode(); // no checks, and no advertisement of its native package on stderr
  if (backend === 'wasm') {
    const { setWasmPaths, setThreadsCount } = await load('@tensorflow/tfjs-backend-wasm');
    setWasmPaths(`${dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'))}/`);
    setThreadsCount(1);
  }
  await tf.setBackend(backend);
  await tf.ready();

  // Both backends share one engine, so each call selects its backend.
  const choose = () => tf.setBackend(backend);
  /** @type {(run: () => unknown) => Measure} */
  const measure = run => async calls => {
    await choose();
    const start = performance.now();
    for (let call = 0; call < calls; call++) await run();
    return performance.now() - start;
  };

  return {
    name: `TF.js ${backend}`,
    version: `TensorFlow.js ${tf.version.tfjs}, backend ${backend}${backend === 'wasm' ? ', SIMD, 1 thread' : ''}`,
    checkedWith: 'sgd',
    limitation: () => '',
    library: tf,
    choose,

    async build({ workload, weights, data, optimizer, learningRate }) {
      await choose();
      const { batch, timeSteps, inputs, outputs } = workload;
      // The default, orthogonal, takes seconds, and the weights are replaced anyway.
      const model = network(tf, workload, 'zeros');
      if (optimizer !== 'none')
        model.compile({ optimizer: tf.train[optimizer](learningRate), loss: 'meanSquaredError' });
      const tensors = model
        .getWeights()
        .map((/** @type {any} */ { shape }, /** @type {number} */ n) => tf.tensor(weights[n], shape));
      model.setWeights(tensors);
      tf.dispose(tensors);
      const x = tf.tensor3d(data.x, [batch, timeSteps, inputs]);
      const y = tf.tensor3d(data.y, [batch, timeSteps, outputs]);
      const train = () => model.trainOnBatch(x, y);
      return {
        async outputs() {
          await choose();
          const prediction = model.predictOnBatch(x);
          const numbers = await prediction.data();
          prediction.dispose();
          return numbers;
        },
        async train() {
          await choose();
          return train();
        },
        measure: kind => measure(kind === 'train' ? train : () => model.predictOnBatch(x).dispose()),
        async dispose() {
          await choose();
          model.resetStates();
          model.dispose();
          tf.dispose([x, y]);
        },
      };
    },

    create: async workload => async calls => {
      const { warn } = console;
      console.warn = () => {}; // hides the warning that the orthogonal initializer may be slow
      const ms = await measure(() => {
        const model = network(tf, workload, 'orthogonal');
        model.compile({ optimizer: tf.train.adam(), loss: 'meanSquaredError' });
        model.dispose();
      })(calls);
      console.warn = warn;
      return ms;
    },
  };
}

/**
 * Sets the options whose defaults differ from Keras.
 * @param {any} tf
 * @param {Workload} workload
 * @param {'zeros' | 'orthogonal'} recurrentInitializer
 */
function network(tf, { units, batch, timeSteps, inputs, outputs, stateful }, recurrentInitializer) {
  const model = tf.sequential();
  for (const [n, width] of units.entries()) {
    const shape = stateful ? { batchInputShape: [batch, timeSteps, inputs] } : { inputShape: [timeSteps, inputs] };
    model.add(
      tf.layers.lstm({
        units: width,
        returnSequences: true,
        stateful,
        recurrentActivation: 'sigmoid',
        kernelInitializer: 'glorotUniform',
        recurrentInitializer,
        ...(n === 0 ? shape : {}),
      }),
    );
  }
  model.add(tf.layers.timeDistributed({ layer: tf.layers.dense({ units: outputs }) }));
  return model;
}
