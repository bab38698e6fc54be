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

/** The same with the layers from their own subpath, of which esbuild leaves out those that are not used. */
export const seedOfLayers = seed.replace(
  "import { layers, sequential, train } from 'lstm-wasm';",
  "import { sequential, train } from 'lstm-wasm';\nimport * as layers from 'lstm-wasm/layers';",
);

/** The same without the parts of models that it does not use. */
export const seedOfCore = seedOfLayers.replace("from 'lstm-wasm';", "from 'lstm-wasm/core';");

/** The same in a worker. */
export const seedInWorker = `
import * as layers from 'lstm-wasm/layers';
import { connect } from 'lstm-wasm/worker';
const model = await connect().sequential();
await model.add(layers.lstm({ units: 20, returnSequences: true, stateful: true, batchInputShape: [50, 20, 1] }));
await model.add(layers.timeDistributed({ layer: layers.dense({ units: 1 }) }));
await model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
globalThis.cost = await model.trainOnBatch(globalThis.xs, globalThis.ys);
globalThis.prediction = await model.predict(globalThis.xs, { batchSize: 50 });
`;

/** A program that never trains. */
export const predictions = `
import { dense, loadModel, lstm } from 'lstm-wasm/predict';
const model = await loadModel('model.json', { layers: [lstm, dense] });
globalThis.prediction = model.predict(globalThis.xs);
globalThis.next = model.stream().step(globalThis.xs[0][0]);
`;

/** Chained methods are added to the class of tensors by this file, which a bundler must not drop. */
const methods = 'src/tensor/methods.ts';

/**
 * Sources that the bundles of programs must not contain, and one that they must contain.
 *
 * @type {{ what: string, program: string, without: RegExp, keeps?: string }[]}
 */
export const shaken = [
  {
    what: 'a program that does not save contains no other formats, workers or plots',
    program: seed,
    keeps: methods,
    without: /^src\/(keras|onnx|safetensors|plot|worker)\/|^dist\/(svg|scales|protobuf|zip|dom)-/,
  },
  {
    what: "a program of 'lstm-wasm/core' contains no parts that it does not use",
    program: seedOfCore,
    without:
      /^src\/model\/(customScores|functional|inspect|snapshot|stream|streamGraph|summary)\.ts|^src\/saving\/|^src\/tensor\/(arithmetic|methods|reduce)\.ts|^src\/inputs\/sampleWeights\.ts|^src\/objective\/metrics\.ts|^src\/wasm\/modules\/(?!core|training|operations)/,
  },
  {
    what: "a program that imports only 'lstm-wasm/data' contains no kernels and no layers",
    program: "import { sineCosine, windows } from 'lstm-wasm/data';\nglobalThis.data = [sineCosine, windows];",
    keeps: methods,
    without: /^src\/(wasm|layers|optimizers|saving|training|plot)\//,
  },
  {
    what: "all exports of 'lstm-wasm/data' contain no kernels",
    program: "import * as data from 'lstm-wasm/data';\nglobalThis.data = data;",
    without: /^src\/(wasm|layers|optimizers|saving)\//,
  },
  {
    what: 'a program that reads a table and computes baselines contains no kernels and no tensors',
    program:
      "import { mase, readCsv, seasonalNaive } from 'lstm-wasm/forecast';\nglobalThis.all = [mase, readCsv, seasonalNaive];",
    without: /^src\/(wasm|layers|optimizers|saving|tensor|data)\//,
  },
  {
    what: 'a program with one plot contains neither kernels nor the other plots',
    program: "import { predictionPlot } from 'lstm-wasm/plot';\nglobalThis.plot = predictionPlot;",
    without:
      /^src\/(wasm|layers|tensor|saving|data)\/|^src\/plot\/(animation|backtestPlot|bands|barColumn|benchmarkChart|cell(Diagram|Plans)|chainDiagram|confusionMatrixPlot|forecast(Data|Plot)|gateHeatmap|lossPlot|residualPlot|terminalPlot)\.ts/,
  },
  {
    what: 'a program that only predicts contains no tensors, no training and no layers of models',
    program: predictions,
    without:
      /^src\/(tensor|training|optimizers|objective|weights|model|inputs)\/|^src\/layers\/(layer|dense|recurrent)|^src\/wasm\/(engine|team|binaries)/,
  },
  {
    what: 'a program that only writes ONNX contains no HDF5',
    program: "import { toOnnx } from 'lstm-wasm/onnx';\nglobalThis.write = toOnnx;",
    without: /^src\/keras\/|^dist\/(svg|scales|zip|dom)-/,
  },
];
