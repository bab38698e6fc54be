/** Programs that are bundled to test tree shaking. */

/** The exports that the seed program uses, kept by a reference that a bundler cannot remove. */
export const seed = `
import { layers, sequential, train } from 'lstm-wasm';
const model = sequential();
model.add(layers.lstm({ units: 20, returnSequences: true, stateful: true, batchInputShape: [50, 20, 1] }));
model.add(layers.timeDistributed({ layer: layers.dense({ units: 1 }) }));
model.compile({ optimizer: train.adam(0.006), loss: 'meanSquaredError' });
globalThis.cost = model.trainOnBatch(globalThis.xs, globalThis.ys);
globalThis.prediction = model.predict(globalThis.xs, { batchSize: 50 });
`;

/**
 * Sources that the bundles of programs must not contain.
 *
 * @type {{ what: string, program: string, without: RegExp }[]}
 */
export const shaken = [
  {
    what: 'a program that never saves carries no other formats, no workers, no plots',
    program: seed,
    without: /^src\/(keras|onnx|safetensors|plot|worker)\/|^node_modules\/(fflate|pbf|d3-|@svgdotjs|linkedom)/,
  },
  {
    what: "a program of 'lstm-wasm/data' alone carries no kernels and no layers",
    program: "import { sineCosine, windows } from 'lstm-wasm/data';\nglobalThis.data = [sineCosine, windows];",
    without: /^src\/(engine|layers|optimizers|saving|training|plot)\//,
  },
  {
    what: "everything of 'lstm-wasm/data' carries no kernels",
    program: "import * as data from 'lstm-wasm/data';\nglobalThis.data = data;",
    without: /^src\/(engine|layers|optimizers|saving)\//,
  },
  {
    what: 'a program that draws one plot carries neither kernels nor the other plots',
    program: "import { predictionPlot } from 'lstm-wasm/plot';\nglobalThis.plot = predictionPlot;",
    without:
      /^src\/(engine|layers|tensor|saving|data)\/|^src\/plot\/(animation|bars|benchmark|cells?|chain|heatmap|loss|terminal)\.ts/,
  },
  {
    what: 'a program that only writes ONNX carries no HDF5',
    program: "import { toOnnx } from 'lstm-wasm/onnx';\nglobalThis.write = toOnnx;",
    without: /^src\/keras\//,
  },
];
