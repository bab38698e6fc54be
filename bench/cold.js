/**
 * The start of the seed program in a new process, up to the first training step: import, model, one batch. ONNX Runtime
 * cannot train and predicts instead. `empty` does nothing; its time is subtracted from the others.
 *
 *   node bench/cold.js lstm-wasm
 */

const [batch, timeSteps] = [50, 20];
const wave = (/** @type {(x: number) => number} */ f) =>
  Float32Array.from({ length: batch * timeSteps }, (_, n) => f(0.3 * n));

/** @type {Record<string, () => Promise<unknown>>} */
const programs = {
  empty: async () => {},

  'lstm-wasm': async () => {
    const dist = new URL('../dist/index.js', import.meta.url).href;
    const lw = await import(dist);
    const model = lw.sequential();
    const batchInputShape = [batch, timeSteps, 1];
    model.add(lw.layers.lstm({ units: 20, returnSequences: true, stateful: true, batchInputShape }));
    model.add(lw.layers.timeDistributed({ layer: lw.layers.dense({ units: 1 }) }));
    model.compile({ optimizer: lw.train.adam(0.006), loss: 'meanSquaredError' });
    model.trainOnBatch(wave(Math.sin), wave(Math.cos));
  },

  'TF.js wasm': async () => trainTfjs((await import('./rivals/tfjs.js')).tfjs('wasm')),
  'TF.js cpu': async () => trainTfjs((await import('./rivals/tfjs.js')).tfjs('cpu')),
  'ONNX Runtime web': async () => predictOnnx('web'),
  'ONNX Runtime node': async () => predictOnnx('node'),
};

/** @param {Promise<import('./rivals/rival.js').Rival>} starting */
async function trainTfjs(starting) {
  await (await seedModel(await starting, 'adam')).train();
}

/** @param {'web' | 'node'} flavour */
async function predictOnnx(flavour) {
  const { onnxRuntime } = await import('./rivals/onnxruntime.js');
  await (await seedModel(await onnxRuntime(flavour), 'none')).outputs();
}

/** @param {import('./rivals/rival.js').Rival} rival @param {'adam' | 'none'} optimizer */
async function seedModel(rival, optimizer) {
  const { weightsOf, workloads } = await import('./workloads.js');
  const workload = workloads.find(({ name }) => name === 'seed');
  if (!workload) throw new Error("no workload named 'seed'");
  const data = { x: wave(Math.sin), y: wave(Math.cos) };
  return rival.build({ workload, weights: weightsOf(workload), data, optimizer, learningRate: 0.006 });
}

// Some rivals let the process exit while they still compile, others keep it running.
setInterval(() => {}, 60_000);
const program = programs[process.argv[2] ?? ''];
if (!program) throw new Error(`cold.js: the argument must be one of ${Object.keys(programs).join(', ')}`);
await program();
process.exit();
