/** ONNX Runtime, as WebAssembly and as native code, on one or several threads. It can only predict. */

import { encodeOnnx } from '../onnx.js';
import { inNode } from './remote.js';
import { cannotTrain, load, measuredAsync, named } from './rival.js';

/** @typedef {import('./rival.js').Rival} Rival */

/** @type {Rival['limitation']} */
const onnxLimitation = (_, kind) =>
  kind === 'train' ? 'it cannot train' : kind === 'create' ? 'it cannot create models' : '';

/**
 * The same on several threads, in a process of its own, because the number of threads is set for the whole process.
 * @param {'web' | 'node'} flavour
 * @param {number} threads
 */
export const onnxRuntimeOnThreads = (flavour, threads) =>
  inNode(
    { file: 'onnxruntime', name: 'onnxRuntime', args: [flavour, threads] },
    { name: named(`ONNX Runtime ${flavour}`, threads), threads, limitation: onnxLimitation },
  );

/**
 * @param {'web' | 'node'} flavour
 * @param {number} [threads]
 * @returns {Promise<Rival>}
 */
export async function onnxRuntime(flavour, threads = 1) {
  const ort = await load(`onnxruntime-${flavour}`);
  if (flavour === 'web') ort.env.wasm.numThreads = threads;
  const options = {
    executionProviders: [flavour === 'web' ? 'wasm' : 'cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
  };
  const version = ort.env.versions?.[flavour] ?? ort.env.versions?.common;
  return {
    name: named(`ONNX Runtime ${flavour}`, threads),
    threads,
    version: `onnxruntime-${flavour} ${version}, ${flavour === 'web' ? 'WebAssembly' : 'native'}, ${threads} thread${threads > 1 ? 's' : ''}`,
    checkedWith: 'sgd',
    limitation: onnxLimitation,

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
