/** Models of TensorFlow.js Layers. Also runs in pages, where TF.js is a script. */

/** @typedef {import('./rival.js').Rival} Rival */
/** @typedef {import('./rival.js').Workload} Workload */
/** @typedef {import('./rival.js').Measure} Measure */

/**
 * @param {any} tf
 * @param {'wasm' | 'cpu'} backend
 * @param {{ name: string, version: string }} about
 * @returns {Rival}
 */
export function rivalOf(tf, backend, { name, version }) {
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
    name,
    version,
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
