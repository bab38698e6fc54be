/** ONNX Runtime, as WebAssembly and as native code, on one thread. It can only predict. */

import { encodeOnnx } from '../onnx.js';
import { cannotTrain, load, measuredAsync } from './rival.js';

/** @typedef {import('./rival.js').Rival} Rival */

/**
 * @param {'web' | 'node'} flavour
 * @returns {Promise<Rival>}
 */
export async function onnxRuntime(flavour) {
  const ort = await load(`onnxruntime-${flavour}`);
  if (flavour === 'web') ort.env.wasm.numThreads = 1;
  const options = {
    executionProviders: [flavour === 'web' ? 'wasm' : 'cpu'],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
  };
  const version = ort.env.versions?.[flavour] ?? ort.env.versions?.common;
  return {
    name: `ONNX Runtime ${flavour}`,
    version: `onnxruntime-${flavour} ${version}, ${flavour === 'web' ? 'WebAssembly' : 'native'}, 1 thread`,
    checkedWith: 'sgd',
    limitation: (_, kind) =>
      kind === 'train' ? 'it cannot train' : kind === 'create' ? 'it cannot create models' : '',

    async build({ workload, weights, data }) {
      const { units, batch, timeSteps, inputs, stateful } = workload;
      const hadWorkers = 'Worker' in globalThis;
      const session = await ort.InferenceSession.create(encodeOnnx(workload, weights), options);
      // Its global Worker is removed again, because jax-js would use it to start threads.
      if (!hadWorkers) Reflect.deleteProperty(globalThis, 'Worker');
      /** @type {Record<string, any>} */
      const feeds = { x: new ort.Tensor('float32', data.x, [batch, timeSteps, inputs]) };
      for (const [n, U] of stateful ? units.entries() : []) {
        feeds[`h${n}`] = new ort.Tensor('float32', new Float32Array(batch * U), [1, batch, U]);
        feeds[`c${n}`] = new ort.Tensor('float32', new Float32Array(batch * U), [1, batch, U]);
      }
      const predict = async () => {
        const results = await session.run(feeds);
        for (let n = 0; stateful && n < units.length; n++) {
          feeds[`h${n}`] = results[`nextH${n}`];
          feeds[`c${n}`] = results[`nextC${n}`];
        }
        return results.y.data;
      };
      return {
        outputs: async () => Float32Array.from(await predict()),
        train: cannotTrain,
        // The result is not a number, so the sink only counts calls.
        measure: measuredAsync(predict, async () => cannotTrain()),
        dispose: () => session.release(),
      };
    },
  };
}
